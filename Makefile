# The targets people know. Two are enough to begin: `make dev` and `make test`.
.DEFAULT_GOAL := help
SHELL := /bin/sh
PYTHON ?= python3
WORKLOAD ?= workloads/shop/workload.py
VENV := .venv
BIN := $(VENV)/bin
WEB := workloads/track/web

.PHONY: help dev setup web client test soak lint types imports check lock benchmark policy clean

help:  ## the targets, one line each
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 10

# Only track has a front end that must be built before its site can be served.
dev: $(VENV)/.installed $(if $(findstring workloads/track,$(WORKLOAD)),$(WEB)/dist/index.html)  ## run a workload on this machine (WORKLOAD=path/to/workload.py)
	@$(BIN)/rung dev $(WORKLOAD)

setup: $(VENV)/.installed $(WEB)/dist/index.html  ## .venv from hash-locked requirements; the front end of track built

$(VENV)/.installed: requirements.lock pyproject.toml scripts/setup
	@PYTHON="$(PYTHON)" scripts/setup $(VENV) requirements.lock
	@touch $@

$(WEB)/dist/index.html: $(VENV)/.installed scripts/web $(shell find $(WEB) -name node_modules -prune -o -name dist -prune -o -type f -print)
	@scripts/web $(VENV) $(WEB) build

web: setup  ## lint, types and unit tests of the front end of track
	@scripts/web $(VENV) $(WEB) check

client: setup  ## generate the client of track's front end anew from the API's document
	cd workloads/track && ../../$(BIN)/python -m track.api.write_openapi openapi.json
	@scripts/web $(VENV) $(WEB) client

test: setup policy  ## every test, on real parts; those that measure time have the machine to themselves
	scripts/test $(BIN)/python

soak: setup  ## the faults at their full counts (RUNG_SOAK_SHARE=0.1: a tenth of them)
	$(BIN)/python -m pytest -q -m soak --timeout 3600

lint: setup  ## style
	$(BIN)/ruff check . && $(BIN)/ruff format --check .

types: setup  ## mypy (strict) and basedpyright
	$(BIN)/mypy && $(BIN)/basedpyright

imports: setup  ## imports point one way
	$(BIN)/lint-imports

check: lint types imports web test  ## what CI runs

lock: setup  ## resolve pyproject.toml anew into requirements*.lock
	scripts/lock

benchmark: $(VENV)-benchmark/.installed  ## one table against its peers (NAME=queues; see benchmarks/)
	$(VENV)-benchmark/bin/python benchmarks/$(NAME).py $(ARGUMENTS)

$(VENV)-benchmark/.installed: requirements-benchmark.lock pyproject.toml scripts/setup
	@PYTHON="$(PYTHON)" scripts/setup $(VENV)-benchmark requirements-benchmark.lock
	@touch $@

policy: $(VENV)-policy/.installed  ## Checkov, which scans plans, in a virtual environment of its own

$(VENV)-policy/.installed: requirements-policy.lock scripts/setup
	@PYTHON="$(PYTHON)" scripts/setup $(VENV)-policy requirements-policy.lock tools
	@touch $@

clean:  ## remove what setup and dev made
	rm -rf $(VENV) $(VENV)-benchmark $(VENV)-policy .tools .rung workloads/*/.rung $(WEB)/dist $(WEB)/node_modules

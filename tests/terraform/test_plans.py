"""Every workload in every environment on every rung has a plan.

Those of the gate are planned against emulators (test_gate.py). The others are planned here by one process of
Terraform, on mocked answers of AWS: the provider checks every argument, and nothing is asked of anybody.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from tests.rungs.test_access import GRAPHS
from tests.terraform import module_harness as harness
from tests.terraform import shop
from tests.terraform.attached import attached
from tests.terraform.test_gate import GATED
from tests.terraform.tool import Terraform

from rung import compose
from rung.errors import ModelError
from rung.model.graph import Graph
from rung.model.nodes import Environment
from rung.parts.design import Design
from rung.rungs import place
from rung.terraform.root import compile as compiled

#: What a root asks for beyond what modules ask for.
ANSWERS = """\
mock_data "aws_caller_identity" {
  defaults = { account_id = "123456789012" }
}
"""
TEST = """\
mock_provider "aws" {
  source = "../modules/testing"
}

mock_provider "aws" {
  alias  = "us_east_1"
  source = "../modules/testing"
}

variables {
%(variables)s
}

run "plan" {
  command = plan

  module {
    source = "../%(case)s"
  }
}
"""


def cases() -> Iterator[tuple[str, Graph, Design]]:
    """Name, graph and design of every workload in every environment on every rung that holds it."""
    for name, graph in GRAPHS.items():
        for environment in graph.of(Environment):
            for rung in shop.RUNGS:
                with suppress(ModelError):
                    design = place(graph, environment.name, rung=rung)
                    yield f"{name}-{environment.name}-{rung}", graph, design


def write_root(case: str, graph: Graph, design: Design, folder: Path) -> None:
    """One root below `folder`, and its user data."""
    own = f"infra/{design.environment}/"
    stacks = compose.files(design, graph)
    files = {path.removeprefix(own): text for path, text in stacks.items() if path.startswith(own)}
    shop.write(folder / case, files | compiled(design, compose.late_values(design)))


def write_test(case: str, folder: Path) -> None:
    """The test that plans a root."""
    declared = (folder / case / "variables.tf").read_text()
    told = {name.removeprefix("TF_VAR_"): value for name, value in shop.VARIABLES.items()}
    lines = [f"  {name} = {json.dumps(value)}" for name, value in told.items() if f'"{name}"' in declared]
    text = TEST % {"case": case, "variables": "\n".join(lines)}
    shop.write(folder / "together", {f"tests/{case}.tftest.hcl": text})


def copy_modules(folder: Path) -> None:
    """The modules, with a word in place of what Secrets Manager would generate: Terraform cannot mock that."""
    shutil.copytree(harness.MODULES, folder)
    shop.write(folder / "testing", {"roots.tfmock.hcl": ANSWERS})
    generating = folder / "secret" / "main.tf"
    text = generating.read_text()
    text, blocks = re.subn(r'(?ms)^ephemeral "aws_secretsmanager_random_password".*?^}\n', "", text)
    text, uses = re.subn(r"ephemeral\.aws_secretsmanager_random_password[\w.\[\]]+", '"generated"', text)
    assert (blocks, uses) == (1, 2)
    generating.write_text(text)


@pytest.mark.terraform
@pytest.mark.timeout(280)
def test_every_placement_has_a_plan(terraform: Terraform, tmp_path: Path, subtests: pytest.Subtests) -> None:
    for case, graph, design in cases():
        write_root(case, graph, design, tmp_path)
    assert terraform.format_differences(tmp_path) == ""
    copy_modules(tmp_path / "modules")
    gated = {f"shop-{environment}-{rung}" for environment, rung in GATED}
    planned = [case for case, _, _ in cases() if case not in gated]
    for case in planned:
        write_test(case, tmp_path)
    root = tmp_path / "together"
    shutil.copy(harness.MODULES / "network" / "versions.tf", root)
    with attached(terraform) as runner:
        runner.init(root)
        result = runner.run(root, "test", "-json", "-no-color", check=False)
    outcomes = {case: harness.Outcome() for case in planned}
    said = [json.loads(line) for line in result.stdout.splitlines()]
    for event in said:
        harness.note(event, outcomes)
    warnings = {event["@message"] for event in said if event["@level"] == "warn"}
    assert warnings == {"Warning: Backend configuration ignored"}, "nothing that we write is deprecated"
    for case, outcome in outcomes.items():
        with subtests.test(case):
            assert not outcome.complaints, "\n".join(outcome.complaints)
            assert outcome.passed == 1

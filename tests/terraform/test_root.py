"""The root of shop: what it says, how long it is, that an edge less is access less."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from tests.terraform import golden, shop

from rung.parts.design import Design
from rung.terraform.hcl import WIDTH
from rung.terraform.root import compile as compiled
from rung.terraform.root import modules_of
from rung.terraform.setting import Setting, UnknownVariableError
from rung.terraform.waivers import WAIVERS

PROD = ("prod", "fargate")


def _root(environment: str, rung: str) -> dict[str, str]:
    return compiled(shop.design(environment, rung), shop.late(environment, rung))


def _text(design: Design) -> str:
    return "\n".join(text for name, text in compiled(design).items() if name.endswith(".tf"))


def lines_to_review(files: Mapping[str, str]) -> int:
    """The lines of a root module that a person must review: all of its Terraform, empty lines and comments too."""
    return sum(len(text.splitlines()) for name, text in files.items() if name.endswith(".tf"))


def test_roots_are_those_that_were_reviewed() -> None:
    """After a change that is meant: `python -m tests.terraform.golden`, and read the difference."""
    reviewed = {
        path.relative_to(golden.FOLDER).as_posix(): path.read_text() for path in golden.FOLDER.rglob("*.*")
    }
    assert golden.roots() == reviewed


def test_two_compilations_are_equal_to_the_byte() -> None:
    assert compiled(shop.design(*PROD)) == compiled(replace(shop.design(*PROD)))


def test_what_a_person_reviews_fits_into_an_hour() -> None:
    assert lines_to_review(_root(*PROD)) < 400


def test_every_block_that_a_node_asks_for_names_its_line() -> None:
    text = _text(shop.design(*PROD))
    comments = re.findall(r'^# (.*)\nmodule "([a-z_]+)"', text, re.MULTILINE)
    assert len(comments) == text.count('\nmodule "')
    lines = {label: comment for comment, label in comments}
    assert "(workload.py:" in lines["api"]
    assert "(workload.py:" in lines["orders"]


def test_values_equal_to_a_modules_default_are_left_out() -> None:
    text = _text(shop.design(*PROD))
    assert 'cidr = "10.0.0.0/16"' not in text
    assert "visibility_timeout_seconds = 30\n}" not in text


def test_an_argument_that_a_module_does_not_have_is_our_mistake() -> None:
    setting = Setting(design=shop.design(*PROD))
    with pytest.raises(UnknownVariableError, match="has no variable colour"):
        setting.call("orders", "sqs_queue", "", {"colour": "red"})
    with pytest.raises(UnknownVariableError, match="needs role, platform"):
        setting.call("api", "ecs_service", "", {})


def test_no_secret_and_no_account_is_in_the_files() -> None:
    text = _text(shop.design(*PROD))
    assert not re.search(r"\b\d{12}\b", text)
    assert "password" not in text.lower()


@pytest.mark.parametrize(("environment", "rung"), shop.placements())
def test_iam_has_no_wildcards(environment: str, rung: str) -> None:
    """In no action, and in no resource of what an edge asks for; a few platform actions have no resource."""
    grants = _root(environment, rung)["grants.tf"]
    assert not re.search(r'"[a-z0-9-]+:[A-Za-z]*\*', grants)
    everything = re.findall(r'^    (\w+) += \{[^\n]*resources = \["\*"\]', grants, re.MULTILINE)
    asked = {each.sid for each in shop.design(environment, rung).statements if each.edge is not None}
    assert not set(everything) & asked


def test_an_edge_less_is_access_less() -> None:
    """Dropped from the design: `api --send--> orders`. The statement, its use of the key, and nothing else go."""
    design = shop.design(*PROD)
    without = replace(
        design,
        statements=tuple(
            each for each in design.statements
            if each.edge is None or (each.edge.source, each.edge.verb) != ("api", "send")
        ),
        connections=tuple(each for each in design.connections if (each.source, each.target) != ("api", "cache")),
    )  # fmt: skip
    before, after = compiled(design)["grants.tf"], compiled(without)["grants.tf"]
    assert re.search(r"^    ApiSendOrders +=.*key = local.sqs_write_key", before, re.MULTILINE)
    assert "ApiSend" not in after
    assert re.search(r"^    api +=.*cache = \[6379\]", before, re.MULTILINE)
    assert not re.search(r"^    api +=.*cache", after, re.MULTILINE)
    assert "FulfilConsumeOrders" in after


def test_lines_of_prose_and_blocks_stay_readable() -> None:
    """Rows of tables may be longer than a screen; nothing else may."""
    for line in _text(shop.design(*PROD)).splitlines():
        assert len(line) <= WIDTH + 25 or " = { " in line or "split(" in line, line


def test_every_waiver_is_in_the_reference_with_its_reason() -> None:
    page = (Path(__file__).parents[2] / "docs/reference/policy-waivers.md").read_text()
    rows = dict(re.findall(r"^\| (CKV2?_AWS_\d+) \| (.+) \|$", page, re.MULTILINE))
    assert rows == WAIVERS


def test_modules_are_named_once_and_sorted() -> None:
    names = modules_of(shop.design(*PROD))
    assert list(names) == sorted(set(names))
    assert {"grants", "watch", "ecs_service", "aurora_cluster"} <= set(names)

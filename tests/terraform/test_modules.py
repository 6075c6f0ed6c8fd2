"""Every module is formatted, documented and does what its own tests say, on mocked AWS."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.terraform import module_harness as harness
from tests.terraform.attached import attached
from tests.terraform.tool import Terraform

REPOSITORY = Path(__file__).parents[2]
ALL = tuple(sorted(path.parent.name for path in harness.MODULES.glob("*/main.tf")))
TESTED = harness.tested_modules()


@pytest.mark.terraform
@pytest.mark.timeout(240)
def test_every_module_does_what_its_tests_say(
    terraform: Terraform, tmp_path: Path, subtests: pytest.Subtests
) -> None:
    """While working on one module: RUNG_MODULES=network,site pytest tests/terraform/test_modules.py"""
    modules = os.environ.get("RUNG_MODULES", "").split(",") if os.environ.get("RUNG_MODULES") else TESTED
    with attached(terraform) as runner:
        outcomes = harness.outcomes_of(runner, modules, tmp_path / "modules")
    for module, outcome in outcomes.items():
        with subtests.test(module):
            assert outcome.complaints == []
            assert outcome.passed == harness.run_count(module)


@pytest.mark.terraform
def test_every_file_is_formatted(terraform: Terraform) -> None:
    assert terraform.format_differences(harness.MODULES) == ""


def test_readmes_say_what_the_files_say() -> None:
    result = subprocess.run(
        [sys.executable, "scripts/module_docs.py", "--check"], cwd=REPOSITORY, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize("module", ALL)
def test_every_validation_has_a_run_that_expects_it_to_fail(module: str) -> None:
    variables = (harness.MODULES / module / "variables.tf").read_text()
    blocks = re.findall(r'(?ms)^variable "(\w+)" \{\n(.*?)^\}', variables)
    validations = {name: body.count("\n  validation {") for name, body in blocks if "\n  validation {" in body}
    tests = "".join(path.read_text() for path in (harness.MODULES / module / "tests").glob("*.tftest.hcl"))
    expected = re.findall(r"(?s)expect_failures = \[(.*?)\]\n", tests)
    refused = {name: sum(bool(re.search(rf"\bvar\.{name}\b", each)) for each in expected) for name in validations}
    short = {name: f"{refused[name]} of {count}" for name, count in validations.items() if refused[name] < count}
    assert short == {}, "validations without a run that fails them"

"""Every module is formatted, documented and does what its own tests say, on mocked AWS."""

from __future__ import annotations

import os
import re
import shutil
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
@pytest.mark.timeout(180)
def test_every_example_is_valid(terraform: Terraform, tmp_path: Path) -> None:
    """All of them from one root: each has a provider block, and each block would start a provider."""
    shutil.copytree(harness.MODULES, tmp_path / "modules")
    examples = sorted(path.parent for path in (tmp_path / "modules").glob("*/examples/basic/main.tf"))
    calls = [
        f'module "{path.parents[1].name}" {{\n  source = "./{path.relative_to(tmp_path)}"\n}}\n'
        for path in examples
    ]
    (tmp_path / "main.tf").write_text("\n".join(calls))
    with attached(terraform) as runner:
        runner.init(tmp_path)
        assert runner.validate(tmp_path) == []


@pytest.mark.parametrize("module", ALL)
def test_a_module_has_what_every_module_has(module: str) -> None:
    folder = harness.MODULES / module
    wanted = ("main.tf", "variables.tf", "outputs.tf", "versions.tf", "README.md", f"tests/{module}.tftest.hcl")
    assert [name for name in wanted if not (folder / name).is_file()] == []
    assert (folder / "variables.tf").read_text().startswith('variable "name" {')
    assert (folder / "versions.tf").read_text().startswith("# module version ")


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

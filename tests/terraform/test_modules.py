"""Every module is formatted, documented and does what its own tests say, on mocked AWS."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.terraform import module_harness as harness
from tests.terraform.tool import Terraform

SHARES = 2
SHARE_OF = harness.shares(harness.tested_modules(), SHARES)
REPOSITORY = Path(__file__).parents[2]
ALL = tuple(sorted(path.parent.name for path in harness.MODULES.glob("*/main.tf")))


@pytest.fixture(scope="session")
def outcomes(
    terraform: Terraform, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> dict[str, harness.Outcome]:
    """The outcomes of what was selected, filled share by share as they are asked for."""
    return _Outcomes(terraform, tmp_path_factory, _selected(request))


class _Outcomes(dict[str, harness.Outcome]):
    def __init__(self, terraform: Terraform, folders: pytest.TempPathFactory, selected: frozenset[str]) -> None:
        super().__init__()
        self.terraform = terraform
        self.folders = folders
        self.selected = selected

    def __missing__(self, module: str) -> harness.Outcome:
        together = [each for each in self.selected if SHARE_OF[each] == SHARE_OF[module]]
        self.update(harness.outcomes_of(self.terraform, together, self.folders.mktemp("modules") / "modules"))
        return self[module]


def _selected(request: pytest.FixtureRequest) -> frozenset[str]:
    """The modules whose tests this session runs: all of them, or those that -k left."""
    names = (getattr(item, "callspec", None) for item in request.session.items)
    return frozenset(spec.params["module"] for spec in names if spec and spec.params.get("module") in SHARE_OF)


@pytest.mark.terraform
@pytest.mark.timeout(240)
@pytest.mark.parametrize(
    "module",
    [
        pytest.param(module, marks=pytest.mark.xdist_group(f"modules-{share}"))
        for module, share in sorted(SHARE_OF.items())
    ],
)
def test_a_module_does_what_its_tests_say(module: str, outcomes: dict[str, harness.Outcome]) -> None:
    outcome = outcomes[module]
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
    if module not in SHARE_OF:
        pytest.skip("has no tests yet")
    variables = (harness.MODULES / module / "variables.tf").read_text()
    blocks = re.findall(r'(?ms)^variable "(\w+)" \{\n(.*?)^\}', variables)
    validations = {name: body.count("\n  validation {") for name, body in blocks if "\n  validation {" in body}
    tests = "".join(path.read_text() for path in (harness.MODULES / module / "tests").glob("*.tftest.hcl"))
    expected = re.findall(r"(?s)expect_failures = \[(.*?)\]\n", tests)
    refused = {name: sum(bool(re.search(rf"\bvar\.{name}\b", each)) for each in expected) for name in validations}
    short = {name: f"{refused[name]} of {count}" for name, count in validations.items() if refused[name] < count}
    assert short == {}, "validations without a run that fails them"


def test_shares_are_even() -> None:
    loads = [0] * SHARES
    for module, share in SHARE_OF.items():
        loads[share] += harness.run_count(module)
    assert max(loads) - min(loads) <= max(map(harness.run_count, SHARE_OF), default=0)

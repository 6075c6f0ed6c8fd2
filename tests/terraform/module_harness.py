"""Runs the `tests/*.tftest.hcl` of many modules from one root: one initialisation and one schema for all of them.

A root per module costs three seconds of processor before its first run: `terraform test` reads the whole schema of
the provider. Here each `run` block is given the module it belongs to, the files share a root, and the provider is
started once (`attached`).
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.terraform.tool import Terraform

import rung

MODULES = Path(rung.__file__).parent / "terraform" / "modules"
RUN = re.compile(r'^run "(?P<name>[^"]+)" \{\n', re.MULTILINE)
OWN_SOURCE = re.compile(r'^    source += +"(?P<path>\./[^"]+)"', re.MULTILINE)
#: Where modules and mocks lie as seen from the common root; a module's own tests say `../testing` likewise.
FROM_ROOT = "../"


@dataclass(slots=True)
class Outcome:
    """What the tests of one module came to: how many runs passed, and what the others said."""

    passed: int = 0
    complaints: list[str] = field(default_factory=list)


def tested_modules() -> tuple[str, ...]:
    """The modules that have tests, in order."""
    return tuple(sorted({path.parent.parent.name for path in MODULES.glob("*/tests/*.tftest.hcl")}))


def run_count(module: str) -> int:
    """How many `run` blocks the tests of `module` have: what they cost, nearly."""
    return sum(len(RUN.findall(path.read_text())) for path in (MODULES / module / "tests").glob("*.tftest.hcl"))


def outcomes_of(terraform: Terraform, modules: Iterable[str], directory: Path) -> Mapping[str, Outcome]:
    """Run the tests of `modules` in one process below `directory`; what each came to."""
    names = sorted(modules)
    shutil.copytree(MODULES, directory, dirs_exist_ok=True)
    root = directory / "together"
    (root / "tests").mkdir(parents=True)
    shutil.copy(MODULES / names[0] / "versions.tf", root)
    for module in names:
        for path in sorted((MODULES / module / "tests").glob("*.tftest.hcl")):
            (root / "tests" / f"{module}.{path.name}").write_text(_of_module(path.read_text(), module))
    terraform.init(root)
    result = terraform.run(root, "test", "-json", "-no-color", check=False)
    outcomes = {module: Outcome() for module in names}
    for line in result.stdout.splitlines():
        note(json.loads(line), outcomes)
    if result.returncode and not any(outcome.complaints for outcome in outcomes.values()):
        outcomes[names[0]].complaints.append(result.stdout + result.stderr)
    return outcomes


def _of_module(text: str, module: str) -> str:
    """The same tests, with each run that tests its own root testing `module` instead."""
    text = OWN_SOURCE.sub(lambda found: f'    source = "{FROM_ROOT}{module}/{found["path"]}"', text)
    blocks = re.split(r'(?m)^(?=run ")', text)
    source = f'  module {{\n    source = "{FROM_ROOT}{module}"\n  }}\n\n'
    own = [re.search(r"(?m)^  module \{", block) is not None for block in blocks]
    return "".join(
        block if has_own else RUN.sub(lambda found: found[0] + source, block)
        for block, has_own in zip(blocks, own, strict=True)
    )


def note(event: dict[str, object], outcomes: Mapping[str, Outcome]) -> None:
    """What one line of `terraform test -json` says of the module or root its file is named after."""
    module = str(event.get("@testfile", "")).removeprefix("tests/").split(".")[0]
    if module not in outcomes:
        if event.get("@level") == "error" and event.get("type") == "diagnostic":
            next(iter(outcomes.values())).complaints.append(str(event))
        return
    outcome = outcomes[module]
    match event:
        case {"type": "test_run", "test_run": {"progress": "complete", "status": "pass"}}:
            outcome.passed += 1
        case {"type": "diagnostic", "@level": "error", "diagnostic": {**said}}:
            outcome.complaints.append(f"{event.get('@testrun', '')}: {said.get('summary')}: {said.get('detail')}")
        case _:
            pass

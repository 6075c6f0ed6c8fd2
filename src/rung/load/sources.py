"""Where journeys come from: the user's module, or the routes that the workload's traffic names."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from pathlib import Path

from rung.errors import Finding, MachineError
from rung.load.journey import Journey, Step
from rung.load.plan import Plan


def journeys_of(plan: Plan) -> list[Journey]:
    """The plan's journeys. Raises MachineError (R0603) when the module does not hold any."""
    if not plan.journeys:
        return journeys_of_routes(plan.routes)
    return load_journeys(plan.journeys, plan.folder)


def journeys_of_routes(routes: Sequence[tuple[str, float]]) -> list[Journey]:
    """One visit of one GET per route, by its weight."""
    return [Journey(path, [Step("GET", path)], weight=weight) for path, weight in routes]


def load_journeys(reference: str, folder: str) -> list[Journey]:
    """The journeys at "package.module:object", imported from `folder`. Raises MachineError (R0603)."""
    module_name, _, attribute = reference.partition(":")
    if folder not in sys.path:
        sys.path.insert(0, folder)
    try:
        found = getattr(importlib.import_module(module_name), attribute or "journeys")
    except (Exception, SystemExit) as problem:
        raise MachineError(
            Finding(
                code="R0603",
                severity="error",
                message=f'the journeys "{reference}" cannot be imported',
                found=f"{type(problem).__name__}: {problem}",
                effect="no load was sent",
                help=f"name a list of rung.load.Journey that can be imported from {folder}",
            )
        ) from problem
    journeys = [found] if isinstance(found, Journey) else found
    if isinstance(journeys, list | tuple) and journeys and all(isinstance(one, Journey) for one in journeys):
        return list(journeys)
    raise MachineError(
        Finding(
            code="R0603",
            severity="error",
            message=f'"{reference}" holds no journeys',
            found=f"a {type(found).__name__}",
            effect="no load was sent",
            help="make it a rung.load.Journey or a list of them",
        )
    )


def journeys_beside(workload_file: Path, name: str) -> str | None:
    """ "<name>.journeys:journeys" when the workload's package has such a module, else None."""
    module = workload_file.parent / name / "journeys.py"
    return f"{name}.journeys:journeys" if module.is_file() else None

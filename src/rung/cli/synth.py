"""`rung synth [FILE] --env prod`: the files of an environment on AWS (docs/reference/synth.md)."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rung.model.graph import Graph
    from rung.parts.design import Design
    from rung.terraform.writing import Outcome

SCHEMA = "rung.synth/1"


def configure(parser: argparse._SubParsersAction[Any]) -> None:
    """Add the command to the parser."""
    command = parser.add_parser("synth", help="write what an environment becomes on AWS, as plain Terraform")
    command.add_argument("file", nargs="?", default="workload.py", metavar="FILE", help="the workload file")
    command.add_argument(
        "--env", "--environment", dest="environment", metavar="NAME", required=True, help="the environment"
    )
    command.add_argument(
        "--rung",
        choices=("box", "host", "fargate", "eks", "serverless"),
        help="another rung than the environment's own",
    )
    command.add_argument("--out", metavar="DIR", help="where to write (the folder of the workload file)")
    command.add_argument("--force", action="store_true", help="write over files that were changed by hand, too")
    command.add_argument("--format", choices=("text", "json"), default="text", help="json is for programs")


def run(arguments: argparse.Namespace) -> int:
    """Write one environment. 0 when everything was written, 1 when a file was kept that somebody else changed, or
    the locked packages cannot serve it."""
    from rung.delivery.front_ends import site_findings
    from rung.delivery.packages import package_findings
    from rung.model.read import load_workload
    from rung.terraform.writing import findings_of, write

    graph = load_workload(arguments.file)
    designs = designs_of(graph, arguments.environment, arguments.rung)
    files = files_of(graph, designs, (arguments.environment,))
    root = Path(arguments.out) if arguments.out else Path(arguments.file).resolve().parent
    outcomes = write(root, files, (f"infra/{arguments.environment}/",), force=arguments.force)
    design = designs[arguments.environment]
    project = (*package_findings(design, Path(arguments.file).resolve().parent), *site_findings(graph))
    findings = (*findings_of(outcomes), *project)
    if arguments.format == "json":
        print(json.dumps(_document(design, root, outcomes, findings), indent=2))
    else:
        _print_text(design, root, files, outcomes, findings)
    return int(any(finding not in project or finding.severity == "error" for finding in findings))


def designs_of(graph: Graph, environment: str, rung: str | None = None) -> dict[str, Design]:
    """The designs of all environments; `rung` is for `environment` alone. Raises ModelError.

    Other environments whose rung has no Terraform yet are left out: they keep nobody from writing this one.
    """
    from rung.model.nodes import Environment
    from rung.rungs import place
    from rung.terraform.unwritten import is_written

    chosen = place(graph, environment, rung=rung)
    names = [node.name for node in graph.of(Environment)] or [environment]
    designs = {name: chosen if name == environment else place(graph, name) for name in names}
    return {name: design for name, design in designs.items() if design is chosen or is_written(design)}


def files_of(graph: Graph, designs: Mapping[str, Design], chosen: tuple[str, ...]) -> dict[str, str]:
    """Everything that is generated for the environments `chosen`, by path below the application's folder."""
    from rung import compose, delivery
    from rung.terraform.tree import tree

    late = {name: compose.late_values(designs[name]) for name in chosen}
    machines = {path: text for name in chosen for path, text in compose.files(designs[name], graph).items()}
    return {**tree(designs, chosen, late), **machines, **delivery.files(graph, designs)}


def _document(design: Design, root: Path, outcomes: list[Outcome], findings: Any) -> dict[str, object]:
    from rung.cli.printing import finding_as_json

    return {
        "schema": SCHEMA,
        "workload": design.workload,
        "environment": design.environment,
        "rung": design.rung,
        "root": str(root),
        "files": [{"path": each.path, "state": each.state} for each in outcomes],
        "findings": [finding_as_json(each) for each in findings],
    }


def _print_text(
    design: Design, root: Path, files: Mapping[str, str], outcomes: list[Outcome], findings: Any
) -> None:
    from rung.cli.printing import print_findings

    print_findings(findings, sys.stderr)
    states = ("new", "changed", "removed", "kept", "unchanged")
    counts = {state: sum(each.state == state for each in outcomes) for state in states}
    said = ", ".join(f"{number} {state}" for state, number in counts.items() if number)
    folder = f"infra/{design.environment}"
    own = [text for path, text in files.items() if path.startswith(f"{folder}/") and path.endswith(".tf")]
    print(f"{design.workload} in {design.environment} on {design.rung}: {len(design.parts)} parts")
    print(f"  {root}: {len(outcomes)} files: {said}")
    lines = sum(text.count("\n") for text in own)
    there = "" if root.resolve() == Path.cwd() else f" -C {root}"
    print(f"  {folder}: {lines} lines to review; next: make{there} plan ENV={design.environment}")

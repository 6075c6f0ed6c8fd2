"""`rung check [FILE]`: everything that is wrong with a workload, as text or JSON (docs/reference/check.md)."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from rung.cli.printing import count, finding_as_json, print_findings
from rung.errors import Finding, ModelError
from rung.model.checks import check
from rung.model.codec import encode
from rung.model.graph import Graph
from rung.model.read import load_workload

SCHEMA = "rung.check/1"


def configure(parser: argparse._SubParsersAction[Any]) -> None:
    """Add the command to the parser."""
    command = parser.add_parser("check", help="report everything that is wrong with a workload file")
    command.add_argument(
        "file", nargs="?", default="workload.py", metavar="FILE", help="the workload file, or a graph (.json)"
    )
    command.add_argument(
        "--env", "--environment", dest="environment", metavar="NAME", help="one environment, with its overrides"
    )
    command.add_argument("--graph", action="store_true", help="print the graph as JSON too")
    command.add_argument("--strict", action="store_true", help="exit 1 on warnings as well")
    command.add_argument("--format", choices=("text", "json"), default="text", help="json is for programs")


def run(arguments: argparse.Namespace) -> int:
    """Check one file. 0 when nothing is an error, 1 otherwise."""
    graph: Graph | None = None
    try:
        graph = load_workload(arguments.file)
        findings = (*check(graph, environment=arguments.environment), *_beside(graph))
    except ModelError as error:
        findings = error.findings
    if arguments.format == "json":
        print(json.dumps(_document(arguments, graph, findings), indent=2))
    else:
        _print_text(arguments, graph, findings)
    failing = ("error", "warning") if arguments.strict else ("error",)
    return int(any(finding.severity in failing for finding in findings))


def _beside(graph: Graph) -> tuple[Finding, ...]:
    """What is wrong with the Dockerfile beside the workload file, when there is one."""
    file = Path(graph.root) / "Dockerfile"
    if not file.is_file():
        return ()
    from rung.delivery.dockerfile_findings import dockerfile_findings

    return dockerfile_findings(file.read_text(encoding="utf-8", errors="replace"), str(file))


def _document(
    arguments: argparse.Namespace, graph: Graph | None, findings: tuple[Finding, ...]
) -> dict[str, object]:
    document: dict[str, object] = {
        "schema": SCHEMA,
        "file": arguments.file,
        "workload": None if graph is None else graph.name,
        "environment": arguments.environment,
        "summary": count(findings),
        "findings": [finding_as_json(finding) for finding in findings],
    }
    if arguments.graph:
        document["graph"] = None if graph is None else encode(graph)
    return document


def _print_text(arguments: argparse.Namespace, graph: Graph | None, findings: tuple[Finding, ...]) -> None:
    """Findings and a summary; with --graph they give way to the graph, which then has standard output alone."""
    stream = sys.stderr if arguments.graph else sys.stdout
    print_findings(findings, stream)
    print(_summary(arguments, graph, findings), file=stream)
    if arguments.graph and graph is not None:
        print(json.dumps(encode(graph), indent=2))


def _summary(arguments: argparse.Namespace, graph: Graph | None, findings: tuple[Finding, ...]) -> str:
    words = [
        f"{number} {name if number != 1 else name[:-1]}" for name, number in count(findings).items() if number
    ]
    result = ", ".join(words) or "nothing to report"
    if graph is None:
        return f"{arguments.file}: {result}"
    where = f" in {arguments.environment}" if arguments.environment else ""
    size = f"{_counted(len(graph.nodes), 'node')}, {_counted(len(graph.edges), 'edge')}"
    return f"{graph.name}{where}: {size}: {result}"


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"

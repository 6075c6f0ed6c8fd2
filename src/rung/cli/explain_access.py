"""`rung explain-access NAME`: what one node or part may do, who may do what with it, and why."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from rung.errors import Location

if TYPE_CHECKING:
    from rung.rungs.explaining import Explanation, Right

SCHEMA = "rung.explain-access/1"


def configure(parser: argparse._SubParsersAction[Any]) -> None:
    """Add the command to the parser."""
    command = parser.add_parser("explain-access", help="say who may do what with a node or a part, and why")
    command.add_argument("name", metavar="NAME", help="a node of the workload, or a part of its design")
    command.add_argument(
        "--file", default="workload.py", metavar="FILE", help="the workload file, or a graph (.json)"
    )
    command.add_argument(
        "--env",
        "--environment",
        dest="environment",
        metavar="NAME",
        help="the environment, else the first one in production",
    )
    command.add_argument(
        "--rung", metavar="RUNG", help="box, host, fargate, eks or serverless; the environment's own if left out"
    )
    command.add_argument("--format", choices=("text", "json"), default="text", help="json is for programs")


def run(arguments: argparse.Namespace) -> int:
    """Place the workload and explain. Raises ModelError when it cannot be placed, UsageError for unknown names."""
    from rung.model.read import load_workload
    from rung.rungs import place
    from rung.rungs.explaining import access_of

    graph = load_workload(arguments.file)
    design = place(graph, arguments.environment or _production(graph), rung=arguments.rung)
    explanation = access_of(graph, design, arguments.name)
    if arguments.format == "json":
        print(json.dumps(_document(explanation), indent=2))
    else:
        print("\n".join(_lines(explanation)))
    return 0


def _production(graph: Any) -> str:
    from rung.model.nodes import Environment

    environments = graph.of(Environment)
    return next(
        (each.name for each in environments if each.production), environments[0].name if environments else "prod"
    )


def _lines(explanation: Explanation) -> Iterable[str]:
    yield f'{explanation.kind} "{explanation.name}" in {explanation.environment} on {explanation.rung}'
    if explanation.shares:
        yield f'  it shares the role and the address of "{explanation.shares}" with everything on that machine'
    yield ""
    yield "may"
    yield from _rows(explanation.may, inwards=False)
    yield ""
    yield "is open to"
    yield from _rows(explanation.open_to, inwards=True)
    yield ""
    yield "Whatever is not listed is denied."


def _rows(rights: tuple[Right, ...], *, inwards: bool) -> Iterable[str]:
    if not rights:
        yield "  nothing" if not inwards else "  nobody"
    for right in rights:
        who = f"{right.who}: " if inwards else ""
        yield f"  {who}{', '.join(right.does)}  on  {', '.join(right.what)}"
        if right.when:
            yield (
                f"      if {', and '.join(right.when)}"
                if right.means == "aws"
                else f"      {', '.join(right.when)}"
            )
        yield f"      {_because(right)}"


def _because(right: Right) -> str:
    if right.edge is None:
        return f"the platform: {right.why}"
    where = f"  ({right.location.file}:{right.location.line})" if right.location is not None else ""
    return f"{right.edge.source} --{right.edge.verb}--> {right.edge.target}{where}"


def _document(explanation: Explanation) -> dict[str, object]:
    return {
        "schema": SCHEMA,
        "name": explanation.name,
        "kind": explanation.kind,
        "rung": explanation.rung,
        "environment": explanation.environment,
        "shares": explanation.shares or None,
        "may": [_right(each) for each in explanation.may],
        "open_to": [_right(each) for each in explanation.open_to],
        "otherwise": "denied",
    }


def _right(right: Right) -> dict[str, object]:
    edge = right.edge
    return {
        "who": right.who,
        "means": right.means,
        "does": list(right.does),
        "what": list(right.what),
        "when": list(right.when),
        "edge": None if edge is None else {"source": edge.source, "verb": edge.verb, "target": edge.target},
        "why": right.why,
        "location": _location(right.location),
    }


def _location(location: Location | None) -> dict[str, object] | None:
    return None if location is None else {"file": location.file, "line": location.line, "text": location.text}

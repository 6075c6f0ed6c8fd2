"""How checks word what they found: one finding, complete, about one node."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rung.errors import Finding, Severity
from rung.model.graph import Graph
from rung.model.nodes import Node


def problem(
    graph: Graph, code: str, node: str, message: str, *, severity: Severity = "error", found: str = "",
    effect: str, advice: str, related: Iterable[str] = (),
) -> Finding:  # fmt: skip
    """A finding at the line of `node`; `related` names the other nodes whose lines help."""
    places = (graph.location(name) for name in related)
    return Finding(
        code=code, severity=severity, message=message, location=graph.location(node), found=found, effect=effect,
        help=advice, related=tuple(place for place in places if place is not None),
    )  # fmt: skip


def label(node: Node) -> str:
    """`queue "orders"`."""
    return f'{node.kind} "{node.name}"'


def place(graph: Graph, name: str) -> str:
    """`service "api", workload.py:13`: a node and where it stands, for use inside a sentence."""
    node, location = graph.by_name.get(name), graph.location(name)
    text = label(node) if node is not None else f'"{name}"'
    return text if location is None else f"{text}, {location.file}:{location.line}"


def counted(graph: Graph, noun: str, nodes: Sequence[str]) -> str:
    """`1 sender (service "api", workload.py:13)`, `0 consumers`."""
    shown = "; ".join(place(graph, name) for name in nodes[:3])
    more = f"; and {len(nodes) - 3} more" if len(nodes) > 3 else ""
    return f"{len(nodes)} {noun}{'' if len(nodes) == 1 else 's'}" + (f" ({shown}{more})" if nodes else "")

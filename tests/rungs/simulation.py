"""IAM and security groups as AWS evaluates them, over a design: what is allowed, and what can be reached.

Identity policies hold Allow statements alone here, so that a request is allowed when one statement names its
action, its resource and its conditions, and denied otherwise. A resource is `part.output` and whatever follows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from fnmatch import fnmatchcase

from rung.model.edges import Edge
from rung.model.graph import Graph
from rung.parts.access import Condition, Statement
from rung.parts.design import Design
from rung.parts.values import Reference


def written(resource: Reference | str) -> str:
    """`uploads.arn/*`: the ARN of a part that is not built yet."""
    return (
        resource
        if isinstance(resource, str)
        else f"{resource.prefix}{resource.part}.{resource.output}{resource.suffix}"
    )


def allowed(
    design: Design, principal: str, action: str, resource: str, context: Mapping[str, str] | None = None
) -> Statement | None:
    """The statement that allows the request; None when it is denied."""
    for statement in design.statements:
        if (
            statement.principal == principal
            and any(fnmatchcase(action.lower(), pattern.lower()) for pattern in statement.actions)
            and any(fnmatchcase(resource, written(each)) for each in statement.resources)
            and all(_holds(condition, context or {}) for condition in statement.conditions)
        ):
            return statement
    return None


def _holds(condition: Condition, context: Mapping[str, str]) -> bool:
    assert condition.operator in ("StringEquals", "ArnEquals")
    return context.get(condition.key) in {written(value) for value in condition.values}


def reachable(design: Design, start: str) -> set[tuple[str, int]]:
    """Everything to which packets can get from `start`, directly or by way of others, with its port."""
    found: set[tuple[str, int]] = set()
    ends = [start]
    while ends:
        here = ends.pop()
        for each in design.connections:
            if each.source == here and (each.target, each.port) not in found:
                found.add((each.target, each.port))
                ends.append(each.target)
    return found


def access(design: Design) -> frozenset[tuple[object, ...]]:
    """Every single right in a design, whatever words it stands in."""
    return frozenset(_rights(design))


def _rights(design: Design) -> Iterator[tuple[object, ...]]:
    for statement in design.statements:
        conditions = tuple((each.key, *map(written, each.values)) for each in statement.conditions)
        for action in statement.actions:
            for resource in statement.resources:
                yield ("may", statement.principal, action, written(resource), conditions)
    for connection in design.connections:
        yield ("connects", connection.source, connection.target, connection.port)
    for egress in design.egress:
        yield ("leaves", egress.source, egress.host, egress.port)
    for grant in design.database_grants:
        for privilege in grant.privileges:
            yield ("queries", grant.role, grant.database, grant.schema, privilege)


def without(graph: Graph, *edges: Edge) -> Graph:
    """The graph with fewer edges."""
    return replace(graph, edges=tuple(edge for edge in graph.edges if edge not in edges))


def only(graph: Graph, *edges: Edge) -> Graph:
    """The graph with these edges alone."""
    return replace(graph, edges=edges)

"""Who may do what, and why, in words: of one node or part, outwards and inwards. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rung.errors import Location, UsageError
from rung.model.edges import Edge
from rung.model.graph import Graph
from rung.model.nodes import Node
from rung.near import suggestion
from rung.parts.access import Statement
from rung.parts.design import Design, Part
from rung.parts.values import Reference

DEAD_LETTERS = " (dead letters)"
#: Kinds of parts that a node becomes itself.
MADE_FROM_NODES = (
    "sqs_queue", "ecs_service", "ecs_job", "lambda_function", "kubernetes_service", "kubernetes_job",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Right:
    """One thing that `who` may do with `what`. `edge` None: the platform needs it, and `why` says what for."""

    who: str
    means: str
    does: tuple[str, ...]
    what: tuple[str, ...]
    when: tuple[str, ...] = ()
    edge: Edge | None = None
    why: str = ""
    location: Location | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """What `name` may do, and who may do what with it. Whatever is not listed is denied."""

    name: str
    kind: str
    rung: str
    environment: str
    shares: str
    may: tuple[Right, ...]
    open_to: tuple[Right, ...]


def access_of(graph: Graph, design: Design, name: str) -> Explanation:
    """The access of one node or part. Raises UsageError when there is neither, with the nearest names."""
    known = {**{node.name: node.kind for node in graph.nodes}, **{part.name: part.kind for part in design.parts}}
    if name not in known:
        there = ", ".join(sorted(name for name in known if not name.startswith("@")))
        raise UsageError(f"no node or part {name!r}{suggestion(name, known)}; there are {there}")
    node = graph.by_name.get(name)
    own = {name} if node is None else {name, *(part.name for part in design.parts if _is_made_from(part, node))}
    rights = tuple(_rights(graph, design))
    kind = graph.by_name[name].kind if name in graph.by_name else known[name]
    return Explanation(
        name=name, kind=kind, rung=design.rung, environment=design.environment, shares=_sharing(design, name),
        may=tuple(right for right in rights if right.who in own),
        open_to=tuple(right for right in rights if right.who not in own and own & set(_targets(right))),
    )  # fmt: skip


def _is_made_from(part: Part, node: Node) -> bool:
    """The parts that stand for a node: a queue's lanes, a task; not what serves it, such as its migrations."""
    return (
        part.node == node.name
        and part.kind in MADE_FROM_NODES
        and (part.name == node.name or part.kind == "sqs_queue")
    )


def _sharing(design: Design, name: str) -> str:
    """The machine whose role and address a process shares with others; empty when it has its own."""
    machines = (part for part in design.parts if part.kind in ("host", "host_group"))
    for machine in machines:
        if name in {stack.name for stack in getattr(machine, "stacks", ())}:
            return machine.name
    return ""


def _targets(right: Right) -> Iterator[str]:
    yield from (what.removesuffix(DEAD_LETTERS) for what in right.what)
    if right.edge is not None:
        yield right.edge.target


def _rights(graph: Graph, design: Design) -> Iterator[Right]:
    for statement in design.statements:
        yield _right(
            graph, statement.edge, statement.principal, means="aws", does=statement.actions,
            what=tuple(dict.fromkeys(_part_of(resource) for resource in statement.resources)),
            when=tuple(_condition(statement)), why=statement.why,
        )  # fmt: skip
    for connection in design.connections:
        yield _right(
            graph, connection.edge, connection.source, means="network", what=(connection.target,),
            does=(f"{connection.protocol}/{connection.port}",), why=connection.why,
        )  # fmt: skip
    for egress in design.egress:
        yield _right(
            graph, egress.edge, egress.source, means="network", does=(f"tcp/{egress.port}",), what=(egress.host,)
        )  # fmt: skip
    for grant in design.database_grants:
        tables = "the application's tables" if grant.schema == "public" else f"the tables of {grant.schema}"
        yield _right(
            graph, grant.edge, grant.principal, means="database", does=grant.privileges, what=(grant.database,),
            when=(f"as the role {grant.role}, on {tables}",),
        )  # fmt: skip


def _right(
    graph: Graph, edge: Edge | None, principal: str, *, means: str, does: tuple[str, ...], what: tuple[str, ...],
    when: tuple[str, ...] = (), why: str = "",
) -> Right:  # fmt: skip
    routed = edge is not None and edge.verb == "route"
    who = principal if edge is None or routed else edge.source
    location = None if edge is None else graph.location(edge.source)
    return Right(
        who=who,
        means=means,
        does=does,
        what=what,
        when=when,
        edge=edge,
        why="" if edge else why,
        location=location,
    )


def _part_of(resource: Reference | str) -> str:
    if isinstance(resource, str):
        return resource
    return resource.part + (DEAD_LETTERS if resource.output.startswith("dead_letter") else "")


def _condition(statement: Statement) -> Iterator[str]:
    for condition in statement.conditions:
        values = " or ".join(value if isinstance(value, str) else value.part for value in condition.values)
        yield f"{condition.key} is {values}"

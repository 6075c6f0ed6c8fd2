"""The graph: what a workload is, frozen, with the indexes every reader needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import MappingProxyType
from typing import Any, TypeVar

from rung.errors import Location, UsageError
from rung.model.edges import VERBS, Edge, Use, Verb
from rung.model.nodes import (
    Business,
    Environment,
    Job,
    Node,
    Objectives,
    Route,
    Schedule,
    Service,
    Site,
    Traffic,
    Worker,
)  # fmt: skip
from rung.model.shapes import field_types, mismatches
from rung.near import suggestion

NodeType = TypeVar("NodeType", bound=Node)
RUNNING = (Service, Worker, Schedule, Job)


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantColumn:
    """A table of a database's migrations that has a column for the tenant: a fact read from the SQL text."""

    database: str
    table: str
    column: str
    location: Location | None = None


@dataclass(frozen=True, kw_only=True)
class Graph:
    """A workload as one value. Two graphs with the same nodes, edges and places are equal.

    `locations` maps a node's name to the line that defined it. `root` is the folder of the workload file, to
    which every path in a node is relative. `repository` is `owner/name` on GitHub, when the file says so.
    """

    name: str
    nodes: tuple[Node, ...] = ()
    edges: tuple[Edge, ...] = ()
    locations: Mapping[str, Location] = field(default_factory=lambda: MappingProxyType({}))
    tenant_columns: tuple[TenantColumn, ...] = ()
    root: str = "."
    repository: str | None = None

    @cached_property
    def by_name(self) -> Mapping[str, Node]:
        """The nodes by name; where a name is used twice, the first (the check R0101 reports the rest)."""
        index: dict[str, Node] = {}
        for node in self.nodes:
            index.setdefault(node.name, node)
        return MappingProxyType(index)

    def of(self, node_type: type[NodeType]) -> tuple[NodeType, ...]:
        """The nodes of one type, in the order of the file."""
        return self._by_type.get(node_type, ())

    @cached_property
    def _by_type(self) -> Mapping[type, tuple[Any, ...]]:
        found: dict[type, list[Node]] = {}
        for node in self.nodes:
            found.setdefault(type(node), []).append(node)
        return {node_type: tuple(nodes) for node_type, nodes in found.items()}

    def node(self, name: str) -> Node:
        """The node called `name`. Raises KeyError with the nearest names."""
        try:
            return self.by_name[name]
        except KeyError:
            raise KeyError(f"no node {name!r}{suggestion(name, self.by_name)}") from None

    def edges_from(self, name: str) -> tuple[Edge, ...]:
        """What `name` does to others."""
        return self._outgoing.get(name, ())

    def edges_to(self, name: str, verb: Verb | None = None) -> tuple[Edge, ...]:
        """What others do to `name`, all of it or one verb."""
        edges = self._incoming.get(name, ())
        return edges if verb is None else tuple(edge for edge in edges if edge.verb == verb)

    def location(self, name: str) -> Location | None:
        """The line that defined `name`, when it is known."""
        return self.locations.get(name)

    @property
    def traffic(self) -> Traffic | None:
        """What visitors do, when the workload says so."""
        return next(iter(self.of(Traffic)), None)

    @property
    def objectives(self) -> Objectives | None:
        """What is promised, when the workload says so."""
        return next(iter(self.of(Objectives)), None)

    @property
    def business(self) -> Business | None:
        """What the money says, when the workload says so."""
        return next(iter(self.of(Business)), None)

    @cached_property
    def _outgoing(self) -> Mapping[str, tuple[Edge, ...]]:
        return _grouped({edge: edge.source for edge in self.edges})

    @cached_property
    def _incoming(self) -> Mapping[str, tuple[Edge, ...]]:
        return _grouped({edge: edge.target for edge in self.edges})


def bindings_of(graph: Graph, node: Node | str) -> tuple[Use, ...]:
    """What a process needs a binding for: each node it uses, with the verbs, in the order of the file."""
    name = node if isinstance(node, str) else node.name
    verbs: dict[str, list[Verb]] = {}
    for edge in graph.edges_from(name):
        target = graph.by_name.get(edge.target)
        if target is not None and edge.verb in VERBS.get(target.kind, ()):
            verbs.setdefault(edge.target, []).append(edge.verb)
    return tuple(Use(target=target, verbs=tuple(dict.fromkeys(found))) for target, found in verbs.items())


def startup_order(graph: Graph) -> tuple[Node, ...]:
    """What runs or is prepared, in an order in which each comes after everything it starts after.

    Stores, queues, buses and secrets first, then processes, then sites and routes; ties in the order of the
    file. A cycle among processes is broken at its last member (the check R0120 refuses it).
    """
    ready: dict[str, Node] = {}
    processes = {node.name: node for node in graph.nodes if isinstance(node, RUNNING)}
    front = {node.name: node for node in graph.nodes if isinstance(node, Site | Route)}
    for node in graph.nodes:
        if node.name not in processes and node.name not in front:
            ready[node.name] = node
    for name in processes:
        _place(name, processes, ready, pending=set())
    return (*ready.values(), *front.values())


def in_environment(graph: Graph, name: str) -> Graph:
    """The graph with the overrides of one environment applied. Raises UsageError for an unknown environment.

    Overrides of nodes or fields that do not exist, or of other types, are left out (the check R0182 reports them).
    """
    environments = {environment.name: environment for environment in graph.of(Environment)}
    if name not in environments:
        there = ", ".join(environments) or "none"
        raise UsageError(f"no environment {name!r}{suggestion(name, environments)}; the workload has {there}")
    changes: dict[str, dict[str, object]] = {}
    for override in environments[name].overrides:
        changes.setdefault(override.node, {})[override.field] = override.value
    return replace(graph, nodes=tuple(_changed(node, changes.get(node.name, {})) for node in graph.nodes))


def _changed(node: Node, changes: dict[str, object]) -> Node:
    if isinstance(node, Traffic | Objectives):
        return node
    types = {field: kind for field, kind in field_types(type(node)).items() if field not in ("kind", "name")}
    valid = {
        field: value
        for field, value in changes.items()
        if field in types and not any(mismatches(value, types[field], field))
    }
    return replace(node, **valid) if valid else node  # type: ignore[arg-type]


def _place(name: str, processes: Mapping[str, Node], ready: dict[str, Node], *, pending: set[str]) -> None:
    if name in ready or name in pending:
        return
    node = processes[name]
    for earlier in getattr(node, "starts_after", ()):
        if earlier in processes:
            _place(earlier, processes, ready, pending=pending | {name})
    ready[name] = node


def _grouped(keys: Mapping[Edge, str]) -> Mapping[str, tuple[Edge, ...]]:
    groups: dict[str, list[Edge]] = {}
    for edge, key in keys.items():
        groups.setdefault(key, []).append(edge)
    return {key: tuple(edges) for key, edges in groups.items()}

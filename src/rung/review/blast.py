"""The blast radius: what dies, what is slower and what waits when one part of a design is gone. Pure.

A request needs what its service reads, writes and calls, and what those services need. A cache that is gone makes
it slower; a queue that is gone makes it late where an outbox keeps the message, and fails it where none does.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rung.model.graph import Graph
from rung.model.nodes import (
    Bus,
    Cache,
    External,
    Job,
    Postgres,
    Queue,
    Route,
    Schedule,
    Secret,
    Service,
    Site,
    Worker,
)
from rung.parts.compute import EcsService, Host, HostGroup
from rung.parts.design import Part
from rung.parts.edge import Distribution, LoadBalancer
from rung.parts.functions import HttpApi, LambdaFunction
from rung.parts.kubernetes import EksCluster, NodePool
from rung.parts.network import Network
from rung.review.subject import Subject

#: Kinds of parts that hold a node's work or data: their loss is the node's.
HOLDING = frozenset({
    "ecs_service", "kubernetes_service", "lambda_function", "postgres_instance", "aurora_cluster", "cache_group",
    "bucket", "file_system", "table", "sqs_queue", "redis_broker", "rabbit_broker", "event_bus", "site",
})  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Blast:
    """What the loss of one part does. Routes by their path, processes by name.

    `share` is the share of the visitors' requests that die with it; None where no traffic is declared.
    """

    part: str
    node: str
    dies: tuple[str, ...]
    slower: tuple[str, ...]
    waits: tuple[str, ...]
    share: float | None


def blasts(subject: Subject) -> Iterator[Blast]:
    """Every part whose loss is felt, the widest first."""
    found = [_blast(subject, part, _lost(subject, part)) for part in subject.design.parts]
    felt = [each for each in found if each is not None]
    return iter(
        sorted(felt, key=lambda each: (-(each.share or 0.0), -len(each.dies), -len(each.waits), each.part))
    )


def _lost(subject: Subject, part: Part) -> frozenset[str]:
    """The nodes that are gone with a part."""
    graph = subject.graph
    everything = frozenset(graph.by_name)
    match part:
        case Host():
            return everything
        case HostGroup():
            return frozenset(stack.node for stack in part.stacks)
        case EksCluster() | NodePool():
            return frozenset(
                node.name for node in graph.nodes if isinstance(node, Service | Worker | Schedule | Job)
            )
        case LoadBalancer() | HttpApi():
            return frozenset(forward.node for forward in part.forwards)
        case Distribution():
            return frozenset(forward.node for forward in part.forwards)
        case Network() if part.nat != "none":
            return frozenset(node.name for node in graph.of(External))
        case LambdaFunction() if part.role in ("migration", "job"):
            return frozenset()
        case EcsService() if isinstance(graph.by_name.get(part.node), Bus):
            return frozenset()  # its relay: events wait in their queues
        case _:
            return frozenset({part.node}) if part.kind in HOLDING and part.node in everything else frozenset()


def _blast(subject: Subject, part: Part, lost: frozenset[str]) -> Blast | None:
    if not lost:
        return None
    graph = subject.graph
    dead = _dead(graph, lost)
    slow = {edge.source for edge in graph.edges if _softens(graph, edge.target, lost)} - dead
    routes = [route for route in graph.of(Route) if route.name in lost or route.target in dead]
    slower = [route for route in graph.of(Route) if route not in routes and route.target in slow]
    waits = _waiting(graph, lost, dead)
    if not (routes or slower or waits):
        return None
    return Blast(
        part=part.name, node=part.node, dies=tuple(route.name for route in routes),
        slower=tuple(route.name for route in slower), waits=waits, share=subject.share_on(routes),
    )  # fmt: skip


def _dead(graph: Graph, lost: frozenset[str]) -> set[str]:
    """The nodes that cannot work without what is lost, and those that need them in turn."""
    dead = set(lost)
    grown = True
    while grown:
        more = {
            edge.source
            for edge in graph.edges
            if edge.source not in dead and _needs(graph, edge.source, edge.target, dead)
        }
        dead |= more
        grown = bool(more)
    return dead


def _needs(graph: Graph, source: str, target: str, dead: set[str]) -> bool:
    """Whether `source` fails without `target`."""
    there, asking = graph.by_name.get(target), graph.by_name.get(source)
    if target not in dead or isinstance(there, Cache | Secret | Worker | Schedule | Job | Site):
        return False
    if isinstance(asking, Route):
        return False  # a route is no process: its target decides
    if isinstance(there, Queue):
        return not _has_outbox(graph, source)
    return True


def _softens(graph: Graph, target: str, lost: frozenset[str]) -> bool:
    return target in lost and isinstance(graph.by_name.get(target), Cache)


def _has_outbox(graph: Graph, source: str) -> bool:
    """Whether what it sends is kept in a database until the queue takes it."""
    return any(isinstance(graph.by_name.get(edge.target), Postgres) for edge in graph.edges_from(source))


def _waiting(graph: Graph, lost: frozenset[str], dead: set[str]) -> tuple[str, ...]:
    """Processes behind queues and clocks that stand still: nothing is lost, all of it is late."""
    late = {
        edge.source
        for edge in graph.edges
        if edge.target in lost and isinstance(graph.by_name.get(edge.target), Queue)
    }
    return tuple(
        node.name for node in graph.nodes
        if isinstance(node, Worker | Schedule | Job) and not getattr(node, "on_first_start", False)
        and (node.name in dead or node.name in late)
    )  # fmt: skip

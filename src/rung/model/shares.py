"""Which part of the visitors' requests each service answers: by the weights of the routes, else in equal parts."""

from __future__ import annotations

from collections.abc import Mapping

from rung.model.graph import Graph
from rung.model.nodes import Route, Service


def service_shares(graph: Graph) -> Mapping[str, float]:
    """Service to its share of all requests, those that sites answer left out; they add up to one.

    Services that only other services call have what their callers have, one request for each.
    """
    routed = _by_weight(graph) or _equal(graph)
    shares = dict(routed)
    for service in graph.of(Service):
        if service.name not in routed:
            callers = {edge.source for edge in graph.edges_to(service.name, "call")}
            shares[service.name] = min(1.0, sum(routed.get(name, 0.0) for name in callers))
    return shares


def _equal(graph: Graph) -> dict[str, float]:
    services = _routed_services(graph)
    return {name: 1 / len(services) for name in services}


def _routed_services(graph: Graph) -> tuple[str, ...]:
    targets = {edge.target for edge in graph.edges if edge.verb == "route"}
    return tuple(node.name for node in graph.of(Service) if node.name in targets)


def _by_weight(graph: Graph) -> dict[str, float]:
    """What the traffic's own mix of paths says; a service that no weighted path reaches has nothing."""
    weights = dict.fromkeys(_routed_services(graph), 0.0)
    for share in graph.traffic.routes if graph.traffic else ():
        target = _target(graph, share.path)
        if target in weights:
            weights[target] += share.weight
    total = sum(weights.values())
    return {name: weight / total for name, weight in weights.items()} if total else {}


def _target(graph: Graph, path: str) -> str | None:
    """Where the most specific route of a path leads."""
    fitting = [route for route in graph.of(Route) if _leads(route.path, path)]
    best = max(fitting, key=lambda route: len(route.path), default=None)
    return None if best is None else best.target


def _leads(pattern: str, path: str) -> bool:
    if pattern.endswith("/*"):
        return path == pattern[:-2] or path.startswith(pattern[:-1])
    return path.rstrip("/") == pattern.rstrip("/")

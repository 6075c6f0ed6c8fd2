"""Routes and health: every request finds one place, and every service can say how it is."""

from __future__ import annotations

from collections.abc import Iterator

from rung.errors import Finding
from rung.model.checks.report import label, place, problem
from rung.model.graph import Graph
from rung.model.nodes import Route, Service, Site
from rung.near import suggestion


def shadowed(graph: Graph) -> Iterator[Finding]:
    """R0121: two routes for the same requests."""
    first: dict[tuple[str, str], Route] = {}
    for route in graph.of(Route):
        winner = first.setdefault(((route.host or "").lower(), _canonical(route.path)), route)
        if winner is not route:
            second = f"{route.name}#2"
            yield problem(
                graph, "R0121", second if graph.location(second) else route.name,
                f'the route "{route.name}" is shadowed by "{winner.name}"',
                found=f'"{winner.name}" leads to {place(graph, winner.target)}',
                effect=f'no request ever reaches "{route.target}" by this route',
                advice="give it a path or a host of its own, or delete it", related=(winner.name,),
            )  # fmt: skip


def leads_nowhere(graph: Graph) -> Iterator[Finding]:
    """R0122: a target that cannot answer HTTP."""
    answering = {node.name for node in graph.nodes if isinstance(node, Service | Site)}
    for route in graph.of(Route):
        node = graph.by_name.get(route.target)
        if route.target not in answering and (
            node is None or node.kind in ("worker", "schedule", "external", "rule")
        ):
            what = label(node) if node is not None else f'"{route.target}", which does not exist'
            yield problem(
                graph, "R0122", route.name, f'the route "{route.name}" leads to {what}',
                found=f"what answers requests here: {', '.join(sorted(answering)) or 'nothing'}",
                effect="every request on it would fail",
                advice=f"route to a service or a site{suggestion(route.target, answering)}",
            )  # fmt: skip


def malformed_path(graph: Graph) -> Iterator[Finding]:
    """R0123: a path that no request can match."""
    for route in graph.of(Route):
        reason = _path_problem(route.path)
        if reason:
            yield problem(
                graph, "R0123", route.name, f'the path "{route.path}" {reason}', found=f"path {route.path!r}",
                effect="load balancers and the gateway read it differently, or not at all",
                advice=f'write "{_mended(route.path)}"',
            )  # fmt: skip


def health_missing(graph: Graph) -> Iterator[Finding]:
    """R0125: a service that cannot be asked how it is."""
    for service in graph.of(Service):
        if not service.health:
            yield problem(
                graph, "R0125", service.name, f"{label(service)} has no health path", found="health is not set",
                effect="a task that hangs keeps getting requests, and a bad deployment is never rolled back",
                advice='add health="/health": a path that answers 200 without touching a dependency',
            )  # fmt: skip


def health_malformed(graph: Graph) -> Iterator[Finding]:
    """R0126: a health path that is no plain path."""
    for service in graph.of(Service):
        if service.health and (
            not service.health.startswith("/") or "*" in service.health or " " in service.health
        ):
            yield problem(
                graph, "R0126", service.name, f"the health path of {label(service)} is not a path",
                found=f"health={service.health!r}", effect="every health check fails, and no task is ever ready",
                advice='write a path that begins with "/" and has no wildcard, such as health="/health"',
            )  # fmt: skip


def command_without_port(graph: Graph) -> Iterator[Finding]:
    """R0127: a program of its own whose port nobody knows."""
    for service in graph.of(Service):
        if service.command is not None and service.app is None and service.port is None:
            yield problem(
                graph, "R0127", service.name, f"{label(service)} runs a command on an unknown port",
                found=f"command={' '.join(service.command)!r}, no port",
                effect="no request and no health check can be sent to it",
                advice="add port=...: the port that the command listens on",
            )  # fmt: skip


CHECKS = (shadowed, leads_nowhere, malformed_path, health_missing, health_malformed, command_without_port)


def _canonical(path: str) -> str:
    """Paths that match the same requests become the same text: `/api/*` and `/api/*/`, `/a` and `/a/`."""
    return path.rstrip("/") or "/"


def _path_problem(path: str) -> str:
    if not path.startswith("/"):
        return 'does not begin with "/"'
    if "*" in path.removesuffix("*"):
        return "has a wildcard before its end"
    if path.endswith("*") and not path.endswith("/*"):
        return "has a wildcard that is not a whole segment"
    if any(character in path for character in " ?#"):
        return "has characters that are never part of a path"
    return "has an empty segment" if "//" in path else ""


def _mended(path: str) -> str:
    kept = "".join(character for character in path.partition("?")[0].partition("#")[0] if character not in " *")
    segments = [segment for segment in kept.split("/") if segment]
    wildcard = "/*" if "*" in path else ""
    return f"/{'/'.join(segments)}{wildcard}".replace("//", "/")

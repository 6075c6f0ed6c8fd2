"""The table that the gateway serves by. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rung.local.machine import Machine
from rung.model.graph import Graph
from rung.model.nodes import Bucket, Route, Service, Site, Table


def routes(graph: Graph, shared: Sequence[Service], machine: Machine) -> dict[str, object]:
    """Services, sites and routes for `rung.local.gateway`. `shared` are dispatched, the others proxied to."""
    return {
        "services": [_service(graph, each, machine, in_process=each in shared) for each in graph.of(Service)],
        "sites": [_site(graph, each, machine.folder) for each in graph.of(Site)],
        "routes": _routes(graph),
        "buckets": [{"name": each.name, "path": str(kept_in(machine, each))} for each in graph.of(Bucket)],
    }


def kept_in(machine: Machine, node: Bucket | Table) -> Path:
    """The file that stands in for a bucket or a table on this machine."""
    return machine.state / f"{node.kind}s" / f"{node.name}.sqlite"


def _service(graph: Graph, node: Service, machine: Machine, *, in_process: bool) -> dict[str, object]:
    return {
        "name": node.name,
        "kind": "asgi" if in_process else "proxy",
        "app": node.app if in_process else None,
        "upstream": None if in_process else f"http://127.0.0.1:{machine.ports[node.name]}",
        "health": node.health,
        "deadline_seconds": node.deadline_seconds,
        "location": place_of(graph, node.name),
    }


def _site(graph: Graph, node: Site, folder: Path) -> dict[str, object]:
    location = place_of(graph, node.name)
    return {"name": node.name, "directory": str(folder / node.path), "spa": node.spa, "location": location}


def place_of(graph: Graph, name: str) -> str:
    """Where the workload defines `name`, as `file:line`; empty when that is not known."""
    location = graph.location(name)
    return f"{location.file}:{location.line}" if location else ""


def _routes(graph: Graph) -> list[dict[str, object]]:
    """The graph's routes; a workload without any shows its first site, else its first service, everywhere."""
    declared: list[dict[str, object]] = [
        {
            "path": each.path,
            "host": each.host,
            "target": each.target,
            "sticky": each.sticky,
            "location": place_of(graph, each.name),
        }
        for each in graph.of(Route)
    ]
    if declared:
        return declared
    names = [*(site.name for site in graph.of(Site)), *(service.name for service in graph.of(Service))]
    return [{"path": "/*", "host": None, "target": name, "sticky": False} for name in names[:1]]

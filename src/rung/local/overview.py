"""What runs where, as rows of a table. Pure."""

from __future__ import annotations

from rung.local.develop import Running
from rung.model.graph import bindings_of
from rung.model.nodes import Bus, Cache, Job, Node, Postgres, Queue, Schedule, Service, Site, Worker

Row = tuple[str, str, str, str]


def rows(running: Running) -> list[Row]:
    """One row for each node that runs or holds something here: name, kind, where, what it uses."""
    found: list[Row] = []
    for node in running.graph.nodes:
        place = _place(running, node)
        if place is not None:
            uses = ", ".join(use.target for use in bindings_of(running.graph, node))
            found.append((node.name, node.kind, place, uses))
    return found


def _place(running: Running, node: Node) -> str | None:
    machine = running.machine
    match node:
        case Service():
            return f"127.0.0.1:{machine.ports[node.name]}" if node.name in machine.ports else "in the gateway"
        case Worker():
            return f"{_range(node)} of {node.concurrency} at a time"
        case Schedule():
            return node.cron or f"every {node.every_seconds:g} s"
        case Job():
            return "once for a new database" if node.on_first_start else "when asked for"
        case Postgres():
            return f"{running.servers.postgres_place}/{running.prepared.databases[node.name].name}"
        case Queue():
            if node.broker in machine.brokers:
                return f"on {node.broker}"
            return f"in {running.prepared.carrier.name}" if running.prepared.carrier else ""
        case Bus():
            return f"in {running.prepared.carrier.name}" if running.prepared.carrier else ""
        case Cache():
            return running.servers.redis_place
        case Site():
            return node.path
        case _:
            return None


def _range(node: Worker) -> str:
    least, most = node.min_tasks, node.max_tasks
    count = str(least) if least == most else f"{least} to {most}"
    return f"{count} process{'es' if most > 1 else ''}"

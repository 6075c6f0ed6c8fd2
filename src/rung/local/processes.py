"""How each kind of node is run here: the command, the environment, when it is ready. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

from rung.local.environment import Running, environment_of
from rung.local.machine import Machine
from rung.local.routing import place_of
from rung.local.specification import Kind, Listening, ProcessSpec, Ready, ReadyLine, Started
from rung.model.graph import Graph
from rung.model.nodes import Job, Schedule, Service, Worker, Workflow

GATEWAY = "gateway"
ROUTES_FILE = "routes.json"
PORT_MARKS = ("{port}", "$PORT")


def gateway(
    graph: Graph, shared: Sequence[Service], machine: Machine, pool_size: int, routes: dict[str, object]
) -> ProcessSpec:
    """The one port. It runs the `shared` services itself and proxies to the others, which start before it."""
    environment = environment_of(graph, shared, machine, pool_size) if shared else dict(machine.environment)
    # The file's content decides what the process does: other routes must make another specification.
    digest = hashlib.sha256(json.dumps(routes, sort_keys=True).encode()).hexdigest()[:16]
    command = (
        machine.python, "-m", "rung.local.gateway", "--routes", str(machine.state / ROUTES_FILE),
        "--host", machine.host, "--port", str(machine.port), "--workers", str(machine.gateway_workers),
    )  # fmt: skip
    return ProcessSpec(
        name=GATEWAY,
        kind="gateway",
        command=command,
        environment=environment
        | {"RUNG_NODE": _names(shared) or GATEWAY, "RUNG_ROUTES_DIGEST": digest}
        | http_settings(graph),
        directory=machine.folder,
        entries=tuple(each.app for each in shared if each.app),
        location=graph.location(shared[0].name) if shared else None,
        entry_locations=tuple(graph.location(each.name) for each in shared),
    )


def http_settings(graph: Graph) -> dict[str, str]:
    """What the graph says of its paths: which have metrics of their own, and which are refused last."""
    objectives, traffic = graph.objectives, graph.traffic
    paths = [each.path for each in objectives.routes] if objectives else []
    paths += [each.path for each in traffic.routes] if traffic else []
    prefixes = dict.fromkeys(path.rstrip("*") for path in paths)
    critical = objectives.critical if objectives else ()
    return {
        name: value
        for name, value in (
            ("RUNG_HTTP_ROUTES", ",".join(prefixes)),
            ("RUNG_HTTP_PRIORITIES", ",".join(f"{path}=critical" for path in critical)),
        )
        if value
    }


def service(graph: Graph, node: Service, machine: Machine, pool_size: int) -> ProcessSpec:
    """A service that listens on a port of its own; `PORT` and `{port}` in the command tell it which."""
    port = machine.ports[node.name]
    command = (
        _own(node.command or (), port)
        if node.app is None
        else (machine.python, "-m", "rung.runtime.serve", "--app", node.app, "--host", "127.0.0.1",
              "--port", str(port), "--workers", "1", "--name", node.name,
              "--health", node.health or "/health", "--location", place_of(graph, node.name))
    )  # fmt: skip
    ready: Ready = Listening(port=port) if node.app is None else ReadyLine()
    return _spec(
        graph, node, "service", command, machine, pool_size,
        ready=ready, needs=node.starts_after, extra={"PORT": str(port)} | http_settings(graph),
        entries=_entries(node.app),
    )  # fmt: skip


def worker(graph: Graph, node: Worker, machine: Machine, pool_size: int) -> ProcessSpec:
    """A consumer, as many processes as the policy wants between `min_tasks` and `max_tasks`."""
    lanes = ("--lanes", ",".join(node.lanes)) if node.lanes else ()
    command = (
        _own(node.command or ())
        if node.handler is None
        else (machine.python, "-m", "rung.runtime.worker", "--name", node.name, "--queue", node.consumes,
              "--handler", node.handler, *lanes, "--concurrency", str(node.concurrency),
              "--deadline-seconds", f"{node.deadline_seconds:g}", "--batch", str(node.batch))
    )  # fmt: skip
    return _spec(
        graph, node, "worker", command, machine, pool_size,
        ready=_ready(node.handler), needs=node.starts_after, entries=_entries(node.handler),
        min_instances=node.min_tasks, max_instances=node.max_tasks,
    )  # fmt: skip


def workflow(graph: Graph, node: Workflow, machine: Machine, pool_size: int) -> ProcessSpec:
    """The process that runs a workflow's runs."""
    command = (
        machine.python, "-m", "rung.runtime.workflow", "--name", node.name, "--handler", node.handler,
        "--concurrency", str(node.concurrency),
    )  # fmt: skip
    return _spec(
        graph, node, "workflow", command, machine, pool_size, ready=ReadyLine(), entries=(node.handler,),
    )  # fmt: skip


def schedules(graph: Graph, group: Sequence[Schedule], machine: Machine, pool_size: int) -> ProcessSpec:
    """One process for schedules of equal grants."""
    first = group[0]
    command = (
        _own(first.command or ())
        if first.handler is None
        else (machine.python, "-m", "rung.runtime.schedule", "--file", str(machine.state / schedule_file(group)))
    )
    needs = tuple(dict.fromkeys(need for each in group for need in each.starts_after))
    return _spec(
        graph, first, "schedule", command, machine, pool_size, name=schedules_name(group),
        ready=_ready(first.handler), needs=needs,
        entries=tuple(each.handler for each in group if each.handler),
        entry_locations=tuple(graph.location(each.name) for each in group if each.handler),
    )  # fmt: skip


def job(graph: Graph, node: Job, machine: Machine, pool_size: int) -> ProcessSpec:
    """A job: runs once, is never restarted."""
    command = (
        _own(node.command or ())
        if node.handler is None
        else (machine.python, "-m", "rung.runtime.job", "--name", node.name, "--handler", node.handler,
              "--deadline-seconds", f"{node.deadline_seconds:g}")
    )  # fmt: skip
    return _spec(
        graph,
        node,
        "job",
        command,
        machine,
        pool_size,
        ready=Started(),
        restart=None,
        entries=_entries(node.handler),
    )


def schedules_name(group: Sequence[Schedule]) -> str:
    """The schedule's own name, or the first of several and the number of the others."""
    return group[0].name if len(group) == 1 else f"{group[0].name}+{len(group) - 1}"


def schedule_file(group: Sequence[Schedule]) -> str:
    """The file below `.rung/` that tells the schedule runner what to run when."""
    return f"schedules-{group[0].name}.json"


def schedule_table(group: Sequence[Schedule]) -> object:
    """The content of that file."""
    return [
        {
            "name": each.name,
            "expression": each.cron or f"{each.every_seconds:g}s",
            "handler": each.handler,
            "timezone": each.timezone,
            "deadline_seconds": each.deadline_seconds,
        }
        for each in group
    ]


def _spec(
    graph: Graph, node: Running, kind: Kind, command: tuple[str, ...], machine: Machine, pool_size: int,
    *, name: str | None = None, extra: dict[str, str] | None = None, **rest: object,
) -> ProcessSpec:  # fmt: skip
    return ProcessSpec(
        name=name or node.name,
        kind=kind,
        command=command,
        environment=environment_of(graph, (node,), machine, pool_size) | (extra or {}),
        directory=machine.folder,
        location=graph.location(node.name),
        **rest,  # type: ignore[arg-type]
    )


def _own(command: Sequence[str], port: int | None = None) -> tuple[str, ...]:
    """The user's own command; `{port}` and `$PORT` in it become the port."""
    words = tuple(command)
    if port is not None:
        for mark in PORT_MARKS:
            words = tuple(word.replace(mark, str(port)) for word in words)
    return words


def takes_port(node: Service) -> bool:
    """Whether the command says where its port goes; one that does not was written for `port=`."""
    return any(mark in word for word in node.command or () for mark in PORT_MARKS)


def _ready(handler: str | None) -> Ready:
    return ReadyLine() if handler else Started()


def _entries(entry: str | None) -> tuple[str, ...]:
    return (entry,) if entry else ()


def _names(services: Sequence[Service]) -> str:
    return services[0].name if len(services) == 1 else ""

"""From the graph to the processes of `rung dev`. Pure: the same graph on the same machine gives the same plan.

ASGI services whose grants are equal share the gateway's processes and are dispatched there without a proxy
(docs/adr/0006-gateway.md). A service with other grants, one that another node calls, and every `command=`
gets a process and a port of its own, so that no process ever holds a binding it has no edge for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from rung.errors import Finding
from rung.local import buses, processes
from rung.local.environment import grants
from rung.local.machine import Machine
from rung.local.routing import routes
from rung.local.specification import ProcessSpec
from rung.model.graph import Graph
from rung.model.nodes import (
    Bucket,
    Bus,
    Job,
    Node,
    Postgres,
    Queue,
    Rule,
    Schedule,
    Search,
    Service,
    Site,
    Worker,
    Workflow,
)
from rung.model.scaling import BacklogScaling

#: Of the server's connections; the rest is for migrations, psql and the operator (fault F10).
CONNECTION_SHARE = 0.8
#: What a process that uses queues opens besides its pool: the queue's own connections and its listener.
QUEUE_CONNECTIONS = 5
#: And what a process opens that starts or runs workflows.
WORKFLOW_CONNECTIONS = 4
SMALLEST_POOL = 2
#: A process starts here within a second, an AWS task within a minute: cooldowns shrink in proportion.
COOLDOWN_SCALE = 1 / 20


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerScaling:
    """A worker that scales, what it watches, and by which policy."""

    worker: str
    queue: str
    lanes: tuple[str, ...]
    policy: BacklogScaling


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Everything that `rung dev` will run.

    `files` are written below `.rung/` before anything starts; `jobs` run once, when the rest is ready;
    `findings` are warnings: what the graph names and nothing on this machine provides.
    """

    processes: tuple[ProcessSpec, ...]
    jobs: tuple[ProcessSpec, ...]
    files: dict[str, object]
    scaling: tuple[WorkerScaling, ...]
    findings: tuple[Finding, ...]


def plan(graph: Graph, machine: Machine) -> Plan:
    """What runs where. `machine` must know a port for each of `listening_services(graph)`."""
    shared = shared_services(graph)
    schedules = schedule_groups(graph)
    pool_size = pool_size_of(graph, machine)
    specs = [
        *(processes.service(graph, each, machine, pool_size) for each in listening_services(graph)),
        *(processes.worker(graph, each, machine, pool_size) for each in graph.of(Worker)),
        *(processes.workflow(graph, each, machine, pool_size) for each in graph.of(Workflow)),
        *(processes.schedules(graph, group, machine, pool_size) for group in schedules),
        *(buses.router(graph, each, machine) for each in graph.of(Bus)),
    ]
    files: dict[str, object] = {
        processes.schedule_file(group): processes.schedule_table(group) for group in schedules if group[0].handler
    }
    files |= {buses.rules_file(each): buses.rules_table(graph, each) for each in graph.of(Bus)}
    if needs_gateway(graph):
        files[processes.ROUTES_FILE] = table = routes(graph, shared, machine)
        specs.append(processes.gateway(graph, shared, machine, pool_size, table))
    jobs = (processes.job(graph, each, machine, pool_size) for each in graph.of(Job) if each.on_first_start)
    return Plan(
        processes=tuple(specs),
        jobs=tuple(jobs),
        files=files,
        scaling=tuple(scaling_of(each) for each in graph.of(Worker) if each.max_tasks > each.min_tasks),
        findings=tuple(without_stand_in(graph)),
    )


def needs_gateway(graph: Graph) -> bool:
    """Whether there is anything for a browser to open: a service, a site, a link to an object."""
    return bool(graph.of(Service) or graph.of(Site) or graph.of(Bucket))


def shared_services(graph: Graph) -> tuple[Service, ...]:
    """The ASGI services that live in the gateway: the first of the file, and those with the same grants."""
    candidates = [
        each for each in graph.of(Service)
        if each.app and not _is_called(graph, each) and not each.starts_after
    ]  # fmt: skip
    return tuple(each for each in candidates if grants(graph, each) == grants(graph, candidates[0]))


def _is_called(graph: Graph, service: Service) -> bool:
    """Whether a process of the workload calls it: it needs a port of its own then."""
    return bool(graph.edges_to(service.name, "call") or graph.edges_to(service.name, "deliver"))


def listening_services(graph: Graph) -> tuple[Service, ...]:
    """The services that need a process and a port of their own."""
    shared = shared_services(graph)
    return tuple(service for service in graph.of(Service) if service not in shared)


def schedule_groups(graph: Graph) -> list[tuple[Schedule, ...]]:
    """Schedules with handlers and equal grants share a process; each `command=` has its own."""
    groups: dict[object, list[Schedule]] = {}
    for schedule in graph.of(Schedule):
        key = grants(graph, schedule) if schedule.handler else schedule.name
        groups.setdefault(key, []).append(schedule)
    return [tuple(group) for group in groups.values()]


def pool_size_of(graph: Graph, machine: Machine) -> int:
    """The connections that each process may open, so that all together stay below the server's limit."""
    limits = [database.max_connections for database in graph.of(Postgres)] or [100]
    count = machine.gateway_workers + len(listening_services(graph)) + len(schedule_groups(graph))
    count += len(graph.of(Workflow)) + sum(each.max_tasks for each in graph.of(Worker))
    count += sum(job.on_first_start for job in graph.of(Job))
    routers = buses.ROUTER_CONNECTIONS * len(graph.of(Bus))
    share = int((min(limits) * CONNECTION_SHARE - routers) / max(1, count))
    reserved = (QUEUE_CONNECTIONS if graph.of(Queue) else 0) + (WORKFLOW_CONNECTIONS if graph.of(Workflow) else 0)
    return max(SMALLEST_POOL, share - reserved)


def scaling_of(worker: Worker) -> WorkerScaling:
    """The worker's own policy, with the cooldowns of this machine."""
    declared = BacklogScaling(
        min_tasks=worker.min_tasks,
        max_tasks=worker.max_tasks,
        acceptable_latency_seconds=worker.acceptable_latency_seconds or 30.0,
        processing_time_seconds=worker.processing_time_seconds or 0.1,
        concurrency=worker.concurrency,
    )
    policy = replace(
        declared,
        scale_out_cooldown_seconds=declared.scale_out_cooldown_seconds * COOLDOWN_SCALE,
        scale_in_cooldown_seconds=declared.scale_in_cooldown_seconds * COOLDOWN_SCALE,
    )
    return WorkerScaling(worker=worker.name, queue=worker.consumes, lanes=worker.lanes, policy=policy)


def without_stand_in(graph: Graph) -> Sequence[Finding]:
    """One warning for each node that this machine has nothing for. The rest runs."""
    missing: list[Node] = [node for node in graph.nodes if isinstance(node, Search)]
    missing += [rule for rule in graph.of(Rule) if buses.target_of(rule, graph.by_name.get(rule.target)) is None]
    return [
        Finding(
            code="R0317",
            severity="warning",
            message=f"{node.kind} {node.name!r} has nothing that stands in for it on this machine",
            location=graph.location(node.name),
            found="processes, queues, buses, databases, caches, buckets, tables and sites run here",
            effect="processes that use it get no binding for it",
            help="keep that part behind an environment variable of your own, or test it on a deployed environment",
        )
        for node in missing
    ]

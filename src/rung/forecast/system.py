"""From a design to what is simulated: entrances with tasks, the database behind them, workers beside. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from rung.errors import Finding, UserError
from rung.forecast.autoscaling import Limits, TargetTracking
from rung.forecast.behaviour import Behaviour
from rung.model.graph import Graph
from rung.model.nodes import Queue, Worker
from rung.parts.compute import EcsService, Host, HostGroup
from rung.parts.compute import TargetTracking as TrackingPart
from rung.parts.data import AuroraCluster, PostgresInstance
from rung.parts.design import Design
from rung.parts.instances import vcpus_of


class ForecastError(UserError):
    """The workload cannot be forecast: it has no traffic, or nothing that answers it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entrance:
    """The service that visitors reach: tasks of `vcpu` each, within limits, with the policies that move them.

    Requests of all routed services are one stream here; each service's share is what its routes weigh.
    """

    name: str
    node: str
    vcpu: float
    limits: Limits
    scaling: TargetTracking | None
    start_seconds: float
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """The database: vCPU at least and at most (Aurora grows between them), and each task's pool."""

    name: str
    node: str
    least_vcpu: float
    most_vcpu: float
    pool: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """A worker and its queue: messages for each request of the busy hour, seconds for one, scaling by backlog."""

    name: str
    node: str
    queue: str
    messages_per_request: float
    seconds: float
    concurrency: int
    limits: Limits
    acceptable_seconds: float | None
    start_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """What is simulated. `kind` tells reports what a task is."""

    workload: str
    rung: str
    environment: str
    kind: Literal["task", "host", "machine"]
    busy_rate: float
    peak: float
    peak_seconds: float
    objective_seconds: float | None
    availability: float | None
    entrances: tuple[Entrance, ...]
    store: Store | None
    backlogs: tuple[Backlog, ...]


def system_of(graph: Graph, design: Design, behaviour: Behaviour) -> System:
    """What a design becomes in the simulator. Raises ForecastError: R1201 no traffic, R1202 no service."""
    traffic, objectives = graph.traffic, graph.objectives
    if traffic is None or not traffic.think_time_seconds:
        raise ForecastError(_no_traffic(graph))
    entrances = tuple(_entrances(graph, design, behaviour))
    if not entrances:
        raise ForecastError(_nothing_answers(graph))
    kind: Literal["task", "host", "machine"] = (
        "machine" if design.of(Host) else "host" if design.of(HostGroup) else "task"
    )
    return System(
        workload=design.workload, rung=design.rung, environment=design.environment, kind=kind,
        busy_rate=traffic.requests_per_second(), peak=traffic.peak, peak_seconds=traffic.peak_seconds,
        objective_seconds=objectives.p99_seconds if objectives else None,
        availability=objectives.availability if objectives else None, entrances=entrances,
        store=_store(graph, design, behaviour), backlogs=tuple(_backlogs(graph, design, behaviour)),
    )  # fmt: skip


def _entrances(graph: Graph, design: Design, behaviour: Behaviour) -> Iterator[Entrance]:
    web = [part for part in design.of(EcsService) if part.role == "web" and graph.edges_to(part.node, "route")]
    for part in web:
        tracking = next((each for each in part.scaling if isinstance(each, TrackingPart)), None)
        yield Entrance(
            name=part.name, node=part.node, vcpu=part.container.cpu,
            limits=Limits(least=part.min_tasks, most=part.max_tasks),
            scaling=None if tracking is None else _tracking(tracking, behaviour.cpu_target),
            start_seconds=behaviour.task_start_seconds, share=1 / len(web),
        )  # fmt: skip
    for group in design.of(HostGroup):
        yield Entrance(
            name=group.name, node=group.node, vcpu=vcpus_of(group.instance_type),
            limits=Limits(least=group.min_hosts, most=group.max_hosts),
            scaling=TargetTracking(target=group.cpu_target / 100), start_seconds=4 * behaviour.task_start_seconds,
            share=1.0,
        )  # fmt: skip
    for host in design.of(Host):
        # The services and their databases share the machine: half of it answers, half of it stores.
        yield Entrance(
            name=host.name, node=host.node, vcpu=vcpus_of(host.instance_type) / 2, limits=Limits(least=1, most=1),
            scaling=None, start_seconds=0.0, share=1.0,
        )  # fmt: skip


def _tracking(part: TrackingPart, cpu_target: float) -> TargetTracking:
    """The policy on CPU; a policy on requests holds the same tasks when its target was derived from their CPU."""
    target = part.target / 100 if part.metric in ("cpu", "memory") else cpu_target
    return TargetTracking(
        target=target, out_cooldown=part.scale_out_cooldown_seconds, in_cooldown=part.scale_in_cooldown_seconds
    )


def _store(graph: Graph, design: Design, behaviour: Behaviour) -> Store | None:
    pools = {node.name: getattr(node, "pool_size", 8) for node in graph.nodes}
    for cluster in design.of(AuroraCluster):
        return Store(
            name=cluster.name, node=cluster.node,
            least_vcpu=max(cluster.min_acu, 0.5) * behaviour.vcpu_per_acu,
            most_vcpu=cluster.max_acu * behaviour.vcpu_per_acu, pool=pools.get(cluster.node, 8),
        )  # fmt: skip
    for instance in design.of(PostgresInstance):
        cores = vcpus_of(instance.instance_class)
        return Store(
            name=instance.name, node=instance.node, least_vcpu=cores, most_vcpu=cores,
            pool=pools.get(instance.node, 8),
        )  # fmt: skip
    for host in design.of(Host):
        half = vcpus_of(host.instance_type) / 2
        return Store(name=host.name, node=host.node, least_vcpu=half, most_vcpu=half, pool=20)
    return None


def _backlogs(graph: Graph, design: Design, behaviour: Behaviour) -> Iterator[Backlog]:
    assert graph.traffic is not None
    rates = {each.queue: each.messages_per_second for each in graph.traffic.messages}
    busy = graph.traffic.requests_per_second()
    for node in graph.of(Worker):
        queue = graph.by_name.get(node.consumes)
        if not isinstance(queue, Queue):
            continue
        part = next((each for each in design.of(EcsService) if each.node == node.name), None)
        least, most = (part.min_tasks, part.max_tasks) if part else (node.min_tasks, node.max_tasks)
        seconds = node.processing_time_seconds or behaviour.message_ms / 1_000
        each = rates[queue.name] / busy if queue.name in rates else 1 - graph.traffic.reads
        yield Backlog(
            name=node.name, node=node.name, queue=queue.name, messages_per_request=each, seconds=seconds,
            concurrency=node.concurrency, limits=Limits(least=least, most=most),
            acceptable_seconds=node.acceptable_latency_seconds, start_seconds=behaviour.task_start_seconds,
        )  # fmt: skip


def _no_traffic(graph: Graph) -> Finding:
    return Finding(
        code="R1201", severity="error", message="there is no traffic to forecast",
        location=graph.location("@workload"),
        found="no traffic(...) in the workload, or a think time of 0",
        effect="how many tasks, how long a request takes and what binds all depend on it",
        help=f"add {graph.name}.traffic(Traffic(concurrent_users=1_000, think_time=\"10s\"))",
    )  # fmt: skip


def _nothing_answers(graph: Graph) -> Finding:
    return Finding(
        code="R1202", severity="error", message="no service answers visitors", location=graph.location("@traffic"),
        found="traffic, and no route to a service", effect="there is nothing whose behaviour could be forecast",
        help='add route("/api/*", api), or take the traffic out',
    )  # fmt: skip

"""From a design to what is simulated: entrances with tasks, the database behind them, workers beside. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from rung.errors import Finding, UserError
from rung.forecast.autoscaling import (
    Limits,
    PodAutoscaler,
    Policy,
    Predictive,
    QueueLength,
    ScheduledLimits,
    TargetTracking,
)
from rung.forecast.behaviour import Behaviour
from rung.model.graph import Graph, in_environment
from rung.model.nodes import Cache, External, Postgres, Queue, Worker
from rung.parts.compute import EcsService, Host, HostGroup, ScheduledScaling
from rung.parts.compute import TargetTracking as TrackingPart
from rung.parts.data import AuroraCluster, PostgresInstance
from rung.parts.design import Design
from rung.parts.functions import LambdaFunction, vcpus_of_memory
from rung.parts.instances import vcpus_of
from rung.parts.kubernetes import HorizontalPodAutoscaler, KubernetesService, NodePool, QueueScaling
from rung.parts.packing import Need, room_of

#: Environments that all functions of an account may have at once, by default. Source: AWS, "Lambda quotas".
ACCOUNT_CONCURRENCY = 1_000
#: A Host's own connections; PgBouncer is not placed there.
_HOST_POOL = 20
Kind = Literal["task", "host", "machine", "pod", "environment"]


class ForecastError(UserError):
    """The workload cannot be forecast: it has no traffic, or nothing that answers it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Nodes:
    """Machines under pods: so many pods on each, so many machines at least and at most."""

    pods_each: int
    least: int
    most: int
    start_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Entrance:
    """The service that visitors reach: tasks of `vcpu` each, within limits, with the policies that move them.

    Requests of all routed services are one stream here; each service's share is what its routes weigh. With
    `function` a task is an environment of Lambda, and `warm` of them are there from the beginning.
    """

    name: str
    node: str
    vcpu: float
    limits: Limits
    scaling: Policy | None
    start_seconds: float
    share: float
    scheduled: tuple[ScheduledLimits, ...] = ()
    predictive: Predictive | None = None
    nodes: Nodes | None = None
    function: bool = False
    warm: int = 0
    least_outstanding: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """The database: vCPU at least and at most (Aurora grows between them), each task's pool, and its own limit.

    `most_connections` 0: no limit. `pauses`: without a request for five minutes it stops, and wakes in 15 seconds.
    """

    name: str
    node: str
    least_vcpu: float
    most_vcpu: float
    pool: int
    most_connections: int = 0
    pauses: bool = False


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
    scaling: TargetTracking | QueueLength | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A host outside that some requests wait for: seconds of an answer, and what it or the NAT allows at once."""

    name: str
    seconds: float
    at_once: int
    per_second: float


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """What is simulated. `kind` tells reports what a task is."""

    workload: str
    rung: str
    environment: str
    kind: Kind
    busy_rate: float
    peak: float
    peak_seconds: float
    objective_seconds: float | None
    availability: float | None
    entrances: tuple[Entrance, ...]
    store: Store | None
    backlogs: tuple[Backlog, ...]
    users: float = 0.0
    think_seconds: float = 0.0
    cached: bool = True
    call: Call | None = None


#: A NAT gateway's connections to one address and port at once. Source: AWS, "NAT gateway basics".
NAT_CONNECTIONS = 55_000


def system_of(graph: Graph, design: Design, behaviour: Behaviour) -> System:
    """What a design becomes in the simulator.

    Raises ForecastError: R1201 no traffic, R1202 no service, R1203 traffic that nothing can carry.
    """
    graph = in_environment(graph, design.environment)
    traffic, objectives = graph.traffic, graph.objectives
    if traffic is None or not traffic.think_time_seconds:
        raise ForecastError(_no_traffic(graph))
    entrances = tuple(_entrances(graph, design, behaviour))
    if not entrances:
        raise ForecastError(_nothing_answers(graph))
    rate = traffic.requests_per_second()
    if rate * traffic.peak > MOST_RATE:
        raise ForecastError(_impossible(graph, rate * traffic.peak))
    return System(
        workload=design.workload, rung=design.rung, environment=design.environment, kind=_kind(design),
        busy_rate=rate, peak=traffic.peak, peak_seconds=traffic.peak_seconds,
        objective_seconds=objectives.p99_seconds if objectives else None,
        availability=objectives.availability if objectives else None, entrances=entrances,
        store=_store(graph, design, behaviour), backlogs=tuple(_backlogs(graph, design, behaviour)),
        users=float(traffic.concurrent_users), think_seconds=traffic.think_time_seconds,
        cached=bool(graph.of(Cache)), call=_call(graph, behaviour),
    )  # fmt: skip


#: Requests per second beyond which a day would take hours to simulate, and no entrance of one region would hold.
MOST_RATE = 1_000_000.0


def _kind(design: Design) -> Kind:
    if design.of(Host):
        return "machine"
    if design.of(HostGroup):
        return "host"
    if design.of(KubernetesService):
        return "pod"
    return "environment" if design.of(LambdaFunction) else "task"


def _entrances(graph: Graph, design: Design, behaviour: Behaviour) -> Iterator[Entrance]:
    web = [part for part in design.of(EcsService) if part.role == "web" and graph.edges_to(part.node, "route")]
    for part in web:
        tracking = next((each for each in part.scaling if isinstance(each, TrackingPart)), None)
        yield Entrance(
            name=part.name, node=part.node, vcpu=part.container.cpu,
            limits=Limits(least=part.min_tasks, most=part.max_tasks),
            scaling=None if tracking is None else _tracking(tracking, behaviour.cpu_target),
            start_seconds=behaviour.task_start_seconds, share=1 / len(web), scheduled=_scheduled(part),
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
    yield from _pods(graph, design, behaviour)
    yield from _functions(graph, design)


def _pods(graph: Graph, design: Design, behaviour: Behaviour) -> Iterator[Entrance]:
    web = [part for part in design.of(KubernetesService) if part.role == "web"]
    web = [part for part in web if graph.edges_to(part.node, "route")]
    for part in web:
        policy = next((each for each in part.scaling if isinstance(each, HorizontalPodAutoscaler)), None)
        yield Entrance(
            name=part.name, node=part.node, vcpu=part.container.cpu,
            limits=Limits(least=part.min_replicas, most=part.max_replicas),
            scaling=None if policy is None else PodAutoscaler(
                target=policy.target / 100, out_window=policy.scale_out_stabilisation_seconds,
                in_window=policy.scale_in_stabilisation_seconds,
            ),
            start_seconds=behaviour.pod_start_seconds, share=1 / len(web), nodes=_nodes(design, part, behaviour),
        )  # fmt: skip


def _nodes(design: Design, part: KubernetesService, behaviour: Behaviour) -> Nodes | None:
    """The machines that a service's pods run on: the pool that grows, or the one that is there."""
    pools = sorted(design.of(NodePool), key=lambda pool: pool.manager != "karpenter")
    if not pools:
        return None
    pool, need = pools[0], Need(cpu=part.container.cpu, memory_mib=part.container.memory_mib)
    room = room_of(pool.instance_types[0])
    each = max(1, int(min(room.cpu / need.cpu, room.memory_mib / need.memory_mib, room.pods)))
    return Nodes(
        pods_each=each,
        least=pool.min_nodes,
        most=max(pool.max_nodes, 1),
        start_seconds=behaviour.node_start_seconds,
    )


def _functions(graph: Graph, design: Design) -> Iterator[Entrance]:
    web = [part for part in design.of(LambdaFunction) if part.role == "web" and graph.edges_to(part.node, "route")]
    for part in web:
        most = part.reserved_concurrency or ACCOUNT_CONCURRENCY
        yield Entrance(
            name=part.name, node=part.node, vcpu=min(1.0, vcpus_of_memory(part.memory_mib)),
            limits=Limits(least=min(most, part.provisioned_concurrency), most=most), scaling=None,
            start_seconds=0.0, share=1 / len(web), function=True, warm=min(most, part.provisioned_concurrency),
        )  # fmt: skip


def _tracking(part: TrackingPart, cpu_target: float) -> TargetTracking:
    """The policy on CPU; a policy on requests holds the same tasks when its target was derived from their CPU."""
    target = part.target / 100 if part.metric in ("cpu", "memory") else cpu_target
    return TargetTracking(
        target=target, out_cooldown=part.scale_out_cooldown_seconds, in_cooldown=part.scale_in_cooldown_seconds
    )


def _scheduled(part: EcsService) -> tuple[ScheduledLimits, ...]:
    """Scheduled actions as hours of the day; expressions that name no single hour are left out."""
    found = []
    for each in part.scaling:
        if isinstance(each, ScheduledScaling):
            words = each.cron.removeprefix("cron(").split()
            if len(words) > 1 and words[0].isdigit() and words[1].isdigit():
                limits = Limits(least=each.min_tasks, most=each.max_tasks)
                found.append(ScheduledLimits(hour=int(words[1]) + int(words[0]) / 60, limits=limits))
    return tuple(found)


def _store(graph: Graph, design: Design, behaviour: Behaviour) -> Store | None:
    nodes = {node.name: node for node in graph.of(Postgres)}
    by_default = Postgres(name="")
    for cluster in design.of(AuroraCluster):
        node = nodes.get(cluster.node, by_default)
        return Store(
            name=cluster.name, node=cluster.node, least_vcpu=max(cluster.min_acu, 0.5) * behaviour.vcpu_per_acu,
            most_vcpu=cluster.max_acu * behaviour.vcpu_per_acu, pool=_pool(node, design),
            most_connections=aurora_connections(cluster.min_acu, cluster.max_acu), pauses=cluster.min_acu == 0,
        )  # fmt: skip
    for instance in design.of(PostgresInstance):
        cores, node = vcpus_of(instance.instance_class), nodes.get(instance.node, by_default)
        return Store(
            name=instance.name, node=instance.node, least_vcpu=cores, most_vcpu=cores, pool=_pool(node, design),
            most_connections=instance_connections(instance.instance_class),
        )  # fmt: skip
    for host in design.of(Host):
        half = vcpus_of(host.instance_type) / 2
        most = max((node.max_connections for node in nodes.values()), default=0)
        return Store(
            name=host.name, node=host.node, least_vcpu=half, most_vcpu=half, pool=_HOST_POOL, most_connections=most
        )
    return None


def _pool(node: Postgres, design: Design) -> int:
    """Connections of one task; an environment of Lambda serves one request, and has one."""
    return 1 if any(each.role == "web" for each in design.of(LambdaFunction)) else node.pool_size


def aurora_connections(min_acu: float, max_acu: float) -> int:
    """Connections of Aurora Serverless v2 by its largest size: 189 at 1 ACU, 823 at 4, 3,360 at 16, 5,000 at most.

    A smallest size of 0 or half a unit caps them at 2,000. Source: AWS, "Performance and scaling for Aurora
    Serverless v2", maximum connections.
    """
    most = min(5_000, int(211.4 * max_acu - 22.4)) if max_acu >= 1 else 90
    return min(most, 2_000) if min_acu <= 0.5 else most


def instance_connections(instance_class: str) -> int:
    """Connections of RDS for PostgreSQL: LEAST(memory in bytes / 9531392, 5000). Source: AWS, "Quotas for RDS"."""
    size = instance_class.rsplit(".", maxsplit=1)[-1]
    ratio = {"r": 2.0, "x": 4.0}.get(instance_class.split(".")[-2][0], 1.0)
    gib = {"micro": 1, "small": 2, "medium": 4, "large": 8}.get(size)
    gib = gib if gib is not None else 8 * (2 if size == "xlarge" else 2 * int(size.removesuffix("xlarge")))
    return min(5_000, int(gib * ratio * 2**30 / 9_531_392))


def _call(graph: Graph, behaviour: Behaviour) -> Call | None:
    """The slowest host outside that a routed service talks to."""
    services = {edge.source for node in graph.of(External) for edge in graph.edges_to(node.name)}
    used = [node for node in graph.of(External) if graph.edges_to(node.name)]
    if behaviour.call_share <= 0 or not any(graph.edges_to(name, "route") for name in services) or not used:
        return None
    # A p99 of a lognormal with a coefficient of variation of 1 is 4.9 times its mean.
    seconds = {each.name: (each.p99_seconds or 0.0) / 4.9 or behaviour.call_ms / 1_000 for each in used}
    slowest = max(used, key=lambda each: seconds[each.name])
    return Call(name=slowest.name, seconds=seconds[slowest.name], at_once=NAT_CONNECTIONS, per_second=float("inf"))


def _backlogs(graph: Graph, design: Design, behaviour: Behaviour) -> Iterator[Backlog]:
    assert graph.traffic is not None
    rates = {each.queue: each.messages_per_second for each in graph.traffic.messages}
    busy = graph.traffic.requests_per_second()
    for node in graph.of(Worker):
        queue = graph.by_name.get(node.consumes)
        if not isinstance(queue, Queue):
            continue
        limits, scaling, concurrency, start = _worker(node, design, behaviour)
        each = rates[queue.name] / busy if queue.name in rates else 1 - graph.traffic.reads
        yield Backlog(
            name=node.name, node=node.name, queue=queue.name, messages_per_request=each,
            seconds=node.processing_time_seconds or behaviour.message_ms / 1_000, concurrency=concurrency,
            limits=limits, acceptable_seconds=node.acceptable_latency_seconds, start_seconds=start,
            scaling=scaling,
        )  # fmt: skip


def _worker(
    node: Worker, design: Design, behaviour: Behaviour
) -> tuple[Limits, TargetTracking | QueueLength | None, int, float]:
    """Limits, policy, messages at a time and start of a worker's tasks, by the part that runs it."""
    for part in design.of(EcsService):
        if part.node == node.name:
            tracking = next((each for each in part.scaling if isinstance(each, TrackingPart)), None)
            backlog = tracking is not None and tracking.metric == "backlog_per_task"
            policy = _on_backlog(tracking) if tracking is not None and backlog else None
            limits = Limits(least=part.min_tasks, most=part.max_tasks)
            return limits, policy, node.concurrency, behaviour.task_start_seconds
    for pod in design.of(KubernetesService):
        if pod.node == node.name:
            queue = next((each for each in pod.scaling if isinstance(each, QueueScaling)), None)
            scaled = None if queue is None else QueueLength(
                queue_length=queue.queue_length, polling=queue.polling_seconds, cooldown=queue.cooldown_seconds
            )  # fmt: skip
            limits = Limits(least=pod.min_replicas, most=pod.max_replicas)
            return limits, scaled, node.concurrency, behaviour.pod_start_seconds
    for function in design.of(LambdaFunction):
        if function.node == node.name and function.sources:
            source = function.sources[0]
            return Limits(least=source.most_batches, most=source.most_batches), None, 1, 0.0
    limits = Limits(least=node.min_tasks, most=node.max_tasks)
    return limits, None, node.concurrency, behaviour.task_start_seconds


def _on_backlog(part: TrackingPart) -> TargetTracking:
    return TargetTracking(
        target=part.target,
        out_cooldown=part.scale_out_cooldown_seconds,
        in_cooldown=part.scale_in_cooldown_seconds,
    )


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


def _impossible(graph: Graph, rate: float) -> Finding:
    return Finding(
        code="R1203", severity="error", message="the traffic is more than one region's entrance can carry",
        location=graph.location("@traffic"),
        found=f"{rate:,.0f} requests per second at the peak; at most {MOST_RATE:,.0f} are forecast",
        effect="every design would refuse nearly all of it, and the simulation would take hours to say so",
        help="check the unit of think_time and the peak; divide what is meant among several workloads",
    )  # fmt: skip

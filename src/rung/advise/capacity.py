"""What a design can answer: at an ordinary busy hour, at most, and how fast it gets from one to the other. Pure.

Formulas, not a simulation: `rung forecast` plays the day. Waiting follows Allen and Cunneen's approximation of
G/G/c (Queueing Systems, 1978) with Erlang's C; service times and arrivals vary by 1.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from rung.advise.judgement import Judgement
from rung.model.graph import Graph
from rung.model.measured import Behaviour
from rung.model.nodes import Worker
from rung.parts.compute import EcsService, Host, HostGroup, TargetTracking
from rung.parts.data import AuroraCluster, PostgresInstance
from rung.parts.design import Design
from rung.parts.functions import HttpApi, LambdaFunction
from rung.parts.instances import vcpus_of
from rung.parts.kubernetes import KubernetesService

#: What an account may run at once until somebody asks for more (AWS, "Lambda quotas").
LAMBDA_CONCURRENCY = 1_000
#: Above this utilisation a wait is no longer worth a formula.
_FULL = 0.99
#: Lambda keeps an idle environment for minutes; how many is not promised. Ours.
_WARM_SECONDS = 600.0
_Z99_EXPONENTIAL = -math.log(0.01)


@dataclass(frozen=True, slots=True, kw_only=True)
class Compute:
    """What answers visitors: `least` to `most` copies of `each` requests a second; `slots` at once in one copy.

    `target` is the utilisation that autoscaling holds, None: nothing scales. After `delay_seconds` the first new
    copies answer; a step multiplies them by 1/target at most, each `step_seconds`.
    """

    name: str
    least: int
    most: int
    each: float
    slots: float
    target: float | None
    delay_seconds: float
    step_seconds: float
    share: float

    def copies(self, rate: float) -> int:
        """How many there are once autoscaling has followed `rate` requests a second of all visitors."""
        filled = self.target or 1.0
        return max(self.least, min(self.most, math.ceil(rate * self.share / (self.each * filled) - 1e-9)))

    def limit(self, copies: float) -> float:
        """Requests of all visitors that so many copies answer."""
        return copies * self.each / self.share if self.share else math.inf


@dataclass(frozen=True, slots=True, kw_only=True)
class Capacity:
    """A design's limits, requests a second. `workers`: messages a second that can be handled, by queue."""

    computes: tuple[Compute, ...]
    database: float
    workers: tuple[tuple[str, str, float], ...]
    cold: bool
    cpu_seconds: float

    def most(self) -> tuple[float, str]:
        """The most that is answered for long, and what binds it."""
        limits = [(each.limit(each.most), each.name) for each in self.computes]
        return min((*limits, (self.database, "the database")), default=(math.inf, "nothing"))


def capacity_of(graph: Graph, design: Design, behaviour: Behaviour, judgement: Judgement) -> Capacity:
    """The limits of a design."""
    found = list(_computes(graph, design, behaviour, judgement))
    return Capacity(
        computes=tuple(found), database=_database(design, behaviour), workers=tuple(_workers(graph, design)),
        cold=bool(design.of(HttpApi)), cpu_seconds=behaviour.cpu_ms / 1_000,
    )  # fmt: skip


def p99_seconds(capacity: Capacity, rate: float, behaviour: Behaviour, judgement: Judgement) -> float:
    """The 99th percentile at `rate`, scaling finished: the network, the work, the wait, and a cold start where
    one request in a hundred meets one. Infinite when it cannot be answered."""
    if rate > capacity.most()[0]:
        return math.inf
    tails = [_tail(each, rate) for each in capacity.computes]
    database = _Z99_EXPONENTIAL * behaviour.database_ms / 1_000 if math.isfinite(capacity.database) else 0.0
    cold = judgement.cold_start_seconds if capacity.cold and _one_in_a_hundred_is_cold(capacity, rate) else 0.0
    return judgement.network_ms / 1_000 + max(tails, default=0.0) + database + cold


def lost_in_spike(capacity: Capacity, busy: float, peak: float, seconds: float) -> float:
    """Requests that are refused or too late in one spike: more arrive than the copies that are ready answer."""
    losses = [_lost(each, busy, min(peak, capacity.database), seconds) for each in capacity.computes]
    return max(losses, default=0.0) + max(0.0, peak - capacity.database) * seconds


def _lost(compute: Compute, busy: float, peak: float, seconds: float) -> float:
    ready = float(compute.copies(busy))
    lost, at, wait = 0.0, 0.0, compute.delay_seconds
    while at < seconds and compute.limit(ready) < peak:
        step = min(wait, seconds - at)
        lost += (peak - compute.limit(ready)) * step
        if compute.target is None or ready >= compute.most:
            return lost + (peak - compute.limit(ready)) * max(0.0, seconds - at - step)
        at, wait = at + step, compute.step_seconds
        ready = min(compute.most, math.ceil(ready / compute.target))
    return lost


def _tail(compute: Compute, rate: float) -> float:
    """The 99th percentile of work and wait in one copy: round robin gives each copy a queue of its own."""
    copies = compute.copies(rate)
    servers = max(1.0, compute.slots)
    service = servers / compute.each
    busy = min(_FULL, rate * compute.share / (copies * compute.each))
    work = _Z99_EXPONENTIAL * service
    queued = _erlang_c(max(1, round(servers)), busy)
    if queued <= 0.01:
        return work
    return work + service / (servers * (1 - busy)) * math.log(queued / 0.01)


def _erlang_c(servers: int, busy: float) -> float:
    """The probability that a request waits: `servers` of them, each `busy` of the time."""
    load, blocked = servers * busy, 1.0
    for count in range(1, servers + 1):
        blocked = load * blocked / (count + load * blocked)
    return blocked / (1 - busy * (1 - blocked))


def _one_in_a_hundred_is_cold(capacity: Capacity, rate: float) -> bool:
    return any(rate * each.share * _WARM_SECONDS < 100 for each in capacity.computes)


def _computes(graph: Graph, design: Design, behaviour: Behaviour, judgement: Judgement) -> Iterator[Compute]:
    routed = {edge.target for edge in graph.edges if edge.verb == "route"}
    per_vcpu = 1_000 / behaviour.cpu_ms
    services = [each for each in design.of(EcsService) if each.node in routed]
    for service in services:
        tracked = any(isinstance(each, TargetTracking) for each in service.scaling)
        yield _compute(
            service.name, (service.min_tasks, service.max_tasks), per_vcpu, service.container.cpu,
            behaviour.cpu_target if tracked else None, judgement.alarm_seconds + judgement.task_start_seconds,
            1 / len(services),
        )  # fmt: skip
    pods = [each for each in design.of(KubernetesService) if each.node in routed]
    for pod in pods:
        yield _compute(
            pod.name, (pod.min_replicas, pod.max_replicas), per_vcpu, pod.container.cpu,
            behaviour.cpu_target if pod.scaling else None,
            judgement.pod_alarm_seconds + judgement.task_start_seconds, 1 / len(pods),
        )  # fmt: skip
    yield from _machines(design, behaviour, judgement, per_vcpu)
    functions = [each for each in design.of(LambdaFunction) if each.role == "web"]
    for function in functions:
        most = function.reserved_concurrency or LAMBDA_CONCURRENCY
        work = (behaviour.cpu_ms + behaviour.database_ms * behaviour.database_share) / 1_000
        yield Compute(
            name=function.name, least=most, most=most, each=1 / work, slots=1, target=None, delay_seconds=0.0,
            step_seconds=10.0, share=1 / len(functions),
        )  # fmt: skip


def _machines(design: Design, behaviour: Behaviour, judgement: Judgement, per_vcpu: float) -> Iterator[Compute]:
    for group in design.of(HostGroup):
        delay = judgement.alarm_seconds + judgement.machine_start_seconds
        limits = (group.min_hosts, group.max_hosts)
        yield _compute(
            group.name, limits, per_vcpu, vcpus_of(group.instance_type), behaviour.cpu_target, delay, 1.0
        )
    for host in design.of(Host):
        # The databases of a box have half of its machine.
        yield _compute(host.name, (1, 1), per_vcpu, vcpus_of(host.instance_type) / 2, None, 0.0, 1.0)


def _compute(
    name: str,
    limits: tuple[int, int],
    per_vcpu: float,
    vcpu: float,
    target: float | None,
    delay: float,
    share: float,
) -> Compute:
    return Compute(
        name=name, least=max(1, limits[0]), most=max(1, *limits), each=per_vcpu * vcpu, slots=vcpu, target=target,
        delay_seconds=delay, step_seconds=60.0, share=share,
    )  # fmt: skip


def _database(design: Design, behaviour: Behaviour) -> float:
    """Requests of visitors that the databases answer when full: those that the cache does not."""
    vcpu = sum(each.max_acu * behaviour.vcpu_per_acu for each in design.of(AuroraCluster))
    vcpu += sum(vcpus_of(each.instance_class) for each in design.of(PostgresInstance))
    kept = [host for host in design.of(Host) if any(stack.role == "store" for stack in host.stacks)]
    vcpu += sum(vcpus_of(host.instance_type) / 2 for host in kept)
    work = behaviour.database_ms / 1_000 * behaviour.database_share
    return vcpu / work if vcpu and work else math.inf


def _workers(graph: Graph, design: Design) -> Iterator[tuple[str, str, float]]:
    """Worker, queue, and the messages a second it handles with every copy running, where it says how long one
    takes."""
    for worker in graph.of(Worker):
        if worker.processing_time_seconds:
            copies = _copies(design, worker)
            yield worker.name, worker.consumes, copies / worker.processing_time_seconds


def _copies(design: Design, worker: Worker) -> float:
    """Messages that are handled at once."""
    functions = [each for each in design.of(LambdaFunction) if each.node == worker.name]
    if functions:
        return float(sum(each.most_at_once or LAMBDA_CONCURRENCY for each in functions))
    tasks = sum(each.max_tasks for each in design.of(EcsService) if each.node == worker.name)
    tasks += sum(each.max_replicas for each in design.of(KubernetesService) if each.node == worker.name)
    for group in design.of(HostGroup):
        tasks += group.max_hosts * sum(each.replicas for each in group.stacks if each.node == worker.name)
    for host in design.of(Host):
        tasks += sum(each.replicas for each in host.stacks if each.node == worker.name)
    return float(tasks * worker.concurrency)

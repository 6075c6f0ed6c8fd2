"""Reliability under load: spikes, lost zones, cold caches and connections, by plain arithmetic."""

from __future__ import annotations

import math
from collections.abc import Iterator

from rung.model.measured import FULL
from rung.model.nodes import Job, Schedule, Service, Worker
from rung.parts.compute import EcsService, Host, HostGroup, ScheduledScaling
from rung.parts.data import AuroraCluster
from rung.parts.functions import HttpApi
from rung.parts.kubernetes import CronScaling, KubernetesService
from rung.review.advice import Found
from rung.review.cures import Change, OverrideField, SetEnvironment, SizePart
from rung.review.subject import NOTICED_SECONDS, TASK_START_SECONDS, Database, Front, Subject

#: The share of a server's connections that pools may take (the check R0173 holds it too).
USABLE_CONNECTIONS = 0.8
#: What a process that runs one handler at a time opens.
SINGLE_CONNECTIONS = 2
#: Fewer refused requests than this are no story.
WORTH_TELLING = 0.1
#: From this promise on, a lost zone must not be noticed.
ZONE_AVAILABILITY = 0.999
#: Nobody waits for tasks that run at this load after a zone is lost.
CROWDED = 0.95
ACU_STEPS = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0)
#: RDS classes of one's own processor, by vCPU. Source: AWS, "DB instance classes".
CLASSES = (("db.m7g.large", 2), ("db.m7g.xlarge", 4), ("db.m7g.2xlarge", 8), ("db.m7g.4xlarge", 16),
           ("db.m7g.8xlarge", 32))  # fmt: skip


def spike_before_scaling(subject: Subject) -> Iterator[Found]:
    """R1421: a spike that is over, or has done its harm, before there is one task more."""
    traffic = subject.graph.traffic
    for front in subject.fronts if subject.production else ():
        load = subject.peak * front.share
        refused = 1 - front.least * front.each / load if load else 0.0
        if (
            traffic is None
            or traffic.peak <= 1
            or refused < WORTH_TELLING
            or isinstance(front.part, Host)
            or _is_announced(front, load)
        ):
            continue
        lasts = min(traffic.peak_seconds, front.starts_seconds)
        needed = math.ceil(load / (front.each * FULL))
        yield Found(
            node=front.node,
            message=f'a spike finds {front.counted(front.least)} of "{front.part.name}"; {refused:.0%} is refused',
            evidence=f"{_at_the_peak(subject, load)}; {front.least} x {_each(subject, front)} = "
            f"{front.least * front.each:,.0f}; one {front.unit} more takes {front.starts_seconds:.0f} s, "
            f"the spike {traffic.peak_seconds:.0f} s, so {refused * load * lasts:,.0f} requests find no place",
            changes=scaled_to(subject, front, needed, max(needed, front.most)),
            note="only while a spike is expected: announced sales need it for hours, not all month",
        )  # fmt: skip


def peak_above_the_most(subject: Subject) -> Iterator[Found]:
    """R1422: a peak that no number of tasks within the limits can serve."""
    for front in subject.fronts if subject.production else ():
        load = subject.peak * front.share
        if load <= front.most * front.each * FULL:
            continue
        needed = math.ceil(load / (front.each * FULL))
        yield Found(
            node=front.node,
            message=f'"{front.part.name}" cannot serve the peak with all of its {front.unit}s',
            evidence=f"{_at_the_peak(subject, load)}; {front.most} x {_each(subject, front)} = "
            f"{front.most * front.each:,.0f}, of which {FULL:.0%} can be promised; {needed} are needed",
            changes=scaled_to(subject, front, front.least, needed),
        )  # fmt: skip


def zone_lost(subject: Subject) -> Iterator[Found]:
    """R1423: what is left after a zone is too little for an ordinary hour."""
    network = subject.network
    zones = network.zones if network else 2
    if subject.availability < ZONE_AVAILABILITY or zones < 2:
        return
    for front in subject.fronts:
        load = subject.ordinary * front.share
        if isinstance(front.part, Host) or not load:
            continue
        running = front.running(load, subject.behaviour.cpu_target)
        left = running - math.ceil(running / zones)
        if left < 1 or load <= left * front.each * CROWDED:
            continue
        needed = next(
            n for n in range(running + 1, 100_000) if (n - math.ceil(n / zones)) * front.each * FULL >= load
        )
        yield Found(
            node=front.node, message=f'the loss of a zone leaves "{front.part.name}" overloaded',
            evidence=f"{front.counted(running)} in {zones} zones at the busy hour, {left} are left: "
            f"{load:,.0f} requests/s on {left} x {_each(subject, front)} is {load / (left * front.each):.0%}, "
            f"for the {front.starts_seconds:.0f} s until new ones answer",
            changes=scaled_to(subject, front, needed, max(needed, front.most)),
        )  # fmt: skip


def database_below_the_peak(subject: Subject) -> Iterator[Found]:
    """R1424: a database that its peak fills."""
    for database, load in database_loads(subject, subject.peak):
        capacity = subject.database_capacity(database)
        if load > capacity and subject.production:
            share = subject.behaviour.database_share
            part = (
                f"{share:.0%} of {subject.peak:,.0f}" if subject.behind_cache() else f"all of {subject.peak:,.0f}"
            )
            yield Found(
                node=database.node, message=f'"{database.name}" is too small for the peak',
                evidence=f"{load:,.0f} requests/s reach it ({part}); {_size(database)} is good for "
                f"{capacity:,.0f} at {subject.behaviour.database_ms:g} ms each",
                changes=_larger(subject, database, load),
                note="a larger most costs nothing until it is used"
                if isinstance(database, AuroraCluster) else "",
            )  # fmt: skip


def cold_cache(subject: Subject) -> Iterator[Found]:
    """R1425: an empty cache puts the whole load on a database that was sized for what is left of it."""
    if not subject.production or not subject.behind_cache() or any(database_below_the_peak(subject)):
        return
    for database, _ in database_loads(subject, subject.ordinary):
        capacity = subject.database_capacity(database)
        if subject.ordinary > capacity:
            yield Found(
                node=database.node, message=f'"{database.name}" does not survive a cold cache',
                evidence=f"{subject.ordinary:,.0f} requests/s at the busy hour when the cache answers none; "
                f"{_size(database)} is good for {capacity:,.0f}",
                changes=_larger(subject, database, subject.ordinary),
                note="single flight asks once for each key and task: what counts is how many keys are wanted",
            )  # fmt: skip


def deployment_at_the_peak(subject: Subject) -> Iterator[Found]:
    """R1426: for some minutes of a deployment, old and new tasks hold their connections together."""
    parts = {part.node: part for part in subject.design.of(EcsService)}
    for database in subject.databases:
        usable, node = subject.usable_connections(database), subject.pool_of(database.node)
        if usable is None or node is None or not subject.production:
            continue
        users = [parts[name] for name in subject.users(node.name) if name in parts]
        doubled = sum(2 * part.max_tasks * node.pool_size for part in users if part.role != "scheduler")
        there = usable / USABLE_CONNECTIONS
        if doubled > there:
            yield Found(
                node=database.node, message=f'a deployment at the peak exhausts "{database.name}"',
                evidence=" + ".join(f"2 x {part.max_tasks} x {node.pool_size} ({part.name})" for part in users)
                + f" = {doubled:,}; {_size(database)} has about {there:,.0f}",
                changes=(
                    OverrideField(node=node.name, field="max_connections", value=math.ceil(doubled / 50) * 50),
                ),
                note="or a smaller pool_size",
            )  # fmt: skip


def worker_behind_the_spike(subject: Subject) -> Iterator[Found]:
    """R1427: messages of a spike wait for tasks that are only being started."""
    parts = {part.node: part for part in subject.design.of(EcsService)}
    traffic = subject.graph.traffic
    for worker in subject.graph.of(Worker):
        part, wanted = parts.get(worker.name), worker.acceptable_latency_seconds
        if part is None or wanted is None or not subject.production or traffic is None:
            continue
        arriving = _arriving(subject, worker)
        handled = _handled(subject, worker, parts)
        if arriving is None or handled is None or arriving <= 0:
            continue
        lasts = min(traffic.peak_seconds, NOTICED_SECONDS + TASK_START_SECONDS)
        wait = (arriving - handled) * lasts / handled if handled else NOTICED_SECONDS + TASK_START_SECONDS
        each = worker.concurrency / (worker.processing_time_seconds or 1.0)
        if wait > wanted:
            needed = min(worker.max_tasks, max(1, math.ceil(arriving / (each * FULL))))
            yield Found(
                node=worker.name, message=f'messages of a spike wait too long for "{worker.name}"',
                evidence=f"{arriving:,.0f} messages/s at the peak, {_tasks_text(part)} {handled:,.0f} "
                f"until more are there: the last waits {wait:,.0f} s, {wanted:g} s are acceptable",
                changes=(OverrideField(node=worker.name, field="min_tasks", value=needed),),
            )  # fmt: skip


def api_refuses(subject: Subject) -> Iterator[Found]:
    """R1428: an API that refuses what its functions could answer."""
    for api in subject.design.of(HttpApi):
        if subject.peak > api.requests_per_second and subject.production:
            enough = math.ceil(subject.peak * 1.2 / 100) * 100
            yield Found(
                node="@traffic", message=f'"{api.name}" refuses {1 - api.requests_per_second / subject.peak:.0%} '
                "of the peak",
                evidence=f"{subject.peak:,.0f} requests/s at the peak, "
                f"requests_per_second={api.requests_per_second:,}",
                changes=(
                    SizePart(part=api.name, field="requests_per_second", value=enough),
                    SizePart(part=api.name, field="burst", value=max(api.burst, enough // 2)),
                ),
                note="above 10,000 the account needs a larger quota",
            )  # fmt: skip


def _tasks_text(part: EcsService) -> str:
    return "1 task handles" if part.min_tasks == 1 else f"{part.min_tasks} tasks handle"


def scaled_to(subject: Subject, front: Front, least: int, most: int) -> tuple[Change, ...]:
    """So many tasks or machines, and connections for them."""
    match front.part:
        case Host():
            return (SetEnvironment(field="rung", value="fargate"),)
        case HostGroup():
            sizes = {"min_hosts": (least, front.least), "max_hosts": (most, front.most)}
            return tuple(
                SizePart(part=front.part.name, field=field, value=value)
                for field, (value, now) in sizes.items()
                if value != now
            )
        case EcsService() | KubernetesService():
            return (*_tasks(subject, front, least, most), *_connections(subject, front.node, most))


def _tasks(subject: Subject, front: Front, least: int, most: int) -> Iterator[Change]:
    scale, node = subject.environment.scale, subject.graph.by_name.get(front.node)
    if most != front.most and isinstance(node, Service) and node.cpu is None:
        # A rung divides the peak among the tasks: more tasks would otherwise be smaller ones.
        yield OverrideField(node=front.node, field="cpu", value=_cpu_of(front))
    for field, value, now in (("min_tasks", least, front.least), ("max_tasks", most, front.most)):
        if value != now:
            yield OverrideField(node=front.node, field=field, value=math.ceil(value / scale))


def _cpu_of(front: Front) -> float:
    return front.part.container.cpu if isinstance(front.part, EcsService | KubernetesService) else 0.0


def _connections(subject: Subject, service: str, most: int) -> Iterator[Change]:
    """The limits of databases that so many tasks of one service pass."""
    for name in subject.uses(service, "postgres"):
        database = subject.pool_of(name)
        if database is None:
            continue
        wanted = 0
        for user in subject.users(name):
            node = subject.graph.by_name.get(user)
            if isinstance(node, Service | Worker):
                wanted += (most if user == service else node.max_tasks) * database.pool_size
            elif isinstance(node, Schedule | Job):
                wanted += SINGLE_CONNECTIONS
        if wanted > database.max_connections * USABLE_CONNECTIONS:
            value = math.ceil(wanted / USABLE_CONNECTIONS / 50) * 50
            yield OverrideField(node=name, field="max_connections", value=value)


def _is_announced(front: Front, load: float) -> bool:
    """Whether a schedule brings enough tasks for it."""
    planned: list[int] = []
    if isinstance(front.part, EcsService):
        planned = [each.min_tasks for each in front.part.scaling if isinstance(each, ScheduledScaling)]
    elif isinstance(front.part, KubernetesService):
        planned = [each.min_replicas for each in front.part.scaling if isinstance(each, CronScaling)]
    return any(tasks * front.each >= load * (1 - WORTH_TELLING) for tasks in planned)


def _each(subject: Subject, front: Front) -> str:
    return f"{front.each:,.0f} ({subject.behaviour.cpu_ms:g} ms of CPU for a request)"


def _at_the_peak(subject: Subject, load: float) -> str:
    even = len(subject.services) > 1 and subject.graph.traffic is not None and not subject.graph.traffic.routes
    return f"{load:,.0f} requests/s at the peak{', an even share of all' if even else ''}"


def messages_at_the_peak(subject: Subject) -> Iterator[tuple[Worker, float]]:
    """Every worker with the messages per second that arrive for it at the peak, where that is known."""
    for worker in subject.graph.of(Worker):
        arriving = _arriving(subject, worker)
        if arriving:
            yield worker, arriving


def database_loads(subject: Subject, rate: float) -> Iterator[tuple[Database, float]]:
    """The databases that visitors' requests reach, with requests per second on each."""
    reached = {name for service in subject.services for name in subject.uses(service.name, "postgres")}
    databases = [each for each in subject.databases if each.node in reached and each.existing is None]
    share = subject.behaviour.database_share if subject.behind_cache() else 1.0
    for database in databases:
        yield database, rate * share / len(databases)


def _size(database: Database) -> str:
    return f"{database.max_acu:g} ACU" if isinstance(database, AuroraCluster) else database.instance_class


def _larger(subject: Subject, database: Database, load: float) -> tuple[Change, ...]:
    if isinstance(database, AuroraCluster):
        needed = load / subject.behaviour.requests_per_acu
        step = next((each for each in ACU_STEPS if each >= needed), ACU_STEPS[-1])
        return (SizePart(part=database.name, field="max_acu", value=step),)
    cores = load * subject.behaviour.database_ms / 1_000 / subject.behaviour.database_target
    kind = next((name for name, vcpu in CLASSES if vcpu >= cores), CLASSES[-1][0])
    return (SizePart(part=database.name, field="instance_class", value=kind),)


def _arriving(subject: Subject, worker: Worker) -> float | None:
    """Messages per second at the peak: as declared, else one for each write of a service that sends."""
    traffic = subject.graph.traffic
    declared = subject.messages_per_second(worker.consumes)
    if traffic is None or declared is not None:
        return None if declared is None or traffic is None else declared * traffic.peak
    senders = {edge.source for edge in subject.graph.edges_to(worker.consumes, "send")}
    return subject.peak * subject.writes if senders & subject.routed else None


def _handled(subject: Subject, worker: Worker, parts: dict[str, EcsService]) -> float | None:
    """Messages per second that the fewest tasks of every worker of the queue handle."""
    workers = subject.workers_of(worker.consumes)
    rates = [
        parts[each.name].min_tasks * each.concurrency / each.processing_time_seconds
        for each in workers
        if each.processing_time_seconds and each.name in parts
    ]
    return sum(rates) if len(rates) == len(workers) else 0.0 if worker.min_tasks == 0 else None

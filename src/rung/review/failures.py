"""Reliability when something fails: standbys, ways out, retries, timeouts, neighbours."""

from __future__ import annotations

import math
from collections.abc import Iterator

from rung.model.durations import render_seconds
from rung.model.nodes import External, Objectives, Postgres, Queue, Service, Worker
from rung.parts.compute import EcsService, Host, HostGroup
from rung.parts.data import AuroraCluster, CacheGroup, PostgresInstance
from rung.parts.edge import Distribution, LoadBalancer
from rung.parts.functions import HttpApi
from rung.parts.kubernetes import KubernetesService
from rung.review.advice import Found
from rung.review.cures import OverrideField, SetEnvironment, SetField, SizePart, State
from rung.review.recovery import failover_seconds, rebuild_seconds
from rung.review.subject import Subject

#: One failure may not take more than this share of the minutes that a promise leaves for a month.
FAILURE_SHARE = 1 / 3
PER_ZONE_AVAILABILITY = 0.9995
SINGLE_TASK_AVAILABILITY = 0.999
REGION_AVAILABILITY = 0.9999
#: What AWS promises of each in several zones, read in November 2026: aws.amazon.com/elasticloadbalancing/sla/
#: (of 25 July 2022), aws.amazon.com/rds/aurora/sla/ (of 19 May 2022), the rest by
#: cloudonaut.io/aws-sla-are-you-able-to-keep-your-availability-promise/ (of 31 January 2019).
AGREEMENTS = {
    "load_balancer": 0.9999, "http_api": 0.9995, "ecs_service": 0.9999, "host_group": 0.9999,
    "kubernetes_service": 0.9999, "lambda_function": 0.9995, "aurora_cluster": 0.9999, "postgres_instance": 0.9995,
}  # fmt: skip
#: An outage of somebody else's service that a queue should sit out.
OUTSIDE_OUTAGE_SECONDS = 120.0
MOST_RECEIVES = 15
#: A service that waits longer than this for somebody else, under a promise below a second, is one to look at.
LONG_WAIT_SECONDS, SHORT_PROMISE_SECONDS = 10.0, 1.0
#: The requests that a task serves at once before it refuses more (`rung.runtime.http`, `concurrency`).
REQUESTS_AT_ONCE = 40


def no_standby(subject: Subject) -> Iterator[Found]:
    """R1431: a database whose one failure eats the month's promise."""
    for database in subject.databases:
        if database.existing is not None or not subject.availability:
            continue
        gib = float(database.storage_gib) if isinstance(database, PostgresInstance) else 10.0
        minutes = failover_seconds(database, gib) / 60
        standby = database.readers if isinstance(database, AuroraCluster) else database.multi_zone
        if not standby and minutes > subject.budget_minutes * FAILURE_SHARE:
            field, value = ("readers", 1) if isinstance(database, AuroraCluster) else ("multi_zone", True)
            yield Found(
                node=database.node,
                message=f'one failure of "{database.name}" takes {minutes / subject.budget_minutes:.0%} '
                "of a month's error budget",
                evidence=f"{field}={value.__class__(0)!r}: back after about {minutes:.0f} minutes; "
                f"{subject.availability * 100:g} % leave {subject.budget_minutes:.0f} a month",
                changes=(SizePart(part=database.name, field=field, value=value),),
            )  # fmt: skip


def way_out_in_one_zone(subject: Subject) -> Iterator[Found]:
    """R1432: the loss of one zone cuts all of them off from the hosts they need."""
    network = subject.network
    if network is None or network.nat not in ("single", "instance") or not subject.production:
        return
    hosts = sorted({each.host for each in subject.design.egress})
    if hosts and subject.availability >= PER_ZONE_AVAILABILITY:
        name = subject.design.environment
        yield Found(
            node=name if name in subject.graph.by_name else "@workload",
            message="every way out is in one zone",
            evidence=f'nat="{network.nat}" for {network.zones} zones; {", ".join(hosts)} '
            f"{'is' if len(hosts) == 1 else 'are'} reached through it; {subject.availability * 100:g} % promised",
            changes=(SetEnvironment(field="nat", value="per_zone"),),
        )  # fmt: skip


def one_machine(subject: Subject) -> Iterator[Found]:
    """R1433: a promise that one machine cannot keep."""
    for box in subject.design.of(Host):
        minutes = rebuild_seconds(box) / 60
        if minutes > subject.budget_minutes * FAILURE_SHARE:
            yield Found(
                node="@objectives", message=f'one machine cannot promise {subject.availability * 100:g} %',
                evidence=f'"{box.name}" is back after about {minutes:.0f} minutes (a new machine, and '
                f"{box.stored_gib} GiB from the last dump); {subject.budget_minutes:.0f} a month are allowed",
                changes=(SetEnvironment(field="rung", value="host"),),
                note='or promise less: 99 % leave seven hours',
            )  # fmt: skip


def gives_up_too_soon(subject: Subject) -> Iterator[Found]:
    """R1435: messages that reach the dead-letter queue while what they need is only being replaced."""
    databases = {each.node: each for each in subject.databases}
    for worker in subject.graph.of(Worker):
        queue = subject.graph.by_name.get(worker.consumes)
        if not subject.production or not isinstance(queue, Queue) or queue.max_receive_count is None:
            continue
        outages = {
            f"a failover of {name}": failover_seconds(databases[name], 10.0)
            for name in subject.uses(worker.name, "postgres")
            if name in databases
        } | {f"an outage of {name}": OUTSIDE_OUTAGE_SECONDS for name in subject.uses(worker.name, "external")}
        if not outages:
            continue
        cause = max(outages, key=lambda each: outages[each])
        longest = min(outages[cause], OUTSIDE_OUTAGE_SECONDS)
        lasts = _patience(queue, queue.max_receive_count)
        if lasts < longest:
            counts = range(queue.max_receive_count + 1, MOST_RECEIVES + 1)
            enough = next((count for count in counts if _patience(queue, count) >= longest), MOST_RECEIVES)
            yield Found(
                node=queue.name, message=f'"{worker.name}" gives messages up before {cause} is over',
                evidence=f"{queue.max_receive_count} attempts with doubling delays last {lasts:.0f} s on average; "
                f"{cause} lasts about {longest:.0f} s",
                changes=(SetField(node=queue.name, field="max_receive_count", value=enough),),
            )  # fmt: skip


def _patience(queue: Queue, receives: int) -> float:
    """Seconds from the first attempt to the last: delays double, each drawn evenly below its bound.

    So does the runtime (`rung.runtime.queue.backoff`).
    """
    bound = queue.retry_delay_max_seconds
    return sum(min(bound, queue.retry_delay_seconds * 2.0**attempt) for attempt in range(receives - 1)) / 2


def hangs_with_others(subject: Subject) -> Iterator[Found]:
    """R1437: somebody else's service hangs, and every task waits for it."""
    objectives = subject.graph.objectives
    promised = objectives.p99_seconds if objectives else None
    for front in subject.fronts:
        node = subject.graph.by_name.get(front.node)
        if not isinstance(node, Service) or promised is None or not subject.production:
            continue
        hosts = subject.uses(node.name, "external")
        waiting = subject.ordinary * front.share * subject.writes * node.deadline_seconds
        room = front.least * REQUESTS_AT_ONCE
        if (
            hosts
            and promised <= SHORT_PROMISE_SECONDS
            and node.deadline_seconds > LONG_WAIT_SECONDS
            and waiting > room
        ):
            external = subject.graph.node(hosts[0])
            assert isinstance(external, External)
            enough = max(2.0, float(round((external.p99_seconds or 1.0) * 3)))
            yield Found(
                node=node.name, message=f'when {external.host} hangs, "{node.name}" hangs with it',
                evidence=f"{subject.ordinary * front.share * subject.writes:,.0f} writes/s wait up to "
                f"{node.deadline_seconds:g} s each: {waiting:,.0f} at once, and {front.least} tasks have room "
                f"for {room:,}; promised is a p99 of {render_seconds(promised)}",
                changes=(SetField(node=node.name, field="deadline_seconds", value=enough),),
                note="or call it from a worker, behind a queue",
            )  # fmt: skip


def edge_gives_up_first(subject: Subject) -> Iterator[Found]:
    """R1438: an answer that is still being made when nobody waits for it any more."""
    distributions, balancers = subject.design.of(Distribution), subject.design.of(LoadBalancer)
    fronted = (each for each in distributions if each.load_balancer or each.api)
    limits = [(each.name, "origin_seconds", each.origin_seconds) for each in fronted]
    limits += [(each.name, "timeout_seconds", each.timeout_seconds) for each in subject.design.of(HttpApi)]
    limits += [(each.name, "idle_seconds", each.idle_seconds) for each in balancers if each.existing is None]
    for node in subject.services:
        for part, field, seconds in limits[:1]:
            if node.deadline_seconds > seconds:
                yield Found(
                    node=node.name, message=f'"{part}" gives up before "{node.name}" answers',
                    evidence=f"{field}={seconds}, deadline {render_seconds(node.deadline_seconds)}",
                    changes=(SetField(node=node.name, field="deadline_seconds", value=float(seconds)),),
                    note=f'or sizes={{"{part}": {{"{field}": ...}}}}',
                )  # fmt: skip


def single_task_inside(subject: Subject) -> Iterator[Found]:
    """R1444: a single task that services with a promise call."""
    for part, tasks in _serving(subject):
        callers = [edge.source for edge in subject.graph.edges_to(part.node, "call")]
        promised = subject.availability >= SINGLE_TASK_AVAILABILITY
        if promised and part.role == "web" and tasks < 2 and part.node not in subject.routed and callers:
            yield Found(
                node=part.node, message=f'"{part.node}" is a single task, and others wait for it',
                evidence=f"min_tasks={tasks}, called by {', '.join(dict.fromkeys(callers))}, "
                f"{subject.availability * 100:g} % promised",
                changes=(OverrideField(node=part.node, field="min_tasks", value=2),),
            )  # fmt: skip


def _serving(subject: Subject) -> Iterator[tuple[EcsService | KubernetesService, int]]:
    for task in subject.design.of(EcsService):
        yield task, task.min_tasks
    for pod in subject.design.of(KubernetesService):
        yield pod, pod.min_replicas


def more_than_a_region(subject: Subject) -> Iterator[Found]:
    """R1445: a promise that one region cannot keep."""
    objectives = subject.graph.objectives
    if objectives is None or subject.availability < REGION_AVAILABILITY or subject.design.of(Host):
        return
    lower = Objectives(
        availability="99.95%", p99=objectives.p99_seconds, critical=objectives.critical,
        routes={each.path: each.p99_seconds for each in objectives.routes},
    )  # fmt: skip
    kinds = [kind for kind in AGREEMENTS if any(part.kind == kind for part in subject.design.parts)]
    together = math.prod(AGREEMENTS[kind] for kind in kinds)
    each = ", ".join(f"{kind.replace('_', ' ')} {AGREEMENTS[kind] * 100:g} %" for kind in kinds)
    yield Found(
        node="@objectives", message=f"one region cannot promise {subject.availability * 100:g} %",
        evidence=f"everything is in {subject.design.region}; AWS promises of {each}: {together * 100:.2f} % "
        f"one after the other; {subject.budget_minutes:.1f} minutes a month are left",
        changes=(State(fact=lower, text='Objectives(availability="99.95%", ...)'),),
        note="a second region is not something that a rung builds",
    )  # fmt: skip


def single_cache_node(subject: Subject) -> Iterator[Found]:
    """R1446: one node that holds sessions and shields the database."""
    for part in subject.design.of(CacheGroup):
        users = [name for name in subject.users(part.node) if name in subject.routed]
        if subject.production and part.existing is None and part.nodes < 2 and users:
            yield Found(
                node=part.node, message=f'"{part.name}" is a single node',
                evidence=f"nodes={part.nodes}, used by {', '.join(users)}; a new one begins empty in ten minutes",
                changes=(SizePart(part=part.name, field="nodes", value=2),),
            )  # fmt: skip


def one_host(subject: Subject) -> Iterator[Found]:
    """R1447: replaceable machines, of which there is one."""
    for part in subject.design.of(HostGroup):
        if subject.production and part.min_hosts < 2 and subject.services:
            yield Found(
                node=subject.services[0].name, message=f'"{part.name}" is a single machine',
                evidence=f"min_hosts={part.min_hosts}, in production",
                changes=(SizePart(part=part.name, field="min_hosts", value=2),),
            )  # fmt: skip


def one_lane_for_all(subject: Subject) -> Iterator[Found]:
    """R1448: one tenant's import before everybody's messages."""
    shared = [
        node.name for node in subject.graph.of(Postgres) if node.tenancy and node.tenancy.mode in ("rls", "schema")
    ]
    for queue in subject.graph.of(Queue):
        senders = {edge.source for edge in subject.graph.edges_to(queue.name, "send")}
        consumers = [
            node
            for node in subject.workers_of(queue.name)
            if set(subject.uses(node.name, "postgres")) & set(shared)
        ]
        if subject.production and len(queue.lanes) == 1 and consumers and senders & subject.routed:
            yield Found(
                node=queue.name, message=f'one tenant can hold up all others in "{queue.name}"',
                evidence=f"1 lane for every tenant of {', '.join(shared)}; visitors fill it through "
                f"{', '.join(sorted(senders & subject.routed))}",
                changes=(SetField(node=queue.name, field="lanes", value=("interactive", "bulk")),),
                note='and send imports with lane="bulk"',
            )  # fmt: skip

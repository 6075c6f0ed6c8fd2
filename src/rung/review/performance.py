"""Performance efficiency: is the work done where it is cheap, and does nothing wait without need?"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator

from rung.model.durations import render_seconds
from rung.model.edges import Edge
from rung.model.measured import BOX_SERVING_SHARE
from rung.model.nodes import Cache, Queue, Schedule, Traffic, Worker
from rung.parts.compute import EcsJob, EcsService, Host, HostGroup
from rung.parts.data import AuroraCluster, PostgresInstance
from rung.parts.edge import Distribution
from rung.parts.functions import LambdaFunction
from rung.parts.instances import vcpus_of
from rung.review.advice import Found, Rule
from rung.review.cures import AddNode, Change, SetEnvironment, SetField, SizePart, State
from rung.review.subject import Subject

#: Reads from here on are worth a cache, at so many requests per second at the peak.
READ_HEAVY, WORTH_CACHING = 0.8, 500.0
WORTH_DISTRIBUTING_USERS = 1_000
#: What a burstable machine may use of its processors for ever, by size. Source: AWS, "Key concepts for burstable
#: performance instances", T4g.
BASELINES = {"nano": 0.05, "micro": 0.10, "small": 0.20, "medium": 0.20, "large": 0.30, "xlarge": 0.40,
             "2xlarge": 0.40}  # fmt: skip
#: A wait for a connection is refused after this (`rung.runtime.database`, admission).
ADMISSION_SECONDS = 1.0
#: A handler that takes longer than this does not hold its connection all the while.
LONGEST_HOLD_SECONDS = 5.0
#: Messages per second that a queue in Postgres carries beside an application (docs/reference/figures.md has more
#: on an idle machine): beyond it, its writes are the database's largest load.
QUEUE_MESSAGES_PER_SECOND = 500.0
HERD = 3
#: Fewer cold starts at once than this are lost among the ordinary ones.
WORTH_WARMING = 10


def no_traffic(subject: Subject) -> Iterator[Found]:
    """R1451: sizes for nobody in particular."""
    if subject.production and subject.services and subject.graph.traffic is None:
        yield Found(
            node=subject.services[0].name, message="nobody has said how many visitors come",
            evidence="no traffic(...): tasks, database and bill are safe minimums, and no spike is reckoned with",
            changes=(
                State(
                    fact=Traffic(concurrent_users=100, think_time="10s", peak=3.0),
                    text='Traffic(concurrent_users=100, think_time="10s", peak=3)',
                ),
            ),
            note="with your own numbers",
        )  # fmt: skip


def no_cache(subject: Subject) -> Iterator[Found]:
    """R1452: every read asks the database again."""
    traffic = subject.graph.traffic
    users = [node for node in subject.services if subject.uses(node.name, "postgres")]
    if traffic is None or not subject.production or not users or subject.behind_cache():
        return
    if traffic.reads >= READ_HEAVY and subject.peak >= WORTH_CACHING:
        names = ", ".join(node.name for node in users)
        edges = tuple(
            Edge(source=node.name, target="cache", verb=verb) for node in users for verb in ("read", "write")
        )
        yield Found(
            node=users[0].name, message="every read asks the database again",
            evidence=f"{traffic.reads:.0%} of {subject.peak:,.0f} requests/s are reads, and there is no cache",
            changes=(
                AddNode(node=Cache(name="cache"), edges=edges, text=f'cache("cache"), in the uses of {names}'),
            ),
        )  # fmt: skip


def no_distribution(subject: Subject) -> Iterator[Found]:
    """R1453: every byte comes from one region."""
    traffic = subject.graph.traffic
    near = subject.design.of(Distribution) or not subject.balanced()
    if traffic is None or not subject.production or not subject.services or near:
        return
    if traffic.concurrent_users >= WORTH_DISTRIBUTING_USERS:
        name = subject.design.environment
        yield Found(
            node=name if name in subject.graph.by_name else "@workload",
            message="every answer travels from one region",
            evidence=f"{traffic.concurrent_users:,} users, distribution=False in {subject.design.region}",
            changes=(SetEnvironment(field="distribution", value=True),),
        )  # fmt: skip


def on_credit(subject: Subject) -> Iterator[Found]:
    """R1454: a burstable machine whose ordinary load is above what it may use for ever."""
    for part, node, type_name, count, load in _burstable(subject):
        size = type_name.rpartition(".")[2]
        allowed = BASELINES[size] * vcpus_of(type_name) * count
        if load > allowed:
            many = f"{count} x " if count > 1 else ""
            yield Found(
                node=node, message=f'"{part}" lives on CPU credits',
                evidence=f"{load:.2f} vCPU at the busy hour; {many}{type_name} may use {allowed:.2f} for ever "
                f"({BASELINES[size]:.0%} of {vcpus_of(type_name)} each)",
                changes=_steady(part, type_name),
            )  # fmt: skip


def _burstable(subject: Subject) -> Iterator[tuple[str, str, str, int, float]]:
    """Part, node, type, how many, and the vCPU that the busy hour takes."""
    serving = subject.ordinary * subject.behaviour.cpu_ms / 1_000
    share = subject.behaviour.database_share if subject.behind_cache() else 1.0
    asking = subject.ordinary * share * subject.behaviour.database_ms / 1_000
    if not subject.production or not subject.services:
        return
    node = subject.services[0].name
    for box in subject.design.of(Host):
        if box.instance_type.startswith("t"):
            yield box.name, node, box.instance_type, 1, serving / BOX_SERVING_SHARE
    for front in subject.fronts:
        if isinstance(front.part, HostGroup) and front.part.instance_type.startswith("t"):
            count = front.running(subject.ordinary, front.part.cpu_target / 100)
            yield front.part.name, node, front.part.instance_type, count, serving
    reached = {name for service in subject.services for name in subject.uses(service.name, "postgres")}
    for part in subject.design.of(PostgresInstance):
        if part.instance_class.startswith("db.t") and part.node in reached and part.existing is None:
            yield part.name, part.node, part.instance_class, 1, asking


def _steady(part: str, type_name: str) -> tuple[Change, ...]:
    if type_name.startswith("db."):
        return (SizePart(part=part, field="instance_class", value="db.m7g.large"),)
    return (SizePart(part=part, field="instance_type", value="m7g.xlarge"),)


def asleep(subject: Subject) -> Iterator[Found]:
    """R1455: a production database that must wake up first."""
    objectives = subject.graph.objectives
    for part in subject.design.of(AuroraCluster):
        if (
            objectives is not None
            and objectives.p99_seconds is not None
            and subject.production
            and part.existing is None
            and part.min_acu == 0
        ):
            yield Found(
                node=part.node, message=f'"{part.name}" sleeps, and the first visitor wakes it',
                evidence="min_acu=0 in production: about 15 s until it answers",
                changes=(SizePart(part=part.name, field="min_acu", value=0.5),),
            )  # fmt: skip


def waits_for_a_connection(subject: Subject) -> Iterator[Found]:
    """R1456: more handlers at once than connections, each for long."""
    for worker in subject.graph.of(Worker):
        takes = worker.processing_time_seconds
        for name in subject.uses(worker.name, "postgres"):
            database = subject.pool_of(name)
            if database is None or takes is None or worker.concurrency <= database.pool_size:
                continue
            if takes > LONGEST_HOLD_SECONDS or subject.uses(worker.name, "external"):
                continue  # so long it holds no connection: most of it is work elsewhere
            wait = takes * math.ceil((worker.concurrency - database.pool_size) / database.pool_size)
            if wait >= ADMISSION_SECONDS:
                yield Found(
                    node=worker.name, message=f'handlers of "{worker.name}" wait for connections of "{name}"',
                    evidence=f"concurrency={worker.concurrency}, pool_size={database.pool_size}, "
                    f"{takes:g} s each; the last waits {wait:g} s and is refused after {ADMISSION_SECONDS:g} s",
                    changes=(SetField(node=worker.name, field="concurrency", value=database.pool_size),),
                )  # fmt: skip


def outlives_its_request(subject: Subject) -> Iterator[Found]:
    """R1457: a query that goes on when nobody waits for its answer."""
    for service in subject.services:
        for name in subject.uses(service.name, "postgres"):
            database = subject.pool_of(name)
            if database is not None and database.statement_timeout_seconds > service.deadline_seconds:
                yield Found(
                    node=name, message=f'a query of "{name}" outlives the request of "{service.name}"',
                    evidence=f"statement_timeout {render_seconds(database.statement_timeout_seconds)}, "
                    f"deadline {render_seconds(service.deadline_seconds)}",
                    changes=(
                        SetField(node=name, field="statement_timeout_seconds", value=service.deadline_seconds),
                    ),
                )  # fmt: skip


def queue_fills_the_database(subject: Subject) -> Iterator[Found]:
    """R1458: a busy queue in the application's own database."""
    traffic = subject.graph.traffic
    for queue in subject.graph.of(Queue):
        rate = subject.messages_per_second(queue.name)
        if queue.broker != "postgres" or rate is None or traffic is None or subject.design.of(Host):
            continue
        if rate * traffic.peak > QUEUE_MESSAGES_PER_SECOND and subject.production:
            yield Found(
                node=queue.name, message=f'"{queue.name}" is the largest load of the database that carries it',
                evidence=f'broker="postgres", {rate * traffic.peak:,.0f} messages/s at the peak, each written '
                f"three times",
                changes=(SetField(node=queue.name, field="broker", value=None),),
                note="the rung then takes SQS; an outbox keeps sends atomic",
            )  # fmt: skip


def herd_by_the_clock(subject: Subject) -> Iterator[Found]:
    """R1459: schedules that all begin in the same minute, on one database."""
    together: dict[tuple[str, str], list[Schedule]] = defaultdict(list)
    for node in subject.graph.of(Schedule):
        for database in subject.uses(node.name, "postgres"):
            if node.cron is not None:
                together[" ".join(node.cron.split()[:2]), database].append(node)
    for (moment, database), nodes in together.items():
        if len(nodes) < HERD or not subject.production or moment.startswith("*"):
            continue
        yield Found(
            node=nodes[0].name, message=f'{len(nodes)} schedules begin in the same minute on "{database}"',
            evidence=f"{', '.join(node.name for node in nodes)} at cron {moment} ...",
            changes=tuple(
                SetField(node=node.name, field="cron", value=_later(node.cron or "", number * 10))
                for number, node in enumerate(nodes) if number
            ),
        )  # fmt: skip


def _later(cron: str, minutes: int) -> str:
    """The same time some minutes later, within its hour."""
    minute, _, rest = cron.partition(" ")
    return f"{(int(minute) + minutes) % 60} {rest}" if minute.isdigit() else cron


def slower_to_start_than_to_run(subject: Subject) -> Iterator[Found]:
    """R1460: a container that is started every minute."""
    started = {part.name for part in subject.design.of(EcsJob)}
    always = {part.name for part in subject.design.of(EcsService)}
    often = [
        node for node in subject.graph.of(Schedule)
        if node.name in started - always and node.every_seconds is not None and node.every_seconds <= 60
    ]  # fmt: skip
    if subject.production and len(often) > 1:
        names = ", ".join(node.name for node in often)
        yield Found(
            node=often[0].name, message=f"{len(often)} schedules start a container every minute",
            evidence=f"{names}: {len(often) * 43_800:,} starts a month, each half a minute late, and "
            "a minute is the least that is billed",
            changes=tuple(SetField(node=node.name, field="every_seconds", value=300.0) for node in often),
            note="or make them one schedule",
        )  # fmt: skip


def cold_start(subject: Subject) -> Iterator[Found]:
    """R1461: the start of a function is longer than the whole answer may take."""
    objectives, traffic = subject.graph.objectives, subject.graph.traffic
    promised = objectives.p99_seconds if objectives else None
    cold_seconds = subject.behaviour.cold_start_ms / 1_000
    if promised is None or traffic is None or not subject.production or promised >= cold_seconds:
        return
    for part in subject.design.of(LambdaFunction):
        if part.role != "web" or part.node not in subject.routed or part.provisioned_concurrency:
            continue
        share = subject.share_of(part.node)
        before, needed = (
            max(1, math.ceil(rate * share * subject.behaviour.function_request_ms / 1_000))
            for rate in (subject.ordinary, subject.peak)
        )
        if needed >= before + WORTH_WARMING:
            yield Found(
                node=part.node, message=f'a spike finds "{part.name}" cold',
                evidence=f"{before} at once in the busy hour, {needed} environments at the peak; each new one "
                f"takes about {cold_seconds:g} s, and a p99 of {render_seconds(promised)} is promised",
                changes=(SizePart(part=part.name, field="provisioned_concurrency", value=needed),),
                note="only while a spike is expected",
            )  # fmt: skip


RULES = (
    Rule(
        code="R1451", pillar="performance", title="nobody has said how many visitors come", likelihood="sometimes",
        harm="serious", find=no_traffic,
        effect="it is too small on the day that counts or too large on all others: no forecast can tell",
    ),
    Rule(
        code="R1452", pillar="performance", title="every read asks the database again", likelihood="often",
        harm="serious", find=no_cache,
        effect="the database is sized, paid and stressed for answers that were the same a second ago",
    ),
    Rule(
        code="R1453", pillar="performance", title="every answer travels from one region", likelihood="often",
        harm="serious", find=no_distribution, taxonomy="unexpected egress",
        effect="visitors far away wait for each connection, and bytes leave at the dearest price",
    ),
    Rule(
        code="R1454", pillar="performance", title="a machine lives on CPU credits", likelihood="often",
        harm="serious", find=on_credit, taxonomy="runaway cost",
        effect="after some hours of ordinary load it slows to a fraction of its speed, or each hour costs extra",
    ),
    Rule(
        code="R1455", pillar="performance", title="a production database sleeps", likelihood="often",
        harm="serious", find=asleep,
        effect="the first visitor after a quiet time waits a quarter of a minute, or gets an error",
    ),
    Rule(
        code="R1456", pillar="performance", title="handlers wait for connections", likelihood="sometimes",
        harm="serious", find=waits_for_a_connection, taxonomy="connection exhaustion",
        effect="messages fail for want of a connection and use up their attempts on a healthy system",
    ),
    Rule(
        code="R1457", pillar="performance", title="a query outlives its request", likelihood="sometimes",
        harm="serious", find=outlives_its_request, taxonomy="connection exhaustion",
        effect="a slow query holds its connection when the visitor has left, and the next try takes another",
    ),
    Rule(
        code="R1458", pillar="performance", title="a busy queue in the application's database",
        likelihood="sometimes", harm="serious", find=queue_fills_the_database, taxonomy="noisy neighbour",
        effect="at the spike messages and orders compete for the same disk, and vacuum falls behind",
    ),
    Rule(
        code="R1459", pillar="performance", title="schedules begin in the same minute", likelihood="often",
        harm="slight", find=herd_by_the_clock, taxonomy="thundering herd",
        effect="reports, cleaning and mails slow one another and everybody else down, at the same time each day",
    ),
    Rule(
        code="R1460", pillar="performance", title="containers are started every minute", likelihood="often",
        harm="slight", find=slower_to_start_than_to_run,
        effect="starting takes longer than working: most of what is paid is the start",
    ),
    Rule(
        code="R1461", pillar="performance", title="a spike finds functions cold", likelihood="often",
        harm="serious", find=cold_start, taxonomy="unprepared spike",
        effect="the first visitors of a spike wait for a start each, and they are the ones who decide to stay",
    ),
)  # fmt: skip

"""The failure table: what can go wrong, who notices, what happens by itself, what a person does, how long.

The time to recover is a figure that a drill measured, or the words "not drilled yet": a guess would be believed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from rung.delivery.runbooks import Ring, rings, title_of
from rung.parts.compute import EcsService, Host, HostGroup, ScheduledTask
from rung.parts.data import AuroraCluster, CacheGroup, PostgresInstance
from rung.parts.design import Design, Part
from rung.parts.edge import LoadBalancer
from rung.parts.messaging import RabbitBroker, RedisBroker, SqsQueue
from rung.templates import render

Kinds = tuple[type[Part], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One row, for designs that have one of `kinds`. `alarms` are the runbooks whose alarms notice it."""

    scenario: str
    kinds: Kinds
    alarms: tuple[str, ...]
    response: str
    runbook: str


_COMPUTE: Kinds = (EcsService, HostGroup, Host)
_DATABASES: Kinds = (AuroraCluster, PostgresInstance)

FAILURES = (
    Failure(
        scenario="A task or a container dies", kinds=_COMPUTE, alarms=("tasks-missing", "no-healthy-targets"),
        response="It is started again; others serve", runbook="restart-loops",
    ),
    Failure(
        scenario="A machine is lost", kinds=(HostGroup,), alarms=("host-unreachable", "no-healthy-targets"),
        response="The group starts another; the load balancer sends to the rest", runbook="node-failure",
    ),
    Failure(
        scenario="The machine is lost", kinds=(Host,), alarms=("host-unreachable", "backup-missing"),
        response="None: a person starts a new one and restores the last backup", runbook="restore",
    ),
    Failure(
        scenario="An availability zone is away", kinds=(LoadBalancer,),
        alarms=("no-healthy-targets", "tasks-missing", "load-balancer-errors"),
        response="Traffic and tasks move to the other zones; the database fails over where it has a second node",
        runbook="zone-outage",
    ),
    Failure(
        scenario="The database's writer fails", kinds=_DATABASES,
        alarms=("database-capacity-high", "database-cpu-high", "service-errors", "database-connections-high"),
        response="A reader or the standby is promoted where there is one; pools reconnect",
        runbook="database-failover",
    ),
    Failure(
        scenario="The database is full or overloaded", kinds=_DATABASES,
        alarms=("database-storage-low", "database-capacity-high", "database-cpu-high", "database-slow"),
        response="Serverless capacity grows to its limit; nothing beyond", runbook="low-cpu-high-latency",
    ),
    Failure(
        scenario="The cache is lost", kinds=(CacheGroup,), alarms=("cache-cpu-high", "cache-memory-high"),
        response="Reads go to the database, one for each key at a time; a replica is promoted where there is one",
        runbook="low-cpu-high-latency",
    ),
    Failure(
        scenario="A bad release", kinds=_COMPUTE,
        alarms=("service-errors", "service-slow", "error-budget-burning"),
        response="Failing health checks or alarms end the deployment and bring the old version back",
        runbook="bad-deploy",
    ),
    Failure(
        scenario="A message that cannot be handled", kinds=(SqsQueue,), alarms=("dead-letters",),
        response="It is put aside after its last attempt; the others go on", runbook="dead-letters",
    ),
    Failure(
        scenario="The broker of queues is lost or full", kinds=(RedisBroker, RabbitBroker),
        alarms=("broker-memory-high", "broker-cpu-high", "broker-connections-high", "broker-disk-low"),
        response="Redis's copy takes over without what it had not received, RabbitMQ's with everything",
        runbook="broker-memory-high",
    ),
    Failure(
        scenario="More messages than the workers handle", kinds=(SqsQueue, RabbitBroker),
        alarms=("messages-waiting", "broker-backlog"),
        response="Workers scale out on the backlog", runbook="messages-waiting",
    ),
    Failure(
        scenario="A schedule does not run", kinds=(ScheduledTask,), alarms=("schedule-failing", "schedule-silent"),
        response="Tried again, then kept in a dead-letter queue", runbook="schedule-silent",
    ),
    Failure(
        scenario="More visitors than expected", kinds=(EcsService, HostGroup),
        alarms=("task-cpu-high", "service-slow"),
        response="Tasks scale out within about two minutes; until then requests are shed, the critical ones last",
        runbook="task-cpu-high",
    ),
    Failure(
        scenario="A disk fills", kinds=(Host, HostGroup), alarms=("host-disk-full",),
        response="Logs are rotated; nothing else", runbook="host-disk-full",
    ),
    Failure(
        scenario="A secret leaks", kinds=(), alarms=(), response="None", runbook="secret-leak",
    ),
    Failure(
        scenario="Data leaves for somewhere undeclared", kinds=(), alarms=(),
        response="Ports that no declared host needs are closed", runbook="unusual-egress",
    ),
    Failure(
        scenario="Terraform's state is locked, lost or stale", kinds=(), alarms=(),
        response="Every version of the state is kept", runbook="terraform-state",
    ),
    Failure(
        scenario="The site cannot be reached from outside", kinds=(), alarms=("site-unreachable",),
        response="None", runbook="site-unreachable",
    ),
)  # fmt: skip


def failure_files(designs: Mapping[str, Design]) -> dict[str, str]:
    """`docs/failures.md`: a table for each environment, production first."""
    ordered = sorted(designs.values(), key=lambda design: not design.production)
    if not ordered:
        return {}
    tables = "\n".join(_table(design) for design in ordered)
    return {"docs/failures.md": render("rung.delivery", "docs/failures.md", tables=tables)}


def runbooks_named(designs: Mapping[str, Design]) -> set[str]:
    """The runbooks that the tables lead to."""
    return {
        failure.runbook
        for name, design in designs.items()
        for failure in _applicable(design, rings({name: design}))
    }


def _table(design: Design) -> str:
    ringing = rings({design.environment: design})
    head = [
        "| what | who notices | what happens by itself | what a person does | time to recover |",
        "|---|---|---|---|---|",
    ]
    rows = [_row(failure, ringing) for failure in _applicable(design, ringing)]
    return "\n".join([f"## {design.environment} ({design.rung})", "", *head, *rows, ""])


def _applicable(design: Design, ringing: Mapping[str, tuple[Ring, ...]]) -> Iterator[Failure]:
    for failure in FAILURES:
        wanted = any(isinstance(part, failure.kinds) for part in design.parts) if failure.kinds else True
        rung = failure.runbook in ringing or failure.kinds or not failure.alarms
        if wanted and rung:
            yield failure


def _row(failure: Failure, ringing: Mapping[str, tuple[Ring, ...]]) -> str:
    names = [ring.name for slug in failure.alarms for ring in ringing.get(slug, ())]
    shown = ", ".join(f"`{name}`" for name in names[:4]) + (
        f" and {len(names) - 4} more" if len(names) > 4 else ""
    )
    manual = f"[{title_of(failure.runbook)}](../runbooks/{failure.runbook}.md)"
    return f"| {failure.scenario} | {shown or 'a person'} | {failure.response} | {manual} | not drilled yet |"

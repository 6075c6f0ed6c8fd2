"""What processes become on ECS: services, workers, tasks by the clock, jobs, migrations. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from rung.model.nodes import Job, Postgres, Queue, Schedule, Service, Worker, Workflow
from rung.model.scaling import BacklogScaling
from rung.parts.access import Statement
from rung.parts.compute import (
    Container,
    EcsJob,
    EcsService,
    ScheduledTask,
    StepFromZero,
    TargetTracking,
    Variable,
)
from rung.parts.design import Part
from rung.parts.values import Document, Reference, Sequence
from rung.rungs.access import DECRYPT, SECRET_READ, data_key, sid_of, through
from rung.rungs.boxed import Running
from rung.rungs.clock import expression_of, needs_scheduler, usual_seconds
from rung.rungs.containers import (
    command_of,
    database_url,
    drain_seconds,
    mounts_of,
    started,
    variables_of,
)
from rung.rungs.networks import LOG_DAYS, LONG_LOG_DAYS
from rung.rungs.quiet import by_the_clock
from rung.rungs.reach import port_of
from rung.rungs.routers import Router
from rung.rungs.setting import Setting, credentials_part, migration_part
from rung.rungs.sizes import (
    CPU_TARGET,
    MEMORY_TARGET,
    MOST_WORKFLOW_TASKS,
    SCALE_IN_COOLDOWN_SECONDS,
    SCALE_OUT_COOLDOWN_SECONDS,
    Size,
    fewest_tasks,
    router_size,
    service_size,
    task_size,
    worker_size,
    workflow_size,
)

#: What Fargate gives a process to end in.
LONGEST_STOP_SECONDS = 120
MOST_ROUTER_TASKS = 2
#: A drain ends a little before ECS kills: what is left is for closing connections.
STOP_MARGIN_SECONDS = 5
MIGRATION_SECONDS = 1_800


def service_of(setting: Setting, node: Service) -> EcsService:
    """A service: scales on CPU and memory, rolls back on its own alarms."""
    size = service_size(setting, node)
    return EcsService(
        name=node.name, node=node.name, why=size.why, role="web", cluster=setting.platform("cluster"),
        container=_container(
            setting, node, size, port=port_of(node), health_path=node.health,
            stop_seconds=_stop_seconds(node.deadline_seconds),
        ),
        min_tasks=fewest_tasks(setting, node, size.cpu), max_tasks=setting.scaled(node.max_tasks),
        scaling=(
            _tracking("cpu", CPU_TARGET), _tracking("memory", MEMORY_TARGET),
            *by_the_clock(setting, node, size.cpu),
        ),
        log_days=log_days(setting), on_demand_base=max(1, setting.scaled(node.min_tasks)),
        spot_share=0.0 if setting.production else 1.0,
        sticky=any(_is_sticky(setting, edge.source) for edge in setting.graph.edges_to(node.name, "route")),
        discoverable=bool(setting.whole.edges_to(node.name, "call")),
    )  # fmt: skip


def _is_sticky(setting: Setting, route: str) -> bool:
    return bool(getattr(setting.graph.by_name.get(route), "sticky", False))


def worker_of(setting: Setting, node: Worker) -> EcsService:
    """A worker: scales on its backlog, and lives on Spot beyond its first task: SQS gives back what it loses."""
    size = worker_size(node)
    fewest = setting.scaled(node.min_tasks)
    return EcsService(
        name=node.name, node=node.name, why=size.why, role="worker", cluster=setting.platform("cluster"),
        container=_container(setting, node, size, stop_seconds=_stop_seconds(node.deadline_seconds)),
        min_tasks=fewest, max_tasks=setting.scaled(node.max_tasks), scaling=_backlog(setting, node),
        log_days=log_days(setting), on_demand_base=fewest if setting.production else 0, spot_share=1.0,
    )  # fmt: skip


def workflow_of(setting: Setting, node: Workflow) -> EcsService:
    """The process that carries runs: scales on CPU, and lives on Spot beyond its first: what it loses goes on."""
    size = workflow_size()
    fewest = setting.scaled(1)
    return EcsService(
        name=node.name, node=node.name, why=size.why, role="worker", cluster=setting.platform("cluster"),
        container=_container(setting, node, size, stop_seconds=_stop_seconds(drain_seconds(node))),
        min_tasks=fewest, max_tasks=max(fewest, setting.scaled(MOST_WORKFLOW_TASKS)),
        scaling=(_tracking("cpu", CPU_TARGET),), log_days=log_days(setting),
        on_demand_base=fewest if setting.production else 0, spot_share=1.0,
    )  # fmt: skip


def router_of(setting: Setting, node: Router) -> EcsService:
    """The relay of a bus: one small task, which holds up to sixteen deliveries of each rule at once."""
    size = router_size()
    return EcsService(
        name=node.name, node=node.bus, role="worker", cluster=setting.platform("cluster"),
        why="calls what EventBridge does not reach",
        container=_container(setting, node, size, stop_seconds=_stop_seconds(drain_seconds(node))),
        min_tasks=1, max_tasks=MOST_ROUTER_TASKS, scaling=(_tracking("cpu", CPU_TARGET),),
        log_days=log_days(setting), on_demand_base=1 if setting.production else 0, spot_share=1.0,
    )  # fmt: skip


def _backlog(setting: Setting, node: Worker) -> tuple[TargetTracking | StepFromZero, ...]:
    queue = setting.graph.by_name.get(node.consumes)
    if not isinstance(queue, Queue) or not setting.uses_sqs(queue):
        return (_tracking("cpu", CPU_TARGET),)
    queues = tuple(part for _, part in setting.queue_parts(queue, node.lanes))
    policy = _policy(node)
    tracking = _tracking("backlog_per_task", math.floor(policy.backlog_per_task * 100) / 100, queues=queues)
    return (tracking, StepFromZero(queues=queues)) if node.min_tasks == 0 else (tracking,)


def _policy(node: Worker) -> BacklogScaling:
    """The policy that `rung dev` applies itself."""
    usual = BacklogScaling()
    return BacklogScaling(
        min_tasks=node.min_tasks, max_tasks=max(1, node.max_tasks), concurrency=node.concurrency,
        acceptable_latency_seconds=node.acceptable_latency_seconds or usual.acceptable_latency_seconds,
        processing_time_seconds=node.processing_time_seconds or usual.processing_time_seconds,
    )  # fmt: skip


def schedule_of(setting: Setting, node: Schedule) -> Iterator[Part]:
    """A task, and the clock that starts it; a task that stays and keeps time itself where no clock is so fine."""
    if needs_scheduler(node):
        yield _scheduler(setting, node)
        return
    yield _job(setting, node, task_size(node))
    yield ScheduledTask(
        name=f"{node.name}-schedule", node=node.name, job=node.name, expression=expression_of(node),
        timezone=node.timezone, every_seconds=usual_seconds(node), why="EventBridge Scheduler starts it",
    )  # fmt: skip


def _scheduler(setting: Setting, node: Schedule) -> EcsService:
    size = task_size(node)
    return EcsService(
        name=node.name, node=node.name, role="scheduler", cluster=setting.platform("cluster"),
        why="EventBridge starts nothing more often than once a minute: one task keeps time",
        container=_container(setting, node, size, stop_seconds=_stop_seconds(node.deadline_seconds)),
        min_tasks=1, max_tasks=1, log_days=log_days(setting),
    )  # fmt: skip


def job_of(setting: Setting, node: Job) -> EcsJob:
    """A task that somebody starts."""
    return _job(setting, node, task_size(node))


def _job(setting: Setting, node: Schedule | Job, size: Size) -> EcsJob:
    return EcsJob(
        name=node.name, node=node.name, why=size.why, cluster=setting.platform("cluster"),
        container=_container(setting, node, size, stop_seconds=_stop_seconds(node.deadline_seconds)),
        deadline_seconds=math.ceil(node.deadline_seconds), log_days=log_days(setting),
    )  # fmt: skip


def migration_command(node: Postgres) -> tuple[str, ...]:
    """What sets up a database and brings it to the image's version."""
    return ("python", "-m", "rung.cli.main", "migrate", node.migrations or "migrations")


def migration_of(setting: Setting, node: Postgres) -> EcsJob:
    """The job that runs before a deployment: roles and their grants, then the migrations, as the owner."""
    variables = (
        Variable(name="RUNG_WORKLOAD", value=setting.graph.name),
        Variable(name="RUNG_ENVIRONMENT", value=setting.environment.name),
        Variable(name="RUNG_NODE", value=migration_part(node.name)),
        Variable(name="RUNG_LOG_FORMAT", value="json"),
        Variable(name="RUNG_DATABASE_SETUP", value=_setup_of(setting, node)),
    )
    return EcsJob(
        name=migration_part(node.name), node=node.name, cluster=setting.platform("cluster"), on_deploy=True,
        why="before each deployment, as the owner",
        container=Container(
            command=("python", "-m", "rung.runtime.migrate"),
            image=setting.platform("images"), variables=variables, stop_seconds=LONGEST_STOP_SECONDS,
        ),
        deadline_seconds=MIGRATION_SECONDS, log_days=log_days(setting),
    )  # fmt: skip


def _setup_of(setting: Setting, node: Postgres) -> Document:
    """What `rung.runtime.migrate` reads: a role for each process, the migrations, and what it carries."""
    roles: list[Document] = []
    carries = False
    runs = setting.carrier() is node and bool(setting.graph.of(Workflow))
    for process in setting.processes:
        if setting.reaches(process.name, node.name):
            sends = _carries_for(setting, node, process.name)
            carries |= sends
            starts = runs and any(edge.verb == "start" for edge in setting.whole.edges_from(process.name))
            secret = Reference(part=credentials_part(node.name, process.name), output="arn")
            verbs = {edge.verb for edge in setting.graph.edges_from(process.name) if edge.target == node.name}
            rows = "all" if {"read", "write"} <= verbs else next(iter(verbs), "none")
            roles.append(Document(fields=(("secret", secret), ("rows", rows), ("queue", sends or starts))))
    folder = () if node.migrations is None else (("migrations", node.migrations),)
    extensions = (("extensions", Sequence(items=node.extensions)),) if node.extensions else ()
    kept_apart = node.tenancy is not None and node.tenancy.mode == "rls"
    tenancy = (("tenant_column", node.tenancy.column or "tenant_id"),) if node.tenancy and kept_apart else ()
    in_turn = carries and any(queue.fair and setting.in_postgres(queue) for queue in setting.graph.of(Queue))
    turns = (("fair", True),) if in_turn else ()
    tiers = (("tenant_map", True),) if node.tenancy is not None and node.tenancy.tiers else ()
    return Document(fields=(
        ("url", database_url(setting, node.name)),
        ("credentials_secret", Reference(part=node.name, output="master_secret_arn")),
        ("roles", Sequence(items=tuple(roles))), *folder, *extensions, *tenancy, *tiers, *turns,
        ("carries", carries), *((("workflows", True),) if runs else ()),
    ))  # fmt: skip


def _carries_for(setting: Setting, node: Postgres, process: str) -> bool:
    """Whether a process reaches the queue tables of a database: they carry its queue, or its outbox."""
    used = {edge.target for edge in setting.whole.edges_from(process)}
    carried = any(queue.name in used and setting.in_postgres(queue) for queue in setting.graph.of(Queue))
    return (carried and setting.carrier() is node) or setting.outbox(process) is node


def migration_statements(setting: Setting) -> Iterator[Statement]:
    """What the migration jobs may do: read the owner's secret, and the secrets of the roles they set up."""
    for node in setting.graph.of(Postgres):
        name = migration_part(node.name)
        users = [process.name for process in setting.processes if setting.reaches(process.name, node.name)]
        credentials = (Reference(part=credentials_part(node.name, user), output="arn") for user in users)
        secrets = (Reference(part=node.name, output="master_secret_arn"), *credentials)
        why = "sets up the roles of the database and applies the migrations"
        yield Statement(
            principal=name, sid=sid_of(name, "secrets"), actions=SECRET_READ, resources=secrets, why=why
        )
        yield Statement(
            principal=name, sid=sid_of(name, "secrets", "key"), actions=DECRYPT, resources=(data_key(setting),),
            conditions=through(setting, "secretsmanager"), why=why,
        )  # fmt: skip
        there = setting.existing_database(node.name)
        if there is not None and there.key_arn is not None:
            yield Statement(
                principal=name, sid=sid_of(name, "secrets", "foreign", "key"), actions=DECRYPT, why=why,
                resources=(there.key_arn,), conditions=through(setting, "secretsmanager"),
            )  # fmt: skip


def log_days(setting: Setting) -> int:
    """How long logs are kept: a year in production, as auditors ask."""
    return LONG_LOG_DAYS if setting.production else LOG_DAYS


def _container(setting: Setting, node: Running, size: Size, **rest: Any) -> Container:
    return Container(
        command=started(setting, node, command_of(node, size.cpu)), image=setting.platform("images"), cpu=size.cpu,
        memory_mib=size.memory_mib,
        variables=variables_of(setting, node, size.cpu), mounts=mounts_of(setting, node), **rest,
    )  # fmt: skip


def _stop_seconds(deadline_seconds: float) -> int:
    return min(LONGEST_STOP_SECONDS, math.ceil(deadline_seconds) + STOP_MARGIN_SECONDS)


def _tracking(metric: Any, target: float, queues: tuple[str, ...] = ()) -> TargetTracking:
    return TargetTracking(
        metric=metric, target=target, queues=queues, scale_out_cooldown_seconds=SCALE_OUT_COOLDOWN_SECONDS,
        scale_in_cooldown_seconds=SCALE_IN_COOLDOWN_SECONDS,
    )  # fmt: skip

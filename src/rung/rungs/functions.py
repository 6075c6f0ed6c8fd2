"""What processes become as functions: services behind the API, workers behind their queues, schedules, jobs. Pure.

One function answers one request, or one batch, at a time in each of its environments; so its size is that of one
request, and their number follows from how many are under way at once.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

from rung.model.nodes import Cache, Files, Job, Postgres, Queue, Schedule, Service, Worker
from rung.parts.compute import EcsJob, Variable
from rung.parts.design import Part
from rung.parts.functions import LambdaFunction, QueueSource
from rung.rungs import tasks
from rung.rungs.batches import LONGEST_SECONDS, MARGIN_SECONDS, batch_of, timeout_of
from rung.rungs.containers import command_of, mounts_of, variables_of
from rung.rungs.reach import port_of
from rung.rungs.setting import Setting, migration_part
from rung.rungs.sizes import batches_of, environments_of, function_memory

#: The quota of a new account, executions at once in a region (AWS, "Lambda quotas").
USUAL_QUOTA = 1_000
#: So much of it cannot be reserved (AWS, "Configuring reserved concurrency").
UNRESERVED = 100


def service_of(setting: Setting, node: Service) -> LambdaFunction:
    """A service behind the API: its program listens, and the Lambda Web Adapter hands it each request."""
    most = environments_of(setting, node)
    port = port_of(node)
    adapter = (
        Variable(name="AWS_LWA_PORT", value=str(port)),
        Variable(name="AWS_LWA_READINESS_CHECK_PATH", value=node.health or "/health"),
    )
    return LambdaFunction(
        name=node.name, node=node.name, role="web", why=f"{most} requests at once{_quota(setting)}",
        command=command_of(node), image=setting.platform("images"),
        variables=(*variables_of(setting, node), *adapter), mounts=mounts_of(setting, node), port=port,
        health_path=node.health, memory_mib=function_memory(node), reserved_concurrency=most,
        timeout_seconds=math.ceil(node.deadline_seconds), in_network=in_network(setting, node.name),
        log_days=tasks.log_days(setting),
    )  # fmt: skip


def _quota(setting: Setting) -> str:
    """What an account must ask for: what is kept for functions, and the hundred that Lambda keeps for the rest."""
    kept = sum(environments_of(setting, node) for node in setting.graph.of(Service))
    kept += sum(setting.starts_function(node) for node in setting.graph.of(Schedule)) + len(
        setting.graph.of(Postgres)
    )
    needed = kept + UNRESERVED
    return f"; the account needs a quota of {needed:,} executions at once" if needed > USUAL_QUOTA else ""


def worker_of(setting: Setting, node: Worker) -> LambdaFunction:
    """A worker: Lambda receives from each lane and starts it with a batch."""
    queue = setting.graph.by_name.get(node.consumes)
    lanes = tuple(setting.queue_parts(queue, node.lanes)) if isinstance(queue, Queue) else ()
    batch = batch_of(node)
    each = batches_of(setting, node, max(1, len(lanes)), batch)
    share = 1 / max(1, len(tuple(setting.queue_parts(queue)))) if isinstance(queue, Queue) else 1.0
    sources = tuple(
        QueueSource(queue=part, node=node.consumes, share=share, batch_size=batch, most_batches=each)
        for _, part in lanes
    )
    return LambdaFunction(
        name=node.name, node=node.name, role="worker", handler=node.handler, image=setting.platform("images"),
        command=_command(node),
        why=f"batches of {batch}, {each * len(sources)} at once", variables=variables_of(setting, node),
        mounts=mounts_of(setting, node), memory_mib=function_memory(node), sources=sources,
        timeout_seconds=timeout_of(node), usual_seconds=node.processing_time_seconds,
        in_network=in_network(setting, node.name), log_days=tasks.log_days(setting),
    )  # fmt: skip


def _command(node: Worker) -> tuple[str, ...]:
    """What the image runs: it asks Lambda for batches, and hands their messages to the handler."""
    return (
        "python", "-m", "rung.runtime.function", "--name", node.name, "--queue", node.consumes,
        "--handler", node.handler or "", "--concurrency", str(node.concurrency),
        "--deadline-seconds", f"{node.deadline_seconds:g}",
    )  # fmt: skip


def schedule_of(setting: Setting, node: Schedule) -> Iterator[Part]:
    """A function, and the clock that starts it; never two at once."""
    for part in tasks.schedule_of(setting, node):
        if isinstance(part, EcsJob) and setting.starts_function(node):
            yield replace(_ending(setting, node), role="schedule", reserved_concurrency=1)
        else:
            yield part


def job_of(setting: Setting, node: Job) -> Part:
    """A function that somebody starts, or a task where it may take longer than Lambda allows."""
    return _ending(setting, node) if setting.starts_function(node) else tasks.job_of(setting, node)


def _ending(setting: Setting, node: Schedule | Job) -> LambdaFunction:
    return LambdaFunction(
        name=node.name, node=node.name, role="job", handler=node.handler, command=node.command or (),
        image=setting.platform("images"), variables=variables_of(setting, node), mounts=mounts_of(setting, node),
        memory_mib=function_memory(node), timeout_seconds=math.ceil(node.deadline_seconds) + MARGIN_SECONDS,
        in_network=in_network(setting, node.name), log_days=tasks.log_days(setting),
        why=f"{node.deadline_seconds:g} s at most",
    )  # fmt: skip


def migration_of(setting: Setting, node: Postgres) -> LambdaFunction:
    """What sets up the roles and applies the migrations before a deployment, within a quarter of an hour."""
    task = tasks.migration_of(setting, node)
    return LambdaFunction(
        name=task.name, node=task.node, role="migration", command=task.container.command,
        image=task.container.image, variables=task.container.variables, timeout_seconds=LONGEST_SECONDS,
        reserved_concurrency=1, in_network=True, log_days=task.log_days, why=task.why,
    )  # fmt: skip


def in_network(setting: Setting, process: str) -> bool:
    """Whether it needs an address in the VPC: for a database, a cache, a file system, a service."""
    targets = [setting.graph.by_name.get(edge.target) for edge in setting.graph.edges_from(process)]
    databases = (each.name for each in setting.graph.of(Postgres))
    return (
        any(isinstance(target, Cache | Files | Service) for target in targets)
        or any(setting.reaches(process, name) for name in databases)
        or setting.outbox(process) is not None
    )


def long_tasks(setting: Setting) -> tuple[str, ...]:
    """The schedules and jobs that take longer than a function may."""
    ending = (node for node in setting.processes if isinstance(node, Schedule | Job))
    return tuple(node.name for node in ending if not setting.starts_function(node))


def inside(setting: Setting) -> tuple[str, ...]:
    """The functions with an address in the VPC, by name."""
    running = (node for node in setting.processes if node.name not in long_tasks(setting))
    migrations = (migration_part(node.name) for node in setting.graph.of(Postgres))
    return (*(node.name for node in running if in_network(setting, node.name)), *migrations)

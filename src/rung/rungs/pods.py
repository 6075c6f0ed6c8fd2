"""What processes become on Kubernetes: Deployments, CronJobs and Jobs, after the tasks of Fargate. Pure.

Limits, counts and policies are those of the tasks (tasks.py): the same service scales between the same numbers.
What differs is how: the HPA and KEDA act within seconds where CloudWatch's alarms need minutes, a pod has the size
that it needs and none that Fargate sells, and a schedule is a CronJob.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import assert_never

from rung.model.cron import ALIASES
from rung.model.nodes import Job, Postgres, Schedule, Service, Worker, Workflow
from rung.parts.compute import (
    Container,
    EcsJob,
    EcsService,
    Scaling,
    ScheduledScaling,
    StepFromZero,
    TargetTracking,
)
from rung.parts.design import Part
from rung.parts.kubernetes import (
    CronScaling,
    HorizontalPodAutoscaler,
    KubernetesJob,
    KubernetesService,
    PodScaling,
    QueueScaling,
)
from rung.rungs import tasks
from rung.rungs.boxed import Running
from rung.rungs.clock import DAY, HOUR, MINUTE, needs_scheduler, usual_seconds
from rung.rungs.containers import command_of
from rung.rungs.routers import Router
from rung.rungs.setting import Setting

#: Memory of a pod that nobody sized: what a Python process with its pools needs, for each vCPU, and the least.
POD_MIB_PER_VCPU, LEAST_POD_MIB = 1_024, 512


def service_of(setting: Setting, node: Service) -> KubernetesService:
    """A Deployment behind the load balancer."""
    return _deployment(setting, tasks.service_of(setting, node), node)


def worker_of(setting: Setting, node: Worker) -> KubernetesService:
    """A Deployment that KEDA scales by its queue; it may run on Spot, since SQS gives back what is lost."""
    return _deployment(setting, tasks.worker_of(setting, node), node)


def schedule_of(setting: Setting, node: Schedule) -> Iterator[Part]:
    """A CronJob; a pod that stays and keeps time itself where no five fields say when."""
    for part in tasks.schedule_of(setting, node):
        if isinstance(part, EcsService):
            yield _deployment(setting, part, node)
        elif isinstance(part, EcsJob):
            yield from _timed(setting, part, node)


def _timed(setting: Setting, task: EcsJob, node: Schedule) -> Iterator[Part]:
    cron = cron_of(node)
    if cron is not None:
        every = usual_seconds(node)
        yield replace(_job(task, node), cron=cron, timezone=node.timezone, every_seconds=every)
        return
    container = replace(_container(task.container, node), command=command_of(node, task.container.cpu, stays=True))
    yield KubernetesService(
        name=node.name, node=node.name, role="scheduler", cluster=task.cluster, container=container,
        min_replicas=1, max_replicas=1, log_days=task.log_days,
        why=f"every {node.every_seconds:g} s does not fit into five fields: one pod keeps time",
    )  # fmt: skip


def job_of(setting: Setting, node: Job) -> KubernetesJob:
    """A Job that somebody starts."""
    return _job(tasks.job_of(setting, node), node)


def migration_of(setting: Setting, node: Postgres) -> KubernetesJob:
    """The Job that runs before the Deployments change."""
    return _job(tasks.migration_of(setting, node), None)


def cron_of(node: Schedule) -> str | None:
    """The schedule in five fields; None where they cannot say it (every 7 minutes: an hour has no 7 of them)."""
    if node.cron is not None:
        return ALIASES.get(node.cron.strip().lower(), node.cron)
    if needs_scheduler(node):
        return None
    every = int(node.every_seconds or MINUTE)
    if every % HOUR and every < HOUR and HOUR % every == 0:
        return "* * * * *" if every == MINUTE else f"*/{every // MINUTE} * * * *"
    if every % HOUR == 0 and every < DAY and DAY % every == 0:
        return "0 * * * *" if every == HOUR else f"0 */{every // HOUR} * * *"
    return "0 0 * * *" if every == DAY else None


def five_fields(expression: str) -> str:
    """An expression of EventBridge, `cron(0 7 ? * MON-FRI *)`, as everybody else writes it: `0 7 * * MON-FRI`."""
    fields = expression.removeprefix("cron(").removesuffix(")").split()
    return " ".join("*" if field == "?" else field for field in fields[:5])


def _deployment(setting: Setting, task: EcsService, node: Running) -> KubernetesService:
    return KubernetesService(
        name=task.name, node=task.node, why=task.why, role=task.role, cluster=task.cluster,
        container=_container(task.container, node), architecture=task.architecture, min_replicas=task.min_tasks,
        max_replicas=task.max_tasks, scaling=_scaling(task), spot=task.spot_share > 0,
        max_unavailable=max(1, task.min_tasks // 3), grace_seconds=task.grace_seconds, log_days=task.log_days,
        sticky=task.sticky, discoverable=task.discoverable,
    )  # fmt: skip


def _job(task: EcsJob, node: Running | None) -> KubernetesJob:
    container = task.container if node is None else _container(task.container, node)
    return KubernetesJob(
        name=task.name, node=task.node, why=task.why, cluster=task.cluster, container=container,
        architecture=task.architecture, deadline_seconds=task.deadline_seconds, on_deploy=task.on_deploy,
        log_days=task.log_days,
    )  # fmt: skip


def _container(container: Container, node: Running) -> Container:
    """The same process with what it needs: a task of Fargate has at least twice the memory of a small process."""
    declared = None if isinstance(node, Schedule | Workflow | Router) else node.memory_mib
    usual = max(LEAST_POD_MIB, math.ceil(POD_MIB_PER_VCPU * container.cpu))
    return replace(container, memory_mib=declared or usual)


def _scaling(task: EcsService) -> tuple[PodScaling, ...]:
    return tuple(found for policy in task.scaling for found in _policy(policy))


def _policy(policy: Scaling) -> Iterator[PodScaling]:
    match policy:
        case TargetTracking(metric="backlog_per_task"):
            yield QueueScaling(queues=policy.queues, queue_length=policy.target)
        case TargetTracking(metric="memory"):
            yield HorizontalPodAutoscaler(metric="memory", target=policy.target)
        case TargetTracking():
            yield HorizontalPodAutoscaler(target=policy.target)
        case StepFromZero():
            return  # KEDA's own: it starts the first pod
        case ScheduledScaling():
            yield CronScaling(
                name=policy.name,
                cron=five_fields(policy.cron),
                timezone=policy.timezone,
                min_replicas=policy.min_tasks,
            )
        case _:
            assert_never(policy)

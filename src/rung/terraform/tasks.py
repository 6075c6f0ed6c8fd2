"""Blocks for what runs in containers: services, workers, jobs, and the schedules that start jobs."""

from __future__ import annotations

from collections.abc import Iterable

from rung.parts.compute import (
    Container,
    EcsJob,
    EcsService,
    Mount,
    ScheduledScaling,
    ScheduledTask,
    StepFromZero,
    TargetTracking,
)
from rung.parts.edge import LoadBalancer
from rung.terraform.bindings import Bindings
from rung.terraform.hcl import Block, Call, Expression, Raw, Text
from rung.terraform.names import full_name, output
from rung.terraform.setting import ACCOUNT, Setting, literals

_ROLES = {"web": "answers requests", "worker": "takes messages", "scheduler": "keeps the time"}
_TARGETS = {"cpu": "cpu_target", "memory": "memory_target", "requests_per_task": "requests_target",
            "backlog_per_task": "backlog_target"}  # fmt: skip


def service(setting: Setting, part: EcsService, bindings: Bindings) -> Block:
    """One service or worker, with what it is told, how it scales and what rolls it back."""
    arguments = {
        **_task(setting, part.cluster, part.container, bindings),
        **literals(part, "cluster", "container", "scaling", "rollback_alarms", "sticky", "discoverable"),
        "cluster_name": output(part.cluster, "name"),
        "subnet_ids": setting.compute_subnets,
        "assign_public_ip": not setting.has_way_out,
        "port": part.container.port,
        "health_path": part.container.health_path,
        "rollback_alarms": [full_name(setting.design, name) for name in part.rollback_alarms],
        **_targets(setting, part),
        "discovery": _discovery(part),
        "scaling": _scaling(part),
    }
    return setting.module(part, "ecs_service", f"{part.name} {_ROLES[part.role]}", arguments)


def job(setting: Setting, part: EcsJob, bindings: Bindings) -> Block:
    """One task that is started, does one thing and ends."""
    arguments = {
        **_task(setting, part.cluster, part.container, bindings),
        **literals(part, "cluster", "container"),
    }
    words = f"{part.name} runs before a deployment" if part.on_deploy else f"{part.name} runs and ends"
    return setting.module(part, "ecs_job", words, arguments)


def scheduled_task(setting: Setting, part: ScheduledTask) -> Block:
    """One schedule, which starts a job."""
    started = setting.design.part(part.job)
    assert isinstance(started, EcsJob), f"{part.name} starts {part.job}, which is no job"
    arguments = {
        "cluster_arn": output(started.cluster, "arn"),
        **{name: output(part.job, name) for name in
           ("task_definition_arn", "task_role_arn", "execution_role_arn", "security_group_id")},
        "subnet_ids": setting.compute_subnets,
        "key_arn": setting.data_key,
        "account_id": ACCOUNT,
        **literals(part, "job", "every_seconds"),
    }  # fmt: skip
    return setting.module(part, "scheduled_task", f"{part.job} is started {part.expression}", arguments)


def _task(setting: Setting, cluster: str, container: Container, bindings: Bindings) -> dict[str, Expression]:
    return {
        "cluster_arn": output(cluster, "arn"),
        "vpc_id": setting.vpc,
        "image": Text((output(container.image, "repository_url"), ":", Raw("var.image_tag"))),
        "repository_arn": output(container.image, "repository_arn"),
        "log_key_arn": setting.log_key,
        "command": _command(container.command),
        "cpu": container.cpu,
        "memory_mib": container.memory_mib,
        "stop_seconds": container.stop_seconds,
        "environment": bindings.environment(container.variables),
        "file_systems": [_mounted(mount) for mount in container.mounts],
    }


def _command(words: tuple[str, ...]) -> Expression:
    """The words as a person would type them, where no word has a space of its own."""
    if any(not word or " " in word for word in words) or len(words) < 4:
        return list(words)
    return Call("split", (" ", " ".join(words)))


def _mounted(mount: Mount) -> dict[str, Expression]:
    entry: dict[str, Expression] = {
        "id": output(mount.file_system, "id"),
        "access_point_id": output(mount.file_system, "access_point_id"),
        "path": mount.path,
    }
    return entry | ({"read_only": True} if mount.read_only else {})


def _targets(setting: Setting, part: EcsService) -> dict[str, Expression]:
    """The target groups that send it requests, and the names by which scaling counts those."""
    balancers = [each for each in setting.design.of(LoadBalancer) if _leads_to(each, part.name)]
    arguments: dict[str, Expression] = {
        "target_group_arns": [output(each.name, f'target_group_arns["{part.name}"]') for each in balancers]
    }
    tracked = [each.metric for each in part.scaling if isinstance(each, TargetTracking)]
    if balancers and "requests_per_task" in tracked:
        arguments["target_group_suffix"] = output(balancers[0].name, f'target_group_suffixes["{part.name}"]')
        arguments["load_balancer_suffix"] = output(balancers[0].name, "arn_suffix")
    return arguments


def _discovery(part: EcsService) -> Expression:
    """How other tasks find it."""
    if not part.discoverable:
        return None
    return {"namespace_id": output(part.cluster, "namespace_id"), "name": part.name}


def _leads_to(balancer: LoadBalancer, name: str) -> bool:
    return any(forward.target == name for forward in balancer.forwards)


def _scaling(part: EcsService) -> Expression:
    arguments: dict[str, Expression] = {}
    queues: list[str] = []
    schedules: list[Expression] = []
    for rule in part.scaling:
        match rule:
            case TargetTracking():
                arguments[_TARGETS[rule.metric]] = rule.target
                queues += rule.queues
                arguments |= _cooldowns(rule)
            case StepFromZero():
                arguments["from_zero"] = True
                queues += rule.queues
            case ScheduledScaling():
                schedules.append(_schedule(rule))
    if queues:
        arguments["queue_names"] = [output(name, "name") for name in _once(queues)]
    return arguments | ({"schedules": schedules} if schedules else {})


def _cooldowns(rule: TargetTracking) -> dict[str, Expression]:
    """Those that are not the usual 60 and 300 seconds."""
    usual = TargetTracking(metric=rule.metric, target=rule.target)
    names = ("scale_out_cooldown_seconds", "scale_in_cooldown_seconds")
    return {name: getattr(rule, name) for name in names if getattr(rule, name) != getattr(usual, name)}


def _schedule(rule: ScheduledScaling) -> dict[str, Expression]:
    return {
        "name": rule.name, "cron": rule.cron, "timezone": rule.timezone, "min_tasks": rule.min_tasks,
        "max_tasks": rule.max_tasks,
    }  # fmt: skip


def _once(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))

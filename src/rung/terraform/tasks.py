"""Blocks for what runs in containers: services, workers, jobs, and the schedules that start jobs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

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
from rung.parts.functions import LambdaFunction
from rung.terraform.bindings import Bindings
from rung.terraform.hcl import Block, Call, Expression, Raw, Text
from rung.terraform.homes import listed
from rung.terraform.names import environment_name, full_name, label, output
from rung.terraform.setting import Setting, literals

_ROLES = {"web": "answers requests", "worker": "takes messages", "scheduler": "keeps the time"}
#: What programs of ours do that are no workers.
_PROGRAMS = {"rung.runtime.workflow": "carries runs", "rung.runtime.bus": "delivers events"}
#: What every task is given, written once.
PLATFORM = Raw("local.platform")
#: Fargate waits no longer for a task to stop.
LONGEST_STOP_SECONDS = 120
_SCALED = ("scaling", "rollback_alarms", "sticky", "discoverable")
_TARGETS = {"cpu": "cpu_target", "memory": "memory_target", "requests_per_task": "requests_target",
            "backlog_per_task": "backlog_target"}  # fmt: skip


def service(setting: Setting, part: EcsService, bindings: Bindings) -> Block:
    """One service or worker, with what it is told, how it scales and what rolls it back."""
    arguments = {
        **_task(part.name, part.container, bindings),
        **literals(part, "cluster", "container", "log_days", *_SCALED),
        "port": part.container.port,
        "health_path": part.container.health_path,
        "rollback_alarms": [full_name(setting.design, name) for name in part.rollback_alarms],
        **_targets(setting, part),
        "discovery": _discovery(part),
        "scaling": _scaling(setting, part),
        "schedules": {
            rule.name: _schedule(part, rule) for rule in part.scaling if isinstance(rule, ScheduledScaling)
        },
    }
    return setting.module(part, "ecs_service", f"{part.name} {_does(part)}", arguments)


def _does(part: EcsService) -> str:
    own = next((words for module, words in _PROGRAMS.items() if module in part.container.command), None)
    return own or _ROLES[part.role]


def job(setting: Setting, part: EcsJob, bindings: Bindings) -> Block:
    """One task that is started, does one thing and ends."""
    arguments = {
        **_task(part.name, part.container, bindings),
        **literals(part, "cluster", "container", "log_days"),
        "stop_seconds": _stop(part),
        "schedule": _clock(setting, part),
    }
    words = f"{part.name} runs before a deployment" if part.on_deploy else f"{part.name} runs and ends"
    return setting.module(part, "ecs_job", words, arguments)


def _clock(setting: Setting, part: EcsJob) -> Expression:
    """When the clock starts it, where one schedule does and has no block."""
    for each in setting.design.of(ScheduledTask):
        if each.job == part.name and each.name in setting.homes:
            given = {"expression": each.expression, **literals(each, "job", "every_seconds", "expression")}
            usual = {"timezone": "UTC", "max_attempts": 2, "maximum_age_seconds": 300, "enabled": True}
            return {name: value for name, value in given.items() if usual.get(name) != value}
    return None


def scheduled_task(setting: Setting, part: ScheduledTask) -> Block:
    """One schedule, which starts a job."""
    arguments = {
        "platform": PLATFORM,
        "job": Raw(f"module.{label(part.job)}"),
        **literals(part, "job", "every_seconds"),
    }
    return setting.module(part, "scheduled_task", f"{part.job} is started {part.expression}", arguments)


def shared(setting: Setting, bindings: Bindings) -> Iterator[Block]:
    """What every task is given, and the shared parts of what several are told: locals."""
    attributes: dict[str, Expression] = {}
    if given := _platform(setting, bindings):
        attributes["platform"] = given
    attributes |= bindings.shared_documents()
    if attributes:
        note = "What every task is given: place, image, log and environment; below it what several are told"
        yield Block(kind="locals", attributes=attributes, note=note)


def _platform(setting: Setting, bindings: Bindings) -> dict[str, Expression]:
    """All tasks of an environment run in one cluster, from one image, and keep their logs alike."""
    parts = [part for part in setting.design.parts if isinstance(part, EcsService | EcsJob)]
    told = {(part.container.image, part.log_days) for part in parts}
    told |= {(part.image, part.log_days) for part in setting.design.of(LambdaFunction)}
    if not told:
        return {}
    ((image, days),) = told
    cluster = parts[0].cluster if parts else None
    given: dict[str, Expression] = {
        "name": environment_name(setting.design),
        **({"cluster_arn": output(cluster, "arn"), "cluster_name": output(cluster, "name")} if cluster else {}),
        "vpc_id": setting.vpc,
        "subnet_ids": setting.compute_subnets,
        "image": Text((output(image, "repository_url"), ":", Raw("var.image_tag"))),
        "repository_arn": output(image, "repository_arn"),
        "key_arn": setting.data_key,
        "log_key_arn": setting.log_key,
        "log_days": days,
    }
    if not setting.has_way_out:
        given["assign_public_ip"] = True
    return given | ({"environment": bindings.told_to_all()} if bindings.common else {})


def _task(name: str, container: Container, bindings: Bindings) -> dict[str, Expression]:
    return {
        "platform": PLATFORM,
        "command": command_of(container.command),
        "cpu": container.cpu,
        "memory_mib": container.memory_mib,
        "stop_seconds": container.stop_seconds,
        "environment": bindings.environment(name, container.variables),
        "file_systems": [_mounted(mount) for mount in container.mounts],
    }


def _stop(part: EcsJob) -> Expression:
    """How long it has to stop, where that is not what its deadline gives it."""
    given = part.container.stop_seconds
    return None if given == min(LONGEST_STOP_SECONDS, part.deadline_seconds + 5) else given


def command_of(words: tuple[str, ...]) -> Expression:
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


def _scaling(setting: Setting, part: EcsService) -> Expression:
    arguments: dict[str, Expression] = {}
    queues: list[str] = []
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
                pass
    if queues:
        arguments["queue_names"] = listed(
            (setting.resource(name, "name") for name in _once(queues)), setting.homes
        )
    return arguments


def _cooldowns(rule: TargetTracking) -> dict[str, Expression]:
    """Those that are not the usual 60 and 300 seconds."""
    usual = TargetTracking(metric=rule.metric, target=rule.target)
    names = ("scale_out_cooldown_seconds", "scale_in_cooldown_seconds")
    return {name: getattr(rule, name) for name in names if getattr(rule, name) != getattr(usual, name)}


def _schedules(part: EcsService) -> Expression:
    rules = [rule for rule in part.scaling if isinstance(rule, ScheduledScaling)]
    return {rule.name: _schedule(part, rule) for rule in rules} or None


def _schedule(part: EcsService, rule: ScheduledScaling) -> dict[str, Expression]:
    """What is not as usual of it: the time zone is UTC, the most tasks those of the service."""
    given: dict[str, Expression] = {"cron": rule.cron, "min_tasks": rule.min_tasks}
    if rule.timezone != "UTC":
        given["timezone"] = rule.timezone
    return given | ({"max_tasks": rule.max_tasks} if rule.max_tasks != part.max_tasks else {})


def _once(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))

"""What an environment knows better than the rung: fields of parts, set after the rung has chosen them. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, cast

from rung.model.environments import Sizing
from rung.model.shapes import field_types, mismatches
from rung.near import suggestion
from rung.parts.design import Part
from rung.rungs.setting import Setting

#: What may be set, by kind of part. What ties parts together, and what the graph says, is not a matter of size.
SIZABLE: Mapping[str, tuple[str, ...]] = MappingProxyType({
    "network": ("cidr", "zones", "interface_endpoints", "gateway_endpoints", "flow_log_days"),
    "registry": ("keep_images",),
    "cluster": ("container_insights",),
    "ecs_service": (
        "architecture", "min_tasks", "max_tasks", "on_demand_base", "spot_share", "log_days", "grace_seconds",
    ),
    "ecs_job": ("architecture", "deadline_seconds", "log_days"),
    "host": (
        "instance_type", "architecture", "root_gib", "data_gib", "log_days", "backup_hours", "backup_days",
        "management", "disk_alarm_percent",
    ),
    "host_group": (
        "instance_type", "architecture", "root_gib", "min_hosts", "max_hosts", "cpu_target", "log_days",
        "management", "portainer", "disk_alarm_percent",
    ),
    "lambda_function": (
        "architecture", "memory_mib", "ephemeral_mib", "timeout_seconds", "reserved_concurrency",
        "provisioned_concurrency", "log_days",
    ),
    "http_api": ("requests_per_second", "burst", "log_days"),
    "eks_cluster": ("version", "support", "container_insights", "log_days"),
    "node_pool": ("instance_types", "architecture", "spot_share", "min_nodes", "max_nodes", "root_gib"),
    "kubernetes_service": (
        "architecture", "min_replicas", "max_replicas", "spot", "max_unavailable", "log_days", "grace_seconds",
    ),
    "kubernetes_job": ("architecture", "deadline_seconds", "log_days"),
    "scheduled_task": ("max_attempts", "maximum_age_seconds"),
    "office_hours": ("idle_seconds",),
    "postgres_instance": (
        "version", "instance_class", "storage_gib", "max_storage_gib", "multi_zone", "backup_days", "protected",
    ),
    "aurora_cluster": (
        "version", "min_acu", "max_acu", "pause_seconds", "readers", "backup_days", "protected",
    ),
    "cache_group": ("node_type", "nodes", "eviction"),
    "bucket": ("versioned", "archive_days", "expire_days", "locked_days"),
    "table": ("billing",),
    "secret": ("rotate_days",),
    "backup_plan": ("keep_days", "restore_test"),
    "sqs_queue": (
        "visibility_timeout_seconds", "retention_seconds", "delay_seconds", "max_receive_count",
        "acceptable_age_seconds",
    ),
    "redis_broker": ("node_type", "nodes"),
    "rabbit_broker": ("version", "instance_type", "cluster", "acceptable_messages"),
    "event_bus": ("archive_days",),
    "event_rule": ("max_attempts",),
    "load_balancer": ("idle_seconds", "protected"),
    "firewall": ("managed_groups", "requests_per_five_minutes", "blocked_countries"),
    "distribution": ("origin_seconds",),
    "alarm": ("threshold", "period_seconds", "periods", "periods_to_alarm", "missing", "severity", "rolls_back"),
    "objective": ("availability",),
    "budget": ("monthly_usd",),
    "uptime_check": ("path",),
})  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class InVain:
    """A size that sets nothing, and why."""

    sizing: Sizing
    reason: str


def overridden(setting: Setting, parts: tuple[Part, ...]) -> tuple[Part, ...]:
    """The parts with the environment's sizes. What does not fit is left out: `in_vain` names it."""
    return tuple(_changed(setting, part) for part in parts)


def _changed(setting: Setting, part: Part) -> Part:
    changes = {
        sizing.field: fitting(sizing.value, field_types(type(part))[sizing.field])
        for sizing in setting.environment.sizes
        if _is_meant(part, sizing) and not problem_of(part, sizing)
    }
    return cast("Part", replace(cast("Any", part), **changes)) if changes else part


def in_vain(setting: Setting, parts: tuple[Part, ...]) -> Iterator[InVain]:
    """The sizes that name no part, a field that the part does not have, or a value that it cannot hold."""
    for sizing in setting.environment.sizes:
        named = [part for part in parts if sizing.part in (part.name, part.node)]
        meant = [part for part in named if _is_meant(part, sizing)]
        if not named:
            names = [part.name for part in parts]
            yield InVain(sizing=sizing, reason=f'there is no part "{sizing.part}"{suggestion(sizing.part, names)}')
        elif not meant:
            own = next((part for part in named if part.name == sizing.part), named[0])
            known = SIZABLE.get(own.kind, ())
            near = suggestion(sizing.field, known)
            there = ", ".join(known) or "nothing to set"
            yield InVain(
                sizing=sizing, reason=f'{own.kind} "{own.name}" has no "{sizing.field}"{near}; it has {there}'
            )
        else:
            reasons = (problem_of(part, sizing) for part in meant)
            yield from (InVain(sizing=sizing, reason=reason) for reason in reasons if reason)


def _is_meant(part: Part, sizing: Sizing) -> bool:
    """A part by its own name, or every part of a node that has such a field."""
    return sizing.part in (part.name, part.node) and sizing.field in SIZABLE.get(part.kind, ())


def problem_of(part: Part, sizing: Sizing) -> str:
    """Why the part cannot hold the value; empty when it can."""
    expected = field_types(type(part))[sizing.field]
    wrong = next(mismatches(fitting(sizing.value, expected), expected, sizing.field), None)
    return f"expected {wrong.expected}, found {wrong.found}" if wrong else ""


def fitting(value: object, expected: Any) -> object:
    """A whole number where a fraction is expected is one."""
    return float(value) if expected is float and type(value) is int else value

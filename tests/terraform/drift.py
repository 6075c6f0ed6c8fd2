"""What a second plan may want to change although nobody changed anything: gaps of the emulators, a reason a line.

Anything else fails the gate. Attributes are those of the resource type that differ between what the emulator tells
and what was asked for.
"""

from __future__ import annotations

from typing import Any

#: (resource type, attribute) -> why it differs.
KNOWN: dict[tuple[str, str], str] = {
    ("aws_appautoscaling_target", "tags_all"): "moto keeps no tags of scaling targets",
    ("aws_autoscaling_group", "capacity_reservation_specification"): "moto tells an empty choice for none",
    ("aws_autoscaling_group", "default_instance_warmup"): "moto does not keep it",
    ("aws_autoscaling_group", "launch_template"): "moto tells the version's number, not that it is the newest",
    ("aws_autoscaling_group", "max_instance_lifetime"): "moto does not keep it",
    ("aws_autoscaling_policy", "enabled"): "moto does not keep it",
    ("aws_autoscaling_policy", "predictive_scaling_configuration"): "moto tells an empty one for none",
    ("aws_budgets_budget", "tags_all"): "moto keeps no tags of budgets",
    ("aws_cloudfront_response_headers_policy", "custom_headers_config"): "ministack tells an empty list for none",
    ("aws_cloudfront_response_headers_policy", "remove_headers_config"): "ministack tells an empty list for none",
    (
        "aws_ecs_service",
        "availability_zone_rebalancing",
    ): "moto does not keep it, and the provider replaces for it",
    ("aws_ecs_service", "capacity_provider_strategy"): "moto does not keep it, and the provider replaces for it",
    ("aws_ecs_service", "deployment_controller"): "part of the replacement",
    ("aws_ecs_service", "enable_ecs_managed_tags"): "moto does not keep it",
    ("aws_ecs_service", "health_check_grace_period_seconds"): "moto does not keep it",
    ("aws_ecs_service", "iam_role"): "part of the replacement",
    ("aws_ecs_service", "tags"): "part of the replacement",
    ("aws_ecs_service", "triggers"): "part of the replacement",
    ("aws_elasticache_replication_group", "transit_encryption_mode"): "the mend tells it by another name",
    ("aws_rds_cluster", "scaling_configuration"): "moto tells the settings of Serverless v1 too",
    ("aws_db_instance", "performance_insights_enabled"): "moto does not keep it",
    ("aws_db_instance", "performance_insights_kms_key_id"): "moto does not keep it",
    ("aws_db_instance", "performance_insights_retention_period"): "moto does not keep it",
    ("aws_db_parameter_group", "parameter"): "moto tells no parameters of a group",
    ("aws_launch_template", "tag_specifications"): "moto tells the template's own tags among them",
}


def unexplained(plan: dict[str, Any]) -> list[str]:
    """Every difference in a plan's JSON that no line of the table explains."""
    found = []
    for change in plan.get("resource_changes", []):
        actions = change["change"]["actions"]
        if actions in (["no-op"], ["read"]):
            continue
        differing = differences(change["change"])
        names = [name for name in differing if (change["type"], name) not in KNOWN]
        if names or not differing:
            found.append(f"{change['address']} {'/'.join(actions)}: {', '.join(names) or 'nothing by name'}")
    return found


def differences(change: dict[str, Any]) -> list[str]:
    """The attributes that a change is about."""
    before, after = change["before"] or {}, change["after"] or {}
    unknown = change.get("after_unknown") or {}
    names = [name for name in after if after[name] != before.get(name)]
    return names + [
        name for name in unknown if unknown[name] is True and name not in names and not before.get(name)
    ]

"""What each kind of part can tell once it is built: the outputs that a `Reference` may name.

An output that is a map is named with its key: `target_group_suffixes["api"]`.
"""

from __future__ import annotations

from types import MappingProxyType

_DATABASE = (
    "endpoint", "reader_endpoint", "port", "database", "security_group_id", "master_secret_arn", "resource_id",
    "identifier", "arn",
)  # fmt: skip
_REDIS = (
    "endpoint", "reader_endpoint", "port", "security_group_id", "replication_group_id", "arn", "user_name",
    "user_arn",
)  # fmt: skip
_TASK = (
    "task_definition_arn", "task_family", "task_role_name", "task_role_arn", "execution_role_name",
    "execution_role_arn", "security_group_id", "log_group_name",
)  # fmt: skip

#: Kind of part -> names of its outputs.
OUTPUTS = MappingProxyType({
    "network": (
        "vpc_id", "cidr", "public_subnet_ids", "private_subnet_ids", "isolated_subnet_ids",
        "endpoints_security_group_id", "nat_public_ips", "s3_prefix_list_id",
    ),
    "keys": ("data_key_arn", "log_key_arn"),
    "registry": ("repository_url", "repository_arn"),
    "cluster": ("arn", "name"),
    "ecs_service": ("service_name", "cluster_name", *_TASK),
    "ecs_job": _TASK,
    "scheduled_task": ("arn", "group_name", "dead_letter_queue_name"),
    "lambda_function": ("arn", "name", "role_name", "role_arn", "security_group_id", "log_group_name"),
    "http_api": ("id", "arn", "endpoint", "domain_name"),
    "eks_cluster": ("arn", "name", "endpoint", "security_group_id", "log_group_name"),
    "node_pool": ("name", "role_name", "role_arn", "security_group_id"),
    "kubernetes_service": ("name", "namespace", "role_name", "role_arn", "security_group_id"),
    "kubernetes_job": ("name", "namespace", "role_name", "role_arn", "security_group_id"),
    "host": ("name", "instance_id", "public_ip", "security_group_id", "role_name", "log_group_arn"),
    "host_group": ("group_name", "security_group_id", "role_name", "log_group_arn"),
    "office_hours": (),
    "postgres_instance": _DATABASE,
    "aurora_cluster": _DATABASE,
    "cache_group": _REDIS,
    "redis_broker": _REDIS,
    "rabbit_broker": ("url", "security_group_id", "arn", "id", "broker_name"),
    "bucket": ("name", "arn", "domain_name"),
    "file_system": ("id", "arn", "access_point_id", "access_point_arn", "security_group_id"),
    "table": ("name", "arn"),
    "secret": ("name", "arn"),
    "backup_plan": ("vault_arn",),
    "sqs_queue": ("url", "arn", "name", "dead_letter_url", "dead_letter_arn", "dead_letter_name"),
    "event_bus": ("name", "arn"),
    "event_rule": ("name", "arn"),
    "certificate": ("arn", "domain", "zone_id"),
    "load_balancer": (
        "arn", "arn_suffix", "dns_name", "zone_id", "listener_arn", "security_group_id", "target_group_arns",
        "target_group_suffixes",
    ),
    "firewall": ("arn", "name"),
    "site": ("bucket", "bucket_arn", "regional_domain_name"),
    "distribution": ("arn", "id", "domain_name"),
    "notification": ("topic_arn",),
    "alarm": ("arn", "name"),
    "objective": ("alarm_names", "fast_burn_alarm_name"),
    "dashboard": ("name",),
    "budget": ("name",),
    "uptime_check": ("id",),
    "deploy_identity": ("plan_role_arn", "apply_role_arn"),
})  # fmt: skip

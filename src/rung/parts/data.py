"""What keeps data. Sizes in GiB, ACU (Aurora capacity units, about 2 GiB of memory each) and instance classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresInstance:
    """RDS for PostgreSQL. `version` is the major version alone: minors disappear from AWS's catalogue."""

    kind: Literal["postgres_instance"] = "postgres_instance"
    name: str
    node: str
    why: str = ""
    version: str = "17"
    instance_class: str = "db.t4g.micro"
    storage_gib: int = 20
    max_storage_gib: int = 100
    multi_zone: bool = False
    backup_days: int = 7
    protected: bool = True
    extensions: tuple[str, ...] = ()
    existing: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuroraCluster:
    """Aurora PostgreSQL Serverless v2: `min_acu` 0 pauses after `pause_seconds` without a connection."""

    kind: Literal["aurora_cluster"] = "aurora_cluster"
    name: str
    node: str
    why: str = ""
    version: str = "17"
    min_acu: float = 0.5
    max_acu: float = 4.0
    pause_seconds: int | None = None
    readers: int = 0
    backup_days: int = 7
    protected: bool = True
    extensions: tuple[str, ...] = ()
    existing: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheGroup:
    """A Valkey replication group: one node, or a primary with replicas in other zones."""

    kind: Literal["cache_group"] = "cache_group"
    name: str
    node: str
    why: str = ""
    node_type: str = "cache.t4g.micro"
    nodes: int = 1
    eviction: str = "allkeys-lru"
    existing: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketPart:
    """An S3 bucket. `purpose`: what is in it decides its policy (access logs, a site, backups, the user's)."""

    kind: Literal["bucket"] = "bucket"
    name: str
    node: str
    why: str = ""
    purpose: Literal["objects", "logs", "site", "backups"] = "objects"
    versioned: bool = True
    archive_days: int | None = None
    expire_days: int | None = None
    #: Object lock: what was written cannot be deleted for so long, not even by an administrator in haste.
    locked_days: int | None = None
    existing: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSystem:
    """EFS, encrypted, one mount target in each zone, reached through an access point with its own user.

    `existing`: the id of one that is there, whose mount targets have the group `security_group`. Only the access
    point is made: it shows `path` as its root to the user `user_id`. `access_point`: not even that.
    """

    kind: Literal["file_system"] = "file_system"
    name: str
    node: str
    why: str = ""
    path: str = "/data"
    user_id: int = 1_000
    existing: str | None = None
    security_group: str | None = None
    access_point: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TablePart:
    """A DynamoDB table with point-in-time recovery."""

    kind: Literal["table"] = "table"
    name: str
    node: str
    why: str = ""
    partition_key: str
    sort_key: str | None = None
    ttl_attribute: str | None = None
    billing: Literal["on-demand", "provisioned"] = "on-demand"
    existing: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretPart:
    """A secret in Secrets Manager, without its value: that never passes through Terraform.

    `generated`: a random value is written once at apply (write-only, not in the state); otherwise a person
    sets it. With `generated_username` it is the password in a JSON object of `username` and `password`.
    """

    kind: Literal["secret"] = "secret"
    name: str
    node: str
    why: str = ""
    rotate_days: int | None = None
    generated: bool = False
    generated_username: str | None = None
    existing: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupPlan:
    """AWS Backup over everything that is tagged for it, with a restore test."""

    kind: Literal["backup_plan"] = "backup_plan"
    name: str = "backup"
    node: str = "@workload"
    why: str = ""
    keep_days: int = 35
    restore_test: bool = True
    protects: tuple[str, ...] = ()

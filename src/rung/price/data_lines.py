"""What keeping data costs: instances, capacity units, storage, I/O, backups, requests, secrets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, assert_never

from rung.parts.compute import EcsService, Host
from rung.parts.data import (
    AuroraCluster,
    BackupPlan,
    BucketPart,
    CacheGroup,
    FileSystem,
    PostgresInstance,
    SecretPart,
    TablePart,
)
from rung.parts.edge import Distribution, LoadBalancer
from rung.parts.functions import LambdaFunction
from rung.parts.kubernetes import KubernetesService
from rung.price.book import HOURS_PER_MONTH
from rung.price.charging import Charging, Line
from rung.price.credits import database_credits
from rung.price.edge_lines import edge_requests
from rung.price.pausing import awake
from rung.price.serverless_lines import runs_of, starts_of
from rung.price.table_lines import table
from rung.price.usage import KIB_PER_GIB, Quantity

#: One line of an access log; both CloudFront and load balancers deliver them packed (gzip).
LOG_LINE_KIB = 0.5
LOG_COMPRESSION = 6.0
#: S3 Glacier Instant Retrieval, which archived files move to, is billed for so many days at least.
ARCHIVED_DAYS_MIN = 90
DAYS_PER_MONTH = HOURS_PER_MONTH / 24
#: A secret is read again every five minutes by each task that holds it (the runtime's cache).
SECRET_READS_PER_TASK_HOUR = 12.0

#: What a recovery point is charged as, by what it protects.
_RECOVERY_POINTS: dict[type, tuple[str, str, str]] = {
    PostgresInstance: ("rds", "backup-storage", ""),
    AuroraCluster: ("aurora", "backup-storage", ""),
    FileSystem: ("backup", "efs-storage", "warm"),
    TablePart: ("backup", "dynamodb-storage", "warm"),
}

DataPart = (
    PostgresInstance | AuroraCluster | CacheGroup | BucketPart | FileSystem | TablePart | SecretPart | BackupPlan
)


def lines_of(part: DataPart, charging: Charging) -> Iterator[Line]:
    """The lines of one part."""
    match part:
        case PostgresInstance():
            yield from postgres_instance(part, charging)
        case AuroraCluster():
            yield from aurora_cluster(part, charging)
        case CacheGroup():
            yield from cache_group(part, charging)
        case BucketPart():
            yield from bucket(part, charging)
        case FileSystem():
            yield from file_system(part, charging)
        case TablePart():
            yield from table(part, charging)
        case SecretPart():
            yield from secret(part, charging)
        case BackupPlan():
            yield from backup_plan(part, charging)
        case _:
            assert_never(part)


def postgres_instance(part: PostgresInstance, charging: Charging) -> Iterator[Line]:
    """The instance by the hour, its storage, and backups beyond the size of the database, which are free."""
    mode = "multi-az" if part.multi_zone else "single-az"
    zones = "two zones" if part.multi_zone else "one zone"
    key = ("rds-postgresql", part.instance_class, mode)
    hours = charging.while_on(Quantity(value=HOURS_PER_MONTH, unit="hour", because="always on"))
    item = f"{part.instance_class}, {zones}"
    yield charging.line(part.name, part.node, item, key, hours.value, hours.because, hours=charging.always())
    yield from database_credits(part, charging)
    storage = ("rds", "gp3-storage", mode)
    yield charging.line(part.name, part.node, "storage", storage, part.storage_gib, f"{part.storage_gib} GiB")
    given = charging.usage.assumptions
    kept = given.database_gib * (1 + given.database_change_per_day * part.backup_days)
    beyond = max(0.0, kept - part.storage_gib)
    because = f"{kept:.1f} GiB of {part.backup_days} days, {part.storage_gib} GiB are free"
    yield charging.line(part.name, part.node, "backups", ("rds", "backup-storage", ""), beyond, because)


def aurora_cluster(part: AuroraCluster, charging: Charging) -> Iterator[Line]:
    """Capacity units over the day, storage and I/O that are used, backups beyond the first day, which is free."""
    usage, given = charging.usage, charging.usage.assumptions
    hours = awake(part, charging.while_on(usage.acu_hours(part.min_acu, part.max_acu)), charging)
    instances = 1 + part.readers
    because = hours.because + (f"; {part.readers} readers follow" if part.readers else "")
    key = ("aurora", "serverless-acu", "standard")
    yield charging.line(
        part.name, part.node, "capacity units", key, hours.value * instances, because, depends="use"
    )
    size = given.database_gib
    yield charging.line(
        part.name, part.node, "storage", ("aurora", "storage", "standard"), size, f"{size:g} GiB of data"
    )
    operations = usage.requests.value * given.io_per_request / 1e6
    yield charging.line(
        part.name, part.node, "I/O", ("aurora", "io-requests", "standard"), operations,
        f"{given.io_per_request:g} I/O for a request", depends="use",
    )  # fmt: skip
    beyond = size * given.database_change_per_day * max(0, part.backup_days - 1)
    because = f"{part.backup_days} days, {given.database_change_per_day:.0%} of {size:g} GiB change in one"
    yield charging.line(part.name, part.node, "backups", ("aurora", "backup-storage", ""), beyond, because)


def cache_group(part: CacheGroup, charging: Charging) -> Iterator[Line]:
    """Nodes by the hour."""
    key = ("elasticache", part.node_type, "valkey")
    hours = part.nodes * HOURS_PER_MONTH
    because = f"{part.nodes} nodes, always on"
    each_hour = (float(part.nodes),) * 24
    yield charging.line(part.name, part.node, part.node_type, key, hours, because, hours=each_hour)


def bucket(part: BucketPart, charging: Charging) -> Iterator[Line]:
    """What is kept, and the requests that put it there and read it."""
    if part.existing is not None:
        return
    size, because = _bucket_size(part, charging)
    grows: Literal["fixed", "use"] = "use" if part.purpose == "logs" else "fixed"
    archived = _archived_share(part)
    key = ("s3", "storage", "standard")
    yield charging.line(part.name, part.node, "storage", key, size * (1 - archived), because, depends=grows)
    if archived:
        key = ("s3", "storage", "instant-retrieval")
        least = _least_days_factor(part)
        older = (
            f"{archived:.0%} of it is older than {part.archive_days} days, paid for {ARCHIVED_DAYS_MIN} at least"
        )
        yield charging.line(part.name, part.node, "archive", key, size * archived * least, older, depends=grows)
    if part.purpose == "objects":
        reads = charging.usage.requests.value / charging.usage.assumptions.session_requests
        key = ("s3", "read-requests", "standard")
        yield charging.line(
            part.name, part.node, "reads", key, reads / 1_000, "one object for a session", depends="use"
        )


def file_system(part: FileSystem, charging: Charging) -> Iterator[Line]:
    """Storage that is used; reading and writing by the GiB. One of others is on their bill."""
    if part.existing is not None:
        return
    size = charging.usage.assumptions.object_gib
    yield charging.line(part.name, part.node, "storage", ("efs", "storage", "standard"), size, f"{size:g} GiB")
    for item, usage in (("reads", "elastic-read"), ("writes", "elastic-write")):
        because = f"all of {size:g} GiB once a month"
        yield charging.line(part.name, part.node, item, ("efs", usage, ""), size, because, depends="use")


def secret(part: SecretPart, charging: Charging) -> Iterator[Line]:
    """The secret by the month, and the reads of the tasks that hold it."""
    if part.existing is None:
        key = ("secrets-manager", "secret", "")
        yield charging.line(part.name, part.node, "secret", key, 1.0, "one secret")
    readers = charging.readers.get(part.name, frozenset())
    tasks = sum(each.min_tasks for each in charging.design.of(EcsService) if each.name in readers)
    tasks += sum(each.min_replicas for each in charging.design.of(KubernetesService) if each.name in readers)
    tasks += len(charging.design.of(Host))
    reads = tasks * HOURS_PER_MONTH * SECRET_READS_PER_TASK_HOUR
    because = f"{tasks} tasks read it every five minutes"
    depends: Literal["fixed", "use"] = "fixed"
    if functions := [each for each in charging.design.of(LambdaFunction) if each.name in readers]:
        reads += sum(starts_of(runs_of(each, charging), charging) for each in functions)
        because, depends = "each execution environment of a function reads it when it starts", "use"
    yield charging.line(
        part.name, part.node, "secret reads", ("secrets-manager", "requests", ""), reads / 1e4, because,
        depends=depends,
    )  # fmt: skip


def backup_plan(part: BackupPlan, charging: Charging) -> Iterator[Line]:
    """Recovery points of AWS Backup, each at the price of what it protects."""
    for name in part.protects:
        protected = charging.design.by_name.get(name)
        if protected is None or type(protected) not in _RECOVERY_POINTS:
            continue
        gib, because = _recovery_points(part, charging, isinstance(protected, PostgresInstance | AuroraCluster))
        key = _RECOVERY_POINTS[type(protected)]
        yield charging.line(part.name, part.node, f"recovery points of {name}", key, gib, because)


def _recovery_points(part: BackupPlan, charging: Charging, database: bool) -> tuple[float, str]:
    """GiB that are kept: the first copy whole, then what changed from one day to the next."""
    given = charging.usage.assumptions
    size = given.database_gib if database else given.object_gib
    kept = size * (1 + given.database_change_per_day * part.keep_days)
    return kept, f"{part.keep_days} days of {size:g} GiB, {given.database_change_per_day:.0%} changes in one"


def _logs(charging: Charging, kind: type[Distribution | LoadBalancer]) -> bool:
    return any(each.logs is not None for each in charging.design.of(kind))


def _archived_share(part: BucketPart) -> float:
    """What is older than the days after which it moves, where as much is written on every day."""
    if part.archive_days is None or part.purpose not in ("logs", "backups"):
        return 0.0
    return max(0.0, 1 - part.archive_days / (part.expire_days or DAYS_PER_MONTH * 12))


def _least_days_factor(part: BucketPart) -> float:
    """A file that is deleted before its least days is paid for until their end."""
    stays = (part.expire_days or ARCHIVED_DAYS_MIN * 10) - (part.archive_days or 0)
    return max(1.0, ARCHIVED_DAYS_MIN / max(1, stays))


def _bucket_size(part: BucketPart, charging: Charging) -> tuple[float, str]:
    usage, given = charging.usage, charging.usage.assumptions
    match part.purpose:
        case "logs":
            days = part.expire_days or 90
            seen = edge_requests(charging).value if _logs(charging, Distribution) else 0.0
            seen += usage.requests.value if _logs(charging, LoadBalancer) else 0.0
            gib = seen * LOG_LINE_KIB / LOG_COMPRESSION / KIB_PER_GIB / DAYS_PER_MONTH * days
            because = f"{days} days of {seen:,.0f} lines a month, {LOG_LINE_KIB:g} KiB packed to a sixth"
            return gib, because
        case "backups":
            days = part.expire_days or 30
            return given.database_gib * 0.3 * days, f"{days} dumps of {given.database_gib:g} GiB at 30 %"
        case "site":
            return 0.05, "static files"
        case "objects":
            return given.object_gib, f"{given.object_gib:g} GiB of objects"

"""What data becomes on the rungs where AWS runs it: databases, caches, buckets, tables, files, secrets. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from rung.model.nodes import Bucket, Cache, Files, Postgres, Queue, Secret, Table, Workflow
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
from rung.parts.design import Part
from rung.rungs.reach import role_of
from rung.rungs.routers import node_of
from rung.rungs.setting import Setting, approval_part, credentials_part
from rung.rungs.sizes import (
    ACU_STEPS,
    BEHAVIOUR,
    USABLE_CONNECTIONS,
    connections_of_acu,
    connections_of_memory,
    connections_wanted,
    peak_requests,
)

#: AWS offers a major version months after PostgreSQL does: what is newer is placed on the newest that there is.
NEWEST_MAJOR = 17
#: Aurora pauses after this long without a connection (300 s is the least AWS takes).
PAUSE_SECONDS = 300
#: Valkey nodes by memory for data, MiB (a quarter is kept back for copies). Source: AWS, "Supported node types".
CACHE_NODES = (
    (384, "cache.t4g.micro"), (1_024, "cache.t4g.small"), (2_330, "cache.t4g.medium"), (4_800, "cache.m7g.large"),
    (9_700, "cache.m7g.xlarge"), (19_500, "cache.m7g.2xlarge"),
)  # fmt: skip
BACKUP_DAYS = 35
#: RDS classes with vCPU and GiB, Graviton, from the smallest. Source: AWS, "DB instance classes" of the RDS guide.
CLASSES: tuple[tuple[str, int, float], ...] = (
    ("db.t4g.micro", 2, 1.0), ("db.t4g.small", 2, 2.0), ("db.t4g.medium", 2, 4.0), ("db.t4g.large", 2, 8.0),
    ("db.m7g.xlarge", 4, 16.0), ("db.m7g.2xlarge", 8, 32.0), ("db.m7g.4xlarge", 16, 64.0),
    ("db.m7g.8xlarge", 32, 128.0),
)  # fmt: skip
LEAST_STORAGE_GIB, MOST_RDS_STORAGE_GIB = 20, 65_536


def major_of(version: str) -> str:
    """The major version that AWS can run."""
    number = version.split(".", maxsplit=1)[0]
    return str(min(int(number), NEWEST_MAJOR)) if number.isdigit() else str(NEWEST_MAJOR)


def aurora_of(setting: Setting, node: Postgres) -> AuroraCluster:
    """Aurora Serverless v2, so large that the connections of every task fit and the peak is answered."""
    smallest, most = acu_of(setting, node)
    pauses = smallest == 0
    readers = 1 if setting.availability >= 0.999 else 0
    why = (
        "pauses when nobody is connected" if pauses else f"{smallest:g} to {most:g} ACU for the peak and its tasks"
    )
    return AuroraCluster(
        name=node.name, node=node.name, why=why, version=major_of(node.version), min_acu=smallest, max_acu=most,
        pause_seconds=PAUSE_SECONDS if pauses else None, readers=readers, backup_days=max(1, node.backup_days),
        protected=setting.production, extensions=node.extensions, existing=node.existing,
    )  # fmt: skip


def acu_of(setting: Setting, node: Postgres) -> tuple[float, float]:
    """Least and most capacity. Nothing is the least only where no process keeps a connection open."""
    wanted = max(node.max_connections, connections_wanted(setting, node.name, node.pool_size) / USABLE_CONNECTIONS)
    smallest = 0.0 if may_pause(setting, node) else 0.5
    load = _queries(setting) / BEHAVIOUR.requests_per_acu
    most = next(
        (step for step in ACU_STEPS if step >= load and connections_of_acu(smallest, step) >= wanted),
        ACU_STEPS[-1],
    )
    return (smallest, most) if smallest == 0 or not setting.production else (max(0.5, most / 8), most)


def instance_of(setting: Setting, node: Postgres) -> PostgresInstance:
    """RDS, so large that the connections of every task fit and the peak is answered; a standby in production."""
    wanted = max(node.max_connections, connections_wanted(setting, node.name, node.pool_size) / USABLE_CONNECTIONS)
    load = _queries(setting) / BEHAVIOUR.requests_per_database_vcpu
    kind = next(
        (name for name, vcpu, gib in CLASSES if vcpu >= load and connections_of_memory(gib) >= wanted),
        CLASSES[-1][0],
    )
    storage = max(LEAST_STORAGE_GIB, node.storage_gib or 0)
    return PostgresInstance(
        name=node.name, node=node.name, version=major_of(node.version), instance_class=kind, storage_gib=storage,
        max_storage_gib=min(MOST_RDS_STORAGE_GIB, max(100, storage * 2)), multi_zone=setting.production,
        backup_days=max(1, node.backup_days), protected=setting.production, extensions=node.extensions,
        existing=node.existing, why=f"room for {wanted:,.0f} connections",
    )  # fmt: skip


def may_pause(setting: Setting, node: Postgres) -> bool:
    """Whether nothing keeps a connection to it open: pools of services and workers do, and so it never pauses.

    Functions keep theirs for minutes, until Lambda takes their environments away: then it may pause, unless
    production promises something that a resume of 15 seconds would break.
    """
    users = {edge.source for edge in setting.graph.edges_to(node.name)}
    kept: tuple[Queue | Workflow, ...] = (*setting.graph.of(Queue), *setting.graph.of(Workflow))
    if setting.carrier() is node and any(setting.is_carried(each) for each in kept):
        return False
    if setting.rung == "serverless":
        return not (setting.production and _promises(setting))
    kinds = {setting.graph.by_name[name].kind for name in users}
    return not setting.production and not kinds & {"service", "worker"}


def _promises(setting: Setting) -> bool:
    objectives = setting.graph.objectives
    return objectives is not None and (objectives.availability is not None or objectives.p99_seconds is not None)


def _queries(setting: Setting) -> float:
    """Requests in a second that reach the databases at the peak: what a cache leaves, all of them without one."""
    return peak_requests(setting) * (BEHAVIOUR.database_share if setting.graph.of(Cache) else 1.0)


def cache_of(setting: Setting, node: Cache) -> CacheGroup:
    """Valkey: in production with a copy in another zone, which takes over within a minute."""
    kind = next((name for memory, name in CACHE_NODES if memory >= node.memory_mib), CACHE_NODES[-1][1])
    nodes = 2 if setting.production else 1
    why = "a primary and a copy in another zone" if nodes > 1 else "one node: what it holds may be lost"
    return CacheGroup(
        name=node.name,
        node=node.name,
        why=why,
        node_type=kind,
        nodes=nodes,
        eviction=node.eviction,
        existing=node.existing,
    )


def bucket_of(node: Bucket) -> BucketPart:
    """A private bucket."""
    return BucketPart(
        name=node.name, node=node.name, versioned=node.versioned, archive_days=node.archive_days,
        expire_days=node.expire_days, existing=node.existing,
    )  # fmt: skip


def table_of(node: Table) -> TablePart:
    """A DynamoDB table."""
    return TablePart(
        name=node.name, node=node.name, partition_key=node.partition_key, sort_key=node.sort_key,
        ttl_attribute=node.ttl_attribute, billing=node.billing, existing=node.existing,
    )  # fmt: skip


def files_of(setting: Setting, node: Files) -> FileSystem:
    """A shared file system; of one that is there already, a folder of our own."""
    there = setting.existing_files(node.name)
    if there is None:
        return FileSystem(name=node.name, node=node.name)
    return FileSystem(
        name=node.name, node=node.name, existing=there.id, security_group=there.security_group,
        access_point=there.access_point, path=there.directory or f"/{setting.prefix}-{node.name}",
        user_id=there.user_id, why="a folder of a file system that others own",
    )  # fmt: skip


def secret_of(node: Secret) -> SecretPart:
    """A secret whose value a person sets."""
    return SecretPart(name=node.name, node=node.name, rotate_days=node.rotate_days, existing=node.existing)


def approval_of(setting: Setting) -> Iterator[SecretPart]:
    """The key that links for approvals are signed with, where there is a workflow that may ask for some."""
    if setting.graph.of(Workflow):
        yield SecretPart(
            name=approval_part(setting), node=setting.graph.of(Workflow)[0].name, generated=True,
            why="signs the links with which people approve",
        )  # fmt: skip


def credentials_of(setting: Setting, database: str) -> Iterator[SecretPart]:
    """One secret with user and password for each process that reaches the database."""
    for process in setting.processes:
        if setting.reaches(process.name, database):
            yield SecretPart(
                name=credentials_part(database, process.name), node=node_of(process), generated=True,
                generated_username=role_of(setting, process.name),
                why=f"the role by which {process.name} reaches {database}",
            )  # fmt: skip


def backups_of(setting: Setting, parts: tuple[Part, ...]) -> Iterator[BackupPlan]:
    """Production keeps five weeks of everything that cannot be made again, and tries to restore it."""
    kept = tuple(
        part.name
        for part in parts
        if isinstance(part, AuroraCluster | PostgresInstance | FileSystem | TablePart) and part.existing is None
    )
    if setting.production and kept:
        yield BackupPlan(
            name=setting.platform("backup"), keep_days=BACKUP_DAYS, protects=kept,
            why="a copy beyond the database's own, and a restore that is tried",
        )  # fmt: skip

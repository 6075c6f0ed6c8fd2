"""How long each store is away when it fails, and what it may lose: recovery time and recovery point. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rung.parts.compute import Host
from rung.parts.data import (
    AuroraCluster,
    BackupPlan,
    BucketPart,
    CacheGroup,
    FileSystem,
    PostgresInstance,
    TablePart,
)
from rung.parts.messaging import RabbitBroker, RedisBroker, SqsQueue
from rung.review.subject import Database, Subject

#: Sources: AWS, "High availability for Amazon Aurora" (a reader takes over within 60 s, often 30; without one a
#: new instance is made, in under 10 minutes), "Multi-AZ DB instance deployments" of the RDS guide (60 to 120 s).
AURORA_FAILOVER_SECONDS, AURORA_REBUILD_SECONDS = 30.0, 600.0
RDS_FAILOVER_SECONDS = 120.0
#: Ours: a new instance from a snapshot, and a GiB a minute for what must be read before it is fast.
RESTORE_SECONDS, RESTORE_SECONDS_PER_GIB = 1_800.0, 60.0
#: Ours: a new machine from its image with everything on it, before the data comes back.
REBUILD_SECONDS = 900.0
CACHE_FAILOVER_SECONDS, CACHE_REBUILD_SECONDS = 60.0, 600.0
#: Ours: another node of a quorum queue takes over, and who was connected to the lost one connects again.
QUORUM_FAILOVER_SECONDS = 30.0
#: The log of transactions is copied away every five minutes (AWS, "Restoring to a specified time").
POINT_IN_TIME_SECONDS = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovery:
    """What a store needs after the loss of its machine or zone (`failover`), and after a mistake (`restore`).

    Seconds; `point_seconds` is how much is lost when it is restored. `keeps`: what is left after a failover.
    """

    part: str
    node: str
    kind: str
    failover_seconds: float
    failover_loses: str
    restore_seconds: float | None
    point_seconds: float | None
    why: str


def recoveries(subject: Subject) -> Iterator[Recovery]:
    """Every store of the design."""
    for part in subject.design.parts:
        match part:
            case AuroraCluster() | PostgresInstance():
                yield _database(part, _gib(subject, part))
            case CacheGroup():
                yield _cache(part)
            case RedisBroker():
                yield _redis(part)
            case RabbitBroker():
                yield _rabbitmq(part)
            case TablePart() | BucketPart(purpose="objects") | FileSystem() | SqsQueue():
                yield _of_a_service(part, subject)
            case Host():
                yield _box(part)
            case _:
                continue


def failover_seconds(database: Database, gib: float) -> float:
    """How long a database is away when its machine or zone is lost."""
    if isinstance(database, AuroraCluster):
        return AURORA_FAILOVER_SECONDS if database.readers else AURORA_REBUILD_SECONDS
    return RDS_FAILOVER_SECONDS if database.multi_zone else RESTORE_SECONDS + gib * RESTORE_SECONDS_PER_GIB


def rebuild_seconds(box: Host) -> float:
    """How long a box is away when its machine is lost."""
    return REBUILD_SECONDS + box.stored_gib * RESTORE_SECONDS_PER_GIB


def _gib(subject: Subject, part: Database) -> float:
    node = subject.pool_of(part.node)
    declared = float(node.storage_gib or 0) if node else 0.0
    return declared or (part.storage_gib if isinstance(part, PostgresInstance) else 10.0)


def _database(part: Database, gib: float) -> Recovery:
    away = failover_seconds(part, gib)
    if isinstance(part, AuroraCluster):
        why = f"{part.readers} reader{'' if part.readers == 1 else 's'} in other zones, storage in three"
    else:
        why = "a standby in another zone" if part.multi_zone else "no standby: a restore is the only way back"
    alone = isinstance(part, PostgresInstance) and not part.multi_zone
    return Recovery(
        part=part.name, node=part.node, kind="database", failover_seconds=away,
        failover_loses="up to 5 minutes" if alone else "nothing", why=why,
        restore_seconds=RESTORE_SECONDS + gib * RESTORE_SECONDS_PER_GIB, point_seconds=POINT_IN_TIME_SECONDS,
    )  # fmt: skip


def _cache(part: CacheGroup) -> Recovery:
    pair = part.nodes > 1
    return Recovery(
        part=part.name, node=part.node, kind="cache",
        failover_seconds=CACHE_FAILOVER_SECONDS if pair else CACHE_REBUILD_SECONDS,
        failover_loses="the last moments" if pair else "everything", restore_seconds=None, point_seconds=None,
        why="a copy in another zone takes over" if pair else "one node: a new one begins empty",
    )  # fmt: skip


def _redis(part: RedisBroker) -> Recovery:
    pair = part.nodes > 1
    return Recovery(
        part=part.name, node=part.node, kind="queue",
        failover_seconds=CACHE_FAILOVER_SECONDS if pair else CACHE_REBUILD_SECONDS,
        failover_loses="messages that the copy had not received" if pair else "every message",
        restore_seconds=None, point_seconds=None,
        why="a copy in another zone takes over" if pair else "one node: a new one begins empty",
    )  # fmt: skip


def _rabbitmq(part: RabbitBroker) -> Recovery:
    """Quorum queues elect another leader; an instance alone comes back with its disk."""
    return Recovery(
        part=part.name, node=part.node, kind="queue",
        failover_seconds=QUORUM_FAILOVER_SECONDS if part.cluster else CACHE_REBUILD_SECONDS,
        failover_loses="nothing", restore_seconds=None, point_seconds=None,
        why="two of three nodes have every message" if part.cluster else "one instance, whose disk outlives it",
    )  # fmt: skip


def _of_a_service(part: TablePart | BucketPart | FileSystem | SqsQueue, subject: Subject) -> Recovery:
    """What AWS keeps in three zones by itself."""
    restore: float | None
    point: float | None
    protected = {name for plan in subject.design.of(BackupPlan) for name in plan.protects}
    match part:
        case TablePart():
            restore, point, why = RESTORE_SECONDS, POINT_IN_TIME_SECONDS, "point-in-time recovery"
        case BucketPart():
            versioned = part.versioned
            restore, point = (0.0, 0.0) if versioned else (None, None)
            why = "earlier versions are kept" if versioned else "what is overwritten is gone"
        case FileSystem():
            kept = part.name in protected
            restore, point = (RESTORE_SECONDS, 86_400.0) if kept else (None, None)
            why = "a copy every day" if kept else "no copy" if part.existing is None else "as its owner keeps it"
        case SqsQueue():
            restore, point, why = None, None, "messages are kept in three zones until they are handled"
    return Recovery(
        part=part.name, node=part.node, kind=part.kind.replace("_", " "), failover_seconds=0.0,
        failover_loses="nothing", restore_seconds=restore, point_seconds=point, why=why,
    )  # fmt: skip


def _box(part: Host) -> Recovery:
    return Recovery(
        part=part.name, node=part.node, kind="machine", failover_seconds=rebuild_seconds(part),
        failover_loses=f"up to {part.backup_hours} h", restore_seconds=rebuild_seconds(part),
        point_seconds=part.backup_hours * 3_600.0, why="a new machine, and the last dump from the bucket",
    )  # fmt: skip

"""Reliability of what is kept: disks, dumps, retention, versions, and backups that somebody has restored."""

from __future__ import annotations

from collections.abc import Iterator

from rung.model.durations import render_seconds
from rung.model.nodes import Bucket, Cache, Postgres
from rung.parts.compute import DISK_SHARE, Host, HostGroup, disk_for
from rung.parts.data import BackupPlan, PostgresInstance
from rung.parts.messaging import SqsQueue
from rung.review.advice import Found
from rung.review.cures import SetField, SizePart
from rung.review.subject import Subject

LONG_WEEKEND_SECONDS = 72 * 3_600.0
LATEST_DISK_ALARM = 80
MOST_BACKUP_HOURS = 12
WORTH_LOSING_USD = 100.0
HOURS_PER_MONTH = 730.0


def hours_lost(subject: Subject) -> Iterator[Found]:
    """R1434: what is written between two dumps is lost with the machine."""
    business = subject.graph.business
    revenue = (business.monthly_revenue_usd or 0.0) if business else 0.0
    for box in subject.design.of(Host):
        lost = revenue / HOURS_PER_MONTH * box.backup_hours
        many = box.backup_hours > MOST_BACKUP_HOURS or lost > WORTH_LOSING_USD
        if subject.production and box.backup_hours > 1 and many:
            money = f", ${lost:,.0f} of revenue" if lost else ""
            yield Found(
                node=_stored(subject), message=f"the loss of the machine loses up to {box.backup_hours} hours",
                evidence=f"backup_hours={box.backup_hours}{money}",
                changes=(SizePart(part=box.name, field="backup_hours", value=1),),
            )  # fmt: skip


def gone_after_a_weekend(subject: Subject) -> Iterator[Found]:
    """R1436: a worker that breaks on Friday evening has lost messages on Monday."""
    seen: set[str] = set()
    for part in subject.design.of(SqsQueue):
        if subject.production and part.retention_seconds < LONG_WEEKEND_SECONDS and part.node not in seen:
            seen.add(part.node)
            yield Found(
                node=part.node, message=f'messages of "{part.node}" do not last a long weekend',
                evidence=f"retention {render_seconds(part.retention_seconds)}; from Friday evening to Monday "
                f"morning it is {render_seconds(LONG_WEEKEND_SECONDS)} with a holiday",
                changes=(SetField(node=part.node, field="retention_seconds", value=7 * 86_400.0),),
            )  # fmt: skip


def full_cache_refuses(subject: Subject) -> Iterator[Found]:
    """R1439: a cache that refuses writes when it is full."""
    for node in subject.graph.of(Cache):
        if subject.production and node.eviction == "noeviction" and subject.users(node.name):
            yield Found(
                node=node.name, message=f'"{node.name}" refuses writes when it is full',
                evidence=f'eviction="noeviction", {node.memory_mib} MiB, used by '
                f"{', '.join(subject.users(node.name))}",
                changes=(SetField(node=node.name, field="eviction", value="allkeys-lru"),),
            )  # fmt: skip


def disk_cannot_grow(subject: Subject) -> Iterator[Found]:
    """R1440: a disk that will be full."""
    for part in subject.design.of(PostgresInstance):
        if part.existing is None and subject.production and part.max_storage_gib <= part.storage_gib:
            yield Found(
                node=part.node, message=f'the disk of "{part.name}" cannot grow',
                evidence=f"storage_gib={part.storage_gib}, max_storage_gib={part.max_storage_gib}",
                changes=(SizePart(part=part.name, field="max_storage_gib", value=max(100, part.storage_gib * 2)),),
                note="it costs nothing until it grows",
            )  # fmt: skip
    for box in subject.design.of(Host):
        stored = sum(node.storage_gib or 0 for node in subject.graph.of(Postgres))
        if stored and box.data_gib < stored * DISK_SHARE:
            yield Found(
                node=_stored(subject), message="the data fills the disk of the machine",
                evidence=f"storage={stored} GiB of data on a disk of {box.data_gib} GiB, without room for the log "
                f"of changes and a dump",
                changes=(SizePart(part=box.name, field="data_gib", value=disk_for(stored)),),
            )  # fmt: skip


def disk_alarm_too_late(subject: Subject) -> Iterator[Found]:
    """R1441: an alarm that rings when there is no time left."""
    machines: tuple[Host | HostGroup, ...] = (*subject.design.of(Host), *subject.design.of(HostGroup))
    for part in machines:
        if part.disk_alarm_percent > LATEST_DISK_ALARM:
            yield Found(
                node=part.node, message=f'the disk alarm of "{part.name}" rings too late',
                evidence=f"disk_alarm_percent={part.disk_alarm_percent}: a looping log fills the rest in minutes",
                changes=(SizePart(part=part.name, field="disk_alarm_percent", value=70),),
            )  # fmt: skip


def restore_never_tried(subject: Subject) -> Iterator[Found]:
    """R1442: backups that nobody has ever restored."""
    for plan in subject.design.of(BackupPlan):
        if not plan.restore_test:
            kept = next((part.node for part in subject.design.parts if part.name in plan.protects), plan.node)
            yield Found(
                node=kept, message="nobody has ever tried to restore a backup",
                evidence=f"restore_test=False, of {', '.join(plan.protects)}",
                changes=(SizePart(part=plan.name, field="restore_test", value=True),),
            )  # fmt: skip


def overwritten_for_good(subject: Subject) -> Iterator[Found]:
    """R1443: objects that a mistake removes for ever."""
    for node in subject.graph.of(Bucket):
        writers = [edge.source for edge in subject.graph.edges_to(node.name) if edge.verb in ("write", "delete")]
        if subject.production and not node.versioned and writers and node.existing is None:
            yield Found(
                node=node.name, message=f'what is overwritten in "{node.name}" is gone',
                evidence=f"versioned=False, written by {', '.join(dict.fromkeys(writers))}; no plan backs it up",
                changes=(SetField(node=node.name, field="versioned", value=True),),
                note="with expire_days= where old versions would grow for ever",
            )  # fmt: skip


def _stored(subject: Subject) -> str:
    """The node whose data is at stake."""
    return next((node.name for node in subject.graph.of(Postgres)), "@workload")

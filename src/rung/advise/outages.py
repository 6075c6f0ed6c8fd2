"""How long a design is away in a year, event by event, and the promise it can keep in a bad month. Pure.

Not a product of service-level agreements: those say when AWS pays something back. What takes small systems down is
a release, a machine, a disk and the hour until somebody looks.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rung.advise.facts import Situation
from rung.advise.judgement import Judgement
from rung.parts.compute import Host, HostGroup
from rung.parts.data import AuroraCluster, PostgresInstance
from rung.parts.design import Design

MINUTES_PER_MONTH = 730.0 * 60
_ZONE_MINUTES = 180.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """Something that takes the system down: how often in a year, and for how many minutes each time."""

    what: str
    yearly: float
    minutes: float

    @property
    def hours_a_month(self) -> float:
        """What is expected of it in a month."""
        return self.yearly * self.minutes / 60 / 12


def outages_of(design: Design, situation: Situation, judgement: Judgement) -> tuple[Outage, ...]:
    """Every kind of outage of a design, the one that takes most of a month first."""
    found = (
        *_of_machine(design, situation, judgement),
        _release(design, judgement),
        *_of_stores(design, judgement),
    )
    return tuple(sorted(found, key=lambda each: (-each.hours_a_month, each.what)))


def hours_down(outages: tuple[Outage, ...]) -> float:
    """Hours of outage expected in a month."""
    return sum(each.hours_a_month for each in outages)


def longest(outages: tuple[Outage, ...]) -> Outage:
    """The one that takes longest: the month in which it happens is the month that breaks a promise."""
    return max(outages, key=lambda each: each.minutes)


def best_promise(outages: tuple[Outage, ...]) -> float:
    """The availability that can be kept in the month in which the longest outage happens, a fraction of one."""
    return max(0.0, 1 - longest(outages).minutes / MINUTES_PER_MONTH)


def minutes_allowed(availability: float) -> float:
    """What a promise leaves in a month."""
    return (1 - availability) * MINUTES_PER_MONTH


def _of_machine(design: Design, situation: Situation, judgement: Judgement) -> Iterator[Outage]:
    """A box is its one machine, in its one zone, with the data on its disk."""
    notice = judgement.rota_notice_minutes if situation.rota else judgement.notice_minutes
    for host in design.of(Host):
        restore = host.stored_gib / judgement.restore_gib_per_hour * 60 if _keeps_data(host) else 0.0
        lost = notice + judgement.rebuild_minutes + restore
        yield Outage(what="the machine is lost and rebuilt", yearly=judgement.machine_failures, minutes=lost)
        yield Outage(
            what="disk, memory or network of the machine", yearly=judgement.box_troubles, minutes=notice + 60
        )
        yield Outage(what="the zone is lost", yearly=judgement.zone_losses, minutes=_ZONE_MINUTES)
        yield Outage(what="reboots for patches", yearly=12, minutes=judgement.patch_minutes)
    for group in design.of(HostGroup):
        if group.min_hosts < 2:
            minutes = judgement.machine_start_seconds / 60 + 2
            yield Outage(
                what="the only machine is replaced", yearly=judgement.machine_failures + 12, minutes=minutes
            )


def _keeps_data(host: Host) -> bool:
    return any(stack.role == "store" for stack in host.stacks)


def _release(design: Design, judgement: Judgement) -> Outage:
    kinds = {part.kind for part in design.parts}
    if "host" in kinds:
        minutes = judgement.box_rollback_minutes
    elif "host_group" in kinds:
        minutes = judgement.host_rollback_minutes
    elif "http_api" in kinds:
        minutes = judgement.function_rollback_minutes
    else:
        minutes = judgement.task_rollback_minutes
    return Outage(what="a release that is taken back", yearly=judgement.bad_releases, minutes=minutes)


def _of_stores(design: Design, judgement: Judgement) -> Iterator[Outage]:
    for instance in design.of(PostgresInstance):
        minutes = judgement.standby_seconds / 60 if instance.multi_zone else judgement.alone_minutes
        yield Outage(what=f"{instance.name} fails over", yearly=judgement.database_failovers, minutes=minutes)
    for cluster in design.of(AuroraCluster):
        minutes = judgement.reader_seconds / 60 if cluster.readers else judgement.alone_minutes
        yield Outage(what=f"{cluster.name} fails over", yearly=judgement.database_failovers, minutes=minutes)

"""What a simulated day says: whether the promises hold, what binds, and how long it took to recover. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from rung.forecast.simulate import Day, Minute
from rung.forecast.system import System

#: Above this a station is taken for full.
FULL = 0.95
DAYS_PER_MONTH = 30.4


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A day in a few numbers. Shares are of what was offered; seconds; `budget_used` of a month's error budget.

    `binds` names what was full in the worst minute, in words; empty when nothing was.
    """

    offered: int
    answered: int
    refused: int
    timed_out: int
    availability: float
    p50: float
    p95: float
    p99: float
    #: Where chance leaves the p99, with 95 %; nan for a short time.
    p99_interval: tuple[float, float]
    worst: Minute
    late_share: float
    budget_used: float | None
    utilisation: float
    least_tasks: int
    most_tasks: int
    connections: int
    scaling_actions: int
    #: Second of the day, tasks before, tasks after.
    actions: tuple[tuple[float, int, int], ...]
    failures: tuple[tuple[str, int], ...]
    retries: int
    dollars: float | None
    drain_seconds: float
    task_hours: float
    store_vcpu_hours: float
    binds: str
    met: bool


def outcome_of(system: System, day: Day) -> Outcome:
    """Judge a simulation. At least one minute."""
    minutes = day.minutes
    offered = sum(each.offered for each in minutes)
    answered = sum(each.answered for each in minutes)
    failed = sum(each.failed for each in minutes)
    timed_out = sum(each.timed_out for each in minutes)
    refused = failed - timed_out
    availability = 1 - failed / offered if offered else 1.0
    worst = max(minutes, key=lambda each: (each.failed, 0 if math.isnan(each.p99) else each.p99))
    late = sum(each.late for each in minutes) / answered if answered else 0.0
    actions = tuple(
        (other.start, one.tasks, other.tasks) for one, other in pairwise(minutes) if one.tasks != other.tasks
    )
    enough = system.availability is None or availability >= system.availability
    return Outcome(
        offered=offered, answered=answered, refused=refused, timed_out=timed_out, availability=availability,
        p50=day.quantile(0.5), p95=day.quantile(0.95), p99=day.quantile(0.99),
        p99_interval=day.interval(0.99), worst=worst, late_share=late,
        budget_used=_budget_used(system, minutes, failed),
        utilisation=sum(each.utilisation for each in minutes) / len(minutes),
        least_tasks=min(each.tasks for each in minutes), most_tasks=max(each.tasks for each in minutes),
        connections=max(each.connections for each in minutes),
        scaling_actions=len(actions), actions=actions, failures=failures_of(minutes),
        retries=sum(each.retries for each in minutes), dollars=dollars_of(minutes),
        drain_seconds=max((each.oldest_seconds for each in minutes), default=0.0),
        task_hours=sum(each.tasks for each in minutes) / 60,
        store_vcpu_hours=sum(each.store_vcpu for each in minutes) / 60, binds=binds(system, worst),
        met=enough and (system.objective_seconds is None or late <= 0.01),
    )  # fmt: skip


def interval_text(interval: tuple[float, float]) -> str:
    """Between which milliseconds chance leaves a figure; empty when that is not known."""
    low, high = (each * 1_000 for each in interval)
    return "" if math.isnan(low) or math.isnan(high) else f"{low:,.0f} to {high:,.0f} ms with 95 %"


#: The kinds of failures, in words.
KINDS = {
    "shed": "refused by a full service", "timed_out": "too late for the client",
    "no_connection": "no connection to the database", "throttled": "throttled by Lambda",
    "broken": "lost with its task", "call_refused": "refused on the way out",
}  # fmt: skip


def failures_of(minutes: Sequence[Minute]) -> tuple[tuple[str, int], ...]:
    """How many requests failed in which way, the most frequent first."""
    found = [(name, sum(int(getattr(each, name)) for each in minutes)) for name in KINDS]
    return tuple(sorted(((name, count) for name, count in found if count), key=lambda each: -each[1]))


def dollars_of(minutes: Sequence[Minute]) -> float | None:
    """What the time cost, where that is known."""
    known = [each.dollars for each in minutes if each.dollars is not None]
    return sum(known) if known else None


def binds(system: System, minute: Minute) -> str:
    """What was full in a minute: tasks that may not be more, tasks that came too late, or the database."""
    found = []
    most = sum(each.limits.most for each in system.entrances)
    if minute.utilisation >= FULL:
        names = " and ".join(each.name for each in system.entrances)
        kind = system.kind
        found.append(
            f"{names}: {minute.tasks} {kind}s are all there may be"
            if minute.tasks >= most
            else f"{names}: {minute.tasks} {kind}s, and more did not start in time (at most {most})"
        )
    if system.store is not None and minute.store_utilisation >= FULL:
        at_most = minute.store_vcpu >= system.store.most_vcpu - 1e-9
        found.append(f"{system.store.name}: " + ("at its largest" if at_most else "still growing"))
    if system.store is not None and minute.no_connection:
        limit = system.store.most_connections
        server = limit and minute.connections >= limit
        found.append(
            f"connections: {limit} are all that {system.store.name} allows" if server
            else f"connections: the pools of {system.store.pool} are empty"
        )  # fmt: skip
    if minute.throttled:
        found.append(f"Lambda: {most} environments at once, or 1,000 more in ten seconds")
    if minute.call_refused and system.call is not None:
        found.append(f"{system.call.name}: more calls than it, or the NAT gateway, allows")
    return "; ".join(found)


def _budget_used(system: System, minutes: Sequence[Minute], failed: int) -> float | None:
    """The share of a month's error budget that this time used, at this traffic."""
    if system.availability is None or system.availability >= 1:
        return None
    day = sum(each.offered for each in minutes) / (len(minutes) / 1_440)
    return failed / (day * DAYS_PER_MONTH * (1 - system.availability)) if day else 0.0

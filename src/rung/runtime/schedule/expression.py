"""When a schedule ticks: a pure function of its expression, its timezone and a moment.

A *rate* (`"5 minutes"`, `"90s"`) ticks at whole multiples since 1970-01-01T00:00Z: the same moments in every
process and after every restart, so there is nothing to drift. It knows no timezone and no daylight saving time.

A *cron expression* has five fields: minute, hour, day of month, month, day of week; names (`MON`, `JAN`), ranges,
lists, steps, `L`, and `MON#1`. It means the wall clock of its timezone, with the rules of Debian's cron for
daylight saving time: a run at a fixed time happens once a day, right after the gap if its time falls into it,
and once, not twice, when its hour is repeated. Runs with `*` in the minute or hour follow real time.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

_UNITS = {
    "s": 1,
    "sec": 1,
    "second": 1,
    "m": 60,
    "min": 60,
    "minute": 60,
    "h": 3600,
    "hour": 3600,
    "d": 86_400,
    "day": 86_400,
}
_RATE = re.compile(r"(?:every\s+)?(\d{1,6}(?:\.\d{1,3})?)\s*([a-z]+?)s?", re.IGNORECASE | re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: How far back a search for missed ticks goes, in steps: what ticks often is found in the first.
_LOOKBACKS = (timedelta(hours=1), timedelta(days=2), timedelta(days=62), timedelta(days=366 * 60))


class ScheduleExpressionError(ValueError):
    """The expression or the timezone is not one; the message says what is allowed."""


@dataclass(frozen=True, slots=True)
class Rate:
    """Ticks every `seconds` since the epoch."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Cron:
    """Five fields, on the wall clock of the zone."""

    fields: str
    zone: ZoneInfo


Expression = Rate | Cron


def parse(expression: str, timezone: str = "UTC") -> Expression:
    """Read an expression. Raises ScheduleExpressionError; an expression that never ticks is one of its causes."""
    text = expression.strip()
    match = _RATE.fullmatch(text)
    if match is not None:
        return _rate(text, *match.groups())
    try:
        zone = ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ScheduleExpressionError(
            f"no timezone {timezone!r}; names are those of IANA: Europe/Berlin"
        ) from error
    if len(text.split()) != 5:
        raise ScheduleExpressionError(
            f"{expression!r} is neither a rate (5 minutes, 90s, 1 day) nor five cron fields "
            "(minute hour day-of-month month day-of-week)"
        )
    cron = Cron(text, zone)
    try:
        next(_cron_ticks(cron, _EPOCH))
    except (CronSimError, StopIteration, RuntimeError) as error:
        raise ScheduleExpressionError(f"{expression!r} is no cron expression that ever ticks: {error}") from error
    return cron


def next_ticks(expression: str | Expression, timezone: str, after: datetime) -> Iterator[datetime]:
    """The ticks after `after` (exclusive), ascending and without end, in UTC."""
    match parse(expression, timezone) if isinstance(expression, str) else expression:
        case Rate(seconds):
            return _rate_ticks(seconds, after)
        case Cron() as cron:
            return _cron_ticks(cron, after)


def due_ticks(
    expression: Expression, *, after: datetime, until: datetime, limit: int
) -> tuple[list[datetime], int]:
    """The newest `limit` ticks after `after` up to and including `until`; and at least how many are older.

    The search goes back in growing steps until it has enough: bounded work however long ago `after` is.
    """
    found: list[datetime] = []
    for lookback in _LOOKBACKS:
        start = max(after, until - lookback)
        found = list(_until(expression, start, until))
        if start == after or len(found) > limit:
            break
    return found[-limit:], max(0, len(found) - limit)


def _until(expression: Expression, start: datetime, until: datetime) -> Iterator[datetime]:
    for tick in next_ticks(expression, "UTC", start):
        if tick > until:
            return
        yield tick


def _rate(text: str, number: str, unit: str) -> Rate:
    factor = _UNITS.get(unit.lower())
    if factor is None:
        raise ScheduleExpressionError(f"{text!r} has no known unit; units are seconds, minutes, hours and days")
    seconds = float(number) * factor
    if seconds < 1:
        raise ScheduleExpressionError(f"{text!r} is less than a second; a worker with a queue is meant for that")
    return Rate(seconds)


def _rate_ticks(seconds: float, after: datetime) -> Iterator[datetime]:
    number = int((after - _EPOCH).total_seconds() // seconds)
    while True:
        number += 1
        tick = _EPOCH + timedelta(seconds=number * seconds)
        if tick > after:
            yield tick


def _cron_ticks(cron: Cron, after: datetime) -> Iterator[datetime]:
    # A time in the gap is moved past it, where another tick may lie; and a search that starts in the repeated
    # hour finds its first occurrence again. Both show as ticks that do not ascend, and are dropped.
    latest = after.astimezone(UTC)
    local = after.astimezone(cron.zone)
    simulation: Any = CronSim(cron.fields, local)
    for found in simulation:
        tick = found.astimezone(UTC)
        if tick > latest:
            latest = tick
            yield tick

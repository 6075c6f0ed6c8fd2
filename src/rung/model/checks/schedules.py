"""Schedules: they mean what they seem to, run when they should, and end before they begin again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from rung.errors import Finding
from rung.model.checks.report import label, problem
from rung.model.cron import Cron, CronError, parse_cron
from rung.model.durations import render_seconds
from rung.model.graph import Graph
from rung.model.nodes import Schedule
from rung.near import suggestion

#: The years in which clock changes are looked for. Rules rarely change; the times of day matter, not the dates.
_YEARS = (2026, 2027)
_FINEST_SECONDS = 60.0


def unknown_expression(graph: Graph) -> Iterator[Finding]:
    """R0161: a cron expression that is none, or neither or both of cron and every."""
    for schedule in graph.of(Schedule):
        reason = _expression_problem(schedule)
        if reason:
            yield problem(
                graph, "R0161", schedule.name, f"the time of {label(schedule)} is not understood", found=reason,
                effect="it would never run",
                advice='write every="5 minutes", or five fields of cron, such as cron="30 4 * * *" for '
                '04:30 daily',
            )  # fmt: skip


def overlaps_itself(graph: Graph) -> Iterator[Finding]:
    """R0162: a run may last longer than the time to the next one."""
    for schedule in graph.of(Schedule):
        gap = _gap_seconds(schedule)
        if gap is not None and schedule.deadline_seconds > gap:
            yield problem(
                graph, "R0162", schedule.name, f"{label(schedule)} can overlap itself",
                found=f"a run every {render_seconds(gap)}, deadline {render_seconds(schedule.deadline_seconds)}",
                effect="a slow run makes the next one late or skipped, just when there is most to do",
                advice=f'set deadline="{render_seconds(gap)}" or less, run it less often, or send to a '
                f'queue instead',
            )  # fmt: skip


def finer_than_a_minute(graph: Graph) -> Iterator[Finding]:
    """R0163: EventBridge and cron know no seconds."""
    for schedule in graph.of(Schedule):
        every = schedule.every_seconds
        if every is not None and (every < _FINEST_SECONDS or every % _FINEST_SECONDS):
            yield problem(
                graph, "R0163", schedule.name, f"{label(schedule)} is finer than a minute", severity="warning",
                found=f"every {render_seconds(every)}",
                effect="EventBridge schedules know whole minutes only: on AWS it would run at another rate",
                advice='write every="1 minute" or a multiple, or do the work in a worker that waits for messages',
            )  # fmt: skip


def unknown_timezone(graph: Graph) -> Iterator[Finding]:
    """R0164: a time zone that does not exist."""
    for schedule in graph.of(Schedule):
        if _zone(schedule.timezone) is None:
            yield problem(
                graph, "R0164", schedule.name,
                f'{label(schedule)} names the unknown time zone "{schedule.timezone}"',
                found=f"timezone={schedule.timezone!r}", effect="nobody can tell when it runs",
                advice=f'name a zone such as "Europe/Berlin"{_near_zone(schedule.timezone)}',
            )  # fmt: skip


def never_runs(graph: Graph) -> Iterator[Finding]:
    """R0165: a date that no year has."""
    for schedule in graph.of(Schedule):
        cron = _cron(schedule)
        if cron is not None and next(cron.dates(), None) is None:
            yield problem(
                graph, "R0165", schedule.name, f"{label(schedule)} never runs", found=f"cron={schedule.cron!r}",
                effect="its day and its month never come together",
                advice='choose a day that the month has; the first of a month is cron="0 0 1 * *"',
            )  # fmt: skip


def in_a_clock_change(graph: Graph) -> Iterator[Finding]:
    """R0166: a time of day that one day of the year skips or has twice."""
    for schedule in graph.of(Schedule):
        cron, zone = _cron(schedule), _zone(schedule.timezone)
        if cron is None or zone is None or zone is UTC or cron.every_hour:
            continue
        change = next(_clock_changes(cron, zone), None)
        if change is not None:
            when, what = change
            yield problem(
                graph, "R0166", schedule.name, f"{label(schedule)} runs at a time that the clock change {what}",
                severity="warning", found=f"{when:%H:%M} on {when:%Y-%m-%d} in {schedule.timezone}",
                effect="that day it runs late, or not at all, or twice",
                advice='choose a time outside of 00:00-03:59, or timezone="UTC"',
            )  # fmt: skip


CHECKS = (
    unknown_expression,
    overlaps_itself,
    finer_than_a_minute,
    unknown_timezone,
    never_runs,
    in_a_clock_change,
)


def _expression_problem(schedule: Schedule) -> str:
    if (schedule.every_seconds is None) == (schedule.cron is None):
        return "neither every nor cron is set" if schedule.cron is None else "both every and cron are set"
    if schedule.every_seconds == 0:
        return "every is zero"
    try:
        if schedule.cron is not None:
            parse_cron(schedule.cron)
    except CronError as error:
        return str(error)
    return ""


def _cron(schedule: Schedule) -> Cron | None:
    try:
        return None if schedule.cron is None else parse_cron(schedule.cron)
    except CronError:
        return None


def _gap_seconds(schedule: Schedule) -> float | None:
    cron = _cron(schedule)
    return schedule.every_seconds or None if cron is None else cron.shortest_gap_seconds()


def _zone(name: str) -> tzinfo | None:
    """The zone; None when it does not exist; UTC's rules when this machine has no time zone database."""
    if name == "UTC":
        return UTC
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC if not available_timezones() else None


def _near_zone(name: str) -> str:
    from zoneinfo import available_timezones

    return suggestion(name, sorted(available_timezones()))


def _clock_changes(cron: Cron, zone: tzinfo) -> Iterator[tuple[datetime, str]]:
    """The runs on the days of a clock change that do not exist, or exist twice."""
    for year in _YEARS:
        for day in _days_of_change(year, zone):
            if cron.runs_on(day):
                for hour, minute in cron.times():
                    local = datetime.combine(day, time(hour, minute), zone)
                    if local.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != local.replace(tzinfo=None):
                        yield local, "skips"
                    elif local.replace(fold=1).utcoffset() != local.utcoffset():
                        yield local, "repeats"


def _days_of_change(year: int, zone: tzinfo) -> Iterator[date]:
    day = date(year, 1, 1)
    while day.year == year:
        following = day + timedelta(days=1)
        offsets = [datetime.combine(each, time(0), zone).utcoffset() for each in (day, following)]
        if offsets[0] != offsets[1]:
            yield day
        day = following

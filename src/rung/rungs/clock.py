"""Schedules in EventBridge's words: `rate(5 minutes)` and a six-field cron. Pure.

EventBridge counts weekdays from Sunday = 1 (cron: 0), wants `?` in one of the two day fields,
and starts nothing more
often than once a minute. Source: AWS, "Schedule types" of the EventBridge Scheduler user guide.
"""

from __future__ import annotations

import re

from rung.model.cron import ALIASES
from rung.model.nodes import Schedule

MINUTE, HOUR, DAY = 60, 3_600, 86_400
_UNITS = ((DAY, "day"), (HOUR, "hour"), (MINUTE, "minute"))
_EVERY = ("*", "?")


def needs_scheduler(node: Schedule) -> bool:
    """Whether EventBridge cannot keep this time: below a minute, or not in whole minutes."""
    every = node.every_seconds
    return every is not None and (every < MINUTE or every % MINUTE != 0)


def has_both_days(node: Schedule) -> bool:
    """Whether a cron names days of the month and of the week: one schedule of EventBridge can hold only one."""
    fields = _fields(node.cron) if node.cron else ()
    return len(fields) == 5 and fields[2] not in _EVERY and fields[4] not in _EVERY


def expression_of(node: Schedule) -> str:
    """The schedule's time as EventBridge writes it."""
    if node.cron is None:
        return _rate(int(node.every_seconds or MINUTE))
    minute, hour, day, month, weekday = _fields(node.cron)
    if weekday in _EVERY:
        return f"cron({minute} {hour} {'*' if day in _EVERY else day} {month} ? *)"
    return f"cron({minute} {hour} ? {month} {_weekdays(weekday)} *)"


def usual_seconds(node: Schedule) -> int:
    """About how long it is from one run to the next: an hour, a day, a week, a month."""
    if node.cron is None:
        return int(node.every_seconds or MINUTE)
    minute, hour, day, month, weekday = _fields(node.cron)
    for field, seconds in ((month, 366 * DAY), (day, 31 * DAY), (weekday, 7 * DAY), (hour, DAY), (minute, HOUR)):
        if field not in _EVERY:
            return _of_steps(field, seconds)
    return MINUTE


def _of_steps(field: str, seconds: int) -> int:
    """`*/15` of minutes is 15 minutes; what is fixed, and a list, counts as the whole cycle."""
    step = re.fullmatch(r"(?:\*|0)/(\d+)", field)
    unit = {HOUR: MINUTE, DAY: HOUR}.get(seconds)
    return int(step[1]) * unit if step and unit else seconds


def _rate(seconds: int) -> str:
    for length, unit in _UNITS:
        if seconds % length == 0:
            count = seconds // length
            return f"rate({count} {unit}{'' if count == 1 else 's'})"
    raise ValueError(f"{seconds} s are no whole minutes")


def _fields(expression: str) -> tuple[str, ...]:
    return tuple(ALIASES.get(expression.strip().lower(), expression).upper().split())


def _weekdays(field: str) -> str:
    """Numbers of weekdays moved by one; names, steps and counts after `#` stay as they are."""
    return ",".join(_weekday_item(item) for item in field.split(","))


def _weekday_item(item: str) -> str:
    days, slash, step = item.partition("/")
    day, mark, count = days.partition("#")
    moved = re.sub(r"\d+", lambda found: str(int(found[0]) % 7 + 1), day)
    return f"{moved}{mark}{count}{slash}{step}"

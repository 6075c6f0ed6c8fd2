"""Five-field cron expressions, as far as judging them needs: are they valid, when in a day, how far apart.

The dialect of docs/reference/schedule-expressions.md: lists, ranges, steps, names, `L` and `LW` for the last day
and the last working day of a month, `5L` and `MON#1` for the last Friday and the first Monday. When both day
fields are restricted, either one is enough.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

from rung.near import suggestion

ALIASES = {
    "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *", "@monthly": "0 0 1 * *", "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@hourly": "0 * * * *",
}  # fmt: skip
MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
#: Days of a month, and counts of a weekday in it, that depend on the month.
LAST_DAY, LAST_WORKING_DAY, LAST = -1, -2, -1
_LEAP_YEAR = 2028


@dataclass(frozen=True, slots=True, kw_only=True)
class _Field:
    """One of the five fields: its values, and names counted from the lowest."""

    name: str
    lowest: int
    highest: int
    names: tuple[str, ...] = ()


_MINUTE = _Field(name="minute", lowest=0, highest=59)
_HOUR = _Field(name="hour", lowest=0, highest=23)
_DAY = _Field(name="day of month", lowest=1, highest=31)
_MONTH = _Field(name="month", lowest=1, highest=12, names=MONTHS)
_WEEKDAY = _Field(name="day of week", lowest=0, highest=7, names=DAYS)


class CronError(ValueError):
    """The expression is not cron; the message says which field, and what would be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cron:
    """What an expression allows: the values of each field, and whether the day fields restrict anything.

    `nth_weekdays` are pairs of weekday (Sunday is 0) and count, `LAST` for the last one of the month.
    """

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    nth_weekdays: frozenset[tuple[int, int]]
    days_restricted: bool
    weekdays_restricted: bool

    @property
    def every_hour(self) -> bool:
        """Whether it runs in every hour of its days."""
        return len(self.hours) == 24

    @property
    def every_day(self) -> bool:
        """Whether it runs on every day of the year."""
        all_days, all_weekdays = len(self.days) == 31, len(self.weekdays) == 7
        return len(self.months) == 12 and all_days and all_weekdays

    def times(self) -> list[tuple[int, int]]:
        """The times of a day, as (hour, minute), in order."""
        return [(hour, minute) for hour in sorted(self.hours) for minute in sorted(self.minutes)]

    def runs_on(self, day: date) -> bool:
        """Whether it runs on that day at all."""
        if day.month not in self.months:
            return False
        by_day, by_weekday = self._fits_day(day), self._fits_weekday(day)
        if self.days_restricted and self.weekdays_restricted:
            return by_day or by_weekday
        return by_day and by_weekday

    def dates(self) -> Iterator[date]:
        """Its days in a leap year and the four years after it, where every combination occurs."""
        day = date(_LEAP_YEAR, 1, 1)
        while day.year < _LEAP_YEAR + 5:
            if self.runs_on(day):
                yield day
            day += timedelta(days=1)

    def shortest_gap_seconds(self) -> float:
        """The shortest time between two runs; infinite when it runs less than twice in five years."""
        minutes = [hour * 60 + minute for hour, minute in self.times()]
        gaps = [later - earlier for earlier, later in pairwise(minutes)]
        if self.every_day:
            return min([*gaps, 1_440 + minutes[0] - minutes[-1]]) * 60.0
        days = list(self.dates())
        apart = min(((later - earlier).days for earlier, later in pairwise(days)), default=None)
        if apart is not None:
            gaps.append(apart * 1_440 + minutes[0] - minutes[-1])
        return min(gaps) * 60.0 if gaps and days else float("inf")

    def _fits_day(self, day: date) -> bool:
        if day.day in self.days:
            return True
        last = calendar.monthrange(day.year, day.month)[1]
        if LAST_DAY in self.days and day.day == last:
            return True
        weekend = max(0, date(day.year, day.month, last).weekday() - 4)
        return LAST_WORKING_DAY in self.days and day.day == last - weekend

    def _fits_weekday(self, day: date) -> bool:
        weekday = day.isoweekday() % 7
        if weekday in self.weekdays or (weekday, (day.day - 1) // 7 + 1) in self.nth_weekdays:
            return True
        is_last = (day + timedelta(days=7)).month != day.month
        return is_last and (weekday, LAST) in self.nth_weekdays


def parse_cron(expression: str) -> Cron:
    """The expression, read. Raises CronError."""
    text = expression.strip().upper()
    if text.startswith("@"):
        meant = ALIASES.get(text.lower())
        raise CronError(f"{expression!r} is no cron expression" + (f': write "{meant}"' if meant else ""))
    words = text.split()
    if len(words) != 5:
        more = ": seconds and years are no cron fields here" if len(words) in (6, 7) else ""
        raise CronError(f"{expression!r} has {len(words)} fields, cron has 5{more}")
    weekdays, nth_weekdays = _parse_weekdays(words[4])
    return Cron(
        minutes=_parse_field(words[0], _MINUTE),
        hours=_parse_field(words[1], _HOUR),
        days=_parse_days(words[2]),
        months=_parse_field(words[3], _MONTH),
        weekdays=weekdays,
        nth_weekdays=nth_weekdays,
        days_restricted=not words[2].startswith("*"),
        weekdays_restricted=not words[4].startswith("*"),
    )


def _parse_days(word: str) -> frozenset[int]:
    special = {"L": LAST_DAY, "LW": LAST_WORKING_DAY}
    parts = word.split(",")
    found = {special[part] for part in parts if part in special}
    plain = [part for part in parts if part not in special]
    return frozenset(found) | (_parse_field(",".join(plain), _DAY) if plain else frozenset())


def _parse_weekdays(word: str) -> tuple[frozenset[int], frozenset[tuple[int, int]]]:
    plain: list[str] = []
    counted: set[tuple[int, int]] = set()
    for part in word.split(","):
        day, sign, count = part.partition("#")
        if sign:
            counted.add((_number(day, _WEEKDAY) % 7, _number(count, _Field(name="count", lowest=1, highest=5))))
        elif part.endswith("L") and part[:-1].isdecimal():
            counted.add((_number(part[:-1], _WEEKDAY) % 7, LAST))
        else:
            plain.append(part)
    values = _parse_field(",".join(plain), _WEEKDAY) if plain else frozenset()
    return frozenset(value % 7 for value in values), frozenset(counted)


def _parse_field(word: str, field: _Field) -> frozenset[int]:
    values: set[int] = set()
    for part in word.split(","):
        span, slash, step = part.partition("/")
        every = _number(step, _Field(name=f"step of {field.name}", lowest=1, highest=10_000)) if slash else 1
        first, dash, last = span.partition("-")
        if span == "*":
            start, end = field.lowest, field.highest
        else:
            start = _number(first, field)
            end = _number(last, field) if dash else start
            if slash and end == start:
                end = field.highest
        if end < start:
            raise CronError(f"{part!r} in {field.name} runs backwards")
        values.update(range(start, end + 1, every))
    return frozenset(values)


def _number(text: str, field: _Field) -> int:
    if text in field.names:
        return field.names.index(text) + field.lowest
    if not (text.isascii() and text.isdecimal()):
        names = f" or {field.names[0]}-{field.names[-1]}" if field.names else ""
        allowed = f"{field.lowest}-{field.highest}{names}"
        raise CronError(f"{text!r} is no {field.name}: {allowed}{suggestion(text, field.names)}")
    if not field.lowest <= int(text) <= field.highest:
        raise CronError(f"{text} is no {field.name}: {field.lowest}-{field.highest}")
    return int(text)

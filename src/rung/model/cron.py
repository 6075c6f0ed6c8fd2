"""Five-field cron expressions, as far as judging them needs: are they valid, when in a day, how far apart.

Fields: minute, hour, day of month, month, day of week (0 and 7 are Sunday). `*`, lists, ranges, steps and the
names of months and days. When both day fields are restricted, either one is enough, as in Vixie cron.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

from rung.model.near import suggestion

ALIASES = {
    "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *", "@monthly": "0 0 1 * *", "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@hourly": "0 * * * *",
}  # fmt: skip
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
#: Name, lowest and highest value, and names counted from the lowest.
_FIELDS: tuple[tuple[str, int, int, tuple[str, ...]], ...] = (
    ("minute", 0, 59, ()),
    ("hour", 0, 23, ()),
    ("day of month", 1, 31, ()),
    ("month", 1, 12, MONTHS),
    ("day of week", 0, 7, DAYS),
)
_LEAP_YEAR = 2028


class CronError(ValueError):
    """The expression is not cron; the message says which field, and what would be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cron:
    """What an expression allows: the values of each field, and whether the day fields restrict anything."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    days_restricted: bool
    weekdays_restricted: bool

    @property
    def every_hour(self) -> bool:
        """Whether it runs in every hour of its days."""
        return len(self.hours) == 24

    def times(self) -> list[tuple[int, int]]:
        """The times of a day, as (hour, minute), in order."""
        return [(hour, minute) for hour in sorted(self.hours) for minute in sorted(self.minutes)]

    @property
    def every_day(self) -> bool:
        """Whether it runs on every day of the year."""
        return len(self.months) == 12 and not self.days_restricted and not self.weekdays_restricted

    def runs_on(self, day: date) -> bool:
        """Whether it runs on that day at all."""
        if day.month not in self.months:
            return False
        by_day, by_weekday = day.day in self.days, day.isoweekday() % 7 in self.weekdays
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


def parse_cron(expression: str) -> Cron:
    """The expression, read. Raises CronError."""
    text = expression.strip()
    if text.startswith("@"):
        if text not in ALIASES:
            raise CronError(f"{text!r} is not a known alias{suggestion(text, ALIASES)}")
        text = ALIASES[text]
    words = text.split()
    if len(words) != len(_FIELDS):
        more = ": seconds and years are no cron fields here" if len(words) in (6, 7) else ""
        raise CronError(f"{expression!r} has {len(words)} fields, cron has 5{more}")
    values = [_parse_field(word, *field) for word, field in zip(words, _FIELDS, strict=True)]
    return Cron(
        minutes=values[0], hours=values[1], days=values[2], months=values[3],
        weekdays=frozenset(day % 7 for day in values[4]),
        days_restricted=words[2][0] not in "*?", weekdays_restricted=words[4][0] not in "*?",
    )  # fmt: skip


def _parse_field(word: str, name: str, lowest: int, highest: int, names: tuple[str, ...]) -> frozenset[int]:
    values: set[int] = set()
    for part in word.lower().split(","):
        span, slash, step = part.partition("/")
        every = _number(step, name, 1, highest, ()) if slash else 1
        first, dash, last = span.partition("-")
        if span in ("*", "?"):
            start, end = lowest, highest
        else:
            start = _number(first, name, lowest, highest, names)
            end = _number(last, name, lowest, highest, names) if dash else (highest if slash else start)
        if end < start:
            raise CronError(f"{part!r} in {name} runs backwards")
        values.update(range(start, end + 1, every))
    return frozenset(values)


def _number(text: str, name: str, lowest: int, highest: int, names: tuple[str, ...]) -> int:
    if text in names:
        return names.index(text) + lowest
    if not text.isdecimal():
        allowed = f"{lowest}-{highest}" + (f" or {names[0]}-{names[-1]}" if names else "")
        raise CronError(f"{text!r} is no {name}: {allowed}{suggestion(text, names)}")
    if not lowest <= int(text) <= highest:
        raise CronError(f"{text} is no {name}: {lowest}-{highest}")
    return int(text)

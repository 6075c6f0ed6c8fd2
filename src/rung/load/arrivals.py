"""When requests are due: a rate profile over time, and the Poisson process that follows it.

One global process stands for all users. A user who thinks for an exponential time with mean T sends a
Poisson stream of rate 1/T; N such streams together are one Poisson stream of rate N/T in which every
arrival belongs to each user with equal probability (superposition and marking: Kingman, "Poisson
Processes", 1993, chapters 2 and 5). So one random number per request replaces one timer per user.

A rate that changes with time is the same stream on a stretched time axis: draw unit exponentials and
map them back through the inverse of the cumulative rate.
"""

from __future__ import annotations

import csv
import math
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import Path

# Share of a day's traffic by hour for a shop with one time zone, relative to the busiest hour. A shape
# to start from (quiet at 04:00, lunch and evening peaks), not a measurement.
DAY = (0.30, 0.20, 0.14, 0.11, 0.10, 0.12, 0.20, 0.34, 0.50, 0.62, 0.70, 0.76,
       0.82, 0.78, 0.74, 0.74, 0.76, 0.80, 0.86, 0.94, 1.00, 0.96, 0.76, 0.50)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A stretch of time in which the factor on the base rate runs in a straight line."""

    seconds: float
    start: float
    end: float

    def __post_init__(self) -> None:
        if not (self.seconds > 0 and self.start >= 0 and self.end >= 0):
            raise ValueError(f"a segment needs seconds > 0 and factors >= 0, got {self}")

    @property
    def area(self) -> float:
        """Seconds at factor 1 that would bring as many arrivals."""
        return self.seconds * (self.start + self.end) / 2

    def inverse(self, area: float) -> float:
        """Seconds into the segment until `area` is used up; 0 <= area <= self.area."""
        slope = (self.end - self.start) / self.seconds
        if area < 1e-12:  # far below a nanosecond of any load; keeps the divisions below away from 0 / 0
            return 0.0
        if slope == 0:
            return area / self.start
        root = math.sqrt(max(0.0, self.start * self.start + 2 * slope * area))
        # The rationalised quadratic formula: no cancellation when the slope is small.
        return min(self.seconds, 2 * area / (self.start + root))


@dataclass(frozen=True, slots=True)
class Profile:
    """The factor on the base rate over time; after the last segment it stays where that ended."""

    segments: tuple[Segment, ...] = ()

    @property
    def final(self) -> float:
        """The factor after the last segment."""
        return self.segments[-1].end if self.segments else 1.0

    def factor(self, second: float) -> float:
        """The factor at `second`."""
        for segment in self.segments:
            if second < segment.seconds:
                return segment.start + (segment.end - segment.start) * second / segment.seconds
            second -= segment.seconds
        return self.final

    def mean(self, start: float, end: float) -> float:
        """The mean factor between two moments, exactly."""
        return (self.area(end) - self.area(start)) / (end - start)

    def area(self, second: float) -> float:
        """The integral of the factor from 0 to `second`."""
        area = 0.0
        for segment in self.segments:
            if second < segment.seconds:
                slope = (segment.end - segment.start) / segment.seconds
                return area + segment.start * second + slope * second * second / 2
            area += segment.area
            second -= segment.seconds
        return area + self.final * second

    @property
    def peak(self) -> float:
        """The highest factor."""
        return max((max(segment.start, segment.end) for segment in self.segments), default=1.0)


CONSTANT = Profile()


def ramp(start: float, end: float, seconds: float) -> Profile:
    """From one factor to another in a straight line, then constant."""
    return Profile((Segment(seconds=seconds, start=start, end=end),))


def spikes(*triples: tuple[float, float, float]) -> Profile:
    """Factor 1 with sudden spikes: (factor, starts at second, lasts seconds), which must not overlap."""
    segments: list[Segment] = []
    now = 0.0
    for factor, at_second, seconds in sorted(triples, key=lambda spike: spike[1]):
        if at_second < now:
            raise ValueError(f"spikes overlap at second {at_second:g}")
        if at_second > now:
            segments.append(Segment(seconds=at_second - now, start=1.0, end=1.0))
        segments.append(Segment(seconds=seconds, start=factor, end=factor))
        now = at_second + seconds
    # After the last spike the load is back to normal: a segment whose end is the factor that stays.
    return Profile((*segments, Segment(seconds=1e-9, start=1.0, end=1.0)))


def daily(seconds: float, hours: Sequence[float] = DAY) -> Profile:
    """A day squeezed into `seconds`, its busiest hour at factor 1, hour to hour in straight lines."""
    step = seconds / len(hours)
    ring = (*hours, hours[0])
    return Profile(tuple(Segment(seconds=step, start=a, end=b) for a, b in pairwise(ring)))


def poisson(rate: float, profile: Profile, random: random.Random) -> Iterator[float]:
    """Arrival times in seconds from 0, without end: a Poisson process of `rate` per second x profile.

    Ends only when the profile's last factor is 0.
    """
    if rate <= 0:
        raise ValueError(f"the rate must be positive, got {rate:g} per second")
    start, area = 0.0, 0.0
    draw = random.expovariate
    for segment in profile.segments:
        area_end = segment.area
        area += draw(rate)
        while area <= area_end:
            yield start + segment.inverse(area)
            area += draw(rate)
        # What the last draw has left over is spent in the next segment; a fresh draw there is as good,
        # because the exponential has no memory. So each segment starts anew.
        area = 0.0
        start += segment.seconds
    if profile.final > 0:
        now = start
        rate *= profile.final
        while True:
            now += draw(rate)
            yield now


def replay(offsets: Iterable[float], *, share: int = 0, of: int = 1) -> Iterator[float]:
    """Recorded arrival times; process `share` of `of` takes every `of`-th."""
    for index, offset in enumerate(offsets):
        if index % of == share:
            yield offset


def read_trace(path: Path, *, speed: float = 1.0) -> list[float]:
    """Arrival times of a CSV file as sorted seconds from the first, `speed` times as fast.

    The first column is read: seconds as a number, or an ISO 8601 time. A first line that is neither is a
    header. Raises ValueError that names the line.
    """
    if not 0 < speed < math.inf:
        raise ValueError(f"the replay speed must be positive, got {speed:g}")
    moments: list[float] = []
    with path.open(newline="") as stream:
        for number, row in enumerate(csv.reader(stream), start=1):
            moment = _moment(row[0]) if row else None
            if moment is not None:
                moments.append(moment)
            elif row and number > 1:
                raise ValueError(f"{path}:{number}: not a time: {row[0]!r}; write seconds or 2026-01-31T12:00:00")
    if not moments:
        raise ValueError(f"{path}: no arrival times in the first column")
    first = min(moments)
    return sorted((moment - first) / speed for moment in moments)


def _moment(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        pass
    try:
        return datetime.fromisoformat(text.strip()).timestamp()
    except ValueError:
        return None

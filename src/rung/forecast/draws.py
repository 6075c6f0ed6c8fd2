"""Random numbers of a simulation, a stream for each purpose: designs are compared on the same requests.

Who comes, how much work it is and what is in the cache are drawn from streams of their own, so that more tasks, or
another way to spread requests over them, change none of it (common random numbers).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from rung.forecast import kernel
from rung.forecast.behaviour import Behaviour
from rung.forecast.kernel import Floats
from rung.forecast.system import System

MINUTE = 60.0
_PURPOSES = ("arrivals", "cpu", "query", "hit", "route", "call", "call_seconds", "think", "jitter", "left")


@dataclass(frozen=True, slots=True)
class Streams:
    """Generators by purpose; equal seeds give equal numbers."""

    by_purpose: dict[str, np.random.Generator]

    @classmethod
    def of(cls, seed: int) -> Streams:
        """The streams of a seed."""
        return cls({name: np.random.default_rng([seed, place]) for place, name in enumerate(_PURPOSES)})

    def __getitem__(self, purpose: str) -> np.random.Generator:
        return self.by_purpose[purpose]


@dataclass(slots=True, kw_only=True)
class Work:
    """Draws what requests are made of: only what this system reads."""

    system: System
    behaviour: Behaviour
    streams: Streams
    sessions: bool = False
    buffer: Floats = field(default_factory=lambda: np.empty(0))

    def numbers(self, count: int) -> Floats:
        """Numbers for `count` requests, as `Engine.feed` takes them; the first two rows are the caller's."""
        behaviour, streams = self.behaviour, self.streams
        if self.buffer.size < kernel.PURPOSES * count:
            self.buffer = np.empty(kernel.PURPOSES * count * 2)
        # The same memory each time: fresh pages for every minute would cost as much as the numbers.
        found = self.buffer[: kernel.PURPOSES * count].reshape(kernel.PURPOSES, count)
        found[kernel.LEFT] = 0.0
        # An environment of Lambda has one request at a time: nobody shares its turns.
        alone = all(entrance.function for entrance in self.system.entrances)
        cpu_ms = behaviour.cpu_ms if alone else behaviour.own_ms
        _lognormal(streams["cpu"], found[kernel.CPU], cpu_ms / 1_000, behaviour.cpu_cv)
        if self.system.store is not None:
            _lognormal(streams["query"], found[kernel.QUERY], behaviour.database_ms / 1_000, behaviour.database_cv)
            streams["hit"].random(out=found[kernel.HIT])
        if len(self.system.entrances) > 1:
            streams["route"].random(out=found[kernel.ROUTE])
        if self.system.call is not None:
            streams["call"].random(out=found[kernel.CALL])
            _lognormal(
                streams["call_seconds"], found[kernel.CALL_SECONDS], self.system.call.seconds, behaviour.call_cv
            )
        if self.sessions:
            streams["think"].standard_exponential(out=found[kernel.THINK])
        some = min(count, 4_096)
        found[kernel.JITTER] = np.resize(streams["jitter"].random(some), count) if some else 0.0
        return found

    def lengths(self, count: int) -> Floats:
        """Further requests of each new session: geometric, so that a session has `session_requests` on average."""
        mean = max(1.0, self.behaviour.session_requests)
        return np.asarray(self.streams["left"].geometric(1 / mean, count) - 1, dtype=np.float64)


def rate_at(system: System, behaviour: Behaviour, second: float, spikes: Sequence[float]) -> float:
    """Requests per second at a second of the day: the curve between its hours, times a spike."""
    hour = second / 3_600.0
    low, share = int(hour) % 24, hour - int(hour)
    curve = behaviour.day[low] * (1 - share) + behaviour.day[(low + 1) % 24] * share
    inside = any(begin <= second < begin + system.peak_seconds for begin in spikes)
    return system.busy_rate * curve * (system.peak if inside else 1.0)


def arrivals_in(
    system: System, behaviour: Behaviour, stream: np.random.Generator, start: float, spikes: Sequence[float],
    share: float = 1.0,
) -> Floats:  # fmt: skip
    """A Poisson process over one minute: a count, then uniform moments on the axis that the rate stretches."""
    edges = [start, start + MINUTE]
    for begin in spikes:
        edges += [edge for edge in (begin, begin + system.peak_seconds) if start < edge < start + MINUTE]
    points = np.unique(np.array(edges))
    middles = (points[:-1] + points[1:]) / 2
    rates = np.array([rate_at(system, behaviour, float(second), spikes) for second in middles]) * share
    areas = np.concatenate([[0.0], np.cumsum(rates * np.diff(points))])
    count = int(stream.poisson(areas[-1]))
    moments = np.cumsum(stream.standard_exponential(count + 1))
    moments *= areas[-1] / moments[-1]
    if points.size == 2:
        return np.asarray(start + moments[:-1] * (MINUTE / areas[-1])) if count else np.empty(0)
    return np.asarray(np.interp(moments[:-1], areas, points))


def _lognormal(stream: np.random.Generator, into: Floats, mean: float, cv: float) -> None:
    """Work with a long tail: `mean` seconds and a coefficient of variation; 0 makes it constant."""
    if cv <= 0 or mean <= 0:
        into[:] = mean
        return
    variance = math.log(1 + cv * cv)
    stream.standard_normal(out=into)
    into *= math.sqrt(variance)
    into += math.log(mean) - variance / 2
    np.exp(into, out=into)


def fill_curve(keys: float, skew: float) -> Floats:
    """How much of its usual hit ratio an empty cache has after 2^(n/4) lookups: the weight of the keys it saw.

    Lookups are independent and their popularity is Zipf's: key k comes with a probability of 1 / k^skew.
    """
    ranks = np.arange(1, max(2, int(keys)) + 1)
    popularity = ranks**-skew / (ranks**-skew).sum()
    # Far beyond a million keys' worth of lookups everything has been seen: the rest of the curve is 1.
    lookups = 2.0 ** (np.arange(kernel.FILL_STEPS) / 4)
    shares = [float(popularity @ -np.expm1(-popularity * count)) for count in lookups[:120]]
    return np.concatenate([shares, np.ones(kernel.FILL_STEPS - 120)])

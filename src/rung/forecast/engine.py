"""The simulator's engine: entrances with tasks, a database behind them, hosts elsewhere. Loops are in kernel.py.

An entrance has tasks, a task has slots. How requests are spread over tasks matters as much as how many there are:
a load balancer chooses before it knows who will be done first, so the queues of tasks are longer than one queue
for all of them would be. Times in seconds.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from itertools import accumulate
from typing import Any

import numpy as np

from rung.forecast import kernel
from rung.forecast.kernel import Counts, Floats

_FIRST_CAPACITY = 64
_BY_ENTRANCE = ("first", "tasks", "slots", "routing", "turn", "idle_count", "spare_count", "most", "created")
_BY_ROW = ("entrance_of", "outstanding", "opened", "busy", "head", "tail", "idle", "spare")


class Routing(IntEnum):
    """How a request finds its task."""

    ROUND_ROBIN = kernel.ROUND_ROBIN  # the default of an application load balancer
    RANDOM = kernel.RANDOM  # what several addresses in DNS come to
    LEAST_OUTSTANDING = kernel.LEAST_OUTSTANDING  # the balancer's other way: the task with the fewest under way
    FUNCTION = kernel.FUNCTION  # Lambda: an environment for each request that is under way


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """An entrance: `tasks` of `slots` each that work at `speed`, at most `most`; `share` of the requests.

    `turn`: a slot is an event loop that takes all who wait at once; each of its turns costs so many seconds beside
    the work of the requests in it, however many they are. 0: requests are taken one by one.
    """

    slots: int = 1
    tasks: int = 1
    most: int = 1
    speed: float = 1.0
    share: float = 1.0
    routing: Routing = Routing.ROUND_ROBIN
    turn: float = 0.0

    def __post_init__(self) -> None:
        impossible = self.speed <= 0 or self.turn < 0
        if self.slots < 1 or self.tasks < 0 or self.most < max(1, self.tasks) or impossible:
            raise ValueError(f"an entrance needs tasks with slots, and room for them, not {self}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """What is true for every request. `pool` 0: connections are no limit; `store_slots` 0: no database."""

    shed: float = math.inf
    timeout: float = math.inf
    network: float = 0.0
    retries: int = 0
    backoff: float = 0.1
    retry_share: float = 0.1
    store_slots: int = 0
    pool: int = 0
    most_connections: int = 0
    pool_wait: float = 1.0
    connect: float = 0.0
    call_share: float = 0.0
    calls_at_once: int = 1 << 40
    calls_per_second: float = math.inf
    objective: float = math.inf
    think: float = 0.0
    traced: bool = False


@dataclass(slots=True)
class Engine:
    """Requests one after another; what they met is in the counters and in the histogram of latencies.

    `more` draws numbers for further requests when users of sessions ask for more than was fed.
    """

    tiers: Sequence[Tier]
    conditions: Conditions
    more: Callable[[], Floats] | None = None
    reals: Floats = field(init=False)
    wholes: Counts = field(init=False)
    drawn: Floats = field(init=False)

    def __post_init__(self) -> None:
        self.reals, self.wholes = _layout(self.tiers, self.conditions, _FIRST_CAPACITY)
        self.drawn = np.zeros((kernel.PURPOSES, 1))
        self._fill()

    def feed(self, drawn: Floats, arrivals: int | None = None) -> None:
        """The numbers of the requests that come next, a row for each purpose (kernel.py); those before are gone.

        Of the first row the first `arrivals` are moments of arrival, all without it.
        """
        self.drawn = drawn
        wholes = self.wholes
        wholes[kernel.DRAWN] = drawn.shape[1]
        wholes[kernel.ARRIVALS] = drawn.shape[1] if arrivals is None else arrivals
        wholes[[kernel.NEXT_ARRIVAL, kernel.TAKEN, kernel.THINKS, kernel.JITTERS]] = 0

    def advance(self, until: float) -> None:
        """Everything that happens before `until`."""
        while True:
            found = kernel.advance(until, self.reals, self.wholes, self.drawn)
            if found == kernel.REACHED:
                return
            if found == kernel.IS_FULL:
                self._grow()
            else:
                self._feed_more()

    def enter(self, users: int, now: float) -> None:
        """`users` come to stay (a closed population); fewer than 0: so many leave after their next answer."""
        if users < 0:
            self.wholes[kernel.LEAVING] -= users
            return
        while self.wholes[kernel.VACANT] < users + 8:
            self._grow()
        kernel.enter_users(self.reals, self.wholes, self.drawn, now, users)

    def section(self, name: str, number: int | None = None) -> Any:
        """A section of the arrays by its name, as a view: of all rows, or of an entrance's."""
        start, size = int(self.wholes[getattr(kernel, f"AT_{name.upper()}")]), len(self.tiers)
        whole = name in _BY_ENTRANCE or name in _BY_ROW
        array: Any = self.wholes if whole else self.reals
        if name in _BY_ENTRANCE or name in ("bounds", "speed", "shared", "window", "work"):
            size += name == "work"
            return array[start : start + size]
        rows = sum(tier.most for tier in self.tiers)
        slots = name in ("free", "begun")
        width = int(self.wholes[kernel.WIDTH]) if slots else 1
        found = array[start : start + rows * width]
        found = found.reshape(rows, width) if slots else found
        if number is None:
            return found
        first = int(self.section("first")[number])
        return found[first : first + self.tiers[number].most]

    @property
    def store(self) -> Floats:
        """When each slot of the database is free."""
        found: Floats = self._part(self.reals, kernel.AT_STORE, self.count(kernel.STORE_SLOTS))
        return found

    @property
    def histogram(self) -> Counts:
        """Answers by the logarithm of their latency; `quantile` reads it."""
        found: Counts = self._part(self.wholes, kernel.AT_HISTOGRAM, kernel.BUCKETS)
        return found

    def count(self, place: int) -> int:
        """One of the counters of kernel.py."""
        return int(self.wholes[place])

    def tasks(self, number: int) -> int:
        """The tasks of an entrance that take requests; of a function, its environments."""
        return int(self.section("tasks")[number])

    def busy_environments(self, number: int) -> int:
        """A function's environments that have something to do."""
        return self.tasks(number) - int(self.section("idle_count")[number])

    def clear_minute(self) -> Counts:
        """The counters of the present minute, which begin again at 0."""
        found = self.wholes[: kernel.OF_THE_MINUTE].copy()
        self.wholes[: kernel.OF_THE_MINUTE] = 0
        return found

    def backlog(self, now: float) -> Floats:
        """Seconds of work that wait or are under way, by entrance, and last those of the database."""
        found = np.zeros(len(self.tiers) + 1)
        for number, tier in enumerate(self.tiers):
            if tier.routing is not Routing.FUNCTION:
                free = self.section("free", number)[: self.tasks(number), : tier.slots]
                found[number] = np.maximum(free - now, 0).sum()
        found[-1] = np.maximum(self.store - now, 0).sum()
        return found

    def resize(self, number: int, tasks: int, now: float) -> None:
        """From `now` on there are `tasks`; those taken away finish what they have and get nothing new."""
        before = self.tasks(number)
        if not 1 <= tasks <= self.tiers[number].most:
            raise ValueError(f"an entrance with room for {self.tiers[number].most} tasks cannot have {tasks}")
        self.section("tasks")[number] = tasks
        if tasks > before:
            rows = slice(before, tasks)
            self.section("free", number)[rows] = now
            self.section("begun", number)[rows] = now
            self.section("dies", number)[rows] = math.inf
            self.section("outstanding", number)[rows] = 0
        else:
            rows = slice(tasks, before)
            opened, busy = self.section("opened", number), self.section("busy", number)
            self.wholes[kernel.CONNECTIONS] -= (
                int((opened[rows] - busy[rows]).sum()) if self.conditions.pool else 0
            )
            opened[rows] = busy[rows]

    def doom(self, number: int, tasks: int, at: float) -> None:
        """The last `tasks` will die at `at` with what they hold then."""
        there = self.tasks(number)
        self.section("dies", number)[there - tasks : there] = at

    def warm(self, number: int, environments: int, now: float) -> None:
        """Environments of a function that are there before a request: provisioned concurrency."""
        spare, idle = self.section("spare", number), self.section("idle", number)
        spares, idles = self.section("spare_count"), self.section("idle_count")
        while self.tasks(number) < environments:
            spares[number] -= 1
            idle[idles[number]] = spare[spares[number]]
            idles[number] += 1
            self.section("tasks")[number] += 1
        self.section("used", number)[:] = now

    def retire(self, number: int, before: float, least: int) -> None:
        """Environments of a function that were idle since `before` go, but for `least` of them."""
        idle, spare = self.section("idle", number), self.section("spare", number)
        idles, spares = self.section("idle_count"), self.section("spare_count")
        waiting = idle[: idles[number]].copy()
        old = self.section("used")[waiting] < before
        old[np.cumsum(old) > max(0, self.tasks(number) - least)] = False
        gone, kept = waiting[old], waiting[~old]
        idle[: kept.size] = kept
        spare[spares[number] : spares[number] + gone.size] = gone
        idles[number], spares[number] = kept.size, spares[number] + gone.size
        self.section("tasks")[number] -= gone.size
        opened = self.section("opened")
        self.wholes[kernel.CONNECTIONS] -= int(opened[gone].sum())
        opened[gone] = 0

    def stop_store(self, until: float) -> None:
        """The database answers nothing before `until`."""
        np.maximum(self.store, until, out=self.store)

    def empty_cache(self) -> None:
        """The cache holds nothing, and fills itself with what is asked for."""
        self.wholes[kernel.LOOKUPS] = 0

    def set_fill(self, shares: Floats) -> None:
        """How much of its usual hit ratio the cache has after 2^(n/4) lookups, for n from 0 to FILL_STEPS - 1."""
        self._part(self.reals, kernel.AT_FILL, kernel.FILL_STEPS)[:] = shares

    def _feed_more(self) -> None:
        if self.more is None:
            raise RuntimeError("requests came for which nothing was drawn")
        next_arrival, arrivals = self.count(kernel.NEXT_ARRIVAL), self.count(kernel.ARRIVALS)
        rest = self.drawn[:2, next_arrival:arrivals].copy()
        drawn = self.more()
        drawn[:2, : rest.shape[1]] = rest
        self.feed(drawn, rest.shape[1])

    def _fill(self) -> None:
        """The sections as they are at the beginning."""
        tiers = self.tiers
        most = np.array([tier.most for tier in tiers])
        first = np.cumsum([0, *most])[:-1]
        functions = [tier.routing is Routing.FUNCTION for tier in tiers]
        values = {
            "first": first, "most": most, "spare_count": most, "slots": [tier.slots for tier in tiers],
            "tasks": [0 if own else tier.tasks for own, tier in zip(functions, tiers, strict=True)],
            "routing": [int(tier.routing) for tier in tiers], "speed": [tier.speed for tier in tiers],
            "shared": [tier.turn for tier in tiers], "begun": -math.inf,
            "bounds": np.cumsum([tier.share for tier in tiers]) / sum(tier.share for tier in tiers),
            "window": -math.inf, "entrance_of": np.repeat(np.arange(len(tiers)), most), "head": -1, "tail": -1,
            "dies": math.inf,
            "spare": np.concatenate([np.arange(count)[::-1] + at for count, at in zip(most, first, strict=True)]),
        }  # fmt: skip
        for name, value in values.items():
            self.section(name)[:] = value
        self.reals[: kernel.SHED_AFTER] = [1.0, 10.0, 1.0, 1.0, 0.0, 0.0, -math.inf, 1.0]
        self.set_fill(np.ones(kernel.FILL_STEPS))
        self.wholes[kernel.LOOKUPS] = kernel.WARM
        self._part(self.wholes, kernel.AT_VACANT, _FIRST_CAPACITY)[:] = np.arange(_FIRST_CAPACITY)
        self.wholes[kernel.VACANT] = _FIRST_CAPACITY

    def _part(self, array: Any, at: int, size: int) -> Any:
        start = int(self.wholes[at])
        return array[start : start + size]

    def _grow(self) -> None:
        """Room for twice as many requests and events. Their sections are the last ones of both arrays."""
        old_reals, old_wholes, capacity = self.reals, self.wholes, self.count(kernel.CAPACITY)
        self.reals, self.wholes = _layout(self.tiers, self.conditions, 2 * capacity)
        at = self.wholes[kernel.MOST_TRIES : kernel.WHOLES].copy()
        times, codes = int(old_wholes[kernel.AT_TIMES]), int(old_wholes[kernel.AT_CODES])
        self.reals[:times], self.wholes[:codes] = old_reals[:times], old_wholes[:codes]
        self.wholes[kernel.MOST_TRIES : kernel.WHOLES] = at
        events, vacant = self.count(kernel.EVENTS), self.count(kernel.VACANT)
        for old, new, place, size in (
            (old_reals, self.reals, kernel.AT_TIMES, events), (old_wholes, self.wholes, kernel.AT_CODES, events),
            (old_reals, self.reals, kernel.AT_REQUESTS, capacity * kernel.COLUMNS),
            (old_wholes, self.wholes, kernel.AT_MARKS, capacity * kernel.MARKS),
            (old_wholes, self.wholes, kernel.AT_VACANT, vacant),
        ):  # fmt: skip
            start = int(old_wholes[place])
            self._part(new, place, size)[:] = old[start : start + size]
        free = self._part(self.wholes, kernel.AT_VACANT, vacant + capacity)
        free[vacant:] = np.arange(capacity, 2 * capacity)
        self.wholes[kernel.VACANT] = vacant + capacity


def drawn(**rows: Any) -> Floats:
    """Random numbers as `Engine.feed` takes them: `arrival`, `cpu`, `query`, `hit`, ... of equal length."""
    places = {
        "arrival": kernel.ARRIVAL, "left": kernel.LEFT, "cpu": kernel.CPU, "query": kernel.QUERY,
        "hit": kernel.HIT, "route": kernel.ROUTE, "call": kernel.CALL, "call_seconds": kernel.CALL_SECONDS,
        "think": kernel.THINK, "jitter": kernel.JITTER,
    }  # fmt: skip
    size = max(np.size(row) for row in rows.values())
    found = np.zeros((kernel.PURPOSES, size))
    for name, row in rows.items():
        found[places[name]] = row
    return found


def quantile(histogram: Counts, share: float) -> float:
    """Seconds within which `share` of the answers came, to four tenths of one per cent; nan without answers."""
    total = int(histogram.sum())
    if total == 0:
        return math.nan
    return latency_at(int(np.searchsorted(np.cumsum(histogram), share * total)))


def latency_at(place: int) -> float:
    """The middle of a bucket of the histogram, in seconds."""
    power, step = divmod(place, kernel.STEPS)
    return float((0.5 + (step + 0.5) / (2 * kernel.STEPS)) * 2.0 ** (power + kernel.FIRST_POWER))


def _layout(tiers: Sequence[Tier], conditions: Conditions, capacity: int) -> tuple[Floats, Counts]:
    """Both arrays, with the rules and where each section begins. What grows comes last."""
    count, rows, width = len(tiers), sum(tier.most for tier in tiers), max(tier.slots for tier in tiers)
    events = kernel.EVENTS_PER_REQUEST * capacity
    wholes: dict[str, int] = {}
    wholes |= dict.fromkeys(_BY_ENTRANCE, count)
    wholes |= dict.fromkeys(_BY_ROW, rows)
    wholes |= {
        "histogram": kernel.BUCKETS, "codes": events, "vacant": capacity, "marks": kernel.MARKS * capacity,
    }  # fmt: skip
    reals = {
        "bounds": count, "speed": count, "shared": count, "work": count + 1, "window": count, "dies": rows,
        "used": rows, "free": rows * width, "begun": rows * width, "store": max(1, conditions.store_slots),
        "fill": kernel.FILL_STEPS, "times": events, "requests": kernel.COLUMNS * capacity,
    }  # fmt: skip
    starts, whole_size = _starts(wholes, kernel.WHOLES)
    more, real_size = _starts(reals, kernel.REALS)
    found_reals, found_wholes = np.zeros(real_size), np.zeros(whole_size, dtype=np.int64)
    found_wholes[kernel.AT_FIRST : kernel.WHOLES] = starts + more
    found_wholes[kernel.MOST_TRIES : kernel.AT_FIRST] = [
        conditions.retries, conditions.store_slots, conditions.pool, conditions.most_connections,
        conditions.calls_at_once, conditions.traced, count, width, capacity,
    ]  # fmt: skip
    found_reals[kernel.SHED_AFTER : kernel.REALS] = [
        conditions.shed, conditions.timeout, conditions.network, conditions.backoff, conditions.retry_share,
        conditions.pool_wait, conditions.connect, conditions.call_share, conditions.calls_per_second,
        conditions.objective, conditions.think,
    ]  # fmt: skip
    return found_reals, found_wholes


def _starts(sizes: dict[str, int], begin: int) -> tuple[list[int], int]:
    """Where each section begins, in the order of the places AT_... of kernel.py, and the size of all."""
    ends = list(accumulate(sizes.values(), initial=begin))
    return ends[:-1], ends[-1]

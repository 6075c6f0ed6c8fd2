"""Whose turn it is: new requests begin in slices, so that what is under way goes on between them.

An event loop runs everything that is ready, in order. In a flood that is hundreds of new requests, and a checkout
that waits for the database in eight steps waits for all of them eight times. So the new requests of one round of
the loop get a few milliseconds; the rest stand in line, the more important classes first, and begin in the rounds
after it. What is under way is never in that line. (The idea is that of the processor's scheduler: work that waits
for a device and then needs little is preferred to work that would take all there is.)

A line is as long as what can be begun within its class's patience; who comes then is refused. So the processor is
never idle while somebody asks, and nobody waits for long. While the loop is in time nobody waits at all: a request
then costs one look at the clock.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque

#: What new requests may take of a round, at least and at most: as much as everything else in it, between these.
SLICE_SECONDS = 0.001
SLICE_SECONDS_MAX = 0.002
#: How long a request of each class stands in line at most.
PATIENCE_SECONDS = (0.06, 0.04, 0.02)
_COUNT_MAX = 500.0
#: What a request is taken to need before any was measured, and how fast that follows what is measured.
_COST_SECONDS = 0.000_1
_WEIGHT = 0.2
#: The pace, requests begun per second, is measured over so long.
_PACE_SECONDS = 0.02
_FIRST_PACE = 2_000.0

_Line = deque[tuple[float, asyncio.Future[None]]]


class Turns:
    """The line of one event loop. Not thread-safe."""

    def __init__(self, slice_seconds: float = SLICE_SECONDS) -> None:
        self._slice_seconds = slice_seconds
        self._lines: tuple[_Line, ...] = (deque(), deque(), deque())
        self._cost_seconds = _COST_SECONDS
        self._round_began = self._batch_began = 0.0
        self._in_round = False
        self._let_go_count = 0
        self._pace = _FIRST_PACE
        self._paced_from = 0.0
        self._paced_count = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        #: How many stand in line.
        self.waiting = 0

    def take(self, priority: int) -> asyncio.Future[None] | None:
        """Begin at once (None), or await the place in line that is returned."""
        now = time.monotonic()
        if not self.waiting:
            if not self._in_round:
                self._loop = asyncio.get_running_loop()
                self._begin_round(now)
                return None
            if now - self._round_began < self._slice_seconds:
                return None
            self._paced_from, self._paced_count = now, 0
        assert self._loop is not None
        place = self._loop.create_future()
        self._lines[priority].append((now, place))
        self.waiting += 1
        return place

    def is_full(self, priority: int) -> bool:
        """Whether who comes now would wait for longer than anybody of that class should."""
        ahead = sum(len(line) for line in self._lines[: priority + 1])
        patience_seconds = PATIENCE_SECONDS[priority]
        if ahead > self._pace * patience_seconds:
            return True
        line = self._lines[priority]
        return bool(line) and time.monotonic() - line[0][0] > 2 * patience_seconds

    def forget(self) -> None:
        """The event loop has ended, and with it whoever stood in line."""
        for line in self._lines:
            line.clear()
        self.waiting, self._in_round, self._loop = 0, False, None

    def _begin_round(self, now: float) -> None:
        assert self._loop is not None
        self._round_began, self._in_round = now, True
        self._loop.call_soon(self._end_round)

    def _begin_batch(self) -> None:
        self._batch_began = time.monotonic()

    def _end_round(self) -> None:
        """Called right after those who were let go a round ago have begun."""
        if self._loop is None:  # forgotten meanwhile
            return
        now = time.monotonic()
        batch_seconds = 0.0
        if self._let_go_count:
            batch_seconds = now - self._batch_began
            self._cost_seconds += _WEIGHT * (batch_seconds / self._let_go_count - self._cost_seconds)
            self._let_go_count = 0
        if not self.waiting:
            self._in_round = False
            return
        others_seconds = now - self._round_began - batch_seconds
        budget_seconds = max(self._slice_seconds, min(others_seconds, SLICE_SECONDS_MAX))
        self._loop.call_soon(self._begin_batch)
        self._let_go(int(max(1.0, min(_COUNT_MAX, budget_seconds / self._cost_seconds))))
        self._begin_round(now)
        self._measure_pace(now)

    def _let_go(self, count: int) -> None:
        left = count
        for line in self._lines:
            while line and left:
                _, place = line.popleft()
                self.waiting -= 1
                if not place.done():
                    place.set_result(None)
                    left -= 1
        self._let_go_count = count - left

    def _measure_pace(self, now: float) -> None:
        self._paced_count += self._let_go_count
        elapsed = now - self._paced_from
        if elapsed >= _PACE_SECONDS:
            self._pace += _WEIGHT * (self._paced_count / elapsed - self._pace)
            self._paced_from, self._paced_count = now, 0

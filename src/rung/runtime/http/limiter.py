"""How many requests are served at once, found by watching how long they take.

The limit grows while requests take about as long as they do on an idle service and shrinks in proportion when
they take more than `TOLERANCE` times that. What they take on an idle service is the least average of their kind
(`Baseline`) in the last two epochs; at the start of each epoch the limit dips to a quarter for two windows, so
that this is measured again and a slow decline never becomes the norm. Sources: the gradient of Netflix's
concurrency-limits, the minimum and the probe of BBR, and CoDel's standing queue: a queue that has not been
empty for `_STANDING_SECONDS` only adds delay, and is cut to a quarter of the limit.

Two more rules. Latencies below `FLOOR_SECONDS` never shrink the limit (noise). Nor does the time that a request
waited for the event loop: a busy processor is not a busy database, is dealt with where it shows (shedding.py), and
fewer slots would only keep the database idle as well.

Three classes share the limit. Each lower one may use only a part of it, waits behind the higher ones, and is
turned out of a full queue by them, so that a checkout is refused last.
"""

from __future__ import annotations

import asyncio
import math
import random
import time
from collections import deque

from rung.runtime.errors import OverloadedError
from rung.runtime.http.baseline import Baseline
from rung.runtime.http.settings import BACKGROUND, HttpSettings
from rung.runtime.http.shedding import Shedder

TOLERANCE = 2.0
FLOOR_SECONDS = 0.02
EPOCH_SECONDS = 10.0
#: The part of the limit that CRITICAL, NORMAL and BACKGROUND may fill.
SHARES = (1.0, 0.9, 0.5)
_WINDOW_COUNT = 20
_WINDOW_SECONDS = 0.1
_WINDOW_SECONDS_MAX = 1.0
_STANDING_SECONDS = 0.5
#: Windows at the start of an epoch that are served with a quarter of the limit.
_PROBE_WINDOWS = 2
#: How often a typical request waits for the event loop: per statement, per message of a body, per answer.
_TURNS = 8
_LAG_WEIGHT = 0.2


class Limiter:
    """The slots of one service in one process. Not thread-safe: it lives in one event loop."""

    def __init__(
        self, settings: HttpSettings, *, chance: random.Random | None = None, shedder: Shedder | None = None
    ) -> None:
        self._settings = settings
        self._chance = chance or random.Random()
        self._waiting: tuple[deque[asyncio.Future[None]], ...] = (deque(), deque(), deque())
        self._baseline = Baseline()
        self._epoch_began = 0.0
        self._probing = 0
        self._lag_seconds = 0.0
        self._starting = True
        self._queue_empty_at = 0.0
        self._ceiling = float(settings.concurrency)
        self._floor = min(settings.concurrency_min, settings.concurrency)
        self._window_peak = 0
        self._window_began = 0.0
        #: What is allowed now; `_ceiling` while nothing is being probed.
        self.limit = self._ceiling
        self.in_flight = 0
        self.waiting = 0
        self.refused = 0
        #: What a late event loop refuses: the process's own, where there is one.
        self.shedder = shedder or Shedder(settings.lag_seconds, chance=self._chance)

    def enter(self, priority: int, *, judged: bool = False) -> asyncio.Future[None] | None:
        """Take a slot (None), or a place in the queue: then await `wait`. OverloadedError when refused.

        `judged` says that the shedder was asked before.
        """
        self.shedder.asked[priority] += 1
        if not judged and self.shedder.sheds(priority):
            raise self.refuse()
        if self.waiting == 0 and self.in_flight < self.limit * SHARES[priority]:
            self.in_flight += 1
            if self.in_flight > self._window_peak:
                self._window_peak = self.in_flight
            return None
        return self._queue(priority)

    async def wait(self, place: asyncio.Future[None]) -> None:
        """Wait for the slot of `place`; OverloadedError when it does not come in time."""
        timer = place.get_loop().call_later(self._settings.queue_seconds, self._give_up, place)
        try:
            await place
        except asyncio.CancelledError:
            self._forget(place)
            if place.done() and not place.cancelled() and place.exception() is None:
                self.leave(None, 0.0)
            raise
        finally:
            timer.cancel()

    def _give_up(self, place: asyncio.Future[None]) -> None:
        """Time is up. A slot that was given in this very moment is kept: either is the place's one result."""
        if not place.done():
            self._forget(place)
            place.set_exception(self.refuse())

    def leave(self, seconds: float | None, now: float, kind: str = "") -> None:
        """Give the slot back. `seconds` is how long a request of `kind` took; None says it tells nothing."""
        self.in_flight -= 1
        if seconds is not None:
            self._baseline.note(kind, seconds)
            elapsed = now - self._window_began
            if elapsed >= _WINDOW_SECONDS and (
                self._baseline.count >= _WINDOW_COUNT or elapsed > _WINDOW_SECONDS_MAX
            ):
                self._adapt(now)
        if self.waiting:
            self._promote()

    def observe_lag(self, lag_seconds: float, _now: float) -> None:
        """How long a callback waited for the event loop just now; called many times a second."""
        self._lag_seconds += _LAG_WEIGHT * (lag_seconds - self._lag_seconds)

    def _queue(self, priority: int) -> asyncio.Future[None]:
        if self.waiting >= self._queue_max() and not self._turn_out(priority):
            raise self.refuse()
        if self.waiting == 0:
            self._queue_empty_at = time.monotonic()
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[priority].append(place)
        self.waiting += 1
        return place

    def _queue_max(self) -> float:
        """A queue absorbs bursts. One that never empties is no burst: it gives everybody the same long wait."""
        if self.waiting and time.monotonic() - self._queue_empty_at > _STANDING_SECONDS:
            return min(self._settings.queue_max, self.limit / 4)
        return self._settings.queue_max

    def _turn_out(self, priority: int) -> bool:
        """Refuse the newest waiter of a lower class, to make room. False when there is none."""
        for lower in range(BACKGROUND, priority, -1):
            while self._waiting[lower]:
                place = self._waiting[lower].pop()
                self.waiting -= 1
                if not place.done():
                    place.set_exception(self.refuse())
                    return True
        return False

    def _promote(self) -> None:
        for priority, places in enumerate(self._waiting):
            while places and self.in_flight < self.limit * SHARES[priority]:
                place = places.popleft()
                self.waiting -= 1
                if not place.done():
                    self.in_flight += 1
                    place.set_result(None)

    def _forget(self, place: asyncio.Future[None]) -> None:
        for places in self._waiting:
            if place in places:
                places.remove(place)
                self.waiting -= 1

    def refuse(self) -> OverloadedError:
        """Count a refusal; the error that says so."""
        self.refused += 1
        return OverloadedError(
            "too many requests are being served; send it again later",
            retry_after_seconds=self._chance.choice((1, 2)),
        )

    def _adapt(self, now: float) -> None:
        """End the window: one step of the limit."""
        recent, idle = self._baseline.close_window()
        saturated = self._window_peak * 2 >= self._ceiling
        self._window_began, self._window_peak = now, self.in_flight
        if self._probing:
            self._probing -= 1
        else:
            if saturated:
                self._step(recent, max(FLOOR_SECONDS, TOLERANCE * idle) + _TURNS * self._lag_seconds)
            if now - self._epoch_began >= EPOCH_SECONDS:
                self._begin_epoch(now)
        self.limit = max(self._floor, self._ceiling / 4) if self._probing else self._ceiling

    def _step(self, recent: float, allowed: float) -> None:
        if recent > allowed:
            self._starting = False
            wanted = self._ceiling * max(0.7, allowed / recent)
        else:
            wanted = self._ceiling * 1.5 if self._starting else self._ceiling + math.sqrt(self._ceiling) / 2
        self._ceiling = max(self._floor, min(self._settings.concurrency_max, wanted))

    def _begin_epoch(self, now: float) -> None:
        self._baseline.begin_epoch()
        self._epoch_began = now
        self._probing = _PROBE_WINDOWS

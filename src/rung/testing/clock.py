"""A clock that a test moves by hand."""

from __future__ import annotations

import asyncio
import heapq
import time
from datetime import UTC, datetime, timedelta


class ManualClock:
    """Stands still until `advance`; sleepers wake in the order of their time. Source: trio's MockClock."""

    def __init__(self, start: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        self._start = start
        self._elapsed_seconds = 0.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._count = 0

    def now(self) -> datetime:
        """The start plus all that was advanced."""
        return self._start + timedelta(seconds=self._elapsed_seconds)

    def monotonic(self) -> float:
        """Seconds advanced so far."""
        return self._elapsed_seconds

    async def sleep(self, seconds: float) -> None:
        """Wait until the test has advanced the clock by `seconds`."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._count += 1
        heapq.heappush(self._sleepers, (self._elapsed_seconds + seconds, self._count, future))
        await future

    async def advance(self, seconds: float) -> None:
        """Move time forward, waking each sleeper at its moment and letting it run until it waits again."""
        await settle()
        end = self._elapsed_seconds + seconds
        while self._sleepers and self._sleepers[0][0] <= end:
            moment, _, future = heapq.heappop(self._sleepers)
            self._elapsed_seconds = max(self._elapsed_seconds, moment)
            if not future.done():
                future.set_result(None)
            await settle()
        self._elapsed_seconds = end
        await settle()

    @property
    def sleepers(self) -> int:
        """How many tasks wait on this clock."""
        return sum(not future.done() for _, _, future in self._sleepers)


class ShiftedClock:
    """The machine's own clocks, moved forward by a test: for real parts that must see hours pass."""

    def __init__(self) -> None:
        self.shift_seconds = 0.0

    def now(self) -> datetime:
        """The wall time, shifted."""
        return datetime.now(UTC) + timedelta(seconds=self.shift_seconds)

    def monotonic(self) -> float:
        """CLOCK_MONOTONIC, shifted."""
        return time.monotonic() + self.shift_seconds

    async def sleep(self, seconds: float) -> None:
        """Real time."""
        await asyncio.sleep(seconds)


async def settle(rounds: int = 20) -> None:
    """Let every task that can run do so, without any time passing."""
    for _ in range(rounds):
        await asyncio.sleep(0)

"""A passage for few at once: what all want at the same moment is better waited for here than in the database."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from types import TracebackType

from rung.runtime.errors import OverloadedError

#: Who would wait for longer is refused at once.
EXPECTED_WAIT_SECONDS = 0.1
#: How fast the average time inside follows the latest.
INSIDE_WEIGHT = 0.1


class Narrow:
    """`async with` lets `at_once` in; the others wait, the longest waiting first.

    Raises OverloadedError at once where `waiting_max` others wait, or where the wait would be too long by how long
    the others took.
    """

    def __init__(self, at_once: int, *, waiting_max: int) -> None:
        self._slots = asyncio.Semaphore(at_once)
        self._at_once = at_once
        self._waiting_max = waiting_max
        self._inside_seconds = 0.0
        self._entered: deque[float] = deque()
        self.waiting = 0

    async def __aenter__(self) -> None:
        expected_seconds = self.waiting * self._inside_seconds / self._at_once
        if self.waiting >= self._waiting_max or expected_seconds > EXPECTED_WAIT_SECONDS:
            raise OverloadedError("too many want the same at this moment; ask again", retry_after_seconds=1.0)
        self.waiting += 1
        try:
            await self._slots.acquire()
        finally:
            self.waiting -= 1
        self._entered.append(time.monotonic())

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # The one who entered first stands for the one who leaves: on average they take as long.
        took_seconds = time.monotonic() - self._entered.popleft()
        self._inside_seconds += INSIDE_WEIGHT * (took_seconds - self._inside_seconds)
        self._slots.release()

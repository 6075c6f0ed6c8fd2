"""A passage for few at once: what all want at the same moment is better waited for here than in the database."""

from __future__ import annotations

import asyncio
from types import TracebackType

from rung.runtime.errors import OverloadedError


class Narrow:
    """`async with` lets `at_once` in; who finds `waiting_max` others waiting raises OverloadedError at once."""

    def __init__(self, at_once: int, *, waiting_max: int) -> None:
        self._slots = asyncio.Semaphore(at_once)
        self._waiting_max = waiting_max
        self.waiting = 0

    async def __aenter__(self) -> None:
        if self.waiting >= self._waiting_max:
            raise OverloadedError("too many want the same at this moment; ask again", retry_after_seconds=1.0)
        self.waiting += 1
        try:
            await self._slots.acquire()
        finally:
            self.waiting -= 1

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._slots.release()

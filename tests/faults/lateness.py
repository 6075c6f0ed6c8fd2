"""How late this process's own timers are: what a bound on a call's time has to allow for on a busy machine."""

from __future__ import annotations

import asyncio
import time
from typing import Self


class Lateness:
    """How late timers fire in this process, in seconds: the latest of all while it is entered."""

    def __init__(self) -> None:
        self.seconds = 0.0

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._watch())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _watch(self) -> None:
        while True:
            due = time.monotonic() + 0.005
            await asyncio.sleep(0.005)
            self.seconds = max(self.seconds, time.monotonic() - due)

"""Waking receivers: the scripts publish when a lane has a new first message, and one subscription hears it."""

from __future__ import annotations

import asyncio
import contextvars
from contextlib import suppress

from rung.runtime.cache.connection import RedisConnection
from rung.runtime.cache.pubsub import subscribe
from rung.runtime.cache.tasks import end

#: How often a waiting receiver looks by itself: while it hears others, and while it is cut off.
HEARD_SECONDS = 5.0
UNHEARD_SECONDS = 0.5


class Wakeups:
    """One subscription per queue and process, from the first wait on. Belongs to one event loop."""

    def __init__(self, connection: RedisConnection, channel: str) -> None:
        self.loop = asyncio.get_running_loop()
        self._connection = connection
        self._channel = channel
        self._news = asyncio.Event()
        self._listening = False
        self._task: asyncio.Task[None] | None = None

    def clear(self) -> None:
        """What was heard so far is about to be looked at."""
        self._news.clear()

    async def wait(self, seconds: float) -> None:
        """Return when there is news since `clear`, after `seconds`, or when it is time to look anyway."""
        if self._task is None or self._task.done():
            context, name = contextvars.Context(), f"{self._channel}: listen"
            self._task = self.loop.create_task(self._listen(), name=name, context=context)
        longest = HEARD_SECONDS if self._listening else UNHEARD_SECONDS
        with suppress(TimeoutError):
            async with asyncio.timeout(min(seconds, longest)):
                await self._news.wait()

    async def _listen(self) -> None:
        async for _ in subscribe(
            self._connection, self._channel, on_listening=self._heard_again, on_gap=self._cut_off
        ):
            self._news.set()

    def _heard_again(self) -> None:
        self._listening = True
        self._news.set()  # what was sent before we listened

    def _cut_off(self) -> None:
        self._listening = False

    async def close(self) -> None:
        """Stop listening."""
        if self._task is not None:
            await end([self._task])

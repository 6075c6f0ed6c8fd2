"""Telling every process that a key has changed.

Each process drops it from its memory when the message arrives (milliseconds); one that is cut off falls back to
a shorter life in memory. What was forgotten while Redis was away is owed: it is deleted when Redis answers
again, before anybody reads from it.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Iterable
from contextlib import suppress

import msgspec

from rung.runtime.cache.connection import RedisConnection, Runner
from rung.runtime.cache.entry import lock_key
from rung.runtime.cache.pubsub import subscribe
from rung.runtime.cache.tasks import end
from rung.runtime.log import logger

log = logger(__name__)

_MAX_OWED = 10_000
_BATCH = 500


class Invalidations:
    """One channel of one cache: hears what others changed, and says what we changed."""

    def __init__(
        self,
        connection: RedisConnection,
        channel: str,
        *,
        forget: Callable[[str], None],
        forget_all: Callable[[], None],
    ) -> None:
        self.channel = channel
        self.origin = secrets.token_hex(8)
        self.listening = False
        self._connection = connection
        self._forget = forget
        self._forget_all = forget_all
        self._owed: dict[str, None] = {}
        self._task: asyncio.Task[None] | None = None
        connection.on_recovery(self._settle)

    def start(self) -> None:
        """Listen in the background; does nothing when that is so already."""
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._listen(), name=f"{self.channel}: listen")

    def message(self, keys: Iterable[str]) -> bytes:
        """What is published for `keys`."""
        return msgspec.json.encode((self.origin, tuple(keys)))

    def owe(self, keys: Iterable[str]) -> None:
        """Remember to delete `keys`. Past 10,000 the oldest are let go, and end with their TTL."""
        for key in keys:
            self._owed[key] = None
        while len(self._owed) > _MAX_OWED:
            del self._owed[next(iter(self._owed))]

    async def close(self) -> None:
        """Stop listening."""
        task, self._task = self._task, None
        self.listening = False
        if task is not None:
            await end([task])

    async def _listen(self) -> None:
        channel = self.channel
        messages = subscribe(self._connection, channel, on_listening=self._heard_again, on_gap=self._cut_off)
        async for published in messages:
            with suppress(msgspec.MsgspecError):
                origin, keys = msgspec.json.decode(published.data, type=tuple[str, tuple[str, ...]])
                if origin != self.origin:
                    for key in keys:
                        self._forget(key)

    def _heard_again(self) -> None:
        self._forget_all()  # what changed while nobody listened is not known
        self.listening = True

    def _cut_off(self) -> None:
        self.listening = False

    async def _settle(self, run: Runner) -> None:
        while self._owed:
            keys = list(self._owed)[:_BATCH]
            await run(("UNLINK", *keys, *(lock_key(key) for key in keys)))
            await run(("PUBLISH", self.channel, self.message(keys)))
            for key in keys:
                self._owed.pop(key, None)

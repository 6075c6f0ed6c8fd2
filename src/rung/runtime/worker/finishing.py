"""Ending leases: acknowledgements in batches, everything else one by one, both through an outage of the broker."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

from rung.runtime.log import logger
from rung.runtime.queue.port import Queue
from rung.runtime.worker.held import Held

Result = TypeVar("Result")
PAUSE_SECONDS_MAX = 2.0

log = logger(__name__)


class Finisher:
    """Collects finished messages and acknowledges all that came while the last batch was under way."""

    def __init__(self, queue: Queue, forget: Callable[[Held], None], on_late: Callable[[Held], None]) -> None:
        self._queue = queue
        self._forget = forget
        self._on_late = on_late
        self._finished: list[tuple[Held, bool]] = []
        self._arrived = asyncio.Event()
        self._closing = False

    def acknowledge(self, held: Held, *, already: bool) -> None:
        """Done: acknowledge with the next batch. `already` says that the handler did it in its transaction."""
        self._finished.append((held, already))
        self._arrived.set()

    async def run(self) -> None:
        """Acknowledge until `close`, and then what is left."""
        while not (self._closing and not self._finished):
            await self._arrived.wait()
            self._arrived.clear()
            batch, self._finished = self._finished, []
            if batch:
                await self._acknowledge(batch)

    def close(self) -> None:
        """Nothing more will come."""
        self._closing = True
        self._arrived.set()

    async def _acknowledge(self, batch: list[tuple[Held, bool]]) -> None:
        messages = [held.message for held, _ in batch]
        answers = await self.persist(lambda: self._queue.acknowledge(messages), [False] * len(batch))
        for (held, already), answer in zip(batch, answers, strict=True):
            self._forget(held)
            if not (answer or already):
                self._on_late(held)

    async def persist(self, act: Callable[[], Awaitable[Result]], otherwise: Result) -> Result:
        """Do `act`, again and again while the broker is away, for as long as a lease lasts; then `otherwise`."""
        loop = asyncio.get_running_loop()
        give_up, pause = loop.time() + self._queue.visibility_timeout_seconds, 0.05
        while True:
            try:
                return await act()
            except Exception as error:  # noqa: BLE001 - whatever it is, giving up early means handling twice
                if loop.time() > give_up:
                    log.error(
                        "the queue took no answer; the messages come back after their lease", error=str(error)
                    )
                    return otherwise
            await asyncio.sleep(random.uniform(0, pause))
            pause = min(pause * 2, PAUSE_SECONDS_MAX)

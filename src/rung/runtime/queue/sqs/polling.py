"""Asking the lanes' queues: at once while there is work, by one long poll per lane while there is none.

A long poll cannot be taken back: what it brings is leased to us. So it outlives the call of `receive` that began
it, at most one per lane, and what it brings is handed out by the next call; what nobody asks for within a second
is handed back without an attempt used. While a poll is open its lane is known to be empty, so lower lanes need not
wait for it, and a message that comes to the higher lane ends the poll at once.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from functools import partial
from typing import Any

from rung.runtime.queue.message import Message
from rung.runtime.queue.sqs.batches import ENTRIES_MAX

#: Requests to one lane at once: 80 messages.
PARALLEL = 8
KEEP_SECONDS = 1.0

#: Lease up to so many messages of a lane, waiting for the first one on the server for so many seconds.
Fetch = Callable[[str, int, int], Awaitable[list[Message]]]
HandBack = Callable[[Sequence[Message]], Awaitable[object]]


class Polls:
    """What the lanes were asked for, and what came and is not handed out yet. Belongs to one event loop."""

    def __init__(self, fetch: Fetch, hand_back: HandBack, *, long_poll_seconds: int) -> None:
        self.loop = asyncio.get_running_loop()
        self._fetch = fetch
        self._hand_back = hand_back
        self._long_poll_seconds = long_poll_seconds
        self._arrived: dict[str, deque[Message]] = {}
        self._open: dict[str, asyncio.Task[int]] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._timer: asyncio.TimerHandle | None = None

    async def receive(self, lanes: Sequence[str], max_messages: int, wait_seconds: float) -> list[Message]:
        """Messages of these lanes, in this order, waiting for the first. Cancelling it loses none."""
        until = self.loop.time() + wait_seconds
        while True:
            taken = self._take(lanes, max_messages)
            if len(taken) < max_messages:
                await self._sweep(lanes, max_messages - len(taken))
                taken += self._take(lanes, max_messages - len(taken))
            remaining = until - self.loop.time()
            if taken or remaining <= 0:
                return taken
            await self._wait(lanes, min(ENTRIES_MAX, max_messages), remaining)

    def _take(self, lanes: Sequence[str], count: int) -> list[Message]:
        taken: list[Message] = []
        for lane in lanes:
            arrived = self._arrived.get(lane)
            while arrived and len(taken) < count:
                taken.append(arrived.popleft())
        return taken

    async def _sweep(self, lanes: Sequence[str], room: int) -> None:
        """Fetch what is there now, the first lane until it is empty, then the next."""
        for lane in lanes:
            while room > 0 and lane not in self._open:
                counts = _requests(room)
                asked = sum(counts)
                came = await self._together([self._bring(lane, count, 0) for count in counts])
                room -= came
                if came < asked:
                    break

    async def _together(self, works: list[Coroutine[Any, Any, int]]) -> int:
        """How many messages came. Raises what the first request raised when none succeeded."""
        tasks = [self._start(work) for work in works]
        await asyncio.wait(tasks)
        failures = [error for task in tasks if (error := task.exception()) is not None]
        if len(failures) == len(tasks):
            raise failures[0]
        return sum(task.result() for task in tasks if task.exception() is None)

    async def _wait(self, lanes: Sequence[str], count: int, seconds: float) -> None:
        """Return when one of the lanes may have something, or after `seconds`."""
        for lane in lanes:
            if lane not in self._open:
                task = self._open[lane] = self._start(self._bring(lane, count, self._long_poll_seconds))
                task.add_done_callback(partial(self._ended, lane))
        polls = [self._open[lane] for lane in lanes]
        done, _ = await asyncio.wait(polls, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()

    def _ended(self, lane: str, poll: asyncio.Task[int]) -> None:
        del self._open[lane]
        poll.exception()  # whoever asks next hears of it from a request of its own
        if self._timer is None:
            self._timer = self.loop.call_later(KEEP_SECONDS, self._return_unwanted)

    def _return_unwanted(self) -> None:
        """Nobody has asked since: the process is busy, and others may not be."""
        self._timer = None
        unwanted = self._take(list(self._arrived), 1_000_000)
        if unwanted:
            self._start(_quietly(self._hand_back(unwanted)))

    async def _bring(self, lane: str, count: int, wait_seconds: int) -> int:
        messages = await self._fetch(lane, count, wait_seconds)
        self._arrived.setdefault(lane, deque()).extend(messages)
        return len(messages)

    def _start(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        # A context of its own: the deadline of the caller is not that of what outlives its call.
        task = self.loop.create_task(work, context=contextvars.Context())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def close(self) -> None:
        """Wait for the polls that are open and hand back what they bring: at most as long as one poll."""
        if self._tasks:
            await asyncio.wait(tuple(self._tasks))
        if self._timer is not None:
            self._timer.cancel()
            self._return_unwanted()
        if self._tasks:
            await asyncio.wait(tuple(self._tasks))


def _requests(room: int) -> list[int]:
    """How many messages each of the parallel requests asks for."""
    full, rest = divmod(min(room, PARALLEL * ENTRIES_MAX), ENTRIES_MAX)
    return [ENTRIES_MAX] * full + ([rest] if rest else [])


async def _quietly(work: Awaitable[object]) -> None:
    """What cannot be handed back comes back after its lease."""
    try:
        await work
    except Exception:  # noqa: BLE001 - see above
        return

"""Doing for many at once what each asks for alone: one statement instead of a hundred.

While one round is under way the next one gathers: rounds are small when little is asked and large when much is.
No timer: nobody waits for company.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

Asked = TypeVar("Asked")
Answer = TypeVar("Answer")


class Together(Generic[Asked, Answer]):
    """Calls `work` with what was asked since the last round; its answers come in the same order.

    At most `rounds` at once, each of at most `size`. What `work` raises, everybody of that round hears.
    """

    def __init__(
        self, work: Callable[[Sequence[Asked]], Awaitable[Sequence[Answer]]], *, size: int = 200, rounds: int = 2
    ) -> None:
        self._work = work
        self._size = size
        self._rounds = rounds
        self._waiting: list[tuple[Asked, asyncio.Future[Answer]]] = []
        self._running: set[asyncio.Task[None]] = set()

    async def ask(self, asked: Asked) -> Answer:
        """The answer to one."""
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((asked, future))
        if len(self._running) < self._rounds:
            # A context of its own: the deadline of who asks first is not that of those who come along.
            task = asyncio.get_running_loop().create_task(self._run(), context=contextvars.Context())
            self._running.add(task)
            task.add_done_callback(self._running.discard)
        return await future

    async def _run(self) -> None:
        await asyncio.sleep(0)  # whoever is ready in this turn of the loop comes along
        while self._waiting:
            taken, self._waiting = self._waiting[: self._size], self._waiting[self._size :]
            try:
                answers = await self._work([asked for asked, _ in taken])
            except Exception as error:  # noqa: BLE001 - everybody who asked is told
                for _, future in taken:
                    if not future.done():
                        future.set_exception(error)
                continue
            for (_, future), answer in zip(taken, answers, strict=True):
                if not future.done():
                    future.set_result(answer)

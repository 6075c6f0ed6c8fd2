"""What a worker survives: handlers whose own awaits are cancelled, and a queue that cannot be tidied."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from rung.runtime.bindings import QueueBinding
from rung.runtime.queue import Backoff, Message, PostgresQueue, Queue, Reject
from rung.runtime.queue.memory import MemoryQueue
from rung.runtime.worker import Worker, WorkerSettings, worker


@asynccontextmanager
async def working(
    open_queue: Callable[[], Queue], handler: Callable[[Message], Awaitable[None]]
) -> AsyncIterator[None]:
    """A worker with one handler at a time, until the block ends."""
    settings = WorkerSettings(name="test", concurrency=1)
    work = Worker(open_queue, handler, settings)
    running = asyncio.create_task(work.run())
    try:
        yield
    finally:
        work.stop()
        await running


async def test_a_handler_whose_await_was_cancelled_has_failed_and_ends_no_worker() -> None:
    """A task that a handler awaits may be cancelled by others. The handler itself was cancelled by nobody."""
    queue = MemoryQueue(max_receive_count=2, backoff=Backoff(base_seconds=0.0))
    handled = asyncio.Event()

    async def handle(message: Message) -> None:
        if message.body == b"cancelled":
            inner = asyncio.get_running_loop().create_future()
            inner.cancel()
            await inner
        handled.set()

    await queue.send(b"cancelled")
    async with working(lambda: queue, handle), asyncio.timeout(20):
        while not (letters := await queue.dead_letters()):  # noqa: ASYNC110 - the worker acts
            await asyncio.sleep(0.01)
        await queue.send(b"the next one")
        await handled.wait()
    (letter,) = letters
    assert letter.attempts == 2, "each was an attempt"
    assert "was cancelled" in letter.reason


async def test_one_failure_to_tidy_does_not_end_the_tidying(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever it was: a table that is never tidied again grows until somebody starts the process anew."""
    tidied = 0
    enough = asyncio.Event()

    class Untidy(MemoryQueue):
        async def tidy(self) -> int:
            nonlocal tidied
            tidied += 1
            if tidied == 1:
                raise LookupError("deadlock detected")
            enough.set()
            return 0

    async def handle(message: Message) -> None:
        del message

    monkeypatch.setattr(worker, "TIDY_SECONDS", 0.01)
    async with working(Untidy, handle), asyncio.timeout(20):
        await enough.wait()


@pytest.mark.parametrize("kind", [ValueError, Reject])
async def test_a_handler_that_says_half_a_character_ends_no_worker(
    kind: type[Exception], postgres_url: str
) -> None:
    """A message may hold one, and an error repeats it: nothing can keep it, and nothing may fail over it."""
    handled = asyncio.Event()

    async def handle(message: Message) -> None:
        if message.body == b"half":
            raise kind(json.loads('"no plan \\udcff"'))
        handled.set()

    def open_queue() -> PostgresQueue:
        return PostgresQueue("orders", QueueBinding(url=postgres_url, max_receive_count=1))

    queue = open_queue()
    try:
        await queue.send(b"half")
        async with working(open_queue, handle), asyncio.timeout(20):
            while not (letters := await queue.dead_letters()):  # noqa: ASYNC110 - the worker acts
                await asyncio.sleep(0.01)
            await queue.send(b"the next one")
            await handled.wait()
    finally:
        await queue.close()
    assert "no plan \\udcff" in letters[0].reason

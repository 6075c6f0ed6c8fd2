"""When the heartbeat ends the process, whom it blames, and when it must not."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, cast

from rung.runtime.queue import Message, Queue
from rung.runtime.worker.heartbeat import BLOCKED, EXIT_STUCK, UNHEEDING, Heartbeat
from rung.runtime.worker.held import Held

#: Far more than any test takes: time is told by `started_at`, nobody waits for it.
DEADLINE_SECONDS = GRACE_SECONDS = 100.0


class RecordingQueue:
    """A queue that takes note of what the heartbeat tells it."""

    visibility_timeout_seconds = 0.3

    def __init__(self) -> None:
        self.beats = 0
        self.retried: list[tuple[str, str]] = []
        self.released: list[str] = []

    async def extend(self, messages: Sequence[Message], *, seconds: float) -> list[bool]:
        self.beats += 1
        return [True] * len(messages)

    async def retry(self, message: Message, *, reason: str, delay_seconds: float, traceback: str) -> bool:
        assert delay_seconds == self.visibility_timeout_seconds, "its neighbours come first"
        self.retried.append((message.id, reason))
        return True

    async def release(self, messages: Sequence[Message]) -> list[bool]:
        self.released += [message.id for message in messages]
        return [True] * len(messages)

    async def close(self) -> None:
        """Nothing is open."""


def held_since(seconds_ago: float, name: str, **more: Any) -> Held:
    message = Message(
        id=name, queue="orders", lane="default", body=b"", headers={}, receive_count=1,
        sent_at=datetime.now(UTC), receipt=1,
    )  # fmt: skip
    now = time.monotonic()
    return Held(message=message, leased_at=now - seconds_ago, started_at=now - seconds_ago, **more)


@asynccontextmanager
async def beating(queue: RecordingQueue, held: list[Held], end: Callable[[int], None]) -> AsyncIterator[None]:
    heartbeat = Heartbeat(
        lambda: cast("Queue", queue),
        lambda: tuple(held),
        deadline_seconds=DEADLINE_SECONDS,
        grace_seconds=GRACE_SECONDS,
        on_lost=lambda _: None,
        on_answer=lambda: None,
        end_process=end,
    )
    heartbeat.start()
    try:
        yield
    finally:
        await heartbeat.stop()


async def beats(queue: RecordingQueue, held: list[Held], count: int) -> None:
    """Wait for so many beats with something to extend."""
    async with asyncio.timeout(20):
        while queue.beats < count:
            for each in held:
                each.leased_at = 0.0
            await asyncio.sleep(0.01)


async def test_a_handler_that_has_ended_is_not_blamed_for_a_slow_broker() -> None:
    queue, ends = RecordingQueue(), list[int]()
    held = [held_since(1000, "slow to be retried", ended=True)]
    async with beating(queue, held, ends.append):
        await beats(queue, held, 4)
    assert (ends, queue.retried) == ([], [])


async def test_while_the_loop_runs_a_handler_has_the_grace_twice() -> None:
    queue, ends = RecordingQueue(), list[int]()
    held = [held_since(250, "ending"), held_since(0, "neighbour")]
    async with beating(queue, held, ends.append):
        await beats(queue, held, 4)
        assert ends == []
        held[0].started_at = time.monotonic() - 301
        await beats(queue, held, queue.beats + 3)
    assert set(ends) == {EXIT_STUCK}
    assert set(queue.retried) == {("ending", UNHEEDING)}
    assert set(queue.released) == {"neighbour"}


async def test_of_those_that_are_late_the_one_that_blocks_the_loop_is_blamed() -> None:
    queue, ended = RecordingQueue(), threading.Event()
    held = [
        held_since(250, "blocks", task=asyncio.current_task()),
        held_since(250, "late because of it"),
        held_since(0, "neighbour"),
    ]
    async with beating(queue, held, lambda _: ended.set()):
        assert ended.wait(20), "the loop is blocked by this very line"
        retried, released = list(queue.retried), list(queue.released)
    assert retried == [("blocks", BLOCKED)]
    assert released == ["late because of it", "neighbour"]

"""What a worker promises on any queue, as tests; part of `rung.testing.queue_conformance`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import pytest
from prometheus_client import REGISTRY

from rung.runtime.queue import Entry, Message, Queue
from rung.runtime.worker import Worker, WorkerSettings
from rung.testing.queue_harness import Partitions, QueueHarness


class WorkerConformance:
    """The worker of rung on this queue."""

    async def test_a_waiting_receiver_wakes_for_a_message(self, harness: QueueHarness) -> None:
        receiver, sender = harness.open(), harness.open()
        waiting = asyncio.create_task(receiver.receive(wait_seconds=3600))
        await asyncio.sleep(0.05)
        await sender.send(b"x")
        async with asyncio.timeout(10):
            while not waiting.done():
                await harness.advance(0.1)
                await asyncio.sleep(0.01)
        assert len(waiting.result()) == 1

    async def test_a_handler_that_blocks_the_loop_keeps_its_lease(self, harness: QueueHarness) -> None:
        async def handle(message: Message) -> None:
            counts.append(message.receive_count)
            time.sleep(1.5)  # noqa: ASYNC251 - that is the point

        counts: list[int] = []
        watching = harness.open(visibility_timeout_seconds=0.5)
        await watching.send(b"x")
        worker = _worker(lambda: harness.open(visibility_timeout_seconds=0.5), handle)
        await _run_until(worker, harness, lambda: _is_empty(watching))
        assert counts == [1]

    async def test_drain_finishes_what_runs_and_hands_back_the_rest_unharmed(self, harness: QueueHarness) -> None:
        begun = asyncio.Event()
        finish = asyncio.Event()

        async def handle(message: Message) -> None:
            begun.set()
            await finish.wait()

        watching = harness.open()
        await watching.send_batch([Entry(body=b"x")] * 8)
        worker = _worker(harness.open, handle, concurrency=2)
        running = asyncio.create_task(worker.run())
        async with asyncio.timeout(10):
            await begun.wait()
            worker.stop()
            await _until(harness, lambda: _in_flight_is(watching, 2))
            finish.set()
            while not running.done():
                await harness.advance(0.1)
                await asyncio.sleep(0.01)
        left = await watching.receive(max_messages=10)
        assert [message.receive_count for message in left] == [1] * 6

    async def test_a_worker_tells_that_it_is_cut_off_and_goes_on_by_itself(self, harness: QueueHarness) -> None:
        if not isinstance(harness, Partitions):
            pytest.skip("the harness cannot cut its backend off")

        async def handle(message: Message) -> None:
            handled.append(message.id)

        handled: list[str] = []
        # What was claimed when the connection broke, and never arrived, comes back when its lease ends.
        open_queue = partial(harness.open, visibility_timeout_seconds=_LEASE_SECONDS)
        watching = open_queue()
        await harness.divert()
        worker = _worker(open_queue, handle)
        running = asyncio.create_task(worker.run())
        first = await watching.send(b"before")
        await _until(harness, lambda: _is_in(first, handled))
        async with harness.cut_off():
            second = await watching.send(b"meanwhile")
            await _until(harness, lambda: _answered_before(watching, _POLLED_SECONDS_MAX))
            assert handled == [first]
        await _until(harness, lambda: _is_in(second, handled))
        assert not await _answered_before(watching, _POLLED_SECONDS_MAX), "the worker's health says so too"
        worker.stop()
        async with asyncio.timeout(20):
            await running


#: A worker that is not cut off asks at least every second.
_POLLED_SECONDS_MAX = 2.5
_LEASE_SECONDS = 4.0


def _worker(
    open_queue: Callable[[], Queue], handler: Callable[[Message], Awaitable[None]], **settings: Any
) -> Worker:
    return Worker(open_queue, handler, WorkerSettings(name="conformance", **settings))


async def _run_until(worker: Worker, harness: QueueHarness, condition: Callable[[], Awaitable[bool]]) -> None:
    running = asyncio.create_task(worker.run())
    try:
        await _until(harness, condition)
    finally:
        worker.stop()
        async with asyncio.timeout(20):
            while not running.done():
                await harness.advance(0.1)
                await asyncio.sleep(0.01)
        await running


async def _until(harness: QueueHarness, condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(20):
        while not await condition():  # noqa: ASYNC110 - another process or thread acts
            await asyncio.sleep(0.02)


async def _is_empty(queue: Queue) -> bool:
    counts = await queue.statistics()
    return counts.ready + counts.in_flight + counts.delayed == 0


async def _in_flight_is(queue: Queue, count: int) -> bool:
    return (await queue.statistics()).in_flight == count


async def _is_in(identity: str, handled: list[str]) -> bool:
    return identity in handled


async def _answered_before(queue: Queue, seconds: float) -> bool:
    """Whether the worker's gauge says that the broker has not answered it for so long."""
    labels = {"worker": "conformance", "queue": queue.name}
    return (REGISTRY.get_sample_value("rung_worker_last_poll_age_seconds", labels) or 0.0) > seconds

"""F34 for workers: SIGTERM under load, on every broker: nothing is done twice, nothing waits for a lease."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest
from tests.faults.brokers import Place, opened
from tests.queue.workers import WorkerProcess, wait_until
from tests.queue.workers_supervised import PREAMBLE, Effects

from rung.runtime.queue import Entry, Message

pytestmark = pytest.mark.fault

SLOW = (
    PREAMBLE
    + """
async def handle(message):
    await asyncio.sleep(0.4)
    async with database.transaction() as transaction:
        await transaction.execute("insert into effect (id) values ($1)", message.id)
        if not await orders.finished_in(message, transaction):
            raise RuntimeError("the lease was lost: roll back")
"""
)


async def test_a_drain_finishes_what_runs_and_hands_back_the_rest(place: Place, tmp_path: Path) -> None:
    effects, orders = Effects(place.url), opened(place)
    await effects.create()
    sent = [result.id for result in await orders.send_batch([Entry(body=b'"x"')] * 40)]
    worker = WorkerProcess(tmp_path, SLOW, place.binding(), "--concurrency", "4", EFFECTS_URL=place.url)
    try:
        await asyncio.to_thread(wait_until, lambda: bool(asyncio.run(effects.by_id())))
        began = time.monotonic()
        assert await asyncio.to_thread(worker.stop) == 0
        assert time.monotonic() - began < 15
    finally:
        worker.kill()
    done = await effects.by_id()
    assert 0 < len(done) < len(sent)
    assert set(done.values()) == {1}
    left: list[Message] = []
    async with asyncio.timeout(10):  # and not after a lease, which is thirty
        while len(left) < len(sent) - len(done):
            left += await orders.receive(max_messages=100, wait_seconds=0.5)
    assert {message.id for message in left} == set(sent) - set(done)
    assert {message.receive_count for message in left} == {1}, "a drain uses no attempt"
    await orders.close()

"""F24 and F25: a backlog, and dead letters in numbers, on every broker.

F24: what is urgent goes first while the backlog lasts, and the backlog is worked off. F25: thousands of dead
letters are counted and redriven by somebody who is interrupted; what is too old is a dead letter, and not gone.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter

import pytest
from tests.faults.brokers import Place, RabbitPlace, opened
from tests.faults.soak import share_of

from rung.runtime.queue import Entry
from rung.runtime.worker import Worker, WorkerSettings

pytestmark = pytest.mark.fault
LANES = ("high", "low")


@pytest.mark.parametrize("backlog", [2_000, pytest.param(share_of(100_000), marks=pytest.mark.soak)])
async def test_f24_a_backlog_is_worked_off_and_what_is_urgent_is_not_held_up(place: Place, backlog: int) -> None:
    orders = opened(place, lanes=LANES)
    for _ in range(backlog // 500):
        await orders.send_batch([Entry(body=b"old", lane="low")] * 500)
    seen: Counter[bytes] = Counter()
    urgent_at: list[int] = []
    done = asyncio.Event()

    async def handle(message: object) -> None:
        body = message.body  # type: ignore[attr-defined]
        seen[body] += 1
        if body == b"urgent":
            urgent_at.append(seen.total())
        if seen.total() == backlog + 10:
            done.set()

    worker = Worker(lambda: opened(place, lanes=LANES), handle, WorkerSettings(name="orders"))
    running = asyncio.create_task(worker.run())
    began = time.monotonic()
    async with asyncio.timeout(60 + backlog / 200):
        while seen.total() < backlog // 4:  # noqa: ASYNC110 - the worker acts
            await asyncio.sleep(0.005)
        at = seen.total()
        await orders.send_batch([Entry(body=b"urgent", lane="high")] * 10)
        await done.wait()
    print(f"F24 {backlog} in {time.monotonic() - began:.1f} s; urgent after {max(urgent_at) - at} others")
    worker.stop()
    await running
    assert seen == {b"old": backlog, b"urgent": 10}
    assert max(urgent_at) < backlog // 2 + 400, "they do not wait for the backlog"
    assert (await orders.statistics()).ready == 0
    await orders.close()


@pytest.mark.parametrize("count", [2_000, pytest.param(share_of(100_000), marks=pytest.mark.soak)])
async def test_f25_dead_letters_in_numbers_are_counted_and_redriven_in_parts(place: Place, count: int) -> None:
    orders = opened(place, max_receive_count=1, retention_seconds=3600)
    ids: set[str | None] = set()
    for _ in range(count // 500):
        ids |= {result.id for result in await orders.send_batch([Entry(body=b"poison")] * 500)}
    while messages := await orders.receive(max_messages=100):
        await asyncio.gather(*(orders.retry(message, reason="no such order") for message in messages))
    counts = await orders.statistics()
    assert (counts.dead, counts.ready, counts.in_flight) == (count, 0, 0)
    assert len(await orders.dead_letters(limit=50)) == 50
    interrupted = asyncio.create_task(orders.redrive())
    while not (await orders.statistics()).ready:  # noqa: ASYNC110 - it acts
        await asyncio.sleep(0)
    interrupted.cancel()
    await asyncio.gather(interrupted, return_exceptions=True)
    async with asyncio.timeout(20):
        while (counts := await orders.statistics()).ready < count or counts.dead:
            await orders.redrive()  # RabbitMQ takes a moment to give the interrupted one's letters to another
    # RabbitMQ moves a letter in two steps: the interrupted redrive may have sent some twice, under one id.
    assert counts.ready == count or (isinstance(place, RabbitPlace) and counts.ready > count)
    again: set[str | None] = set()
    while messages := await orders.receive(max_messages=500):
        again |= {message.id for message in messages}
        await orders.acknowledge(messages)
    assert again == ids
    await orders.close()


async def test_f25_what_is_too_old_becomes_a_dead_letter_and_is_not_gone(place: Place) -> None:
    orders = opened(place, retention_seconds=0.2)
    identity = await orders.send({"order": 7}, headers={"x": "y"})
    async with asyncio.timeout(20):
        while not (letters := await orders.dead_letters()):
            await orders.tidy()  # type: ignore[attr-defined]
            await asyncio.sleep(0.02)
    (letter,) = letters
    assert (letter.id, letter.reason, letter.attempts) == (identity, "expired", 0)
    assert (letter.body, letter.headers["x"]) == (b'{"order":7}', "y")
    async with asyncio.timeout(20):
        assert await orders.redrive([identity]) == 1
        while not (messages := await orders.receive(wait_seconds=0.5)):
            await orders.redrive()  # where the broker keeps the time, it is too old again if nobody came at once
    (message,) = messages
    assert (message.id, message.receive_count) == (identity, 1)
    await orders.close()

"""F11: a message that raises, one that kills its process, one that hangs: all end dead, no neighbour suffers."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.queue.workers_supervised import PREAMBLE, Effects, Supervisor, is_worked_off

from rung.runtime.bindings import QueueBinding
from rung.runtime.queue import Entry, PostgresQueue

pytestmark = pytest.mark.fault

HANDLER = (
    PREAMBLE
    + """
from rung.runtime import RetryAfter

async def handle(message):
    match message.json():
        case "raises":
            raise RetryAfter(0.2, "it never works")
        case "kills":
            await asyncio.sleep(0.2)
            os.kill(os.getpid(), signal.SIGKILL)
        case "awaits for ever":
            await asyncio.Event().wait()
        case "blocks for ever":
            time.sleep(3600)
    async with database.transaction() as transaction:
        await transaction.execute("insert into effect (id) values ($1)", message.id)
        if not await orders.finished_in(message, transaction):
            raise RuntimeError("the lease was lost: roll back")
"""
)

REASONS = {
    "raises": "it never works",
    "kills": "worker_lost",
    "awaits for ever": "deadline exceeded: 1.5 s",
    "blocks for ever": "deadline exceeded: it blocked the event loop",
}


@pytest.mark.parametrize("poison", REASONS)
async def test_poison_ends_dead_and_its_neighbours_are_handled_in_time(
    postgres_url: str, tmp_path: Path, poison: str
) -> None:
    lease_seconds, count = 1.0, 3 if poison == "kills" else 2
    binding = QueueBinding(url=postgres_url, visibility_timeout_seconds=lease_seconds, max_receive_count=count)
    effects, orders = Effects(postgres_url), PostgresQueue("orders", binding)
    await effects.create()
    before = [result.id for result in await orders.send_batch([Entry(body='"fine"')] * 10)]
    identity = await orders.send(f'"{poison}"')
    after = [result.id for result in await orders.send_batch([Entry(body='"fine"')] * 10)]
    limits = ("--deadline-seconds", "1.5", "--grace-seconds", "0.5")
    supervisor = Supervisor(tmp_path, HANDLER, binding, *limits, count=1)

    async def is_dead() -> bool:
        return (await orders.statistics()).dead == 1 and await is_worked_off(orders)

    try:
        await supervisor.until(is_dead, seconds=55)
        (letter,) = await orders.dead_letters()
        assert (letter.id, letter.attempts, letter.reason) == (identity, count, REASONS[poison])
        assert await effects.by_id() == dict.fromkeys([*before, *after], 1)
        if poison == "raises":
            assert await orders.redrive() == 1
            await supervisor.until(is_dead, seconds=55)
    finally:
        supervisor.end()
    await orders.close()

"""F01: SIGKILL a worker before its effect, after it, after the acknowledgement: nothing lost, nothing twice."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from tests.faults.brokers import Place
from tests.faults.soak import share_of
from tests.queue.workers_supervised import PREAMBLE, Effects, Supervisor, is_worked_off

from rung.runtime.queue import Entry, open_queue

pytestmark = pytest.mark.fault

POINTS = ("before the effect", "after the effect", "after the acknowledgement")

HANDLER = (
    PREAMBLE
    + """
async def handle(message):
    die_once(message, "before the effect")
    async with database.transaction() as transaction:
        await transaction.execute("insert into effect (id) values ($1)", message.id)
        die_once(message, "after the effect")
        if not await orders.finished_in(message, transaction):
            raise RuntimeError("the lease was lost: roll back")
    die_once(message, "after the acknowledgement")
"""
)


async def run_kills(place: Place, folder: Path, *, kills: int, seconds: float, seed: int) -> None:
    print(f"seed {seed}")
    order = [POINTS[number % 3] for number in range(kills)] + ["none"] * (2 * kills)
    random.Random(seed).shuffle(order)
    binding = place.binding(visibility_timeout_seconds=1.0)
    effects, orders = Effects(place.url), open_queue("orders", binding)
    await effects.create()
    sent = [result.id for result in await orders.send_batch([Entry(body=f'"{point}"') for point in order])]
    supervisor = Supervisor(folder, HANDLER, binding, count=2)

    async def is_over() -> bool:
        """The last kill may come after the last acknowledgement."""
        return await is_worked_off(orders) and _count_kills(folder) == kills

    try:
        await supervisor.until(is_over, seconds=seconds)
    finally:
        supervisor.end()
    assert (await orders.statistics()).dead == 0
    assert await effects.by_id() == dict.fromkeys(sent, 1)
    await orders.close()


def _count_kills(folder: Path) -> int:
    return len(list(folder.glob("killed-*")))


async def test_each_message_has_one_effect_whenever_its_worker_is_killed(place: Place, tmp_path: Path) -> None:
    await run_kills(place, tmp_path, kills=4, seconds=55, seed=random.randrange(2**32))


async def test_a_killed_workers_message_is_back_within_its_visibility_timeout_and_5_seconds(
    place: Place, tmp_path: Path
) -> None:
    binding = place.binding(visibility_timeout_seconds=1.0)
    effects, orders = Effects(place.url), open_queue("orders", binding)
    await effects.create()
    identity = await orders.send(f'"{POINTS[1]}"')
    supervisor = Supervisor(tmp_path, HANDLER, binding, count=2)
    try:
        await supervisor.until(lambda: is_worked_off(orders), seconds=20)
    finally:
        supervisor.end()
    killed_at = float((tmp_path / f"killed-{identity}").read_text())
    # RabbitMQ sees the connection end; the others wait for the lease.
    earliest = 0.0 if binding.adapter == "rabbitmq" else 0.5
    assert earliest < await effects.at(identity) - killed_at < 1.0 + 5.0
    await orders.close()


@pytest.mark.soak
@pytest.mark.timeout(3600)
async def test_a_thousand_kills(place: Place, tmp_path: Path) -> None:
    await run_kills(place, tmp_path, kills=share_of(1_000), seconds=3000, seed=random.randrange(2**32))

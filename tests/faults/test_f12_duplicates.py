"""F12: every message is delivered two to five times, at once and an hour later: one effect each."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import asyncpg
import pytest
from tests.faults.brokers import Place, RabbitPlace, opened
from tests.queue.workers_supervised import Effects

from rung.runtime.bindings import QueueBinding
from rung.runtime.queue import Entry, Message, PostgresQueue, Queue

pytestmark = pytest.mark.fault

AN_HOUR_LATER = "update rung.message_deduplication set expires_at = expires_at - interval '1 hour'"


async def take_effect(pool: Any, orders: Queue, message: Message) -> bool:
    """What a handler does: effect and acknowledgement in one transaction, rolled back when the lease is lost."""
    async with pool.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute("insert into effect (id) values ($1)", message.id)
        if await orders.finished_in(message, connection):
            await transaction.commit()
            return True
        await transaction.rollback()
        return False


async def test_each_message_has_one_effect_however_often_it_is_delivered(place: Place) -> None:
    if isinstance(place, RabbitPlace):
        pytest.skip("its holders know that they have lost: test_rabbitmq_faults.py")
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    randomness = random.Random(seed)
    orders = opened(place, max_receive_count=5)
    effects = Effects(place.url)
    await effects.create()
    sent = [result.id for result in await orders.send_batch([Entry(body=b"x")] * 50)]
    deliveries: list[Message] = []
    async with asyncpg.create_pool(place.url, min_size=1, max_size=8) as pool:
        for _ in range(randomness.randint(2, 5)):
            other = opened(place, max_receive_count=5)
            deliveries += await other.receive(max_messages=100)
            await other.close()
            await place.expire_leases()
        assert len(deliveries) >= 100
        randomness.shuffle(deliveries)
        took = await asyncio.gather(*(take_effect(pool, orders, message) for message in deliveries))
        assert sum(took) == 50
        assert await effects.by_id() == dict.fromkeys(sent, 1)
        late = await asyncio.gather(*(take_effect(pool, orders, message) for message in deliveries))
        assert not any(late)
    await orders.close()


async def test_a_sender_that_repeats_itself_sends_once_and_the_memory_of_it_is_bounded(postgres_url: str) -> None:
    orders = PostgresQueue("orders", QueueBinding(url=postgres_url))
    senders = [PostgresQueue("orders", QueueBinding(url=postgres_url)) for _ in range(4)]
    await orders.statistics()
    keys = [f"order-{number}" for number in range(25)]
    await asyncio.gather(*(sender.send(key, deduplication_id=key) for sender in senders for key in keys))
    received = await orders.receive(max_messages=1000)
    assert sorted(message.body.decode() for message in received) == sorted(keys)
    connection = await asyncpg.connect(postgres_url)
    await connection.execute(AN_HOUR_LATER)
    await orders.tidy()
    assert await connection.fetchval("select count(*) from rung.message_deduplication") == 0
    await connection.close()
    for queue in (orders, *senders):
        await queue.close()

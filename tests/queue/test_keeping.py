"""Looking after a queue ends, and keeps up: a redrive beside a worker that rejects, ids by the thousand."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
from tests.aws.emulator import REGION, Emulator

from rung.runtime.bindings import QueueBinding
from rung.runtime.context import serving_tenant
from rung.runtime.queue import Entry, PostgresQueue, install_queue
from rung.runtime.queue.port import Queue
from rung.runtime.queue.redis import RedisQueue
from rung.runtime.queue.sqs import SqsQueue

#: More than one round of any adapter, and less than the test would wait for.
ROUNDS_MAX = 10


async def _reject_all(queue: Queue) -> int:
    messages = await queue.receive(max_messages=10)
    for message in messages:
        assert await queue.dead_letter(message, reason="poison")
    return len(messages)


def _reject_after(monkeypatch: pytest.MonkeyPatch, thing: Any, method: str, queue: Queue, only: object) -> None:
    """After each call of `thing.method` with `only`, a worker rejects what has come back, before the next."""
    real, rounds = getattr(thing, method), []

    async def call(*arguments: Any, **named: Any) -> Any:
        answer = await real(*arguments, **named)
        if only in arguments:
            rounds.append(answer)
            assert len(rounds) < ROUNDS_MAX, "the redrive goes on for ever"
            await _reject_all(queue)
        return answer

    monkeypatch.setattr(thing, method, call)


async def _with_two_dead(queue: Queue) -> None:
    await queue.send_batch([Entry(body=b"poison")] * 2)
    while not await _reject_all(queue):
        continue


@pytest.fixture
async def on_redis(redis_url: str) -> AsyncIterator[RedisQueue]:
    queue = RedisQueue("orders", QueueBinding(adapter="redis", url=redis_url), deduplication_window_seconds=0.0)
    yield queue
    await queue.close()


@pytest.fixture
async def on_postgres(postgres_url: str) -> AsyncIterator[PostgresQueue]:
    connection = await asyncpg.connect(postgres_url)
    await install_queue(connection)
    await connection.close()
    queue = PostgresQueue("orders", QueueBinding(url=postgres_url))
    yield queue
    await queue.close()


@pytest.fixture
async def on_sqs(aws: Emulator) -> AsyncIterator[SqsQueue]:
    made = aws.create_queue("kept-orders", ("default",), 3)
    binding = QueueBinding(adapter="sqs", **made, region=REGION, lanes=("default",), fair=True)
    queue = SqsQueue("orders", binding)
    yield queue
    await queue.close()


async def test_a_redrive_on_redis_ends_beside_a_worker_that_rejects(
    on_redis: RedisQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    from rung.runtime.queue.redis import scripts

    await _with_two_dead(on_redis)
    _reject_after(monkeypatch, on_redis._keeping, "_run", on_redis, scripts.REDRIVE)
    assert await on_redis.redrive() == 2
    assert (await on_redis.statistics()).dead == 2


async def test_a_redrive_on_postgres_ends_beside_a_worker_that_rejects(
    on_postgres: PostgresQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    from rung.runtime.queue.postgres import sql

    await _with_two_dead(on_postgres)
    _reject_after(monkeypatch, on_postgres._pool, "fetch", on_postgres, sql.REDRIVE)
    assert await on_postgres.redrive() == 2
    assert (await on_postgres.statistics()).dead == 2


async def test_a_redrive_on_sqs_ends_beside_a_worker_that_rejects(
    on_sqs: SqsQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _with_two_dead(on_sqs)
    _reject_after(monkeypatch, on_sqs._dead, "_send_back", on_sqs, "default")
    assert await on_sqs.redrive() == 2
    assert len(await on_sqs.dead_letters()) == 2


async def test_all_ids_are_forgotten_on_redis(on_redis: RedisQueue) -> None:
    """Every message that an outbox relays leaves one: 500 a minute would be eight messages a second."""
    await on_redis.send_batch([Entry(body=b"x", deduplication_id=str(number)) for number in range(1_200)])
    await on_redis.tidy()
    assert await on_redis._connection.run("HLEN", on_redis.keys.once) == 0
    assert await on_redis._connection.run("ZCARD", on_redis.keys.once_until) == 0


async def test_all_ids_are_forgotten_on_postgres(on_postgres: PostgresQueue) -> None:
    """Every message that a handler finishes in its transaction leaves one, where the broker is beside."""
    await on_postgres.query(
        "insert into rung.message_deduplication select 0, now() - interval '1 s', 'orders', n::text "
        "from generate_series(1, 2500) n"
    )
    await on_postgres.tidy()
    ((left,),) = await on_postgres.query("select count(*) from rung.message_deduplication")
    assert left == 0


async def test_copies_on_sqs_still_say_whose_turn_it_is(on_sqs: SqsQueue, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is retried, handed back, relayed and redriven takes its tenant's turn like what is sent."""
    groups: list[object] = []
    call = on_sqs._caller.call

    async def noting(operation: str, *where: Any, **parameters: Any) -> Any:
        if operation.startswith("SendMessage"):
            groups.extend(each.get("MessageGroupId") for each in parameters.get("Entries", [parameters]))
        return await call(operation, *where, **parameters)

    monkeypatch.setattr(on_sqs._caller, "call", noting)
    with serving_tenant("acme"):
        await on_sqs.send(b"x")
    (message,) = await on_sqs.receive()
    await on_sqs.release([message])
    (message,) = await on_sqs.receive()
    await on_sqs.retry(message, reason="again", delay_seconds=0.0)
    (message,) = await on_sqs.receive()
    await on_sqs.forward([message])
    assert groups == ["acme"] * 4

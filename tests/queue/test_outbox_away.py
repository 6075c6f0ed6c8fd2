"""The database of an outbox goes away between two steps: no attempt is used up, and no message is there twice."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

import asyncpg
import pytest

from rung.runtime.bindings import QueueBinding
from rung.runtime.errors import UnavailableError
from rung.runtime.queue import Message, install_queue
from rung.runtime.queue.redis import RedisQueue, adapter


@pytest.fixture
async def queue(redis_url: str, postgres_url: str) -> AsyncIterator[RedisQueue]:
    connection = await asyncpg.connect(postgres_url)
    await install_queue(connection)
    await connection.close()
    binding = QueueBinding(adapter="redis", url=redis_url, outbox_url=postgres_url, max_receive_count=3)
    queue = RedisQueue("orders", binding)
    yield queue
    await queue.close()


async def test_a_database_that_is_away_uses_up_no_attempts(
    queue: RedisQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether a second delivery was finished before is asked there; until it answers nobody gets the message."""

    async def away(messages: Sequence[Message]) -> set[str]:
        del messages
        raise UnavailableError("the database is away")

    await queue.send(b"again")
    (message,) = await queue.receive()
    await queue.retry(message, reason="once", delay_seconds=0.0)
    assert queue.outbox is not None
    with monkeypatch.context() as patched:
        patched.setattr(queue.outbox, "finished", away)
        for _ in range(queue.max_receive_count + 1):
            with pytest.raises(UnavailableError):
                await queue.receive()
        await queue.send(b"new")
        assert [each.body for each in await queue.receive(max_messages=2)] == [b"new"]
    (message,) = await queue.receive()
    assert (message.body, message.receive_count) == (b"again", 2)


async def test_a_relay_that_comes_late_makes_no_second_of_a_message_that_is_there(
    queue: RedisQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It gave the message to the broker, and the database was away for longer than its ids are remembered.

    Before, the dead letter was ready once more and dead at once, and with its end no letter could be listed.
    """
    monkeypatch.setattr(adapter, "RELAYED_WINDOW_SECONDS", 0.0)
    await queue.send(b"x")
    (message,) = await queue.receive()
    await queue.dead_letter(message, reason="the database is away")
    await queue.forward([message])
    assert await queue.receive() == []
    assert [letter.id for letter in await queue.dead_letters()] == [message.id]
    assert await queue.redrive() == 1

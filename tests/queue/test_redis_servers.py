"""What the adapter for Redis makes of the server that it finds: another kind, full, evicting, silent."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from redis.exceptions import MovedError, ReadOnlyError

from rung.local import redis
from rung.local.redis import QUEUE_SETTINGS, start_redis
from rung.runtime.bindings import QueueBinding
from rung.runtime.errors import BindingError, OverloadedError, UnavailableError
from rung.runtime.queue import Entry
from rung.runtime.queue.redis import RedisQueue


@asynccontextmanager
async def queue_on(folder: Path, **settings: str) -> AsyncIterator[RedisQueue]:
    """A queue on a server with these settings."""
    named = {name.replace("_", "-"): value for name, value in settings.items()}
    server = start_redis(folder, settings={**QUEUE_SETTINGS, **named})
    queue = RedisQueue("orders", QueueBinding(adapter="redis", url=server.url, max_receive_count=2))
    try:
        yield queue
    finally:
        await queue.close()
        server.stop()


async def test_every_script_runs_on_the_valkey_that_is_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis, "server_binary", redis._bundled_binary)
    async with queue_on(tmp_path) as queue:
        assert await queue.concerns() == []
        assert queue.capabilities.durable
        first = await queue.send(b"x", deduplication_id="once")
        assert await queue.send(b"x", deduplication_id="once") == first
        await queue.send_batch([Entry(body=b"y")] * 3)
        one, *others = await queue.receive(max_messages=10)
        assert await queue.extend(others, seconds=60) == [True] * 3
        assert await queue.release(others[:1]) == [True]
        assert await queue.acknowledge(others[1:]) == [True] * 2
        assert await queue.retry(one, reason="again", delay_seconds=0)
        for message in await queue.receive(max_messages=10):
            assert await queue.dead_letter(message, reason="never")
        assert {letter.reason for letter in await queue.dead_letters()} == {"never"}
        assert await queue.redrive() == 2
        counts = await queue.statistics()
        assert (counts.ready, counts.in_flight, counts.delayed, counts.dead) == (2, 0, 0, 0)
        assert await queue.tidy() == 0


async def test_a_server_that_evicts_and_writes_late_is_named(tmp_path: Path) -> None:
    async with queue_on(tmp_path, maxmemory_policy="allkeys-lru", appendfsync="everysec") as queue:
        assert [concern[:5] for concern in await queue.concerns()] == ["R0511", "R0512"]
        assert not queue.capabilities.durable


async def test_a_server_without_a_file_is_named(tmp_path: Path) -> None:
    async with queue_on(tmp_path, appendonly="no") as queue:
        (concern,) = await queue.concerns()
        assert "R0512" in concern
        assert "loses every message" in concern


async def test_a_managed_server_that_does_not_tell_is_not_called_durable(tmp_path: Path) -> None:
    async with queue_on(tmp_path) as queue:
        await queue._connection.run("ACL", "SETUSER", "default", "-config")
        (concern,) = await queue.concerns()
        assert "does not tell" in concern
        assert not queue.capabilities.durable
        await queue.send(b"x")


async def test_who_may_not_ask_what_the_server_is_can_use_it(tmp_path: Path) -> None:
    """The first message was refused, and the second taken."""
    async with queue_on(tmp_path) as queue:
        await queue._connection.run("ACL", "SETUSER", "default", "-info", "-config")
        await queue.send(b"x")
        assert [message.body for message in await queue.receive()] == [b"x"]
        assert not queue.capabilities.durable


async def test_a_full_server_refuses_to_take_and_still_hands_out(tmp_path: Path) -> None:
    async with queue_on(tmp_path, maxmemory="6mb") as queue:
        sent = set()
        with pytest.raises(OverloadedError, match="R0513"):  # noqa: PT012 - the one that is too many
            while True:
                sent.add(await queue.send(b"x" * 200_000))
        received = await queue.receive(max_messages=500)
        assert {message.id for message in received} == sent
        assert await queue.release(received[:1]) == [True]
        assert all(await queue.acknowledge(received[1:]))
        await queue.send(b"there is room again")


@pytest.mark.parametrize(
    ("answer", "expected"),
    [(MovedError("3999 127.0.0.1:6381"), BindingError), (ReadOnlyError("a replica"), UnavailableError)],
)
async def test_a_server_that_is_the_wrong_one_is_called_so(
    answer: Exception, expected: type[Exception], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: Any) -> Any:
        raise answer

    queue = RedisQueue("orders", QueueBinding(adapter="redis", url=f"unix://{tmp_path}/none"))
    monkeypatch.setattr(queue._connection, "run_script", refuse)
    with pytest.raises(expected, match="R0514" if expected is BindingError else "replica"):
        await queue.statistics()
    await queue.close()

"""The adapter for Redis keeps every promise: the shipped suite, on a real server, with and without an outbox."""

from __future__ import annotations

import random
import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from redis.asyncio import Redis
from tests.queue.test_conformance import AGE, AGE_DEDUPLICATION
from tests.queue.transactions import transaction_at

from rung.local.redis import RedisServer, start_redis
from rung.runtime.bindings import QueueBinding
from rung.runtime.queue import Backoff, install_queue
from rung.runtime.queue.redis import RedisQueue
from rung.testing import FaultProxy, ShiftedClock
from rung.testing.queue_conformance import QueueConformance
from rung.testing.queue_harness import LANES

#: What a server of queues is set to, and with which nothing is lost.
DURABLE = {"appendfsync": "always", "maxmemory-policy": "noeviction"}


class RedisHarness:
    """One queue of one test's own, on a server that may be killed."""

    def __init__(self, server: RedisServer, outbox_url: str = "") -> None:
        self._server = server
        self._outbox_url = outbox_url
        self._proxy: FaultProxy | None = None
        self._clock = ShiftedClock()
        self._name = f"orders-{secrets.token_hex(4)}"
        self.queues: list[RedisQueue] = []

    def open(
        self,
        *,
        lanes: tuple[str, ...] = LANES,
        visibility_timeout_seconds: float = 30.0,
        max_receive_count: int = 3,
        backoff: Backoff | None = None,
        deduplication_window_seconds: float = 300.0,
        delay_seconds: float = 0.0,
        fair: bool = False,
    ) -> RedisQueue:
        port = self._server.port if self._proxy is None else self._proxy.port
        binding = QueueBinding(
            adapter="redis",
            url=self._server.url.replace(f":{self._server.port}/", f":{port}/"),
            outbox_url=self._outbox_url,
            lanes=lanes,
            fair=fair,
            delay_seconds=delay_seconds,
            visibility_timeout_seconds=visibility_timeout_seconds,
            max_receive_count=max_receive_count,
        )
        queue = RedisQueue(
            "orders",
            binding,
            backoff=backoff,
            deduplication_window_seconds=deduplication_window_seconds,
            randomness=random.Random(7),
            clock=self._clock,
            clock_offset=lambda: self._clock.shift_seconds,
        )
        self.queues.append(queue)
        return queue

    async def divert(self) -> None:
        self._proxy = await FaultProxy("127.0.0.1", self._server.port).__aenter__()

    @asynccontextmanager
    async def cut_off(self) -> AsyncIterator[None]:
        assert self._proxy is not None
        self._proxy.blackhole()
        yield
        self._proxy.heal()

    async def close(self) -> None:
        """Close what was opened."""
        for queue in self.queues:
            await queue.close()
        if self._proxy is not None:
            await self._proxy.__aexit__(None, None, None)

    async def advance(self, seconds: float) -> None:
        if self._outbox_url:
            connection = await asyncpg.connect(self._outbox_url)
            await connection.execute(AGE.replace("$1", repr(float(seconds))))
            await connection.execute(AGE_DEDUPLICATION.replace("$1", repr(float(seconds))))
            await connection.close()
        self._clock.shift_seconds += seconds

    def transaction(self) -> AbstractAsyncContextManager[Any]:
        return transaction_at(self._outbox_url)

    async def crash_broker(self) -> None:
        self._server.kill()
        self._server.restart()


@pytest.fixture(scope="module")
def killable_redis(server_directory: Path) -> Iterator[RedisServer]:
    """A server that writes each message to its disk before it answers, and that a test may kill."""
    server = start_redis(server_directory / "killable-redis", settings=DURABLE)
    yield server
    server.stop()


async def _prepared(server: RedisServer, outbox_url: str = "") -> RedisHarness:
    """An empty server whose durability this process knows, as it does after its first call."""
    client: Any = Redis.from_url(server.url)
    await client.flushall()
    await client.aclose()
    harness = RedisHarness(server, outbox_url)
    assert await harness.open().concerns() == []
    return harness


class TestRedis(QueueConformance):
    @pytest.fixture
    async def harness(self, killable_redis: RedisServer) -> AsyncIterator[RedisHarness]:
        harness = await _prepared(killable_redis)
        yield harness
        await harness.close()


class TestRedisWithOutbox(QueueConformance):
    """With a database beside it: transactions too."""

    @pytest.fixture
    async def harness(self, killable_redis: RedisServer, postgres_url: str) -> AsyncIterator[RedisHarness]:
        connection = await asyncpg.connect(postgres_url)
        await install_queue(connection)
        await connection.close()
        harness = await _prepared(killable_redis, postgres_url)
        yield harness
        await harness.close()

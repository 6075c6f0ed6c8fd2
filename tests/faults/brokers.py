"""The brokers that the faults of queues are injected into: one row each, and everything a fault needs of it.

Each place has a Postgres beside it: for the effects of handlers, and for the outbox of a broker that is in none.
SQS has tests of its own (test_sqs_faults.py): its time is the emulator's.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Protocol

import asyncpg
from redis.asyncio import Redis

from rung.local.rabbitmq import RabbitServer
from rung.local.redis import QUEUE_SETTINGS, RedisServer, start_redis
from rung.runtime.bindings import QueueBinding
from rung.runtime.queue import Queue, install_queue, open_queue
from rung.runtime.queue.redis.keys import Keys
from tests.conftest import start_rabbitmq_or_skip

EXPIRE_LEASES = "update rung.message set leased_until = now() - interval '1 s' where leased_until > '-infinity'"


class Place(Protocol):
    """One queue `orders` with nothing in it, and the database `url` beside it."""

    url: str

    def binding(self, **limits: Any) -> QueueBinding:
        """The queue, with these of its fields changed."""
        ...

    async def expire_leases(self) -> None:
        """What is leased may be received again, and its holders have not noticed."""
        ...


class PostgresPlace:
    """The database itself."""

    def __init__(self, url: str) -> None:
        self.url = url

    def binding(self, **limits: Any) -> QueueBinding:
        """See Place."""
        return QueueBinding(url=self.url, **limits)

    async def expire_leases(self) -> None:
        """See Place."""
        connection = await asyncpg.connect(self.url)
        await connection.execute(EXPIRE_LEASES)
        await connection.close()


class RedisPlace:
    """A server that writes each message to its disk before it answers."""

    def __init__(self, server: RedisServer, url: str) -> None:
        self.server = server
        self.url = url

    def binding(self, **limits: Any) -> QueueBinding:
        """See Place."""
        return QueueBinding(adapter="redis", url=self.server.url, outbox_url=self.url, **limits)

    async def expire_leases(self) -> None:
        """See Place."""
        client: Any = Redis.from_url(self.server.url)
        leased = Keys("orders").leased("default")
        if ids := await client.zrange(leased, 0, -1):
            await client.zadd(leased, dict.fromkeys(ids, 1))
        await client.aclose()


class RabbitPlace:
    """A node of its own. The server itself tells when a holder has lost: when its connection ends."""

    def __init__(self, server: RabbitServer, url: str) -> None:
        self.server = server
        self.url = url

    def binding(self, **limits: Any) -> QueueBinding:
        """See Place."""
        return QueueBinding(adapter="rabbitmq", url=self.server.url, outbox_url=self.url, **limits)

    async def expire_leases(self) -> None:
        """Not to be had here: who holds a lease knows when it has lost it."""
        raise NotImplementedError


@asynccontextmanager
async def _postgres(url: str, _: Path) -> AsyncIterator[PostgresPlace]:
    yield PostgresPlace(url)


@asynccontextmanager
async def _redis(url: str, folder: Path) -> AsyncIterator[RedisPlace]:
    server = start_redis(folder / "redis", settings=QUEUE_SETTINGS)
    yield RedisPlace(server, url)
    server.stop()


@asynccontextmanager
async def _rabbitmq(url: str, folder: Path) -> AsyncIterator[RabbitPlace]:
    server = start_rabbitmq_or_skip(folder / "rabbitmq")
    yield RabbitPlace(server, url)
    server.stop()


#: From the URL of an empty database and a folder to a place.
BROKERS: dict[str, Callable[[str, Path], Any]] = {"postgres": _postgres, "redis": _redis, "rabbitmq": _rabbitmq}


@asynccontextmanager
async def placed(broker: str, url: str, folder: Path) -> AsyncIterator[Place]:
    """A queue on `broker` that ends with the block."""
    connection = await asyncpg.connect(url)
    await install_queue(connection)
    await connection.close()
    async with BROKERS[broker](url, folder) as place:
        yield place


def opened(place: Place, **limits: Any) -> Queue:
    """The queue of a place; the caller closes it."""
    return open_queue("orders", place.binding(**limits))

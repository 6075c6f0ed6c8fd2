"""Both adapters keep every promise of the port: the shipped suite, on a real Postgres and in memory."""

from __future__ import annotations

import random
import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from rung.local.postgres import PostgresServer, start_postgres
from rung.runtime.bindings import QueueBinding
from rung.runtime.queue import Backoff, PostgresQueue
from rung.testing import FaultProxy, MemoryBroker, MemoryQueue, ShiftedClock
from rung.testing.queue_conformance import QueueConformance
from rung.testing.queue_harness import LANES

#: The tables' own times, moved into the past: the database's clock cannot be moved, what it is compared with can.
AGE = """
update rung.message set run_at = run_at - $1::float8 * interval '1 s',
    sent_at = sent_at - $1::float8 * interval '1 s',
    leased_until = case when leased_until > '-infinity' then leased_until - $1::float8 * interval '1 s'
                   else leased_until end;
"""
AGE_DEDUPLICATION = "update rung.message_deduplication set expires_at = expires_at - $1::float8 * interval '1 s'"


class PostgresHarness:
    """A fresh database on a server that may be killed."""

    def __init__(self, server: PostgresServer, database: str) -> None:
        self._server = server
        self.url = server.url_of(database)
        self._proxy: FaultProxy | None = None
        self._clock = ShiftedClock()
        self.queues: list[PostgresQueue] = []

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
    ) -> PostgresQueue:
        port = self._server.port if self._proxy is None else self._proxy.port
        binding = QueueBinding(
            url=self.url.replace(f":{self._server.port}/", f":{port}/"),
            lanes=lanes,
            fair=fair,
            delay_seconds=delay_seconds,
            visibility_timeout_seconds=visibility_timeout_seconds,
            max_receive_count=max_receive_count,
        )
        self.queues.append(
            PostgresQueue(
                "orders",
                binding,
                backoff=backoff,
                deduplication_window_seconds=deduplication_window_seconds,
                randomness=random.Random(7),
                clock=self._clock,
            )
        )
        return self.queues[-1]

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
        connection = await asyncpg.connect(self.url)
        await connection.execute(AGE.replace("$1", repr(float(seconds))))
        await connection.execute(AGE_DEDUPLICATION.replace("$1", repr(float(seconds))))
        await connection.close()
        self._clock.shift_seconds += seconds

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Any]:
        connection = await asyncpg.connect(self.url)
        try:
            async with connection.transaction():
                yield connection
        finally:
            await connection.close()

    async def crash_broker(self) -> None:
        self._server.kill()
        self._server.restart()


@pytest.fixture(scope="module")
def killable_server(server_directory: Path) -> Iterator[PostgresServer]:
    """A server with its durability on, which a test may kill."""
    server = start_postgres(server_directory / "killable", settings={"shared_buffers": "64MB"})
    yield server
    server.stop()


class TestPostgres(QueueConformance):
    @pytest.fixture
    async def harness(self, killable_server: PostgresServer) -> AsyncIterator[PostgresHarness]:
        name = f"test_{secrets.token_hex(6)}"
        connection = await asyncpg.connect(killable_server.url)
        await connection.execute(f"create database {name}")
        await connection.close()
        harness = PostgresHarness(killable_server, name)
        yield harness
        await harness.close()


class MemoryHarness:
    """One broker in memory."""

    def __init__(self) -> None:
        self._clock = ShiftedClock()
        self._broker = MemoryBroker(self._clock)

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
    ) -> MemoryQueue:
        return MemoryQueue(
            "orders",
            lanes=lanes,
            fair=fair,
            delay_seconds=delay_seconds,
            visibility_timeout_seconds=visibility_timeout_seconds,
            max_receive_count=max_receive_count,
            backoff=backoff,
            deduplication_window_seconds=deduplication_window_seconds,
            randomness=random.Random(7),
            broker=self._broker,
        )

    async def advance(self, seconds: float) -> None:
        self._clock.shift_seconds += seconds

    def transaction(self) -> Any:
        raise NotImplementedError("memory has no transactions")

    async def crash_broker(self) -> None:
        raise NotImplementedError("memory does not survive")


class TestMemory(QueueConformance):
    @pytest.fixture
    def harness(self) -> MemoryHarness:
        return MemoryHarness()

"""F03: kill -9 a backend, then the postmaster, under load. The pool heals by itself; nobody hangs."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from rung.local.postgres import PostgresServer, start_postgres
from rung.runtime import Database
from rung.runtime.errors import OverloadedError, UnavailableError

pytestmark = pytest.mark.fault
HEAL_SECONDS = 10.0


@pytest.fixture
def server(server_directory: Path) -> Iterator[PostgresServer]:
    """A server of this test alone, to be killed."""
    server = start_postgres(
        server_directory / secrets.token_hex(4), settings={"fsync": "off", "shared_buffers": "32MB"}
    )
    yield server
    server.stop()


class Load:
    """Callers that write one row each, again and again, and count what they hear."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.heard: Counter[str] = Counter()
        self.longest_seconds = 0.0
        self.shortest_retry_seconds = 1.0
        self.acknowledged = 0
        self.last_success_at = 0.0
        self._stopping = False

    async def caller(self) -> None:
        while not self._stopping:
            began = time.monotonic()
            try:
                await self.database.execute("insert into effect default values")
            except (UnavailableError, OverloadedError) as error:
                self.heard[type(error).__name__] += 1
                self.shortest_retry_seconds = min(self.shortest_retry_seconds, error.retry_after_seconds)
                await asyncio.sleep(0.02)
            else:
                self.acknowledged += 1
                self.last_success_at = time.monotonic()
            self.longest_seconds = max(self.longest_seconds, time.monotonic() - began)

    async def success_after(self, moment: float) -> float:
        """Seconds from `moment` until the next acknowledged write."""
        while self.last_success_at <= moment:
            if time.monotonic() - moment > HEAL_SECONDS + 5:
                pytest.fail(f"nothing succeeded for {HEAL_SECONDS + 5} s: {self.heard}")
            await asyncio.sleep(0.01)
        return self.last_success_at - moment

    def stop(self) -> None:
        self._stopping = True


async def test_the_pool_heals_after_a_backend_and_after_the_postmaster(server: PostgresServer) -> None:
    database = Database.from_url(server.url, pool_size=4)
    await database.execute("create table effect (id bigint generated always as identity)")
    load = Load(database)
    callers = [asyncio.create_task(load.caller()) for _ in range(8)]
    await load.success_after(time.monotonic())

    async with database.connection() as connection:
        victim = connection.get_server_pid()
    os.kill(victim, signal.SIGKILL)  # the server drops every session and recovers
    assert await load.success_after(time.monotonic()) < HEAL_SECONDS

    server.kill()
    await asyncio.sleep(0.5)
    assert load.heard["UnavailableError"] > 0
    restarting = asyncio.create_task(asyncio.to_thread(server.restart))
    killed_at = time.monotonic()
    assert await load.success_after(killed_at) < HEAL_SECONDS
    await restarting

    load.stop()
    await asyncio.gather(*callers)
    assert load.longest_seconds < 2.5, "a caller hung"
    assert load.shortest_retry_seconds > 0
    assert await database.fetch_value("select count(*) from effect") >= load.acknowledged  # none was lost
    assert database.statistics().size <= 4
    await database.close()


async def test_reads_on_pooled_connections_survive_a_crash_of_the_server(server: PostgresServer) -> None:
    """One backend dies, the others are dropped, the server is back in a third of a second: no reader notices."""
    database = Database.from_url(server.url, pool_size=3)
    async with database.connection() as one, database.connection() as two:
        victim = one.get_server_pid()
        await two.fetchval("select 1")
    os.kill(victim, signal.SIGKILL)
    while not two.is_closed():  # noqa: ASYNC110 - until the server has noticed, and drops every session
        await asyncio.sleep(0.001)
    assert await asyncio.gather(*(database.fetch_value("select 1") for _ in range(3))) == [1, 1, 1]
    await database.close()

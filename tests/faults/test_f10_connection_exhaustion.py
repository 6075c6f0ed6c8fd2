"""F10: somebody holds every connection of the server: callers hear it within a second, an operator gets in."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from rung.local.postgres import PostgresServer, start_postgres
from rung.runtime import Database
from rung.runtime.database.limits import pool_size_for
from rung.runtime.errors import OverloadedError

pytestmark = pytest.mark.fault
MAX_CONNECTIONS = 12


@pytest.fixture
def server(server_directory: Path) -> Iterator[PostgresServer]:
    settings = {"fsync": "off", "shared_buffers": "16MB", "max_connections": str(MAX_CONNECTIONS)}
    server = start_postgres(server_directory / secrets.token_hex(4), settings=settings)
    yield server
    server.stop()


@pytest.fixture
async def application_url(server: PostgresServer) -> str:
    """An ordinary role: a superuser may take the reserved slots."""
    connection = await asyncpg.connect(server.url)
    await connection.execute("create role application login password 'p'")
    await connection.close()
    return server.url_of("postgres", user="application", password="p")


async def hold_every_slot(url: str) -> list[asyncpg.Connection]:
    held: list[asyncpg.Connection] = []
    while True:
        try:
            held.append(await asyncpg.connect(url))
        except asyncpg.TooManyConnectionsError:
            return held


async def test_callers_are_told_within_a_second_and_served_when_slots_return(
    server: PostgresServer, application_url: str
) -> None:
    held = await hold_every_slot(application_url)
    database = Database.from_url(application_url, pool_size=4)
    for _ in range(2):
        began = time.monotonic()
        answers = await asyncio.gather(*(database.fetch("select 1") for _ in range(10)), return_exceptions=True)
        assert all(isinstance(answer, OverloadedError) for answer in answers), answers
        assert time.monotonic() - began <= 1.2

    operator = await asyncpg.connect(server.url)  # superuser_reserved_connections
    assert await operator.fetchval("select 1") == 1
    await operator.close()

    await asyncio.gather(*(connection.close() for connection in held))
    deadline = time.monotonic() + 10
    while True:
        try:
            assert await database.fetch_value("select 1") == 1
            break
        except OverloadedError:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.05)
    await database.close()


async def test_pools_sized_by_the_server_leave_room(server: PostgresServer, application_url: str) -> None:
    processes = 3
    size = pool_size_for(MAX_CONNECTIONS, processes)
    assert processes * size <= MAX_CONNECTIONS * 0.8
    pools = [Database.from_url(application_url, pool_size=size) for _ in range(processes)]
    await asyncio.gather(*(pool.fetch("select pg_sleep(0.3)") for pool in pools for _ in range(size * 3)))
    migration = await asyncpg.connect(application_url)  # still fits
    used = await migration.fetchval("select count(*) from pg_stat_activity where usename = 'application'")
    assert used <= processes * size + 1
    await migration.close()
    for pool in pools:
        await pool.close()


@pytest.mark.parametrize(("connections", "processes", "size"), [(100, 4, 19), (100, 1, 77), (20, 40, 1)])
def test_the_share_of_one_process(connections: int, processes: int, size: int) -> None:
    assert pool_size_for(connections, processes) == size

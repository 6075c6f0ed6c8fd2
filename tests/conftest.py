"""Real servers for every test: one Postgres and one Redis per test process, a fresh database per test."""

from __future__ import annotations

import os
import secrets
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest

from rung.local.postgres import PostgresServer, start_postgres
from rung.local.redis import RedisServer, start_redis


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """A Postgres of this test process. Do not kill it: start one of your own for that."""
    directory = tmp_path_factory.mktemp("postgres")
    _make_reachable(directory)
    server = start_postgres(directory, settings={"fsync": "off", "shared_buffers": "64MB"})
    yield server
    server.stop()


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A Redis of this test process. Do not kill it: start one of your own for that."""
    server = start_redis(tmp_path_factory.mktemp("redis"))
    yield server
    server.stop()


@pytest.fixture
async def postgres_url(postgres_server: PostgresServer) -> AsyncIterator[str]:
    """A database of this test alone, as the superuser; dropped afterwards."""
    name = f"test_{secrets.token_hex(6)}"
    connection = await asyncpg.connect(postgres_server.url)
    await connection.execute(f"create database {name}")
    yield postgres_server.url_of(name)
    await connection.execute(f"drop database {name} with (force)")
    await connection.close()


@pytest.fixture
async def redis_url(redis_server: RedisServer) -> str:
    """This process's Redis, emptied before the test."""
    import redis.asyncio

    client = redis.asyncio.from_url(redis_server.url)
    await client.flushall()
    await client.aclose()
    return redis_server.url


def _make_reachable(directory: Path) -> None:
    """When tests run as root, the unprivileged server must reach pytest's private folders."""
    if os.geteuid() == 0:
        for folder in (directory, *directory.parents[:3]):
            if folder.owner() == "root" and folder != Path("/"):
                folder.chmod(folder.stat().st_mode | 0o011)

"""The embedded servers are real, keep their data over a crash, and are not open to whoever is on the machine."""

from __future__ import annotations

from pathlib import Path

import asyncpg
import pytest
import redis

from rung.local.postgres import start_postgres
from rung.local.redis import start_redis


async def test_postgres_keeps_committed_rows_over_a_kill(tmp_path: Path) -> None:
    server = start_postgres(tmp_path / "postgres")
    try:
        connection = await asyncpg.connect(server.url)
        await connection.execute("create table kept (id int)")
        await connection.execute("insert into kept values (1)")
        server.kill()
        server.restart()
        connection = await asyncpg.connect(server.url)
        assert await connection.fetchval("select count(*) from kept") == 1
        await connection.close()
    finally:
        server.stop()


async def test_postgres_has_pgvector_and_refuses_a_wrong_password(tmp_path: Path) -> None:
    server = start_postgres(tmp_path / "postgres")
    try:
        connection = await asyncpg.connect(server.url)
        await connection.execute("create extension vector")
        assert await connection.fetchval("select '[1,2]'::vector <-> '[1,3]'::vector") == 1.0
        await connection.close()
        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(server.url_of("postgres", password="wrong"))
    finally:
        server.stop()


def test_redis_restarts_with_or_without_its_data(tmp_path: Path) -> None:
    server = start_redis(tmp_path / "redis")
    try:
        client = redis.Redis.from_url(server.url)
        client.set("kept", "1")
        server.stop()
        server.restart()
        assert client.get("kept") == b"1"
        server.kill()
        server.restart(empty=True)
        assert client.get("kept") is None
        client.close()
    finally:
        server.stop()


def test_redis_refuses_a_client_without_the_password(tmp_path: Path) -> None:
    server = start_redis(tmp_path / "redis")
    try:
        with redis.Redis(port=server.port) as client, pytest.raises(redis.AuthenticationError):
            client.get("anything")
    finally:
        server.stop()

"""F09: half-open TCP: a connection dies without a word while the server lives. Nothing waits beyond its limit."""

from __future__ import annotations

import asyncio
import socket
import sys
import time
from urllib.parse import urlsplit

import asyncpg
import pytest
from tests.faults.lateness import Lateness

from rung.runtime import Context, Database, Deadline, serving
from rung.runtime.database import Limits
from rung.runtime.errors import DeadlineExceededError, UnavailableError
from rung.testing import FaultProxy

pytestmark = pytest.mark.fault


def through(url: str, proxy: FaultProxy) -> str:
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.replace(f":{parts.port}", f":{proxy.port}")).geturl()


async def test_a_dead_connection_fails_at_the_limit_and_the_next_call_works(postgres_url: str) -> None:
    """The proxy swallows what the pool's one connection says; new connections reach the server."""
    port = urlsplit(postgres_url).port
    assert port is not None
    async with FaultProxy("127.0.0.1", port) as dead, FaultProxy("127.0.0.1", port) as alive:
        limits = Limits(statement_seconds=1.0)
        database = Database.from_url(through(postgres_url, dead), pool_size=1, limits=limits)
        await database.fetch("select 1")
        dead.blackhole()
        database.binding = type(database.binding)(url=through(postgres_url, alive), pool_size=1)
        async with Lateness() as late:
            began = time.monotonic()
            with pytest.raises((DeadlineExceededError, UnavailableError)):
                await database.execute("select 1")
            took = time.monotonic() - began
        assert took <= limits.call_seconds * 1.1 + 0.3 + 2 * late.seconds
        while True:
            try:
                assert await database.fetch_value("select 2") == 2
                break
            except (DeadlineExceededError, UnavailableError):
                assert time.monotonic() - began < 10
                await asyncio.sleep(0.05)
        await database.close()


async def run_into_silence(database: Database, proxy: FaultProxy, statement: str) -> None:
    async with database.transaction() as connection:
        prepared = await connection.prepare("select $1::int")
        proxy.blackhole()
        if statement == "prepared":
            await prepared.fetch(1)
        elif statement == "cursor":
            async for _ in connection.cursor("select 1"):
                pass
        elif statement == "copy":
            await connection.copy_records_to_table("nothing", records=[(1,)])


@pytest.mark.parametrize("statement", ["commit", "prepared", "cursor", "copy"])
async def test_every_kind_of_call_ends_with_the_deadline(postgres_url: str, statement: str) -> None:
    port = urlsplit(postgres_url).port
    assert port is not None
    async with FaultProxy("127.0.0.1", port) as proxy:
        database = Database.from_url(through(postgres_url, proxy), pool_size=1)
        await database.fetch("select 1")
        with serving(Context(correlation_id="c", deadline=Deadline.after(0.5))):
            async with Lateness() as late:
                began = time.monotonic()
                with pytest.raises((DeadlineExceededError, UnavailableError)):
                    await run_into_silence(database, proxy, statement)
                took = time.monotonic() - began
            assert took <= 0.5 * 1.1 + 0.2 + 2 * late.seconds
        await database.close()


@pytest.mark.skipif(sys.platform != "linux", reason="the option has another name elsewhere")
async def test_the_kernel_gives_up_on_a_silent_peer(postgres_url: str) -> None:
    database = Database.from_url(postgres_url, pool_size=1)
    async with database.connection() as connection:
        raw = connection._transport.get_extra_info("socket")
        read = raw.getsockopt
        assert read(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
        assert read(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 10
        assert read(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 2000
    await database.close()


async def test_a_server_that_accepts_and_says_nothing_is_given_up(unused_tcp_port: int) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", unused_tcp_port)
    database = Database.from_url(f"postgresql://a:b@127.0.0.1:{unused_tcp_port}/c")
    async with Lateness() as late:
        began = time.monotonic()
        with pytest.raises(UnavailableError):
            await database.fetch("select 1")
        took = time.monotonic() - began
    assert took < 1.5 + 2 * late.seconds
    await database.close()
    server.close()


async def test_no_limit_is_left_at_the_default_of_postgres(postgres_url: str) -> None:
    """Postgres sets none of these; asyncpg has no limit either."""
    plain = await asyncpg.connect(postgres_url)
    database = Database.from_url(postgres_url, pool_size=1)
    async with database.connection() as connection:
        for name in (
            "statement_timeout",
            "lock_timeout",
            "idle_in_transaction_session_timeout",
            "client_connection_check_interval",
        ):
            assert await plain.fetchval(f"show {name}") == "0"
            assert await connection.fetchval(f"show {name}") != "0"
    await plain.close()
    await database.close()

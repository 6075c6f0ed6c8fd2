"""The queue's own few connections: opened on first use, and planned for a hot table."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg

from rung.runtime import lifespan
from rung.runtime.clock import SYSTEM_CLOCK
from rung.runtime.database import connection as database_connection
from rung.runtime.database import pool as database_pool
from rung.runtime.database.limits import Limits
from rung.runtime.errors import UnavailableError
from rung.runtime.queue.postgres import sql
from rung.runtime.queue.postgres.schema import install_queue

STATEMENT_SECONDS = 10.0
NOT_INSTALLED = "R0506"

# The table is empty at one moment and has 100,000 rows at the next, and a prepared plan outlives both. Every
# statement here has an index to use: never plan for the empty table.
PLANNER_SETTINGS = {
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "enable_bitmapscan": "off",
    "jit": "off",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueLimits(Limits):
    """The limits of a database, with the planner told about a table that fills and empties.

    What a worker says of its messages is not refused because a hundred handlers ended at once: their number is
    bounded already, and what was not said costs a delivery.
    """

    statement_seconds: float = STATEMENT_SECONDS
    waiting_per_connection: int = 250
    expected_wait_seconds: float = 1.0

    def server_settings(self) -> dict[str, str]:
        """The bounds that the server enforces, and how it plans."""
        return {**Limits.server_settings(self), **PLANNER_SETTINGS}


class Pool:
    """At most `size` connections to the queue's database.

    Not the application's pool: a handler that holds every connection there must not keep its own message from
    being acknowledged.
    """

    def __init__(self, url: str, queue: str, *, size: int, credentials_secret: str | None = None) -> None:
        self._url = url
        self._secret = credentials_secret
        self._queue = queue
        self._size = size
        self._pool: database_pool.Pool | None = None
        self._installed = False
        self._installing = asyncio.Lock()
        self._forget: Callable[[], None] = _nothing
        self._close_queue: Callable[[], Awaitable[None]] | None = None

    async def fetch(self, query: str, *arguments: Any) -> list[Any]:
        """Run one statement; its rows. Raises UnavailableError, OverloadedError, DeadlineExceededError."""
        pool = await self._ready()
        connection = pool.acquire_nowait() or await pool.acquire()
        try:
            rows: list[Any] = await connection.run_one(query, arguments, 0)
            return rows
        finally:
            pool.release(connection)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[database_connection.BoundConnection]:
        """One of the connections, for several statements. Raises as `fetch` does."""
        pool = await self._ready()
        connection = await pool.acquire()
        try:
            yield connection
        finally:
            pool.release(connection)

    async def value(self, query: str, *arguments: Any) -> Any:
        """Run one statement and return the first column of its first row, or None. Raises as `fetch` does."""
        rows = await self.fetch(query, *arguments)
        return rows[0][0] if rows else None

    async def ensure_installed(self) -> None:
        """Make sure that the tables are there, before a caller's own transaction writes to them."""
        if not self._installed:
            await self._install(self._running())

    async def _ready(self) -> database_pool.Pool:
        pool = self._running()
        if not self._installed:
            await self._install(pool)
        return pool

    def _running(self) -> database_pool.Pool:
        """The pool of the running loop. One left by a loop that has ended (tests, `asyncio.run`) is dropped."""
        if self._pool is None or self._pool.loop is not asyncio.get_running_loop():
            self._forget()
            self._pool = database_pool.Pool(
                self._connect, limit=self._size, limits=QueueLimits(), clock=SYSTEM_CLOCK
            )
            self._installing = asyncio.Lock()
            if self._close_queue is not None:
                name = f"queue {self._queue}"
                self._forget = lifespan.register(name, close=self._close_queue, check=self._check)
        return self._pool

    def on_close(self, close: Callable[[], Awaitable[None]]) -> None:
        """Have the process close this queue, and check it, with its other resources."""
        self._close_queue = close

    async def _check(self) -> None:
        await self.fetch("select 1")

    async def _connect(self) -> database_connection.BoundConnection:
        return await database_connection.connect(
            self._url, QueueLimits(), credentials_secret=self._secret, application=f"rung queue {self._queue}"
        )

    async def _install(self, pool: database_pool.Pool) -> None:
        async with self._installing:
            if self._installed:
                return
            connection = await pool.acquire()
            try:
                if not await connection.fetchval(sql.IS_INSTALLED):
                    await install_queue(connection)
            except asyncpg.InsufficientPrivilegeError as error:
                raise UnavailableError(
                    f"{NOT_INSTALLED}: the database of queue {self._queue!r} has no queue tables, and this role "
                    "may not create them; run install_queue(connection, roles=[...]) once, as the owner"
                ) from error
            finally:
                pool.release(connection)
            self._installed = True

    async def close(self) -> None:
        """Close every connection; waits for nobody."""
        self._forget()
        self._forget = _nothing
        pool, self._pool = self._pool, None
        if pool is not None and pool.loop is asyncio.get_running_loop():
            await pool.close()


def _nothing() -> None:
    pass

"""The queue's own few connections: opened on first use, planned for a hot table, errors in our words."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg

from rung.runtime.errors import UnavailableError
from rung.runtime.queue.postgres import sql
from rung.runtime.queue.postgres.schema import install_queue

CONNECT_TIMEOUT_SECONDS = 2
COMMAND_TIMEOUT_SECONDS = 10.0

# The table is empty at one moment and has 100,000 rows at the next, and a prepared plan outlives both. Every
# statement here has an index to use: never plan for the empty table.
SETTINGS = {
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "enable_bitmapscan": "off",
    "jit": "off",
    "idle_in_transaction_session_timeout": "10s",
}

_UNREACHABLE = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.TooManyConnectionsError,
)


class _QuickConnection(asyncpg.Connection):  # type: ignore[misc]
    """Leaves out the reset round trip when it goes back to the pool: our statements leave nothing behind."""

    __slots__ = ()

    def get_reset_query(self) -> str:
        return ""


class Pool:
    """At most `size` connections to the queue's database."""

    def __init__(self, url: str, queue: str, *, size: int) -> None:
        self._url = url
        self._queue = queue
        self._size = size
        self._pool: Any = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._opening = asyncio.Lock()

    async def fetch(self, query: str, *arguments: Any) -> list[Any]:
        """Run one statement and return its rows. Raises UnavailableError when the server is away."""
        pool = self._pool if self._loop is asyncio.get_running_loop() else await self._open()
        try:
            rows: list[Any] = await pool.fetch(query, *arguments)
        except _UNREACHABLE as error:
            raise self._unavailable(error) from error
        return rows

    async def value(self, query: str, *arguments: Any) -> Any:
        """Run one statement and return the first column of its first row, or None."""
        pool = self._pool if self._loop is asyncio.get_running_loop() else await self._open()
        try:
            return await pool.fetchval(query, *arguments)
        except _UNREACHABLE as error:
            raise self._unavailable(error) from error

    async def _open(self) -> Any:
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            self._opening = self._opening if self._loop is None else asyncio.Lock()
        async with self._opening:
            if self._pool is None or self._loop is not loop:
                try:
                    self._pool = await self._connect()
                except _UNREACHABLE as error:
                    raise self._unavailable(error) from error
                self._loop = loop
            return self._pool

    async def _connect(self) -> Any:
        pool = await asyncpg.create_pool(
            self._url,
            min_size=1,
            max_size=self._size,
            timeout=CONNECT_TIMEOUT_SECONDS,
            command_timeout=COMMAND_TIMEOUT_SECONDS,
            max_inactive_connection_lifetime=60.0,
            connection_class=_QuickConnection,
            server_settings={**SETTINGS, "application_name": f"rung queue {self._queue}"},
        )
        if not await pool.fetchval(sql.IS_INSTALLED):
            await self._install(pool)
        return pool

    async def _install(self, pool: Any) -> None:
        try:
            async with pool.acquire() as connection:
                await install_queue(connection)
        except asyncpg.InsufficientPrivilegeError as error:
            await pool.close()
            raise UnavailableError(
                f"R0506: the database of queue {self._queue!r} has no queue tables, and this role may not create "
                "them; run install_queue(connection, roles=[...]) once, as the owner"
            ) from error

    def _unavailable(self, error: BaseException) -> UnavailableError:
        kind = type(error).__name__
        return UnavailableError(f"the database of queue {self._queue!r} cannot be reached: {kind}")

    async def close(self) -> None:
        """Close every connection, within a few seconds even when the server does not answer."""
        pool, self._pool, self._loop = self._pool, None, None
        if pool is None:
            return
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_SECONDS):
                await pool.close()
        except (TimeoutError, OSError, asyncpg.InterfaceError):
            pool.terminate()

"""Connections to Redis: redis-py's own, in a pool that does only what we need.

redis-py's pools check every connection for stray bytes, every command for cluster events and every read against
a timer of its own. Here the caller's one total time covers all of that, a connection whose call did not end
properly is closed, and only one that lay idle is checked: about half of the time per command
(`benchmarks/cache.py`).
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

from hiredis import pack_command
from redis.asyncio import ConnectionPool
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, RedisError, ResponseError

from rung.runtime.cache.credentials import Credentials

#: A connection that lay idle for longer is looked at before it is used.
_IDLE_SECONDS = 1.0


class Pool:
    """At most `max_connections`, opened when needed; whoever finds none free waits. No time limits of its own."""

    def __init__(self, url: str, *, max_connections: int, credentials: Credentials | None = None) -> None:
        self._credentials = credentials
        #: Parses the URL and makes connections; also what redis-py's PubSub wants.
        self.factory = ConnectionPool.from_url(
            url,
            socket_timeout=None,
            socket_connect_timeout=None,
            socket_keepalive=True,
            retry=Retry(NoBackoff(), 0),
            driver_info=None,
            **({} if credentials is None else {"credential_provider": credentials}),
        )
        self._idle: list[tuple[AbstractConnection, float]] = []
        self._free = asyncio.Semaphore(max_connections)
        self._closed_times = 0

    async def execute(self, command: tuple[Any, ...]) -> Any:
        """Send one command, return its answer. Raises redis-py's errors."""
        try:
            return await self._execute(command)
        except AuthenticationError:
            if self._credentials is None:
                raise
            self._credentials.refused()  # rotated, most likely
            return await self._execute(command)

    async def _execute(self, command: tuple[Any, ...]) -> Any:
        async with self._free:
            closed_times = self._closed_times
            connection = await self._take()
            try:
                await connection.send_packed_command(pack_command(command))
                answer = await connection.read_response()
            except ResponseError:
                await self._keep(connection, closed_times)
                raise
            except BaseException:
                # Cancelled or broken half-way: its next answer would be this call's, given to somebody else.
                await connection.disconnect(nowait=True)
                raise
            await self._keep(connection, closed_times)
            return answer

    async def _keep(self, connection: AbstractConnection, closed_times: int) -> None:
        if closed_times == self._closed_times:
            self._idle.append((connection, time.monotonic()))
        else:  # whoever closed the pool could not see this one, and nobody will close it again
            await connection.disconnect(nowait=True)

    async def drop_idle(self) -> None:
        """Close what is not in use: after an outage none of it is of any worth."""
        idle, self._idle = self._idle, []
        for connection, _ in idle:
            await connection.disconnect(nowait=True)

    async def close(self) -> None:
        """Close what is not in use, and what redis-py's PubSub has given back; the rest when its call ends."""
        self._closed_times += 1
        await self.drop_idle()
        await self.factory.disconnect()

    async def _take(self) -> AbstractConnection:
        while self._idle:
            connection, since = self._idle.pop()
            young = time.monotonic() - since < _IDLE_SECONDS
            if not _is_ended(connection) and (young or await self._is_sound(connection)):
                return connection
            await connection.disconnect(nowait=True)
        made: AbstractConnection = self.factory.make_connection()  # type: ignore[no-untyped-call]
        return made

    async def _is_sound(self, connection: AbstractConnection) -> bool:
        try:
            return not await connection.can_read()
        except (RedisError, OSError):
            return False
        except BaseException:  # cancelled: nobody else knows of it any more
            await connection.disconnect(nowait=True)
            raise


def _is_ended(connection: AbstractConnection) -> bool:
    """Whether the server is known to have ended it, as all of them when it crashes: costs no round of the loop."""
    reader = connection._reader  # noqa: SLF001 - redis-py has no other way to ask without reading
    return reader is None or reader.at_eof() or reader.exception() is not None

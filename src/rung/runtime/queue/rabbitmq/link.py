"""One connection to RabbitMQ, opened when it is needed and again after it broke."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import aiormq
from aiormq.abc import AbstractConnection
from aiormq.channel import Channel
from aiormq.exceptions import AMQPError, ChannelInvalidStateError, ChannelPreconditionFailed
from yarl import URL

from rung.runtime.database.login import logins
from rung.runtime.errors import UnavailableError
from rung.runtime.queue.rabbitmq.topology import Topology
from rung.runtime.queue.rabbitmq.wire import Wire

CONNECT_SECONDS = 5.0
#: For everything else that is asked of the server: confirms, declarations, counts.
CALL_SECONDS = 10.0
_REFUSED = "R0515"
#: What a broken connection raises, whatever was under way.
FAILURES = (AMQPError, ChannelInvalidStateError, OSError, asyncio.TimeoutError)
_AUTHENTICATION = (aiormq.exceptions.AuthenticationError, aiormq.exceptions.ProbableAuthenticationError)

Result = TypeVar("Result")


class Link:
    """A connection of one event loop, with channels by their purpose. The lanes are declared when it is opened.

    `receives`: messages come over it, and not only confirms.
    """

    def __init__(
        self,
        url: str,
        topology: Topology,
        *,
        credentials_secret: str | None = None,
        heartbeat_seconds: int,
        receives: bool = False,
    ) -> None:
        self.loop = asyncio.get_running_loop()
        self.topology = topology
        self._url = URL(url).update_query(heartbeat=heartbeat_seconds, name=f"rung queue {topology.name}")
        self._secret = credentials_secret
        self._receives = receives
        self._wire = Wire(hears_confirms=False)
        self._connection: AbstractConnection | None = None
        self._channels: dict[str, Channel] = {}
        self._opening = asyncio.Lock()
        self._failures = 0
        self._failure = ""

    async def channel(self, purpose: str, *, confirms: bool = False) -> Channel:
        """The channel for a purpose. Raises UnavailableError within `CONNECT_SECONDS` + `CALL_SECONDS`.

        While a server is away, callers that come together try it once and share the answer.
        """
        there = self._channels.get(purpose)
        if there is not None and _is_open(there) and self.is_open:
            return there
        before = self._failures
        async with self._opening:
            if self._failures > before:
                raise UnavailableError(self._failure)
            try:
                return await self._opened(purpose, confirms=confirms)
            except UnavailableError as error:
                self._failures, self._failure = self._failures + 1, str(error)
                raise

    async def _opened(self, purpose: str, *, confirms: bool) -> Channel:
        there = self._channels.get(purpose)
        if there is not None and _is_open(there) and self.is_open:
            return there
        try:
            connection = await self._connected()
            async with asyncio.timeout(CALL_SECONDS):
                channel = await connection.channel(publisher_confirms=confirms)
        except FAILURES as error:
            raise unavailable("opening a channel", error) from error
        assert isinstance(channel, Channel)
        self._channels[purpose] = channel
        if confirms:
            self._wire.watch(channel)
        return channel

    @property
    def wire(self) -> Wire:
        """That of the connection which there was last."""
        return self._wire

    @property
    def is_open(self) -> bool:
        """Whether there is a connection, as far as is known."""
        return self._connection is not None and not self._connection.is_closed and self._connection.is_opened

    @property
    def version(self) -> tuple[int, ...]:
        """Of the server: (3, 10)."""
        assert self._connection is not None
        return version_of(str(self._connection.server_properties.get("version", "")))

    async def _connected(self) -> AbstractConnection:
        if self._connection is not None and self.is_open:
            return self._connection
        await self.abandon()
        async with asyncio.timeout(CONNECT_SECONDS):
            self._connection = await self._log_in()
        try:
            async with asyncio.timeout(CALL_SECONDS):
                await self._declare(self._connection)
        except BaseException:
            await self.abandon()  # half declared: neither to be used nor to be left open
            raise
        return self._connection

    async def _log_in(self) -> AbstractConnection:
        if self._secret is None:
            return await self._connect(self._url)
        refused: Exception | None = None
        async for login in logins(self._secret):
            try:
                return await self._connect(self._url.with_user(login.user).with_password(login.password))
            except UnavailableError as error:
                refused = error
        assert refused is not None
        raise refused

    async def _connect(self, url: URL) -> AbstractConnection:
        self._wire = Wire(hears_confirms=not self._receives)
        try:
            return await aiormq.connect(url, transport_factory=self._wire)
        except _AUTHENTICATION as error:
            raise UnavailableError(
                f"{_REFUSED}: RabbitMQ at {url.host}:{url.port} refuses {url.user!r} with its password"
            ) from error

    async def _declare(self, connection: AbstractConnection) -> None:
        while True:
            channel = await connection.channel(publisher_confirms=False)
            assert isinstance(channel, Channel)
            try:
                await self.topology.declare(channel, self.version)
            except ChannelPreconditionFailed:
                continue  # one queue less to declare: see there
            await channel.close()
            return

    async def call(self, purpose: str, act: Callable[[Channel], Awaitable[Result]]) -> Result:
        """Do something on the channel of a purpose, within `CALL_SECONDS`. Raises UnavailableError."""
        channel = await self.channel(purpose)
        try:
            async with asyncio.timeout(CALL_SECONDS):
                return await act(channel)
        except FAILURES as error:
            raise unavailable(purpose, error) from error

    async def abandon(self) -> None:
        """Drop the connection without waiting for the server."""
        connection, self._connection = self._connection, None
        self._channels.clear()
        if connection is not None:
            await _close(connection, seconds=0.5)

    async def close(self) -> None:
        """Say good-bye."""
        connection, self._connection = self._connection, None
        self._channels.clear()
        if connection is not None:
            await _close(connection, seconds=2.0)


def _is_open(channel: Channel) -> bool:
    return not channel.is_closed


async def _close(connection: AbstractConnection, *, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await connection.close()
    except (*FAILURES, asyncio.InvalidStateError):
        return  # it was broken already


def version_of(text: str) -> tuple[int, ...]:
    """The numbers of a version: "3.10.8" is (3, 10, 8)."""
    numbers = []
    for part in text.split("."):
        if not part.isdecimal():
            break
        numbers.append(int(part))
    return tuple(numbers)


def unavailable(what: str, error: BaseException) -> UnavailableError:
    """The error of a call that the server did not answer."""
    said = str(error) or type(error).__name__
    return UnavailableError(f"RabbitMQ did not answer ({what}): {said}")

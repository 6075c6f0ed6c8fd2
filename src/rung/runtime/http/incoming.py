"""The body of one request on its way in: counted, timed, decoded, and kept from holding a slot.

A body that dribbles in must not occupy a slot of the limiter, or a hundred slow clients stop the service
(F22). Bodies with a limit up to `SPOOL_LIMIT_BYTES` are therefore read whole before a slot is taken, out of a
budget for the process; larger ones are streamed, and their slot is lent out while we wait for the client.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from rung.runtime.errors import OverloadedError
from rung.runtime.http.asgi import AsgiMessage, Receive
from rung.runtime.http.body import BodyTooLargeError, Unzipper
from rung.runtime.http.problem import HttpError

if TYPE_CHECKING:
    from rung.runtime.http.request import Request

SPOOL_LIMIT_BYTES = 1_000_000
#: What is read and thrown away after a refusal, so that the client reads our answer and not a reset.
_LINGER_BYTES = 4_000_000
_LINGER_SECONDS = 1.0


class IncomingBody:
    """Made by `protect` for a request that has a body; `receive` is what the application is given."""

    __slots__ = (
        "_begun",
        "_limit_bytes",
        "_raw",
        "_request",
        "_size_bytes",
        "_spooled",
        "_unzipper",
        "ends_at",
        "spools",
    )

    def __init__(self, request: Request, raw: Receive, *, limit_bytes: int, unzipper: Unzipper | None) -> None:
        self._request = request
        self._raw = raw
        self._limit_bytes = limit_bytes
        self._unzipper = unzipper
        self._size_bytes = 0
        self._spooled: AsgiMessage | None = None
        self._begun = time.monotonic()
        self.ends_at = self._begun + request.protected.settings.body_seconds
        self.spools = limit_bytes <= SPOOL_LIMIT_BYTES

    async def spool(self) -> None:
        """Read the whole body. BodyTooLargeError, HttpError 400 when the client leaves, OverloadedError."""
        message = await self._next()
        if message.get("more_body", False):
            chunks = [message["body"]]
            while message.get("more_body", False):
                message = await self._next()
                chunks.append(message.get("body", b""))
            message = {"type": "http.request", "body": b"".join(chunks), "more_body": False}
        self._spooled = message

    async def receive(self) -> AsgiMessage:
        """The next part, as ASGI has it."""
        if self._spooled is not None:
            message, self._spooled = self._spooled, None
            return message
        if self.ends_at == float("inf"):
            return await self._raw()
        self._request.lend_slot()
        try:
            return await self._next()
        finally:
            self._request.take_slot_back()

    def forget(self) -> None:
        """Give the budget back."""
        self._request.protected.state.spooled_bytes -= self._size_bytes if self.spools else 0

    async def _next(self) -> AsgiMessage:
        message = await self._raw()
        if message["type"] != "http.request":
            raise HttpError(400, "client-gone", "the connection ended within the body")
        chunk: bytes = message.get("body", b"")
        self._count(len(chunk))
        if self._unzipper is not None:
            message = {**message, "body": self._unzipper.feed(chunk)}
        settings = self._request.protected.settings
        if message.get("more_body", False):
            self.ends_at = self._begun + settings.body_seconds + self._size_bytes / settings.body_rate_bytes
        else:
            self.ends_at = float("inf")
        self._request.set_end()
        return message

    def _count(self, size_bytes: int) -> None:
        self._size_bytes += size_bytes
        if self.spools:
            state = self._request.protected.state
            state.spooled_bytes += size_bytes
            if state.spooled_bytes > state.spool_budget_bytes:
                raise OverloadedError("too many request bodies are being read")
        if self._size_bytes > self._limit_bytes:
            raise BodyTooLargeError


async def linger(raw: Receive) -> None:
    """Read on for a moment after a refusal: closing with unread data sends a reset, which overtakes the answer."""

    async def discard() -> None:
        size = 0
        while size < _LINGER_BYTES:
            message = await raw()
            if message["type"] != "http.request" or not message.get("more_body", False):
                return
            size += len(message.get("body", b""))

    with suppress(TimeoutError):
        await asyncio.wait_for(discard(), _LINGER_SECONDS)

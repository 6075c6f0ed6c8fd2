"""The address that takes webhooks, as an ASGI application for any framework: mount it, or route to it.

It reads the raw body itself, because a signature is over bytes and not over what a parser made of them. Answers:
200 kept (or here before), 400 forged or stale, 405, 413, 503 when it could not be kept: the sender repeats it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import TYPE_CHECKING, Any

from rung.errors import ApplicationError
from rung.runtime.errors import DeadlineExceededError, MessageError, OverloadedError, UnavailableError
from rung.runtime.log import logger
from rung.runtime.webhooks.errors import SignatureRefusedError
from rung.runtime.webhooks.signature import Signature, Verified

if TYPE_CHECKING:
    from rung.runtime.webhooks.inbox import Inbox

#: What a queue takes with its headers, on the smallest broker.
BODY_BYTES_MAX = 240 * 1024
BODY_SECONDS = 10.0
REFUSED_LOG_SECONDS = 1.0

log = logger(__name__)

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class _RefusedError(Exception):
    """What is answered instead: a status, and a reason for the log and the sender."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class ReceivingEndpoint:
    """Takes the webhooks of one inbox. One per source; safe to share between requests."""

    def __init__(
        self,
        inbox: Inbox,
        signature: Signature,
        *,
        body_bytes_max: int = BODY_BYTES_MAX,
        body_seconds: float = BODY_SECONDS,
    ) -> None:
        self._inbox = inbox
        self._signature = signature
        self._body_bytes_max = body_bytes_max
        self._body_seconds = body_seconds
        self._said_at = -REFUSED_LOG_SECONDS
        self._unsaid = 0

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        """ASGI. Anything but an HTTP request is left unanswered, as the specification allows."""
        if scope["type"] != "http":
            return
        try:
            if scope["method"] != "POST":
                raise _RefusedError(405, "a webhook is a POST")
            is_new = await self._accept(await self._body(scope, receive), scope["headers"])
        except _RefusedError as refused:
            self._refused(refused)
            await _answer(send, refused.status, str(refused))
        else:
            await _answer(send, 200, "kept" if is_new else "here before")

    def _refused(self, refused: _RefusedError) -> None:
        """One line for all of a second: a stranger may send thousands, and a line costs more than refusing."""
        self._unsaid += 1
        now = time.monotonic()
        if now - self._said_at >= REFUSED_LOG_SECONDS:
            count, self._unsaid, self._said_at = self._unsaid, 0, now
            fields = {"status": refused.status, "reason": str(refused), "refused": count}
            log.warning("webhook refused", source=self._inbox.source, **fields)

    async def _accept(self, body: bytes, headers: Any) -> bool:
        try:
            return await self._inbox.accept(self._verified(body, headers))
        except (UnavailableError, OverloadedError, DeadlineExceededError) as error:
            raise _RefusedError(503, "the webhook could not be kept") from error
        except MessageError as error:
            raise _RefusedError(413, str(error)) from error
        except ApplicationError as error:
            log.error("the webhook could not be kept", source=self._inbox.source, error=str(error))
            raise _RefusedError(503, "the webhook could not be kept") from error

    def _verified(self, body: bytes, headers: Any) -> Verified:
        try:
            return self._signature.verify(body, headers)
        except SignatureRefusedError as error:
            raise _RefusedError(400, str(error)) from error

    async def _body(self, scope: Mapping[str, Any], receive: Receive) -> bytes:
        announced = next((value for name, value in scope["headers"] if name.lower() == b"content-length"), b"0")
        if announced.isdigit() and int(announced[:20]) > self._body_bytes_max:
            raise _RefusedError(413, f"a webhook has at most {self._body_bytes_max} bytes")
        try:
            async with asyncio.timeout(self._body_seconds):
                return await self._read(receive)
        except TimeoutError:
            raise _RefusedError(408, f"the body was not there in {self._body_seconds:g} s") from None

    async def _read(self, receive: Receive) -> bytes:
        body = bytearray()
        while True:
            event = await receive()
            if event["type"] == "http.disconnect":
                raise _RefusedError(400, "the sender hung up")
            body += event.get("body", b"")
            if len(body) > self._body_bytes_max:
                raise _RefusedError(413, f"a webhook has at most {self._body_bytes_max} bytes")
            if not event.get("more_body", False):
                return bytes(body)


async def _answer(send: Send, status: int, text: str) -> None:
    body = text.encode()
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode())]
    if status == 405:
        headers.append((b"allow", b"POST"))
    if status == 503:
        headers.append((b"retry-after", b"5"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})

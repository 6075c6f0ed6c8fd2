"""How long a request waits before Python sees it: this process asks itself, over a connection of its own.

The server's threads hand requests over one by one, and need the interpreter for it. When it is busy, requests
wait there, where the event loop's own queue looks short and no request carries the time of its arrival. So the
delay is sampled from outside: the time from sending one to its arrival, on a socket like everybody's.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Awaitable
from contextlib import suppress

from rung.runtime.http.asgi import ASGIApp, Receive, Scope, Send
from rung.runtime.http.state import PROBE_SECONDS, ServerState

_AGAIN_SECONDS = 0.2
_NO_CONTENT = {"type": "http.response.start", "status": 204, "headers": []}
_NOTHING = {"type": "http.response.body", "body": b""}


class Intake:
    """`app` beside a path that only this process knows, for `watch` to ask."""

    def __init__(self, app: ASGIApp, state: ServerState, *, host: str, port: int) -> None:
        self._app = app
        self._state = state
        self._host = host
        self._port = port
        self._path = f"/{secrets.token_hex(16)}"

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """The application's, but for our own questions."""
        if scope.get("path") == self._path:
            return self._arrived(send)
        return self._app(scope, receive, send)

    async def watch(self) -> None:
        """Ask as often as the probe, until cancelled. Without a connection the event loop's own delay counts."""
        while True:
            try:
                with suppress(OSError, EOFError, asyncio.LimitOverrunError):
                    await self._ask()
            finally:
                self._state.asks_outside = False
            await asyncio.sleep(_AGAIN_SECONDS)

    async def _ask(self) -> None:
        """Ask over one connection until it ends, or turns out to be another worker's of the same port."""
        reader, writer = await asyncio.open_connection(self._host, self._port)
        question = f"GET {self._path} HTTP/1.1\r\nhost: localhost\r\n\r\n".encode()
        try:
            while True:
                self._state.asked_outside_at = time.monotonic()
                writer.write(question)
                if not (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 204"):
                    return
                self._state.asks_outside = True
                await asyncio.sleep(PROBE_SECONDS)
        finally:
            writer.close()

    async def _arrived(self, send: Send) -> None:
        self._state.hear_outside()
        await send(_NO_CONTENT)
        await send(_NOTHING)

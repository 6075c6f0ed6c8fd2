"""One WebSocket while it is being served, and how it ends when its process does.

A drain closes it between two messages: what the application has received is answered first. The client is told
1012, "service restart" (IANA's registry of close codes), and comes back to another process.

granian keeps a close back while the application waits for a message (measured with 2.8: until the client sends
one, or for ever), so that wait is ended first, and then the application is told that the client is gone. Not
before the close has been sent: an application that returns has granian close without a code.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import Any

from rung.runtime.http.asgi import AsgiMessage, Receive, Scope, Send

_RESTARTING = 1012
_FAILED = 1011
_DISCONNECT = {"type": "websocket.disconnect", "code": _RESTARTING, "reason": "restarting"}
#: A message that was on its way when the drain began arrives within this time.
_QUIET_SECONDS = 0.1
#: The application waits for the next message and has sent nothing since the last one: either that needs no answer,
#: or somebody else works on it (another task, the program behind a proxy).
_UNANSWERED_SECONDS = 5.0
#: An application that does not wait for messages (any more) is not waited for longer than this.
_ANSWER_SECONDS = 10.0
#: After the close, for the application to end by itself.
_END_SECONDS = 2.0


class Socket:
    """What `protect` knows of one WebSocket; its `receive` and `send` are what the application is given."""

    __slots__ = (
        "_accepted",
        "_closed_at",
        "_delivered",
        "_gone",
        "_heard_at",
        "_raw_receive",
        "_raw_send",
        "_said_at",
        "_task",
        "_waiter",
        "scope",
    )

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scope = scope
        self._raw_receive = receive
        self._raw_send = send
        self._task = asyncio.current_task()
        self._accepted = False
        #: The task that waits for a message, and whether one has come already.
        self._waiter: asyncio.Task[Any] | None = None
        self._delivered = False
        #: When it was given one last, and when it sent one.
        self._heard_at = self._said_at = time.monotonic()
        #: When our close began, and that it has been sent.
        self._closed_at: float | None = None
        self._gone = asyncio.Event()

    async def receive(self) -> AsgiMessage:
        """The next message, as ASGI has it; a disconnect once we have closed."""
        if self._closed_at is not None:
            return await self._disconnect()
        self._waiter = asyncio.current_task()
        try:
            message = await self._raw_receive()
        except asyncio.CancelledError:
            if not self._was_interrupted():
                raise
            return await self._disconnect()
        finally:
            self._waiter = None
        self._heard_at = time.monotonic()
        self._delivered = self._delivered or message["type"] == "websocket.receive"
        return message

    def _was_interrupted(self) -> bool:
        """Whether a cancellation is that of `leave` alone; takes it back."""
        if self._closed_at is None or self._waiter is None:
            return False
        return self._waiter.uncancel() == 0

    async def _disconnect(self) -> AsgiMessage:
        await self._gone.wait()
        return _DISCONNECT

    async def send(self, message: AsgiMessage) -> None:
        """The application's `send`. After our close it says nothing: the application has not noticed yet."""
        if self._closed_at is None:
            self._said_at = time.monotonic()
            self._accepted = self._accepted or message["type"] == "websocket.accept"
            await self._raw_send(message)

    async def fail(self) -> None:
        """Close with "internal error"."""
        with suppress(Exception):
            await self.send({"type": "websocket.close", "code": _FAILED})

    async def leave(self, now: float, began: float) -> None:
        """Close it if it is between two messages, for a drain that began then; end its task if that had no effect.

        Called again and again during a drain; `now` and `began` are monotonic seconds.
        """
        if self._closed_at is None and self._is_between_messages(now, began):
            self._closed_at = now
            if self._waiter is not None:
                self._waiter.cancel()
            with suppress(Exception):
                await self._raw_send({"type": "websocket.close", "code": _RESTARTING, "reason": "restarting"})
            self._gone.set()
        elif self._closed_at is not None and now - self._closed_at > _END_SECONDS:
            self.cancel()

    def _is_between_messages(self, now: float, began: float) -> bool:
        if now - began > _ANSWER_SECONDS:
            return True
        if self._waiter is None:
            return self._accepted and not self._delivered  # it only ever sends
        answered = not self._delivered or self._said_at >= self._heard_at
        return now - max(self._heard_at, began) > (_QUIET_SECONDS if answered else _UNANSWERED_SECONDS)

    def cancel(self) -> None:
        """End the application's task."""
        if self._task is not None:
            self._task.cancel()

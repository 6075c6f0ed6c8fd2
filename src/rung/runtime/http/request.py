"""One request while it is being served."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable
from typing import TYPE_CHECKING

from rung.runtime.context import Context
from rung.runtime.http.asgi import AsgiMessage, Header, Receive, Scope, Send
from rung.runtime.http.baseline import kind_of
from rung.runtime.http.body import Unzipper
from rung.runtime.http.incoming import IncomingBody, linger
from rung.runtime.http.problem import BODY_TOO_SLOW, DEADLINE, INTERNAL, Problem, body_of, headers_of
from rung.runtime.http.settings import NORMAL

if TYPE_CHECKING:
    from opentelemetry.trace import Span

    from rung.runtime.http.protect import Protected

_CLOSE: Header = (b"connection", b"close")
#: A stream for as long as the client likes: it gives its slot back when it begins.
_EVENT_STREAM: Header = (b"content-type", b"text/event-stream")
_HELD_BYTES_MAX = 65_536
#: Refusals of a body that is still on its way, fast: too large, compressed.
_BODY_UNREAD = frozenset({413, 415})
#: How often a request that ignores its cancellation is cancelled again.
_INSIST_SECONDS = 1.0


class Request:
    """What `protect` knows of one request; its `receive` and `send` are what the application is given."""

    __slots__ = (
        "_held",
        "_held_bytes",
        "_receive",
        "_send",
        "_task",
        "began",
        "body",
        "context",
        "ends_at",
        "expired",
        "failure",
        "has_slot",
        "headers",
        "hold_not_found",
        "method",
        "path",
        "priority",
        "protected",
        "receive",
        "route",
        "scope",
        "served_from",
        "shed",
        "started",
        "status",
    )

    def __init__(
        self, scope: Scope, receive: Receive, send: Send, protected: Protected, context: Context, began: float
    ) -> None:
        self.scope = scope
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.context = context
        self.began = began
        #: When the sweep must look at this request: its deadline, or its body's while that is awaited.
        self.ends_at = context.deadline.at if context.deadline is not None else float("inf")
        self.body: IncomingBody | None = None
        #: When it got its slot: what the limiter counts as its latency begins here.
        self.served_from = began
        self.receive: Receive = receive
        #: The headers that `protect` itself reads.
        self.headers: dict[str, str] = {}
        #: The route of the graph, for metrics; never the path, which is the client's to choose.
        self.route = "*"
        self.priority = NORMAL
        self.status = 0
        self.started = False
        self.shed = False
        self.has_slot = False
        self.expired = False
        self.failure: Problem | None = None
        self.hold_not_found = False
        self.protected = protected
        self._receive = receive
        self._send = send
        self._task = asyncio.current_task()
        self._held: list[AsgiMessage] | None = None
        self._held_bytes = 0

    # -- the request's body --------------------------------------------------------------------------------

    def expect_body(self, limit_bytes: int, unzipper: Unzipper | None) -> None:
        """There is a body: count it, time it, and decode it."""
        self.body = IncomingBody(self, self._receive, limit_bytes=limit_bytes, unzipper=unzipper)
        self.receive = self.body.receive
        self.set_end()

    def set_end(self) -> None:
        """The sweep looks at whatever ends first: the body's time or the deadline."""
        deadline = self.context.deadline
        self.ends_at = min(
            self.body.ends_at if self.body is not None else float("inf"),
            deadline.at if deadline is not None else float("inf"),
        )

    def lend_slot(self) -> None:
        """While we wait for the client, somebody else may be served."""
        if self.has_slot:
            self.protected.limiter.leave(None, 0.0)

    def take_slot_back(self) -> None:
        """The client has sent something; never refused, the request is half done."""
        if self.has_slot:
            self.protected.limiter.in_flight += 1

    # -- the response --------------------------------------------------------------------------------------

    def send(self, message: AsgiMessage) -> Awaitable[None]:
        """The application's `send`: adds our headers, holds a 500 back until it is known what caused it."""
        if message["type"] == "http.response.start":
            return self._start(message)
        if self._held is not None:
            return self._hold(message)
        return self._send(message)

    def _start(self, message: AsgiMessage) -> Awaitable[None]:
        status: int = message["status"]
        if (status == 500 or (status == 404 and self.hold_not_found)) and self._held is None:
            self._held = [message]
            return _nothing()
        self.status = status
        self.started = True
        return self._send({**message, "headers": self._headers(message.get("headers", ()))})

    def _headers(self, given: Iterable[Header]) -> list[Header]:
        protected = self.protected
        headers = [*given, (b"x-correlation-id", self.context.correlation_id.encode())]
        if not protected.security_names.isdisjoint([name for name, _ in headers]):
            own = {name for name, _ in headers}
            headers.extend(header for header in protected.settings.security_headers if header[0] not in own)
        else:
            headers += protected.settings.security_headers
        if protected.state.closing:
            headers.append(_CLOSE)
        if self.has_slot and _EVENT_STREAM in headers:
            self.leave(None)
        return headers

    async def _hold(self, message: AsgiMessage) -> None:
        assert self._held is not None
        self._held.append(message)
        self._held_bytes += len(message.get("body", b""))
        if self._held_bytes > _HELD_BYTES_MAX:
            await self._release_held()

    async def _release_held(self) -> None:
        held, self._held = self._held or [], None
        self.hold_not_found = False
        for message in held:
            if message["type"] == "http.response.start":
                self.status, self.started = message["status"], True
                message = {**message, "headers": self._headers(message.get("headers", ()))}
            await self._send(message)

    def held_not_found(self) -> bool:
        """Whether the application answered 404 and that answer was held back; forgets it."""
        held, self._held = self._held, None
        self.hold_not_found = False
        return held is not None and held[0]["status"] == 404

    @property
    def is_open(self) -> bool:
        """Whether something is left to be sent when the application has returned."""
        return not self.started or self._held is not None

    async def complete(self) -> None:
        """The application returned: let go of what was held back, or answer for it."""
        if not self.started and self._held is None:
            await self.answer(INTERNAL)
        if self._held is not None and not (self.hold_not_found and self._held[0]["status"] == 404):
            await self._release_held()

    async def answer(self, problem: Problem) -> None:
        """Answer with `problem`. The connection closes when a body may still be on its way."""
        body = body_of(problem, self.context.correlation_id)
        unread = problem.status in _BODY_UNREAD
        closes = unread or problem.status == 408
        headers = headers_of(problem, None if unread else len(body))
        if closes:
            headers.append(_CLOSE)
        self._held = None
        self.hold_not_found = False
        self.status, self.started = problem.status, True
        headers = self._headers(headers)
        await self._send({"type": "http.response.start", "status": problem.status, "headers": headers})
        if unread:
            # Without a length the response is open until its last part, and so is the connection.
            await self._send({"type": "http.response.body", "body": body, "more_body": True})
            await linger(self._receive)
            body = b""
        await self._send({"type": "http.response.body", "body": body})
        if closes:
            self.protected.state.ask_to_leave(self.scope.get("client"))

    async def fail(self) -> None:
        """Answer with the failure; when a response has begun, break it off: it must not look complete."""
        assert self.failure is not None
        if self.started:
            raise ConnectionAbortedError(self.failure.code)
        await self.answer(self.failure)

    # -- its end -------------------------------------------------------------------------------------------

    def expire(self, now: float) -> None:
        """Its time is up: cancel the application. Called by the sweep, again while it does not end."""
        late_body = self.body is not None and now >= self.body.ends_at
        self.failure = self.failure or (BODY_TOO_SLOW if late_body else DEADLINE)
        self.expired = True
        self.ends_at = now + _INSIST_SECONDS
        if self._task is not None:
            self._task.cancel()

    def was_expired(self) -> bool:
        """Whether a cancellation is ours; takes it back, so that an answer can still be sent."""
        if self.expired and self._task is not None:
            self._task.uncancel()
        return self.expired

    def leave(self, now: float | None) -> None:
        """Give the slot back; `now` is None when the time taken says nothing about load."""
        if self.has_slot:
            self.has_slot = False
            limiter = self.protected.limiter
            if now is None:
                limiter.leave(None, 0.0)
            else:
                limiter.leave(now - self.served_from, now, kind_of(self.method, self.path))

    def let_go(self) -> None:
        """It is over. A request and its body that went on knowing each other would wait for the collector."""
        if self.body is not None:
            self.body.forget()
            self.body = None
            self.receive = self._receive

    def described(self, seconds: float) -> dict[str, object]:
        """The request as fields of a log line. No query string, no header: they carry secrets."""
        fields: dict[str, object] = {
            "service": self.protected.settings.service,
            "method": self.method,
            "path": self.path[:200],
            "status": self.status,
            "duration_ms": round(seconds * 1000, 2),
            "correlation_id": self.context.correlation_id,
        }
        return fields

    def describe_to(self, recorded: Span) -> None:
        """The request as attributes of its span. Names: OpenTelemetry's semantic conventions for HTTP."""
        recorded.update_name(f"{self.method} {self.route}")
        recorded.set_attribute("http.request.method", self.method)
        recorded.set_attribute("http.route", self.route)
        recorded.set_attribute("url.path", self.path[:200])
        recorded.set_attribute("http.response.status_code", self.status)


async def _nothing() -> None:
    return None

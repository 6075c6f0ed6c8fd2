"""`protect`: what stands between the network and an application, in one layer of pure ASGI.

    request ─► health? ─► shed? (a page at hand: answered) ─► turn ─► body limits ─► slot ─► context ─► application
    answer  ◄─ correlation id, security headers, `connection: close` while draining ◄─ errors as problems

The cost per request is a few microseconds (benchmarks/http_service.py): no timer, no task and no lock per request.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Sequence
from typing import Final, TypeVar

from opentelemetry.trace import INVALID_SPAN

from rung.runtime import metrics
from rung.runtime.context import (
    CORRELATION_HEADER,
    DEADLINE_HEADER,
    Context,
    Deadline,
    enter,
    from_headers,
    leave,
    new_correlation_id,
    serving,
)
from rung.runtime.errors import OverloadedError
from rung.runtime.http.asgi import ASGIApp, Receive, Scope, Send
from rung.runtime.http.body import Unzipper
from rung.runtime.http.health import Readiness, send_live, send_ready
from rung.runtime.http.limiter import Limiter
from rung.runtime.http.page import Find, Page, find_of
from rung.runtime.http.problem import (
    BODY_TOO_LARGE,
    ENCODING,
    OVERLOADED,
    Problem,
    problem_of,
)
from rung.runtime.http.record import Recorder
from rung.runtime.http.refusal import Refusal, is_short
from rung.runtime.http.request import Request
from rung.runtime.http.settings import CRITICAL, NORMAL, HttpSettings
from rung.runtime.http.state import ServerState
from rung.runtime.http.websocket import Socket
from rung.runtime.log import logger
from rung.runtime.trace import span

log = logger(__name__)

_INTERESTING: Final = {
    b"content-length": "content-length",
    b"transfer-encoding": "transfer-encoding",
    b"content-encoding": "content-encoding",
    CORRELATION_HEADER.encode(): CORRELATION_HEADER,
    DEADLINE_HEADER.encode(): DEADLINE_HEADER,
    b"traceparent": "traceparent",
}
_TOLD: Final = frozenset({CORRELATION_HEADER.encode(), DEADLINE_HEADER.encode(), b"traceparent"})
#: WebSocket close code "try again later" (IANA registry).
_TRY_AGAIN = 1013
_BODILESS = frozenset({"GET", "HEAD"})
Value = TypeVar("Value")


def protect(
    app: ASGIApp,
    settings: HttpSettings | None = None,
    *,
    state: ServerState | None = None,
    readiness: Readiness | None = None,
    find: Find | None = None,
) -> Protected:
    """`app` behind the limits of `settings`. Applications of one process share `state` and `readiness`.

    `find` knows the pages that need no application (None: the application's own, if `pages_first` made it).
    """
    return Protected(
        app, settings or HttpSettings(), state or ServerState(), readiness or Readiness(), find or find_of(app)
    )


class Protected:
    """An ASGI application that outlives its callers. Made by `protect`."""

    def __init__(
        self, app: ASGIApp, settings: HttpSettings, state: ServerState, readiness: Readiness, find: Find | None
    ) -> None:
        self.app = app
        self._find = find
        self.settings = settings
        self.state = state
        self.readiness = readiness
        self._shedder = state.shedder(settings.lag_seconds)
        self.limiter = Limiter(settings, shedder=self._shedder)
        self._turns = state.turns
        self._refusal = Refusal(settings.security_headers)
        self.recorder = Recorder(
            settings.service, slow_seconds=settings.slow_seconds, lines_max=settings.log_lines_max
        )
        self._in_flight = metrics.http_requests_in_flight.labels(settings.service)
        self._in_flight.set_function(lambda: self.limiter.in_flight)
        self.security_names = frozenset(name for name, _ in settings.security_headers)
        self._routes = tuple((prefix, prefix) for prefix in settings.routes)
        state.observe_lag(self.limiter.observe_lag)

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Serve one HTTP request or WebSocket; anything else goes to the application untouched."""
        if scope["type"] == "http":
            return self._receive_request(scope, receive, send)
        if scope["type"] == "websocket":
            return self._websocket(scope, receive, send)
        return self.app(scope, receive, send)

    def _receive_request(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Refuse it, let it stand in line, or begin it: before anything is made for it."""
        self.state.start()
        path: str = scope["path"]
        settings, turns = self.settings, self._turns
        if path == settings.health_path or path == settings.ready_path:
            return self._begin(scope, receive, send, CRITICAL, 0.0)
        priority = _longest(settings.priorities, path, NORMAL)
        round_seconds = self.state.round_seconds()
        shedder = self._shedder
        if turns.waiting or shedder.active or round_seconds > shedder.round_seconds:
            page = self._page_at_hand(scope, path)
            if page is not None:
                return self._answer_at_once(page, scope, send)
            if self._sheds(scope, priority, round_seconds):
                return self._refuse_at_once(scope, receive, send)
        turn = turns.take(priority)
        if turn is not None:
            return self._begin_later(turn, scope, receive, send, priority)
        return self._begin(scope, receive, send, priority, 0.0)

    def _page_at_hand(self, scope: Scope, path: str) -> Page | None:
        """What can be answered for the price of a refusal. Who tells of a context gets an answer that keeps it."""
        if self._find is None or scope["method"] != "GET" or self.state.closing:
            return None
        for name, _ in scope["headers"]:
            if name in _TOLD:
                return None
        return self._find(path, scope["query_string"])

    async def _answer_at_once(self, page: Page, scope: Scope, send: Send) -> None:
        """The shortest way to 200: no context, no span, no log line, no place in line; counted as answered."""
        start, body = page.messages(scope["headers"])
        self.recorder.answered_at_once(_longest(self._routes, scope["path"], "*"), start["status"])
        await send({**start, "headers": self._refusal.headers(start["headers"])})
        await send(body)

    async def _begin_later(
        self, turn: Awaitable[None], scope: Scope, receive: Receive, send: Send, priority: int
    ) -> None:
        """Begin when it is this request's turn; refuse it when that took so long that nobody waits for it."""
        state, arrived = self.state, time.monotonic()
        state.in_line += 1
        try:
            await turn
        finally:
            state.in_line -= 1
        late = time.monotonic() - arrived > self.settings.queue_seconds
        if late and self._is_refused_at_once(scope):
            await self._refuse_at_once(scope, receive, send)
        else:
            await self._begin(scope, receive, send, priority, arrived)

    def _begin(self, scope: Scope, receive: Receive, send: Send, priority: int, arrived: float) -> Awaitable[None]:
        """What is to be done for one HTTP request; the request itself is made here.

        `arrived` is when it came, if it stood in line since, and 0.0 for now.
        """
        now = time.monotonic()
        began = arrived or now
        headers = {
            _INTERESTING[name]: value.decode("latin-1") for name, value in scope["headers"] if name in _INTERESTING
        }
        path: str = scope["path"]
        request = Request(scope, receive, send, self, self._context(headers, path, began), began)
        request.served_from = now
        request.priority = priority
        request.headers = headers
        request.route = _longest(self._routes, path, "*")
        if path == self.settings.ready_path:
            return self._ready(request)
        if path == self.settings.health_path:
            return self._health(request)
        refusal = self._body_refusal(request, headers) if headers else None
        if refusal is not None:
            return self._refuse_body(request, refusal)
        return self._serve(request, limited=True)

    async def _ready(self, request: Request) -> None:
        request.status = await send_ready(request.send, self.readiness, draining=self.state.draining)

    async def _refuse_body(self, request: Request, refusal: Problem) -> None:
        await request.answer(refusal)
        now = time.monotonic()
        self.recorder.finished(request, now - request.began, now)

    async def _serve(self, request: Request, *, limited: bool) -> None:
        """Take a slot, run the application, turn what it raises into an answer."""
        in_flight = self.state.in_flight
        in_flight.add(request)
        try:
            if request.body is not None and request.body.spools:
                await request.body.spool()
            if limited and not await self._admit(request):
                return
            token = enter(request.context)
            try:
                with span(request.method, kind="server", headers=request.headers) as recorded:
                    await self.app(request.scope, request.receive, request.send)
                    if recorded is not INVALID_SPAN:
                        request.describe_to(recorded)
            finally:
                leave(token)
            if request.is_open:
                await request.complete()
        except asyncio.CancelledError:
            if not request.was_expired():
                raise
            await request.fail()
        except Exception as error:  # noqa: BLE001 - the last frame that can still answer
            await self._failed(request, error)
        finally:
            in_flight.discard(request)
            now = time.monotonic()
            request.leave(now)
            self.recorder.finished(request, now - request.began, now)
            request.let_go()

    def _sheds(self, scope: Scope, priority: int, round_seconds: float) -> bool:
        """Whether a late event loop refuses this request before anything is made for it.

        When refusing costs as much as serving, a flood keeps the event loop late whatever is admitted, and
        nothing is served.
        """
        if not self._is_refused_at_once(scope):
            return False
        return self._turns.is_full(priority) or self._shedder.sheds(priority, round_seconds)

    def _is_refused_at_once(self, scope: Scope) -> bool:
        """Only requests without a body, or with a short one; none while the process drains."""
        return not self.state.closing and (scope["method"] in _BODILESS or is_short(scope["headers"]))

    async def _refuse_at_once(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The shortest way to 503: no context, no span, no log line; counted as shed.

        A body is read, or the connection would end with a reset. One that does not come is cut off by the watch
        for stalled connections, as this request counts as none that is served.
        """
        self.recorder.shed("overload")
        self.limiter.refused += 1
        if scope["method"] not in _BODILESS:
            while (await receive()).get("more_body", False):
                pass
        start, body = self._refusal.messages()
        await send(start)
        await send(body)

    async def _admit(self, request: Request) -> bool:
        """Get a slot for the request; False when it was refused, and told so."""
        try:
            judged = request.body is None or is_short(request.scope["headers"])  # by _sheds
            place = self.limiter.enter(request.priority, judged=judged)
            if place is not None:
                await self.limiter.wait(place)
            if place is not None or request.body is not None:
                request.served_from = time.monotonic()
        except OverloadedError as error:
            self.recorder.shed("overload")
            request.shed = True
            await request.answer(Problem(503, OVERLOADED.code, OVERLOADED.detail, error.retry_after_seconds))
            return False
        request.has_slot = True
        return True

    async def _failed(self, request: Request, error: Exception) -> None:
        problem = request.failure or problem_of(error)
        if problem.status == 500:
            log.error("unhandled", exc_info=error, **request.described(time.monotonic() - request.began))
        request.failure = problem
        await request.fail()

    async def _health(self, request: Request) -> None:
        """The application's own health path where it has one; liveness where it answers 404."""
        request.hold_not_found = True
        await self._serve(request, limited=False)
        if request.held_not_found():
            await send_live(request.send)

    def _context(self, headers: dict[str, str], path: str, began: float) -> Context:
        allowed = _longest(self.settings.deadlines, path, self.settings.deadline_seconds)
        latest = Deadline(began + allowed)
        if CORRELATION_HEADER not in headers and DEADLINE_HEADER not in headers:
            return Context(correlation_id=new_correlation_id(), deadline=latest)
        asked = from_headers(headers, trusted=False)
        if asked.deadline is not None and asked.deadline.at < latest.at:
            return asked
        return Context(correlation_id=asked.correlation_id, deadline=latest)

    def _body_refusal(self, request: Request, headers: dict[str, str]) -> Problem | None:
        """Set the limits for the body, if there is one; the problem that refuses it unread."""
        length = headers.get("content-length")
        if length == "0" or (length is None and "transfer-encoding" not in headers):
            return None
        limit_bytes = _longest(self.settings.body_limits, request.path, self.settings.body_limit_bytes)
        if length is not None and (not length.isdecimal() or len(length) > 18 or int(length) > limit_bytes):
            return BODY_TOO_LARGE
        encoding = headers.get("content-encoding", "identity").strip().lower()
        if encoding != "identity" and not (self.settings.decompress and encoding in {"gzip", "deflate"}):
            return ENCODING
        unzipper = None
        if encoding != "identity":
            unzipper = Unzipper(limit_bytes=limit_bytes, ratio_max=self.settings.decompress_ratio_max)
        request.expect_body(limit_bytes, unzipper)
        return None

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.state.start()
        sockets = self.state.websockets
        headers = {
            _INTERESTING[name]: value.decode("latin-1") for name, value in scope["headers"] if name in _INTERESTING
        }
        if self.state.draining or len(sockets) >= self.settings.websockets_max:
            await receive()
            await send({"type": "websocket.close", "code": _TRY_AGAIN})
            return
        socket = Socket(scope, receive, send)
        sockets.add(socket)
        context = Context(correlation_id=from_headers(headers, trusted=False).correlation_id)
        try:
            with serving(context):
                await self.app(scope, socket.receive, socket.send)
        except Exception as error:
            log.error("unhandled", exc_info=error, path=scope["path"], correlation_id=context.correlation_id)
            await socket.fail()
        finally:
            sockets.discard(socket)


def _longest(pairs: Sequence[tuple[str, Value]], path: str, default: Value) -> Value:
    """The value of the first prefix that `path` begins with; `pairs` are sorted, longest first."""
    for prefix, value in pairs:
        if path.startswith(prefix):
            return value
    return default

"""One user's keep-alive connection: sends a request when one is due, and says how it ended."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from rung.load.journey import Response, User
from rung.load.recording import ErrorKind
from rung.load.request import Compiled
from rung.load.response import Frame, GarbageError, Parser, closes, cookies, scan

if TYPE_CHECKING:
    from rung.load.generator import Generator

_SKIPS_MAX = 1_000  # steps in a row whose `when` said no: a journey that can never send


class Connection(asyncio.Protocol):
    """At most one request in flight; what is due meanwhile waits here and keeps its intended time."""

    __slots__ = ("_buffer", "_frame", "_generator", "_parser", "_position", "_rush", "_steps", "connecting",
                 "intended", "sent_at", "sequence", "step", "transport", "user", "waiting")  # fmt: skip

    def __init__(self, generator: Generator, user: User) -> None:
        self.user = user
        self.transport: asyncio.Transport | None = None
        self.connecting = False
        self.step: Compiled | None = None
        self.intended = 0.0
        self.sent_at = 0.0
        self.sequence = 0
        self.waiting: deque[float] | None = None
        self._generator = generator
        self._steps: Sequence[Compiled] = ()
        self._position = 0
        self._rush = 0
        self._buffer = b""
        self._frame: Frame | None = None
        self._parser: Parser | None = None

    def arrive(self, intended: float, now: float) -> None:
        """A request of this user is due."""
        generator = self._generator
        if self.step is None and self.transport is not None:
            generator.recorder.lag(intended, now)
            self._send(intended, now)
        elif generator.waiting >= generator.waiting_max:
            generator.recorder.fail_unsent("dropped", intended, now)
        else:
            if self.waiting is None:
                self.waiting = deque()
            self.waiting.append(intended)
            generator.waiting += 1
            if self.transport is None and not self.connecting:
                generator.connect_again(self)

    def begin_midway(self) -> None:
        """Start inside a visit, as users who have been here for a while do.

        The steps that lie behind are sent now, without pauses: a later step may need what they capture. Without
        this the first minute would be nothing but first steps, as everybody would arrive at once.
        """
        self._steps, self._rush = self._generator.mix.choose_midway(self.user)
        self._position = 0
        self._send_rushed()

    def abandon(self, kind: ErrorKind, now: float) -> None:
        """Give up everything that is in flight or waits: the server cannot be reached, or the run is over."""
        if self.step is not None:
            self._end_with(kind, now)
        while self.waiting:
            self._generator.waiting -= 1
            self._generator.recorder.fail_unsent(kind, self.waiting.popleft(), now)

    def time_out(self, now: float) -> None:
        """The response took too long: the connection is useless now, as a late answer would be misread."""
        self._end_with("timeout", now)
        self._drop()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The user is connected; what was due meanwhile goes out."""
        self.transport = cast("asyncio.Transport", transport)
        self.connecting = False
        self._send_next()

    def data_received(self, data: bytes) -> None:
        """Bytes of a response."""
        if self.step is None:
            self._generator.recorder.note("bytes arrived that no request had asked for")
            self._drop()
            return
        try:
            self._receive(data)
        except GarbageError as problem:
            self._generator.recorder.note(f"not an HTTP response: {problem}")
            self._end_with("garbage", time.monotonic())
            self._drop()

    def connection_lost(self, exc: Exception | None) -> None:
        """The server closed, or we did."""
        if self.transport is None:
            return
        self.transport = None
        if self.step is None:
            self._generator.recorder.closed_idle()
        elif self._parser is not None and self._parser.finish():
            self._complete_parsed()
        else:
            self._end_with("reset", time.monotonic())
        if self.waiting:
            self._generator.connect_again(self)

    def _send(self, intended: float, now: float) -> None:
        generator = self._generator
        try:
            step = self._next_step()
            data = step.encode(self.user)
        except Exception as problem:  # noqa: BLE001 - a journey is the user's code
            generator.recorder.note(f"a journey could not build a request: {type(problem).__name__}: {problem}")
            generator.recorder.fail_unsent("journey", intended, now)
            self._position = len(self._steps)
            return
        self.step = step
        self.intended = intended
        self.sent_at = now
        self.sequence += 1
        self.transport.write(data)  # type: ignore[union-attr] # only ever called while connected
        generator.sent(self, now)

    def _send_rushed(self) -> None:
        if self._rush > 0 and self._position < len(self._steps) and self.transport is not None:
            self._rush -= 1
            now = time.monotonic()
            self._send(now, now)
        else:
            self._rush = 0

    def _send_next(self) -> None:
        while self.waiting and self.step is None and self.transport is not None:
            self._generator.waiting -= 1
            self._send(self.waiting.popleft(), time.monotonic())

    def _next_step(self) -> Compiled:
        for _ in range(_SKIPS_MAX):
            if self._position >= len(self._steps):
                self.user.forget()
                self._steps = self._generator.mix.choose(self.user)
                self._position = 0
                continue
            compiled = self._steps[self._position]
            self._position += 1
            when = compiled.step.when
            if when is None or when(self.user):
                return compiled
        raise RuntimeError(f"{_SKIPS_MAX} steps in a row were skipped by their `when`")

    def _receive(self, data: bytes) -> None:
        if self._parser is not None:
            self._parse(data)
            return
        if self._buffer:
            data = self._buffer + data
        frame = self._frame or self._scan(data)
        if frame is not None and frame.end < 0:
            self._buffer = b""
            self._parse(data)
        elif frame is None or len(data) < frame.end:
            self._buffer, self._frame = data, frame
        elif len(data) == frame.end:
            self._complete(frame.status, data, frame.head_end)
        else:
            raise GarbageError(data[frame.end : frame.end + 32])

    def _scan(self, data: bytes) -> Frame | None:
        frame = scan(data)
        if frame is not None and self.step is not None and self.step.step.method == "HEAD":
            return Frame(frame.status, frame.head_end, frame.head_end + 4)
        return frame

    def _parse(self, data: bytes) -> None:
        if self._parser is None:
            self._parser = Parser()
        self._parser.feed(data)
        if self._parser.done:
            self._complete_parsed()

    def _complete_parsed(self) -> None:
        parser = self._parser
        assert parser is not None
        self._parser = None
        data = parser.head + b"\r\n\r\n" + parser.body
        self._complete(parser.status, data, len(parser.head))

    def _complete(self, status: int, data: bytes, head_end: int) -> None:
        now = time.monotonic()
        compiled = self.step
        assert compiled is not None
        kind: ErrorKind | None = None
        if status not in compiled.expect:
            kind = _STATUS_KINDS.get(status // 100, "status")
        elif compiled.reads_body:
            kind = self._read_body(compiled, Response(status, data[:head_end], data[head_end + 4 :]))
        if data.find(b"et-cookie:", 0, head_end) > 0:
            self._keep_cookies(data[:head_end])
        self._end_with(kind, now, status=status, size=len(data))
        if data.find(b"onnection: ", 0, head_end) > 0 and closes(data[:head_end]):
            self._drop()
        elif self._rush:
            self._send_rushed()
        elif self.waiting:
            self._send_next()

    def _read_body(self, compiled: Compiled, response: Response) -> ErrorKind | None:
        step = compiled.step
        try:
            if step.check is not None and not step.check(response):
                self._generator.recorder.note(f"{step.group}: the check refused {response.body[:80]!r}")
                return "invalid body"
            if step.reads is not None:
                step.reads(self.user, response)
        except Exception as problem:  # noqa: BLE001 - a journey is the user's code
            self._generator.recorder.note(f"{step.group}: {type(problem).__name__}: {problem}")
            return "invalid body"
        return None

    def _keep_cookies(self, head: bytes) -> None:
        for name, value in cookies(head):
            if value is None:
                self.user.cookies.pop(name, None)
            else:
                self.user.cookies[name] = value

    def _end_with(self, kind: ErrorKind | None, now: float, *, status: int = 0, size: int = 0) -> None:
        compiled = self.step
        assert compiled is not None
        self.step = None
        self._buffer, self._frame, self._parser = b"", None, None
        if kind is not None:
            self._position = len(self._steps)  # whatever failed, the visitor leaves and a new one comes
        self._generator.ended(self, compiled, kind, now, status=status, size=size)

    def _drop(self) -> None:
        transport, self.transport = self.transport, None
        if transport is not None:
            transport.abort()
        if self.waiting:
            self._generator.connect_again(self)


_STATUS_KINDS: dict[int, ErrorKind] = {4: "status 4xx", 5: "status 5xx"}

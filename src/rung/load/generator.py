"""One generator process: holds its users' connections and sends what is due, when it is due.

Nothing here waits for a response: the arrival times are drawn beforehand from the plan (open loop), so a slow
server cannot slow the load down and hide its own slowness.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import resource
import ssl
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence

from rung.load.connection import Connection
from rung.load.journey import Journey, User
from rung.load.mix import Mix
from rung.load.plan import Plan, Target
from rung.load.recorder import Recorder
from rung.load.recording import ErrorKind, Recording, Second
from rung.load.request import Compiled

_TICK_SECONDS = 0.001
_IDLE_SECONDS = 0.05  # the longest the loop sleeps when nothing is due
_CONNECTS_AT_ONCE = 256  # well under any listen backlog
_PER_SOURCE_ADDRESS = 25_000  # connections from one address; Linux has 28,232 ephemeral ports by default
_GRACE_SECONDS_MAX = 30.0

OnSecond = Callable[[int, Second, dict[int, int]], None]


class Generator:
    """The users of one process. `connect`, then `run`, then `close`."""

    def __init__(self, plan: Plan, journeys: Sequence[Journey], *, process: int = 0,
                 on_second: OnSecond | None = None) -> None:  # fmt: skip
        self.plan = plan
        self.mix = Mix(journeys, host=plan.target.authority)
        self.waiting = 0
        self.waiting_max = plan.waiting_max
        self.in_flight = 0
        self.recorder = Recorder(self.mix.groups, float("inf"))
        self._random = plan.random_of(process + plan.processes)
        self.connections = [Connection(self, User(number, plan.seed)) for number in plan.users_of(process)]
        self._arrivals = plan.arrivals(process)
        self._on_second = on_second
        self._deadlines: deque[tuple[float, Connection, int]] = deque()
        self._reconnects: set[asyncio.Task[None]] = set()
        self._gate = asyncio.Semaphore(_CONNECTS_AT_ONCE)
        self._tls = _context(plan.target)
        self._finished = asyncio.Event()
        self._next = 0.0
        self._reported = 0
        self._start = 0.0
        self._cpu_seconds = 0.0
        self._measuring = False

    async def connect(self) -> int:
        """Open every user's connection, at most `connects_per_second` of them, each in the midst of a visit.

        Returns how many could not connect.
        """
        per_second = self.plan.connects_per_second / self.plan.processes
        begin = time.monotonic()
        opening: list[asyncio.Task[None]] = []
        for index, connection in enumerate(self.connections):
            ahead = begin + index / per_second - time.monotonic()
            if ahead > 0.005:
                await asyncio.sleep(ahead)
            opening.append(asyncio.ensure_future(self._open(connection)))
        await asyncio.gather(*opening)
        deadline = time.monotonic() + self.plan.timeout_seconds
        while self.in_flight and time.monotonic() < deadline:  # noqa: ASYNC110 - an event would cost each request
            await asyncio.sleep(_TICK_SECONDS)
        return self.recorder.recording.connections_failed

    async def run(self, start: float) -> Recording:
        """Send the load. `start` is the moment of `time.monotonic` at which the measured time begins."""
        opened = self.recorder.recording
        self.recorder = Recorder(self.mix.groups, start)
        recording = self.recorder.recording
        recording.connections_opened, recording.connections_failed = (
            opened.connections_opened,
            opened.connections_failed,
        )
        recording.first_problems = opened.first_problems
        self._start = start
        self._next = start + next(self._arrivals, float("inf"))
        with _quiet_collector():
            self._tick()
            await self._finished.wait()
        recording.cpu_seconds = time.process_time() - self._cpu_seconds
        recording.wall_seconds = time.monotonic() - start
        recording.peak_memory_bytes = _peak_memory_bytes()
        return recording

    async def close(self) -> None:
        """Close every connection."""
        for task in self._reconnects:
            task.cancel()
        for connection in self.connections:
            transport, connection.transport = connection.transport, None
            if transport is not None:
                transport.abort()
        await asyncio.gather(*self._reconnects, return_exceptions=True)
        await asyncio.sleep(0)

    # Called by connections.

    def sent(self, connection: Connection, now: float) -> None:
        """A request went out."""
        self.in_flight += 1
        self._deadlines.append((now + self.plan.timeout_seconds, connection, connection.sequence))
        assert connection.step is not None
        self.recorder.sent(connection.step.index, connection.intended, now)

    def ended(self, connection: Connection, compiled: Compiled, kind: ErrorKind | None, now: float, *,
              status: int, size: int) -> None:  # fmt: skip
        """A request that was in flight ended."""
        self.in_flight -= 1
        recorder, index, intended = self.recorder, compiled.index, connection.intended
        recorder.status(index, status, intended)
        if kind is None:
            recorder.succeeded(index, intended, connection.sent_at, now, size)
        else:
            recorder.failed(index, kind, intended, now)

    def connect_again(self, connection: Connection) -> None:
        """Connect a user whose connection is gone and who has something to send."""
        connection.connecting = True
        self.recorder.recording.reconnections += 1
        task = asyncio.ensure_future(self._open(connection))
        self._reconnects.add(task)
        task.add_done_callback(self._reconnects.discard)

    async def _open(self, connection: Connection) -> None:
        connection.connecting = True
        target = self.plan.target
        source = _source_address(target, connection.user.number)
        recording = self.recorder.recording
        async with self._gate:
            try:
                async with asyncio.timeout(self.plan.timeout_seconds):
                    loop = asyncio.get_running_loop()
                    await loop.create_connection(
                        lambda: connection, target.host, target.port, ssl=self._tls, local_addr=source
                    )
                recording.connections_opened += 1
                if not self._start:
                    connection.begin_midway()
            except (OSError, TimeoutError) as problem:
                connection.connecting = False
                recording.connections_failed += 1
                self.recorder.note(f"cannot connect to {target}: {type(problem).__name__}: {problem}")
                connection.abandon("connect", time.monotonic())

    # The clock of the load.

    def _tick(self) -> None:
        now = time.monotonic()
        if not self._measuring and now >= self._start:
            self._measuring, self._cpu_seconds = True, time.process_time()
        if self._next <= now:
            self._send_due(now)
        deadlines = self._deadlines
        while deadlines and deadlines[0][0] <= now:
            _, connection, sequence = deadlines.popleft()
            if connection.step is not None and connection.sequence == sequence:
                connection.time_out(now)
        if now - self._start >= self._reported + 1:
            self._report(now)
        if self._is_over(now):
            self._finished.set()
            return
        delay = min(_IDLE_SECONDS, max(_TICK_SECONDS, self._next - now))
        asyncio.get_running_loop().call_later(delay, self._tick)

    def _send_due(self, now: float) -> None:
        connections, recorder = self.connections, self.recorder
        random, count = self._random.random, len(self.connections)
        monotonic = time.monotonic
        due, arrivals, start = self._next, self._arrivals, self._start
        while due <= now:
            recorder.offered(due)
            connections[int(random() * count)].arrive(due, monotonic())
            due = start + next(arrivals, float("inf"))
        self._next = due

    def _report(self, now: float) -> None:
        index, self._reported = self._reported, int(now - self._start)
        second = self.recorder.recording.second(index)
        second.in_flight, second.waiting = self.in_flight, self.waiting
        if self._on_second is not None:
            latency: dict[int, int] = {}
            for group in self.mix.groups:
                for value, count in group.latency.get(index, {}).items():
                    latency[value] = latency.get(value, 0) + count
            self._on_second(index, second, latency)

    def _is_over(self, now: float) -> bool:
        if self._next != float("inf"):
            return False
        late = now - self._start - self.plan.duration_seconds
        if late < 0:
            return False
        if self.in_flight == 0 and self.waiting == 0:
            return True
        if late < min(self.plan.timeout_seconds, _GRACE_SECONDS_MAX):
            return False
        for connection in self.connections:
            connection.abandon("unfinished", now)
        return True


@contextlib.contextmanager
def _quiet_collector() -> Iterator[None]:
    """No garbage collection while measuring: walking 10,000 connections takes tens of milliseconds.

    Requests make no reference cycles, so memory stays flat without it.
    """
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.unfreeze()


def _context(target: Target) -> ssl.SSLContext | None:
    return ssl.create_default_context() if target.tls else None


def _source_address(target: Target, number: int) -> tuple[str, int] | None:
    """More than one address's ports hold: on Linux all of 127.0.0.0/8 is this machine."""
    nth = number // _PER_SOURCE_ADDRESS
    if nth == 0 or not target.is_loopback or sys.platform != "linux" or ":" in target.host:
        return None
    return f"127.0.0.{nth + 1}", 0


def _peak_memory_bytes() -> int:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024

"""One supervised process: start, wait until ready, watch, restart with backoff, stop.

Every child leads a session of its own, so the terminal's Ctrl-C reaches `rung dev` alone and whatever the
child left behind can be ended as a group.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
from collections import deque
from collections.abc import Callable
from typing import BinaryIO, assert_never

from rung.local.guard_client import Guard
from rung.local.logs import Emit, LogLine, own_line, read_line
from rung.local.postgres import is_ready
from rung.local.process import preparation
from rung.local.specification import YIELDS, Listening, Postmaster, ProcessSpec, ReadyLine, Started
from rung.runtime.clock import SYSTEM_CLOCK, Clock

_LINES_KEPT = 12
_LINE_LIMIT_BYTES = 1 << 20
_POLL_SECONDS = 0.01
_DRAIN_OUTPUT_SECONDS = 0.5


class StartError(Exception):
    """A process that did not become ready. Becomes a finding where the workload is known."""

    def __init__(self, spec: ProcessSpec, reason: str, last_lines: tuple[str, ...] = ()) -> None:
        super().__init__(f"{spec.name}: {reason}")
        self.spec = spec
        self.reason = reason
        self.last_lines = last_lines


class Child:
    """One process and its successors. `name` is the node's, with a number when there are several."""

    def __init__(
        self, spec: ProcessSpec, name: str, *, emit: Emit, guard: Guard, clock: Clock = SYSTEM_CLOCK
    ) -> None:
        self.spec = spec
        self.name = name
        self.restarts = 0
        self.ready = asyncio.Event()
        self._emit = emit
        self._guard = guard
        self._clock = clock
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self._watcher: asyncio.Task[None] | None = None
        self._stopping = asyncio.Event()
        self._last_lines: deque[str] = deque(maxlen=_LINES_KEPT)
        self.exit_status: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        process = self._process
        return process.pid if process is not None and process.returncode is None else None

    async def start(self) -> None:
        """Start it and return when it is ready. Raises StartError, with nothing left running."""
        begin = self._clock.monotonic()
        retry = self.spec.restart.start_retry_seconds if self.spec.restart else 0.0
        while True:
            try:
                async with asyncio.timeout(self.spec.start_timeout_seconds):
                    await self._launch()
                    reason = await self._wait_ready()
            except TimeoutError:
                reason = f"not ready after {self.spec.start_timeout_seconds:g} s"
                await self._kill()
            if reason is None:
                self._watcher = asyncio.create_task(self._watch())
                return
            if self._stopping.is_set() or self._clock.monotonic() - begin > retry:
                raise StartError(self.spec, reason, self.last_lines())
            await self._clock.sleep(0.1)

    async def stop(self, *, now: bool = False) -> None:
        """Ask it to drain and wait; kill it when `now`, or when it takes longer than it may."""
        self._stopping.set()
        if self.pid is not None:
            await self._end(now=now)
        if self._watcher is not None:
            await self._watcher

    def kill(self) -> None:
        """End it without waiting: the second Ctrl-C."""
        self._stopping.set()
        self._signal(self.spec.kill_signal)

    def last_lines(self) -> tuple[str, ...]:
        """The last lines it printed, oldest first."""
        if self.spec.output is not None and self.spec.output.exists():
            return tuple(self.spec.output.read_text(errors="replace").splitlines()[-_LINES_KEPT:])
        return tuple(self._last_lines)

    async def _launch(self) -> None:
        spec = self.spec
        self.ready.clear()
        before_exec: Callable[[], None] | None = spec.before_exec() if spec.before_exec else None
        output, reading = _output_of(spec)
        self._process = None
        try:
            self._process = process = await asyncio.create_subprocess_exec(
                *spec.command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=spec.directory,
                env=dict(spec.environment),
                start_new_session=True,
                preexec_fn=preparation(spec.stop_signal, before_exec, yields=YIELDS.get(spec.kind, 0)),
            )
        except OSError as error:
            raise StartError(spec, f"{spec.command[0]!r} cannot be run: {error.strerror}") from error
        finally:
            os.close(output)
            if self._process is None and reading is not None:
                reading.close()
        self._guard.started(process.pid, spec.stop_signal)
        self._reader = asyncio.create_task(self._read(reading)) if reading is not None else None

    async def _read(self, reading: BinaryIO) -> None:
        """Every line into the merged log; a line longer than a mebibyte is cut into several."""
        stream = asyncio.StreamReader()
        loop = asyncio.get_running_loop()
        transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(stream), reading)
        rest = b""
        try:
            while chunk := await stream.read(65_536):
                *lines, rest = (rest + chunk).split(b"\n")
                for line in lines:
                    self._line(line)
                if len(rest) > _LINE_LIMIT_BYTES:
                    self._line(rest)
                    rest = b""
        finally:
            self._line(rest)
            transport.close()

    def _line(self, text: bytes) -> None:
        if not text.strip():
            return
        line = read_line(self.name, text.rstrip(b"\r"))
        self._last_lines.append(_readable(line))
        if line.fields is not None and line.fields["event"] == "ready":
            self.ready.set()
        self._emit(line)

    async def _wait_ready(self) -> str | None:
        """None when it is ready, else why it ended."""
        ready = asyncio.create_task(self._becomes_ready())
        ended = asyncio.create_task(self._wait_exit())
        try:
            await asyncio.wait((ready, ended), return_when=asyncio.FIRST_COMPLETED)
            if not ready.done():
                return await ended
            self.ready.set()
            return None
        finally:
            for task in (ready, ended):
                task.cancel()

    async def _becomes_ready(self) -> None:
        match self.spec.ready:
            case ReadyLine():
                await self.ready.wait()
            case Started():
                return
            case Listening(port=port):
                while not await _accepts(port):  # noqa: ASYNC110 - another process's state has no event
                    await asyncio.sleep(_POLL_SECONDS)
            case Postmaster(directory=directory):
                while not is_ready(directory, self.pid or 0):  # noqa: ASYNC110 - as above
                    await asyncio.sleep(_POLL_SECONDS)
            case _ as unreachable:
                assert_never(unreachable)

    async def _wait_exit(self) -> str:
        """Wait for its end, end what it left behind, take its last words, and say why it ended."""
        process = self._process
        assert process is not None
        status = await process.wait()
        _signal_group(process.pid, signal.SIGKILL)
        self._guard.ended(process.pid)
        if self._reader is not None:  # a process that left the group may still hold the other end
            await asyncio.wait((self._reader,), timeout=_DRAIN_OUTPUT_SECONDS)
            self._reader.cancel()
        return exit_reason(status)

    async def _watch(self) -> None:
        """From ready to the end: restart after every exit that nobody asked for."""
        failures = 0
        while True:
            since = self._clock.monotonic()
            reason = await self._wait_exit()
            self.ready.clear()
            policy = self.spec.restart
            if self._stopping.is_set() or policy is None:
                self._finish()
                return
            stable = self._clock.monotonic() - since >= policy.stable_seconds
            failures = 1 if stable else failures + 1
            delay = policy.delay_seconds(failures)
            self._say_why(reason, delay)
            if not await self._relaunch_after(delay):
                return

    async def _relaunch_after(self, delay_seconds: float) -> bool:
        """Wait and start anew. False when it is to stop instead."""
        pause = asyncio.create_task(self._clock.sleep(delay_seconds))
        stopping = asyncio.create_task(self._stopping.wait())
        await asyncio.wait((pause, stopping), return_when=asyncio.FIRST_COMPLETED)
        pause.cancel()
        stopping.cancel()
        if self._stopping.is_set():
            return False
        self.restarts += 1
        try:
            await self._launch()
        except StartError as error:
            self._emit(own_line("cannot be started", level="error", node=self.name, reason=error.reason))
            return False
        return True

    def _say_why(self, reason: str, delay_seconds: float) -> None:
        self._emit(
            own_line(
                f"{self.name} {reason}; restarting in {delay_seconds:.2g} s",
                level="error",
                node=self.name,
                reason=reason,
                restarts=self.restarts + 1,
                last_lines=list(self.last_lines())[-3:],
            )
        )

    def _finish(self) -> None:
        if not self.exit_status.done() and self._process is not None:
            self.exit_status.set_result(self._process.returncode or 0)

    async def _end(self, *, now: bool) -> None:
        assert self._process is not None
        self._signal(self.spec.kill_signal if now else self.spec.stop_signal)
        try:
            await asyncio.wait_for(self._process.wait(), 5.0 if now else self.spec.stop_timeout_seconds)
        except TimeoutError:
            self._emit(
                own_line(
                    f"{self.name} did not stop within {self.spec.stop_timeout_seconds:g} s: killed",
                    level="warning",
                    node=self.name,
                )
            )
            await self._kill()

    async def _kill(self) -> None:
        if self._process is None:
            return
        _signal_group(self._process.pid, signal.SIGKILL)
        await self._wait_exit()

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(number)


def exit_reason(status: int) -> str:
    """`exited with status 1`, `was killed by SIGKILL`."""
    if status >= 0:
        return f"exited with status {status}"
    try:
        return f"was killed by {signal.Signals(-status).name}"
    except ValueError:
        return f"was killed by signal {-status}"


def _signal_group(group: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def _readable(line: LogLine) -> str:
    if line.fields is None:
        return line.text.decode(errors="replace")
    parts = [
        str(line.fields["event"]),
        *(str(line.fields[key]) for key in ("error", "exception") if line.fields.get(key)),
    ]
    return ": ".join(parts)


def _output_of(spec: ProcessSpec) -> tuple[int, BinaryIO | None]:
    """The descriptor that takes what it prints, and the end we read.

    A pipe of our own: asyncio's would make `wait` wait for everybody who holds it, not for the process.
    """
    if spec.output is not None:
        return os.open(spec.output, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644), None
    reading, writing = os.pipe()
    return writing, os.fdopen(reading, "rb", buffering=0)


async def _accepts(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return True

"""A real server around a small application, and honest load on it, for the faults of HTTP."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import msgspec
import psutil

from rung.local.process import free_port


@dataclass
class Served:
    """A running `python -m rung.runtime.serve`."""

    process: subprocess.Popen[bytes]
    port: int
    output: Path

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    def events(self) -> list[dict[str, object]]:
        """Its log so far."""
        lines = self.output.read_bytes().splitlines()
        return [msgspec.json.decode(line) for line in lines if line.startswith(b"{")]

    def wait_event(self, name: str, *, timeout_seconds: float = 15.0) -> None:
        """Wait until the log has the event."""
        deadline = time.monotonic() + timeout_seconds
        while not any(event["event"] == name for event in self.events()):
            assert self.process.poll() is None, self.output.read_text()
            assert time.monotonic() < deadline, self.output.read_text()
            time.sleep(0.02)

    def workers(self) -> list[psutil.Process]:
        """Its worker processes."""
        return psutil.Process(self.process.pid).children()

    def memory_peak_bytes(self) -> int:
        """The most resident memory that each worker ever had, added up (VmHWM)."""
        status = [Path(f"/proc/{worker.pid}/status").read_text() for worker in self.workers()]
        return sum(int(text.partition("VmHWM:")[2].split()[0]) * 1024 for text in status)


@contextmanager
def served(
    directory: Path, source: str, *, workers: int = 1, environment: dict[str, str] | None = None
) -> Iterator[Served]:
    """Serve the ASGI `app` that the module text `source` defines; stop it at the end, whatever happened."""
    (directory / "application.py").write_text(source)
    port = free_port()
    output = directory / "output.log"
    with output.open("wb") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "rung.runtime.serve", "--app", "application:app", "--port", str(port),
             "--workers", str(workers)],
            cwd=directory, stdout=stream, stderr=stream, env={**os.environ, **(environment or {})},
        )  # fmt: skip
    server = Served(process, port, output)
    try:
        server.wait_event("ready")
        yield server
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@dataclass
class Outcomes:
    """What open-loop load saw. Latencies are counted from the intended moment, failures by their kind."""

    latencies: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def percentile(self, part: float) -> float:
        """Seconds, of the requests that succeeded."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(part * len(ordered)))]


async def steady(
    send: Callable[[int], Awaitable[None]],
    *,
    per_second: float,
    seconds: float,
    until: asyncio.Event | None = None,
) -> Outcomes:
    """Call `send(number)` at a fixed rate without waiting for answers; it raises when its request failed."""
    outcomes = Outcomes()
    begin = time.monotonic()

    async def one(number: int, intended: float) -> None:
        try:
            await send(number)
            outcomes.latencies.append(time.monotonic() - intended)
        except (aiohttp.ClientError, TimeoutError, OSError, AssertionError) as error:
            outcomes.failures.append(repr(error))

    running = []
    for number in range(int(per_second * seconds)):
        intended = begin + number / per_second
        await asyncio.sleep(max(0.0, intended - time.monotonic()))
        if until is not None and until.is_set():
            break
        running.append(asyncio.create_task(one(number, intended)))
    await asyncio.gather(*running)
    return outcomes

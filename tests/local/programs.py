"""Tiny real programs for the supervisor to run, and a supervisor whose log can be read."""

from __future__ import annotations

import asyncio
import os
import sys
import textwrap
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rung.local.guard_client import Guard
from rung.local.logs import LogLine
from rung.local.specification import Kind, ProcessSpec
from rung.local.supervisor import Supervisor

READY = 'print(\'{"event": "ready"}\', flush=True)\n'
WAIT = READY + "import signal; signal.pause()\n"


def program(name: str, source: str, *, kind: Kind = "worker", **rest: Any) -> ProcessSpec:
    """A process that runs `source`; with a final `WAIT` it is ready and then waits for a signal."""
    body, wait, _ = source.partition(WAIT)
    command = (sys.executable, "-S", "-u", "-c", textwrap.dedent(body) + wait)
    return ProcessSpec(name=name, kind=kind, command=command, environment={**os.environ}, **rest)


@dataclass
class Bench:
    """A supervisor and what it said."""

    supervisor: Supervisor
    guard: Guard
    lines: list[LogLine] = field(default_factory=list)

    def events(self, node: str | None = None) -> list[str]:
        """What was logged, in order."""
        chosen = [line for line in self.lines if node is None or line.node == node]
        return [str(line.fields["event"]) if line.fields else line.text.decode() for line in chosen]

    async def until(self, condition: Callable[[], bool], *, seconds: float = 10.0) -> None:
        """Wait for a real process to do something."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, self.events()
            await asyncio.sleep(0.01)


@asynccontextmanager
async def bench() -> AsyncIterator[Bench]:
    """A supervisor that leaves nothing behind."""
    lines: list[LogLine] = []
    guard = Guard()
    supervisor = Supervisor(emit=lines.append, guard=guard)
    try:
        yield Bench(supervisor, guard, lines)
    finally:
        supervisor.kill()
        await supervisor.stop()
        guard.close()


def alive(pid: int) -> bool:
    """Whether a process runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False

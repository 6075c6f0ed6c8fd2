"""Running a plan: generator processes are started, set off together, watched, and added up."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Callable, Mapping

import msgspec

from rung.errors import Finding, MachineError
from rung.load.child import Event, Order, Start
from rung.load.plan import Plan
from rung.load.recording import Recording, Second, merge

_LINE_BYTES_MAX = 1 << 28
_CONNECT_SHARE_MIN = 0.5  # fewer users than this connected: the run says nothing

OnEvent = Callable[["Progress"], None]


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """Where a run stands, for whoever shows it. `second` is None until the load begins."""

    phase: str  # "connecting", "warming up", "measuring", "draining"
    index: int = 0
    second: Second | None = None
    latency: dict[int, int] = {}


class Run:
    """One run of a plan in `plan.processes` child processes."""

    def __init__(self, plan: Plan, on_progress: OnEvent | None = None) -> None:
        self._plan = plan
        self._on_progress = on_progress or (lambda progress: None)
        self._children: list[asyncio.subprocess.Process] = []
        self._partial: dict[int, list[Event]] = {}

    async def run(self) -> Recording:
        """The merged recording. Raises MachineError (R0602, R0603, R0605); children never outlive the call."""
        try:
            self._on_progress(Progress(phase="connecting"))
            self._children = [await self._start(process) for process in range(self._plan.processes)]
            self._refuse_bad(await asyncio.gather(*(self._next(child) for child in self._children)))
            start = time.monotonic() + self._plan.warmup_seconds + 0.1
            for child in self._children:
                self._write(child, Start(start=start))
            self._on_progress(Progress(phase="warming up" if self._plan.warmup_seconds else "measuring"))
            return merge(await asyncio.gather(*(self._follow(child) for child in self._children)))
        finally:
            await self._stop()

    async def _start(self, process: int) -> asyncio.subprocess.Process:
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "rung.load.child", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
            limit=_LINE_BYTES_MAX, env=_environment(os.environ, self._plan.folder), start_new_session=True,
        )  # fmt: skip
        self._write(child, Order(plan=self._plan, process=process))
        return child

    def _write(self, child: asyncio.subprocess.Process, message: msgspec.Struct) -> None:
        assert child.stdin is not None
        child.stdin.write(msgspec.json.encode(message) + b"\n")

    async def _next(self, child: asyncio.subprocess.Process) -> Event:
        assert child.stdout is not None
        line = await child.stdout.readline()
        if not line:
            raise MachineError(
                Finding(
                    code="R0605",
                    severity="error",
                    message="a load generator process ended before its load did",
                    found=f"exit status {await child.wait()}; its own words are above",
                    effect="the run was stopped; nothing was measured",
                    help="out of memory or killed: try fewer --users, or a shorter --duration",
                )
            )
        return msgspec.json.decode(line, type=Event)

    async def _follow(self, child: asyncio.subprocess.Process) -> Recording:
        while True:
            event = await self._next(child)
            if event.recording is not None:
                return event.recording
            self._collect(event)

    def _collect(self, event: Event) -> None:
        parts = self._partial.setdefault(event.index, [])
        parts.append(event)
        if len(parts) < self._plan.processes:
            return
        del self._partial[event.index]
        blank = [Recording(groups=[], seconds={0: part.second or Second()}) for part in parts]
        latency: dict[int, int] = {}
        for part in parts:
            for value, count in part.latency.items():
                latency[value] = latency.get(value, 0) + count
        phase = "measuring" if event.index < self._plan.duration_seconds else "draining"
        self._on_progress(
            Progress(phase=phase, index=event.index, second=merge(blank).seconds[0], latency=latency)
        )

    def _refuse_bad(self, events: list[Event]) -> None:
        refused = [event for event in events if event.event == "refused"]
        if refused:
            from rung.load.sources import journeys_of

            journeys_of(self._plan)  # says here, with its finding, what the child only said in words
        failed = sum(event.failed for event in events)
        if failed > self._plan.users * (1 - _CONNECT_SHARE_MIN):
            problems = [problem for event in events for problem in event.problems]
            raise MachineError(
                Finding(
                    code="R0602",
                    severity="error",
                    message=f"{failed:,} of {self._plan.users:,} users cannot connect to {self._plan.target}",
                    found=problems[0] if problems else "",
                    effect="no load was sent",
                    help="start the workload first (rung dev), or give its address with --url; a server that "
                    "stops accepting at about a thousand needs a larger limit (granian: --backpressure)",
                )
            )

    async def _stop(self) -> None:
        for child in self._children:
            if child.returncode is None and child.stdin is not None:
                child.stdin.close()
        for child in self._children:
            try:
                await asyncio.wait_for(child.wait(), 5.0)
            except TimeoutError:
                child.kill()
                await child.wait()


def _environment(environment: Mapping[str, str], folder: str) -> dict[str, str]:
    paths = [folder, environment.get("PYTHONPATH", "")]
    return {**environment, "PYTHONPATH": os.pathsep.join(path for path in paths if path)}

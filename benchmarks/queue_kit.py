"""What the benchmarks of queues against libraries with worker programs share: sending for so long, working off.

A sender is a process; a worker is the library's own program. Handler calls are counted by `queue_counter`.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import queue_counter
from queues import machine

HERE = Path(__file__).parent
SETTLE_SECONDS = 0.5
#: Sends before the clock starts: what is imported and connected at first use is not what is compared.
WARM_UP = 100

Results = dict[str, list[dict[str, Any]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """One library with one setting: how it sends for so long, and its worker program."""

    name: str
    rival: str
    sender: str
    worker: tuple[str, ...]
    environment: tuple[tuple[str, str], ...] = ()


def program(name: str) -> str:
    """A program of this virtual environment."""
    return str(Path(sys.executable).parent / name)


async def send_for(
    seconds: float, send: Callable[[], Awaitable[object]], *, warm_up: int = WARM_UP
) -> tuple[int, float]:
    """How often `send` was done, and the rate."""
    for _ in range(warm_up):
        await send()
    count, begun = 0, time.perf_counter()
    while time.perf_counter() - begun < seconds:
        await send()
        count += 1
    return warm_up + count, count / (time.perf_counter() - begun)


def send_for_sync(seconds: float, send: Callable[[], object]) -> tuple[int, float]:
    """As `send_for`, of a library that blocks."""
    for _ in range(WARM_UP):
        send()
    count, begun = 0, time.perf_counter()
    while time.perf_counter() - begun < seconds:
        send()
        count += 1
    return WARM_UP + count, count / (time.perf_counter() - begun)


def send_apart(
    script: str, system: System, environment: Mapping[str, str], folder: Path, seconds: float
) -> dict[str, Any]:
    """What the sender of a system prints, run in a process of its own: the benchmark `script` with `--sender`."""
    command = [sys.executable, script, "--sender", system.sender, "--seconds", str(seconds)]
    output = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, cwd=folder).stdout
    result: dict[str, Any] = json.loads(output.splitlines()[-1])
    return result


def work_off(system: System, environment: Mapping[str, str], folder: Path, sent: int) -> dict[str, float]:
    """Start the worker, wait until all were handled, end it. `folder` is the one of `queue_counter`."""
    worker = subprocess.Popen(
        system.worker, env=environment, cwd=HERE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        found = _drained(folder, sent)
    finally:
        worker.terminate()
        try:
            worker.wait(5)
        except subprocess.TimeoutExpired:
            worker.kill()
            worker.wait()
    calls = found.calls
    rate = (calls - 1) / max(found.last - found.first, 1e-9) if calls else 0.0
    return {"drain/s": rate, "lost": max(0, sent - calls), "double": max(0, calls - sent)}


def _drained(folder: Path, sent: int) -> queue_counter.Seen:
    """Wait until all were handled, or nothing has happened for 15 s; then a little longer, to see doubles."""
    found, moved_at = queue_counter.seen(folder), time.monotonic()
    while found.calls < sent and time.monotonic() - moved_at < 15:
        time.sleep(0.05)
        before, found = found, queue_counter.seen(folder)
        moved_at = time.monotonic() if found.calls > before.calls else moved_at
    time.sleep(SETTLE_SECONDS)
    return queue_counter.seen(folder)


def alternate(
    chosen: Sequence[System], results: Results, runs: int, measure: Callable[[System], dict[str, Any]]
) -> None:
    """Measure all so many times, every second time in reverse; tell each result when it is there."""
    for number in range(runs):
        for system in chosen if number % 2 == 0 else reversed(chosen):
            found = measure(system)
            results[system.name].append(found)
            print(f"# run {number + 1}: {system.name}: {found}", file=sys.stderr, flush=True)


def table(results: Results, measures: Sequence[str], how: str) -> str:
    """Medians, and the spread where there are several runs."""
    lines = [f"| system | {' | '.join(measures)} |", "|---" * (len(measures) + 1) + "|"]
    for name, runs in results.items():
        cells = [_cell([run.get(measure) for run in runs]) for measure in measures]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join([*lines, f"\n{how}; {machine()}; load {os.getloadavg()[0]:.1f}"])


def _cell(values: Sequence[float | None]) -> str:
    known = [value for value in values if value is not None]
    if not known:
        return "–"
    digits = 0 if max(known) >= 10 or all(value == int(value) for value in known) else 2
    spread = f" ({min(known):,.{digits}f}–{max(known):,.{digits}f})" if max(known) > min(known) else ""
    return f"{statistics.median(known):,.{digits}f}{spread}"

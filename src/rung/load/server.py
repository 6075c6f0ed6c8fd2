"""Processor time of the workload's own processes while a load runs, where `rung dev` runs it on this machine.

Read from /proc: processes that were started for the folder's `.rung`, and their descendants. Elsewhere nothing is
known, and nothing is said.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections import defaultdict
from pathlib import Path

import msgspec

from rung.load.run import Progress

_TICKS = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100
_SERVICES = ("rung.local.gateway", "rung.runtime.serve")


class ServerResult(msgspec.Struct, frozen=True, kw_only=True):
    """Processor seconds of services and of the database for `requests` right answers; `utilisation` of a core.

    `levels`: requests per second and milliseconds of the services' processor for each, in the quarter of the run
    with the least load and in the one with the most. They differ where the load did (`--ramp`, `--spike`).
    """

    requests: int
    service_cpu_seconds: float
    database_cpu_seconds: float
    utilisation: float
    levels: list[tuple[float, float]] = []


class ServerWatch:
    """Hears the run's seconds, and looks at the processes in the first and in each later one."""

    def __init__(self, folder: Path, proc: Path = Path("/proc")) -> None:
        self._state, self._proc = str(folder.resolve() / ".rung"), proc
        self._first: tuple[float, dict[str, float]] | None = None
        self._last: tuple[float, dict[str, float]] | None = None
        self._requests = 0
        self._seconds_seen: list[tuple[int, float]] = []

    def hear(self, progress: Progress) -> None:
        """One report of the run."""
        if progress.phase != "measuring" or progress.second is None:
            return
        now = (time.monotonic(), self._seconds())
        if self._first is None:
            self._first = now
        else:
            before = self._last or self._first
            used = now[1]["service"] - before[1]["service"]
            self._seconds_seen.append((progress.second.succeeded, used))
            self._last = now
            self._requests += progress.second.succeeded

    def result(self) -> ServerResult | None:
        """What was seen; None when the workload does not run here, or the run was too short."""
        if self._first is None or self._last is None or not self._requests:
            return None
        used = {part: self._last[1][part] - self._first[1][part] for part in ("service", "database")}
        elapsed = self._last[0] - self._first[0]
        if used["service"] <= 0 or elapsed <= 0:
            return None
        return ServerResult(
            requests=self._requests, service_cpu_seconds=round(used["service"], 3),
            database_cpu_seconds=round(max(0.0, used["database"]), 3),
            utilisation=round(used["service"] / elapsed, 4), levels=self._levels(),
        )  # fmt: skip

    def _levels(self) -> list[tuple[float, float]]:
        """The quarters with the least and the most requests a second; nothing of a run without four seconds."""
        seen = sorted(self._seconds_seen)
        quarter = len(seen) // 4
        found = []
        for part in (seen[:quarter], seen[-quarter:]) if quarter else ():
            requests, used = sum(second[0] for second in part), sum(second[1] for second in part)
            if requests:
                found.append((round(requests / quarter, 2), round(used * 1_000 / requests, 4)))
        return found

    def _seconds(self) -> dict[str, float]:
        """Processor seconds since each process began, by part."""
        parents: dict[int, int] = {}
        used: dict[int, float] = {}
        parts: dict[int, str] = {}
        for entry in self._proc.glob("[0-9]*"):
            with contextlib.suppress(OSError, ValueError, IndexError):
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                number = int(entry.name)
                parents[number], used[number] = int(fields[1]), (int(fields[11]) + int(fields[12])) / _TICKS
                part = self._part(entry)
                if part is not None:
                    parts[number] = part
        found: dict[str, float] = defaultdict(float)
        for number, seconds in used.items():
            part = parts.get(number) or parts.get(parents[number])
            if part is not None:
                found[part] += seconds
        return found

    def _part(self, entry: Path) -> str | None:
        """What a process of this workload is; None for all others."""
        command = (entry / "cmdline").read_text(errors="replace")
        if "postgres" in command and self._state in command:
            return "database"
        if any(word in command for word in _SERVICES):
            with contextlib.suppress(OSError):
                if f"RUNG_STATE={self._state}" in (entry / "environ").read_text(errors="replace"):
                    return "service"
        return None

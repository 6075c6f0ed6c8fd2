"""Who used the processor meanwhile: the parts of a running shop, the generator, and everybody else."""

from __future__ import annotations

import contextlib
import os
import time
from collections import Counter
from dataclasses import dataclass

import psutil

#: A word of the command line, and the part that it names; the first that fits.
PARTS = (
    ("rung.local.gateway", "gateway"),
    ("rung.load.child", "generator"),
    ("rung.runtime.worker", "workers"),
    ("postgres", "Postgres"),
    ("redis", "Redis"),
    ("valkey", "Redis"),
)
EVERYBODY = "everybody"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Processor seconds by part since each began, and when they were read."""

    at: float
    seconds: Counter[str]


def snapshot(root: int, word: str) -> Snapshot:
    """Of this process and `root`, their descendants, and whatever has `word` in its command line."""
    ours = {process.pid for process in _descendants(os.getpid()) + _descendants(root)}
    seconds: Counter[str] = Counter()
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            command = " ".join(process.cmdline())
            if process.pid in ours or word in command:
                used = process.cpu_times()
                seconds[_part(command)] += used.user + used.system
    everybody = psutil.cpu_times()
    seconds[EVERYBODY] = sum(everybody) - everybody.idle - getattr(everybody, "iowait", 0.0)
    return Snapshot(time.monotonic(), seconds)


def cores(before: Snapshot, after: Snapshot) -> dict[str, float]:
    """Cores used between the two, by part; `others` are not ours."""
    elapsed = after.at - before.at
    used = {part: (after.seconds[part] - before.seconds[part]) / elapsed for part in after.seconds}
    everybody = used.pop(EVERYBODY)
    return {**used, "others": max(0.0, everybody - sum(used.values()))}


def _descendants(pid: int) -> list[psutil.Process]:
    with contextlib.suppress(psutil.Error):
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    return []


def _part(command: str) -> str:
    return next((part for word, part in PARTS if word in command), "rest")

"""Ends what `rung dev` started when `rung dev` itself was killed. Works the same on Linux and macOS.

Runs as a process of its own, `python -I -S guard.py`, before any other child. It reads lines from a pipe:
`+<process group> <signal number>` when a child has started, `-<process group>` when it has ended. When the
pipe closes, which the kernel does however `rung dev` died, every group left gets its signal, and SIGKILL
after `GRACE_SECONDS`. Standard library only, and little of it, so that it starts in about 10 ms.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterable

GRACE_SECONDS = 5.0


def read_groups(lines: Iterable[str]) -> dict[int, int]:
    """The process groups that have started and not ended when `lines` are at their end."""
    groups: dict[int, int] = {}
    for line in lines:
        words = line.split()
        if line.startswith("+"):
            groups[int(words[0][1:])] = int(words[1])
        else:
            groups.pop(int(words[0][1:]), None)
    return groups


def _send(group: int, number: int) -> bool:
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def end(groups: dict[int, int], grace_seconds: float = GRACE_SECONDS) -> None:
    """Signal every group, wait until they are gone or the grace is over, then kill the rest."""
    left = {group for group, number in groups.items() if _send(group, number)}
    deadline = time.monotonic() + grace_seconds
    while left and time.monotonic() < deadline:
        time.sleep(0.02)
        left = {group for group in left if _send(group, 0)}
    for group in left:
        _send(group, signal.SIGKILL)


if __name__ == "__main__":
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    end(read_groups(sys.stdin))

"""The supervisor's end of the guard's pipe (see `rung.local.guard`)."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
from pathlib import Path

_PROGRAM = Path(__file__).with_name("guard.py")


class Guard:
    """Tells the guard which process groups live. Whatever it was told last is ended if we are killed."""

    def __init__(self) -> None:
        # Isolated and without site-packages: it starts in about 10 ms and imports nothing of the user's.
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(_PROGRAM)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
            text=True,
        )

    @property
    def pid(self) -> int:
        """The guard's own process id."""
        return self._process.pid

    def started(self, group: int, with_signal: signal.Signals) -> None:
        """A child leads process group `group`; `with_signal` ends it in order."""
        self._write(f"+{group} {int(with_signal)}\n")

    def ended(self, group: int) -> None:
        """Nothing of this group is left."""
        self._write(f"-{group}\n")

    def close(self) -> None:
        """Close the pipe and wait: the guard ends what is left, usually nothing, and then itself."""
        if self._process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.close()
        self._process.wait()

    def _write(self, line: str) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError, ValueError):
            self._process.stdin.write(line)
            self._process.stdin.flush()

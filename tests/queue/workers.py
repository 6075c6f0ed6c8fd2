"""Real worker processes for the tests of this room: started, watched, and stopped or killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rung.runtime.bindings import QueueBinding, encode, variable_name


class WorkerProcess:
    """`python -m rung.runtime.worker` on a handler that is given as source text (`async def handle(message)`)."""

    def __init__(
        self, folder: Path, source: str, binding: QueueBinding, *arguments: str, queue: str = "orders", **env: str
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "handlers.py").write_text(textwrap.dedent(source))
        self.output = folder / f"worker-{time.monotonic_ns()}.log"
        environment = {**os.environ, variable_name(queue): encode(binding), "PYTHONPATH": str(folder), **env}
        command = [sys.executable, "-m", "rung.runtime.worker", "--name", "fulfil", "--queue", queue]
        with self.output.open("wb") as stream:
            self.process = subprocess.Popen(
                [*command, "--handler", "handlers:handle", *arguments],
                cwd=folder,
                env=environment,
                stdout=stream,
                stderr=subprocess.STDOUT,
            )

    def events(self) -> list[dict[str, Any]]:
        """The log lines so far."""
        lines = self.output.read_text().splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]

    def wait_event(self, event: str, *, timeout_seconds: float = 20.0) -> dict[str, Any]:
        """The first line with this event."""
        found: list[dict[str, Any]] = []

        def there() -> bool:
            found[:] = [line for line in self.events() if line["event"] == event]
            return bool(found)

        wait_until(there, timeout_seconds=timeout_seconds, what=lambda: f"{event!r} in\n{self.output.read_text()}")
        return found[0]

    def signal(self, number: int) -> None:
        """Send a signal."""
        self.process.send_signal(number)

    def stop(self, *, timeout_seconds: float = 30.0) -> int:
        """SIGTERM, and the exit code."""
        self.signal(signal.SIGTERM)
        return self.process.wait(timeout_seconds)

    def kill(self) -> None:
        """SIGKILL, for the end of a test too: harmless when the process is gone."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


def wait_until(
    condition: Callable[[], bool], *, timeout_seconds: float = 20.0, what: Callable[[], str] = lambda: "condition"
) -> None:
    """Poll a real process's effects until `condition`, or fail."""
    deadline = time.monotonic() + timeout_seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {timeout_seconds} s: {what()}"
        time.sleep(0.02)

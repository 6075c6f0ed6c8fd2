"""`rung dev` as a person runs it: a process of its own, on a copy of a workload, its log read line by line."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from rung.local.process import free_port

SAMPLE = Path(__file__).with_name("sample")
START_SECONDS = 40.0
Line = dict[str, Any]


class Dev:
    """One running `rung dev --format json`."""

    def __init__(self, workload: Path, *arguments: str, environment: dict[str, str] | None = None) -> None:
        self.folder = workload.parent
        self.port = free_port()
        command = [sys.executable, "-m", "rung.cli.main", "dev", str(workload), "--port", str(self.port)]
        given = {name: value for name, value in os.environ.items() if not name.startswith("RUNG_")}
        self.process = subprocess.Popen(
            [*command, "--format", "json", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**given, **(environment or {})},
            start_new_session=True,
        )
        self.lines: list[Line] = []
        self.other: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def url(self) -> str:
        """The one port."""
        return f"http://127.0.0.1:{self.port}"

    def until(self, found: Callable[[Line], bool], *, seconds: float = START_SECONDS) -> Line:
        """The first line of the log that `found` accepts, now or soon."""
        deadline = time.monotonic() + seconds
        while True:
            for line in tuple(self.lines):
                if found(line):
                    return line
            assert time.monotonic() < deadline, self.said()
            assert self.process.poll() is None or self._reader.is_alive(), self.said()
            time.sleep(0.02)

    def ready(self) -> Line:
        """Wait until everything runs; the line that says so."""
        return self.until(lambda line: line["event"] == "ready" and line["node"] == "rung")

    def get(self, path: str, *, data: bytes | None = None, seconds: float = 10.0) -> tuple[int, Any]:
        """The status and the body of one request, decoded when it is JSON."""
        try:
            with urllib.request.urlopen(self.url + path, data=data, timeout=seconds) as response:
                status, body = response.status, response.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                status, body = error.code, error.read().decode()
        try:
            return status, json.loads(body)
        except ValueError:
            return status, body

    def eventually(self, path: str, wanted: Callable[[Any], bool], *, seconds: float = START_SECONDS) -> Any:
        """Ask again until the body is as wanted."""
        deadline = time.monotonic() + seconds
        while True:
            body: Any = None
            try:
                _, body = self.get(path)
                if wanted(body):
                    return body
            except OSError as error:
                body = error
            assert time.monotonic() < deadline, f"{body}\n{self.said()}"
            time.sleep(0.05)

    def tree(self) -> list[psutil.Process]:
        """Every process that `rung dev` started, and those that they started; the guard too."""
        return psutil.Process(self.process.pid).children(recursive=True)

    def stop(self, number: signal.Signals = signal.SIGINT, *, seconds: float = 45.0) -> int:
        """Signal it and wait; the exit status."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        status = self.process.wait(seconds)
        self._reader.join(5)
        return status

    def said(self) -> str:
        """Everything it printed, for a failing assertion."""
        lines = [json.dumps(line) for line in self.lines if line["event"] != "request"]
        return "\n".join([*lines[-40:], *self.other[-40:]])

    def _read(self) -> None:
        assert self.process.stdout is not None
        for text in self.process.stdout:
            try:
                line = json.loads(text)
            except ValueError:
                line = None
            if isinstance(line, dict) and "event" in line:
                self.lines.append(line)
            else:
                self.other.append(text.decode(errors="replace").rstrip())
        self.process.stdout.close()


def copy_sample(folder: Path) -> Path:
    """A copy of the sample workload that a test may change; its workload file."""
    shutil.copytree(SAMPLE, folder, ignore=shutil.ignore_patterns("__pycache__", ".rung"), dirs_exist_ok=True)
    return folder / "workload.py"


@contextmanager
def running(workload: Path, *arguments: str, environment: dict[str, str] | None = None) -> Iterator[Dev]:
    """A `rung dev` that is ready, and gone afterwards."""
    dev = Dev(workload, *arguments, environment=environment)
    try:
        dev.ready()
        yield dev
    finally:
        if dev.process.poll() is None:
            dev.stop()

"""The whole shop as `rung dev` runs it, in a folder of its own, for the benchmarks beside this file."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import msgspec

from rung.load.judge import Aims, judge
from rung.load.plan import Plan
from rung.load.recording import Recording
from rung.load.result import LoadResult
from rung.load.run import Progress, Run
from rung.local.process import free_port

ROOT = Path(__file__).resolve().parent.parent
READY_SECONDS = 60.0


@dataclass
class Stack:
    """A running shop."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes]
    events: list[dict[str, Any]] = field(default_factory=list)

    @property
    def url(self) -> str:
        """The one port of the shop."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def database_url(self) -> str:
        """The shop's database, as its owner."""
        for path in Path("/proc").glob("[0-9]*/environ"):
            with contextlib.suppress(OSError):
                values = dict(
                    part.split("=", 1) for part in path.read_text(errors="replace").split("\0") if "=" in part
                )
                if values.get("RUNG_STATE", "").startswith(str(self.folder)) and "DATABASE_URL" in values:
                    return values["DATABASE_URL"]
        raise RuntimeError("no process of the shop has a DATABASE_URL")

    def secret(self, name: str) -> str:
        """A secret that rung dev made up."""
        return (self.folder / ".rung" / "secrets" / name).read_text().strip()

    def wait_for(self, event: str, *, node: str, seconds: float) -> None:
        """Until a process has logged `event`."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if any(each.get("event") == event and each.get("node") == node for each in self.events):
                return
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        said = "\n".join(json.dumps(each) for each in self.events[-20:])
        raise RuntimeError(f"the shop did not log {event!r} for {node} in {seconds:g} s; it said:\n{said}")


@contextlib.contextmanager
def running_shop(*, gateway_workers: int) -> Iterator[Stack]:
    """Copy the workload to a temporary folder, start it there, fill it, and stop it at the end."""
    folder = Path(tempfile.mkdtemp(prefix="rung-shop-", dir="/tmp" if Path("/tmp").is_dir() else None))
    folder.chmod(0o755)  # the unprivileged Postgres must reach its data
    shutil.copytree(ROOT / "workloads" / "shop", folder / "shop", ignore=shutil.ignore_patterns(".rung", "tests"))
    port = free_port()
    command = [sys.executable, "-m", "rung.cli.main", "dev", "workload.py", "--no-reload", "--format", "json",
               "--port", str(port), "--workers", str(gateway_workers)]  # fmt: skip
    process = subprocess.Popen(
        command, cwd=folder / "shop", stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True
    )
    stack = Stack(folder / "shop", port, process)
    assert process.stdout is not None
    reader = threading.Thread(target=_collect, args=(process.stdout, stack.events), daemon=True)
    reader.start()
    try:
        stack.wait_for("ready", node="rung", seconds=READY_SECONDS)
        stack.wait_for("seeded", node="seed", seconds=READY_SECONDS)
        yield stack
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(40)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
        reader.join(5)
        shutil.rmtree(folder, ignore_errors=True)


def _collect(stream: IO[bytes], events: list[dict[str, Any]]) -> None:
    """Keep what is not the sampled access log; read on, or the pipe would fill and stop the shop."""
    for line in stream:
        try:
            event = msgspec.json.decode(line)
        except msgspec.DecodeError:
            event = {"event": line.decode(errors="replace").rstrip()}
        if isinstance(event, dict) and event.get("event") != "request":
            events.append(event)


def send(
    plan: Plan, aims: Aims, *, name: str, on_second: Callable[[int], None] = lambda second: None
) -> LoadResult:
    """Run the plan with one line per ten seconds on standard error; `on_second` hears each second that is over."""
    from datetime import UTC, datetime

    started_at = datetime.now(UTC)

    def hear(progress: Progress) -> None:
        _tell(progress)
        if progress.second is not None:
            on_second(progress.index + 1)

    recording: Recording = asyncio.run(Run(plan, hear).run())
    return judge(recording, plan, aims, name=name, started_at=started_at)


def _tell(progress: Progress) -> None:
    second = progress.second
    if second is None:
        print(f"# {progress.phase}", file=sys.stderr, flush=True)
    elif progress.index % 10 == 9:
        print(
            f"# second {progress.index + 1}: {second.offered:,}/s offered, {second.succeeded:,}/s right, "
            f"{second.failed:,} wrong, {second.in_flight:,} in flight",
            file=sys.stderr, flush=True,
        )  # fmt: skip


def arguments(description: str, **defaults: Any) -> argparse.Namespace:
    """The command line that both benchmarks share."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--users", type=int, default=10_000)
    parser.add_argument("--think", type=float, default=10.0, metavar="SECONDS")
    parser.add_argument("--duration", type=float, default=defaults.get("duration", 60.0), metavar="SECONDS")
    parser.add_argument("--warmup", type=float, default=15.0, metavar="SECONDS")
    parser.add_argument("--workers", type=int, default=defaults.get("workers", 1), help="gateway processes")
    parser.add_argument("--processes", type=int, default=1, help="generator processes")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--report", type=Path, help="also write the HTML report")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def show(rows: list[tuple[str, str, str, bool | None]], result: LoadResult, options: argparse.Namespace) -> int:
    """The table: figure, found, aim, met. 1 when an aim is missed."""
    if options.report is not None:
        from rung.load.report import render_report

        options.report.write_text(render_report(result), encoding="utf-8")
    if options.json:
        keys = ("figure", "found", "aim", "met")
        document = {
            "rows": [dict(zip(keys, row, strict=True)) for row in rows],
            "load": msgspec.to_builtins(result),
        }
        print(json.dumps(document, indent=2))
    else:
        _print_table(rows, result)
    return 0 if all(met is not False for *_, met in rows) else 1


def _print_table(rows: list[tuple[str, str, str, bool | None]], result: LoadResult) -> None:
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    machine = result.machine
    print(f"{machine.cores} cores, {machine.system}, Python {machine.python}; generator and shop share them")
    for figure, found, aim, met in rows:
        verdict = "" if met is None else "met" if met else "NOT MET"
        print(f"{figure:<{widths[0]}}  {found:>{widths[1]}}  {aim:<{widths[2]}}  {verdict}")

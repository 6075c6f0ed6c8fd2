"""How long `rung dev` takes until the first 200: cold (no `.rung/`) and warm, and the same for stopping.

    python benchmarks/dev_start.py [--workload tests/local/sample/workload.py] [--path /] [--runs 5] [--json]

The time counts from starting the process to the first answer with status 200 on the one port, asked for every
10 ms; so it holds Python's own start, the servers, the migrations and the application's imports. Cold: the state
folder is removed before each run (initdb, roles, migrations). The packages are installed in both cases.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from rung.local.process import free_port

ROOT = Path(__file__).parents[1]
TIMEOUT_SECONDS = 60.0


@dataclass(frozen=True, kw_only=True)
class Run:
    """Seconds until the first 200, and from SIGINT to the end."""

    start_seconds: float
    stop_seconds: float


def measure(workload: Path, path: str) -> Run:
    """Start, wait for the first 200, stop."""
    port = free_port()
    command = [
        sys.executable,
        "-m",
        "rung.cli.main",
        "dev",
        str(workload),
        "--port",
        str(port),
        "--format",
        "json",
    ]
    began = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT)
    while not _answers(f"http://127.0.0.1:{port}{path}"):
        if process.poll() is not None or time.monotonic() - began > TIMEOUT_SECONDS:
            process.kill()
            raise SystemExit(f"no 200 from {path}: run {' '.join(command)} to see why")
        time.sleep(0.01)
    started = time.monotonic()
    process.send_signal(signal.SIGINT)
    process.wait(TIMEOUT_SECONDS)
    return Run(start_seconds=started - began, stop_seconds=time.monotonic() - started)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as response:
            return bool(response.status == 200)
    except OSError:
        return False


def main() -> None:
    """Print one table, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workload", type=Path, default=ROOT / "workloads/shop/workload.py")
    parser.add_argument("--path", default="/")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "workload"
        ignore = shutil.ignore_patterns(".rung", "__pycache__", "node_modules")
        shutil.copytree(options.workload.parent, folder, ignore=ignore)
        results = _both(folder / options.workload.name, options.path, options.runs)
    rows = [(label, *_summary(runs)) for label, runs in results.items()]
    if options.json:
        print(json.dumps({"machine": machine(), "runs": {k: [vars(r) for r in v] for k, v in results.items()}}))
        return
    print(f"rung dev {options.workload}, to the first 200 of {options.path}; {options.runs} runs; {machine()}\n")
    print(f"{'':6} {'median':>8} {'least':>8} {'most':>8} {'stop, median':>13}")
    for label, median, least, most, stop in rows:
        print(f"{label:6} {median:7.2f}s {least:7.2f}s {most:7.2f}s {stop:12.2f}s")


def _both(workload: Path, path: str, runs: int) -> dict[str, list[Run]]:
    cold = []
    for _ in range(runs):
        shutil.rmtree(workload.parent / ".rung", ignore_errors=True)
        cold.append(measure(workload, path))
    return {"cold": cold, "warm": [measure(workload, path) for _ in range(runs)]}


def _summary(runs: list[Run]) -> tuple[float, float, float, float]:
    starts = [run.start_seconds for run in runs]
    return statistics.median(starts), min(starts), max(starts), statistics.median(run.stop_seconds for run in runs)


def machine() -> str:
    """What the figures came from."""
    system, python = f"{platform.system()} {platform.machine()}", platform.python_version()
    return f"{system}, {os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f}, Python {python}"


if __name__ == "__main__":
    main()

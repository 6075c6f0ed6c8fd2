"""The queue on RabbitMQ against celery, dramatiq and FastStream, on one server at equal durability.

    make benchmark NAME=queues_rabbitmq [ARGUMENTS="--seconds 10 --runs 5 --folder /dev/shm --json"]

Everybody sends to durable quorum queues and has each message confirmed before the next one (celery by
`confirm_publish` and dramatiq by `confirm_delivery`, which are off by default; FastStream by its default).
Everybody acknowledges after the handler. One sender on one connection sends 100-byte bodies one by one, then in
batches where the library has any (rung alone); then one worker process drains them, from its first to its last
handler call, noted in memory that is shared with this process. Concurrency 10 everywhere. Lost and double must
be 0.

`--folder /dev/shm`: the server's data in memory. A confirm waits for the disk; where the disk's speed changes by
more than the systems differ, this shows what the systems themselves cost.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from queues_rabbitmq_systems import SYSTEMS, Tally

from rung.local.rabbitmq import start_rabbitmq

MEASURES = ("send/s", "send batch/s", "drain/s", "lost", "double")


def measure(name: str, url: str, folder: Path, seconds: float) -> dict[str, float]:
    """One run of one system: its sender and its worker are processes of their own."""
    tally = Tally(folder / f"{name}-{time.monotonic_ns()}")
    sent = json.loads(_run(name, "send", url, tally.path, seconds).splitlines()[-1])
    worker = subprocess.Popen(_command(name, "work", url, tally.path, sent["count"]), env=_environment())
    try:
        found = tally.wait(sent["count"], timeout_seconds=sent["count"] / 100 + 60)
    finally:
        worker.terminate()
        try:
            worker.wait(20)
        except subprocess.TimeoutExpired:
            worker.kill()
    return {"send/s": sent["send"], "send batch/s": sent.get("batch", float("nan")), **found}


def _run(*words: object) -> str:
    done = subprocess.run(_command(*words), env=_environment(), capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{words[:2]} failed:\n{done.stderr[-2000:]}")
    return done.stdout


def _command(*words: object) -> list[str]:
    return [sys.executable, str(Path(__file__).with_name("queues_rabbitmq_systems.py")), *map(str, words)]


def _environment() -> dict[str, str]:
    return {**os.environ, "RUNG_LOG_LEVEL": "error"}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=10.0, help="of sending one by one")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--only", default="")
    parser.add_argument("--folder", help="where the server keeps its data; else the folder for temporary files")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    chosen = [name for name in SYSTEMS if options.only in name]
    results: dict[str, list[dict[str, float]]] = {name: [] for name in chosen}
    with tempfile.TemporaryDirectory(dir=options.folder) as directory:
        folder = Path(directory)
        folder.chmod(0o755)
        for number in range(options.runs):
            for name in chosen if number % 2 == 0 else reversed(chosen):
                server = start_rabbitmq(folder / f"{name}-{number}")
                try:
                    results[name].append(measure(name, server.url, folder, options.seconds))
                finally:
                    server.stop()
                print(f"# run {number + 1}: {name}: {results[name][-1]}", file=sys.stderr, flush=True)
    print(json.dumps(results, indent=2) if options.json else _table(results))


def _table(results: dict[str, list[dict[str, float]]]) -> str:
    lines = [f"| system | {' | '.join(MEASURES)} |", "|---" * (len(MEASURES) + 1) + "|"]
    for name, runs in results.items():
        lines.append(f"| {name} | {' | '.join(_cell([run[each] for run in runs]) for each in MEASURES)} |")
    count = len(next(iter(results.values())))
    return "\n".join([*lines, f"\n{count} run(s); {os.cpu_count()} cores; load {os.getloadavg()[0]:.1f}"])


def _cell(values: list[Any]) -> str:
    if any(value != value for value in values):
        return "none"
    middle = f"{statistics.median(values):,.0f}"
    return middle if min(values) == max(values) else f"{middle} ({min(values):,.0f}-{max(values):,.0f})"


if __name__ == "__main__":
    main()

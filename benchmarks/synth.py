"""What `rung synth` costs: the whole process, for a workload of ten services and for shop.

    python benchmarks/synth.py [--rounds 9] [--json]

Each run is a new Python process that reads the workload file, places every environment, and writes the tree into
an empty folder. Time is the wall clock from start to exit; memory is the process's largest resident size as the
kernel counts it. A row is the median over the rounds, with the smallest and the largest.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SHOP = Path(__file__).parents[1] / "workloads" / "shop" / "workload.py"


def ten_services() -> str:
    """A workload of five services and five workers, with a database, a cache, queues and secrets."""
    lines = [
        "from rung import Workload",
        "",
        'big = Workload("big")',
        'db = big.postgres("db")',
        'cache = big.cache("cache")',
    ]
    for number in range(5):
        lines += [
            f'queue{number} = big.queue("queue{number}")',
            f'key{number} = big.secret("key-{number}-value")',
            f"uses{number} = [db, cache, queue{number}.send, key{number}]",
            f'api{number} = big.service("api{number}", app="big.api:app", health="/health", uses=uses{number})',
            f'big.worker("worker{number}", handler="big.work:handle", consumes=queue{number}, uses=[db])',
            f'big.route("/{number}/*", api{number})',
        ]
    lines += [
        'big.environment("prod", production=True, domain="big.example.com", zone="example.com")',
        'big.notify("email:a@example.com")',
    ]
    return "\n".join(lines) + "\n"


def once(workload: Path) -> tuple[float, float]:
    """Seconds and MiB of one run."""
    with tempfile.TemporaryDirectory() as out:
        command = [sys.executable, "-m", "rung.cli.main", "synth", str(workload), "--env", "prod", "--out", out]
        began = time.perf_counter()
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.perf_counter() - began
    assert process.returncode == 0, f"rung synth {workload} failed"
    return seconds, usage.ru_maxrss / 1024


def main() -> int:
    """Measure both workloads and print one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        ten = Path(folder) / "workload.py"
        ten.write_text(ten_services())
        for name, workload in (("ten services", ten), ("shop", SHOP)):
            runs = [once(workload) for _ in range(options.rounds)]
            for unit, column in (("s", 0), ("MiB", 1)):
                values = [run[column] for run in runs]
                rows.append((name, unit, statistics.median(values), min(values), max(values)))
    if options.json:
        keys = ("workload", "unit", "median", "least", "most")
        print(json.dumps([dict(zip(keys, row, strict=True)) for row in rows], indent=2))
        return 0
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, {options.rounds} rounds")
    print(f"{'workload':<14} {'':<5} {'median':>8} {'least':>8} {'most':>8}")
    for name, unit, *values in rows:
        print(f"{name:<14} {unit:<5} " + " ".join(f"{value:>8.2f}" for value in values))
    return 0


if __name__ == "__main__":
    sys.exit(main())

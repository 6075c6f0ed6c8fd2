"""What `rung check` costs on a workload of ten services, Python's own start included.

    python benchmarks/check.py [--runs 30] [--json]

Every variant runs once in each round, in turn, as a process of its own. The rivals are what any Python
command pays before it does anything: an empty program, argparse and dataclasses, asyncio.
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

AIM_MS = 150.0
SERVICES = 10


def workload() -> str:
    """A workload file of ten services, each with a queue, a worker, a schedule and a route."""
    lines = [
        "from rung import Business, Objectives, Traffic, Workload",
        'shop = Workload("shop")',
        'db = shop.postgres("db", max_connections=1_000)',
        'cache = shop.cache("cache")',
    ]
    for number in range(SERVICES):
        name = f"part{number}"
        lines += [
            f'queue{number} = shop.queue("{name}-queue", lanes=("urgent", "ordinary"))',
            f'{name} = shop.service("{name}", app="shop.{name}:app", health="/health",',
            f"    uses=[db, cache, queue{number}.send])",
            f'shop.worker("{name}-worker", handler="shop.{name}:handle", consumes=queue{number}, uses=[db],',
            '    acceptable_latency="30s", processing_time="20ms")',
            f'shop.schedule("{name}-tick", cron="*/5 * * * *", handler="shop.{name}:tick", uses=[db])',
            f'shop.route("/{name}/*", {name})',
        ]
    lines += [
        'shop.traffic(Traffic(concurrent_users=10_000, think_time="10s", peak=10, reads=0.95))',
        'shop.objectives(Objectives(availability="99.95%", p99="100ms"))',
        "shop.business(Business(monthly_budget_usd=2_000, monthly_revenue_usd=40_000, engineers=4))",
        'shop.notify("email:oncall@example.com")',
    ]
    return "\n".join(lines) + "\n"


def commands(file: Path) -> dict[str, list[str]]:
    """The variants, by the name in the table."""
    python = sys.executable
    return {
        "python -c pass": [python, "-c", "pass"],
        "python -c 'import argparse, dataclasses'": [python, "-c", "import argparse, dataclasses"],
        "python -c 'import asyncio'": [python, "-c", "import asyncio"],
        "rung --help": [python, "-m", "rung.cli.main", "--help"],
        "rung check, 10 services": [python, "-m", "rung.cli.main", "check", str(file)],
        "rung check --format json": [python, "-m", "rung.cli.main", "check", str(file), "--format", "json"],
    }


def once(command: list[str]) -> float:
    """Milliseconds from starting the process to its end."""
    started = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return (time.perf_counter() - started) * 1_000


def measure(runs: int) -> dict[str, list[float]]:
    """Every variant, `runs` times, in turn; the first round only warms the file cache."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "workload.py"
        file.write_text(workload())
        variants = commands(file)
        times: dict[str, list[float]] = {name: [] for name in variants}
        for number in range(runs + 1):
            for name, command in variants.items():
                elapsed = once(command)
                if number:
                    times[name].append(elapsed)
        return times


def machine() -> str:
    """Where it was measured."""
    load = os.getloadavg()[0]
    return f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, load {load:.1f}"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=30)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    times = measure(options.runs)
    rows = {
        name: {"median_ms": statistics.median(found), "min_ms": min(found), "max_ms": max(found)}
        for name, found in times.items()
    }
    if options.json:
        print(json.dumps({"machine": machine(), "runs": options.runs, "aim_ms": AIM_MS, "rows": rows}, indent=2))
        return
    print(f"{machine()}; {options.runs} runs each; aim of rung check: under {AIM_MS:.0f} ms\n")
    print(f"{'':44}{'median ms':>10}{'min':>8}{'max':>8}")
    for name, row in rows.items():
        print(f"{name:44}{row['median_ms']:10.1f}{row['min_ms']:8.1f}{row['max_ms']:8.1f}")


if __name__ == "__main__":
    main()

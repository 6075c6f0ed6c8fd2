"""How long a bill takes after import: the shop on each rung, its range, its savings, and a whole `rung estimate`.

    python benchmarks/estimate.py [--json]

One design priced is what advice and comparisons do many times; placing it is another matter and stands apart. Aim:
all rungs priced in less than 50 ms.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from rung.errors import ModelError
from rung.model.read import load_workload
from rung.price.bill import bill
from rung.price.book import shipped_book
from rung.price.savings import savings
from rung.rungs import RUNGS, place

SHOP = Path(__file__).parents[1] / "workloads" / "shop" / "workload.py"
ROUNDS = 30


def milliseconds(work: Callable[[], object], rounds: int = ROUNDS) -> tuple[float, float]:
    """Median and worst of some rounds, after one that does not count."""
    work()
    spans = []
    for _ in range(rounds):
        began = time.perf_counter()
        work()
        spans.append((time.perf_counter() - began) * 1_000)
    return statistics.median(spans), max(spans)


def measured() -> list[dict[str, object]]:
    """A row for each thing that takes time."""
    graph = load_workload(SHOP)
    book = shipped_book()
    rows: list[dict[str, object]] = []

    def row(name: str, work: Callable[[], object], rounds: int = ROUNDS) -> float:
        median, worst = milliseconds(work, rounds)
        rows.append({"what": name, "median_ms": median, "worst_ms": worst})
        return median

    row("read the price book", shipped_book, 5)
    total = 0.0
    for rung in RUNGS:
        environment = "dev" if rung == "box" else "prod"
        try:
            design = place(graph, environment, rung=rung)
        except ModelError:
            continue
        row(f"place on {rung}", lambda rung=rung, env=environment: place(graph, env, rung=rung), 10)  # type: ignore[misc]
        total += row(f"price on {rung}", lambda design=design: bill(design, graph, book))  # type: ignore[misc]
    rows.append({"what": "price on all rungs", "median_ms": total, "worst_ms": None})
    design = place(graph, "prod")
    row("the range of a bill", lambda: bill(design, graph, book).interval(), 10)
    row("all savings with their break-evens", lambda: savings(design, graph, book), 5)
    command = [sys.executable, "-m", "rung.cli.main", "estimate", str(SHOP), "--format", "json"]
    row("rung estimate, the whole process", lambda: subprocess.run(command, check=True, capture_output=True), 5)
    return rows


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    wanted = parser.parse_args()
    rows = measured()
    if wanted.json:
        print(json.dumps({"machine": platform.platform(), "rows": rows}, indent=2))
        return
    print(f"Python {platform.python_version()}, {platform.machine()}")
    for row in rows:
        worst = "" if row["worst_ms"] is None else f"{row['worst_ms']:10.2f}"
        print(f"{row['what']!s:40} {row['median_ms']:10.2f} ms {worst}")


if __name__ == "__main__":
    main()

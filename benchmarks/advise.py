"""What advice costs in time, and how often it agrees with 20 workloads that were labelled before it was written.

    python benchmarks/advise.py [--runs 15] [--json]

Times: all five architectures of the shop placed and priced in one process after import; placed, priced and weighed
for every label; `rung advise` on the shop, and on a workload of 25 services and workers, as a process of its own,
the interpreter's start included. Agreement: one row for each label, and what to make of each disagreement.
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
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
SHOP = ROOT / "workloads" / "shop" / "workload.py"
AIM_PRICED_MS, AIM_ADVISED_MS, AIM_MANY_MS, AIM_AGREEMENT = 50.0, 1_000.0, 2_000.0, 0.85
RUNGS = ("box", "host", "fargate", "eks", "serverless")


def priced(runs: int) -> list[float]:
    """Milliseconds to place and price five architectures of a labelled workload that all rungs hold."""
    from rung.model.read import load_workload
    from rung.price.bill import bill
    from rung.price.shelf import book_in_use
    from rung.rungs import place

    graph = load_workload(ROOT / "tests" / "advise" / "labelled" / "track-early" / "workload.py")
    book, times = book_in_use(), []
    for _ in range(runs + 1):
        started = time.perf_counter()
        for rung in RUNGS:
            bill(place(graph, "prod", rung=rung), graph, book)
        times.append((time.perf_counter() - started) * 1_000)
    return times[1:]


def many_services() -> str:
    """A workload file of 13 services and 12 workers with their queues, two databases, a cache and secrets."""
    lines = [
        "from rung import Business, Objectives, Traffic, Workload",
        'big = Workload("big")',
        'db, reports, cache = big.postgres("db"), big.postgres("reports"), big.cache("cache")',
    ]
    for number in range(13):
        uses = ["db", "cache", f"key{number}"]
        lines.append(f'key{number} = big.secret("key-{number}")')
        if number < 12:
            lines.append(f'queue{number} = big.queue("queue{number}")')
            lines.append(
                f'big.worker("worker{number}", handler="big.work:handle", consumes=queue{number}, uses=[reports])'
            )
            uses.append(f"queue{number}.send")
        used = ", ".join(uses)
        lines.append(
            f'api{number} = big.service("api{number}", app="big.api:app", health="/health", uses=[{used}])'
        )
        lines.append(f'big.route("/{number}/*", api{number})')
    lines += [
        'big.traffic(Traffic(concurrent_users=5_000, think_time="5s", peak=3, peak_duration="15 minutes"))',
        'big.objectives(Objectives(availability="99.9%"))',
        "big.business(Business(monthly_revenue_usd=400_000, engineers=25, customers=300))",
        'big.environment("prod", production=True, domain="big.example.com", zone="example.com")',
        'big.notify("email:a@example.com")',
    ]
    return "\n".join(lines) + "\n"


def advised_many(runs: int) -> list[float]:
    """Milliseconds of `rung advise` on many services."""
    with tempfile.TemporaryDirectory() as folder:
        workload = Path(folder) / "workload.py"
        workload.write_text(many_services(), encoding="utf-8")
        return advised(workload, runs)


def advised(workload: Path, runs: int) -> list[float]:
    """Milliseconds of `rung advise` on a workload file, from starting the process to its end."""
    command = [sys.executable, "-m", "rung.cli.main", "advise", str(workload)]
    times = []
    for _ in range(runs + 1):
        started = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        times.append((time.perf_counter() - started) * 1_000)
    return times[1:]


def agreement() -> list[dict[str, Any]]:
    """A row for each label."""
    from tests.advise.conftest import labelled, shallow
    from tests.advise.test_agreement import EXPLAINED

    rows = []
    for case in labelled():
        found = shallow(case.name)
        rung = found.recommended.rung
        verdict = "agrees" if rung == case.rung else "defensible" if rung in case.defensible else "disagrees"
        rows.append(
            {
                "workload": case.name, "label": case.rung, "defensible": list(case.defensible), "advice": rung,
                "verdict": verdict, "toss_up_with": found.steadiness.rival,
                "why": "" if rung == case.rung else EXPLAINED.get(case.name, "not explained yet"),
            }
        )  # fmt: skip
    return rows


REVENUES = (0, 500, 1_500, 5_000, 15_000, 50_000, 150_000, 500_000)
USERS = (1, 20, 200, 2_000, 10_000)
#: Tenants pay about so much a month each, and a team grows with what it earns.
USD_OF_A_CUSTOMER, USD_OF_AN_ENGINEER = 50.0, 12_000.0


def ordinary(users: int, revenue: float) -> Any:
    """A multi-tenant product of one API, a worker with its queue, a database, a cache and a site."""
    from rung import Business, Objectives, Traffic, Workload, rls

    work = Workload("product")
    db = work.postgres("db", tenancy=rls(), storage=20, max_connections=200)
    cache = work.cache("cache")
    jobs = work.queue("jobs")
    api = work.service(
        "api", app="product.api:app", health="/health", min_tasks=2, max_tasks=12, uses=[db, cache, jobs.send]
    )
    work.worker("jobber", handler="product.jobs:handle", consumes=jobs, uses=[db], processing_time="50ms",
                acceptable_latency="2 minutes")  # fmt: skip
    web = work.site("web", path="web")
    work.route("/api/*", api)
    work.route("/*", web)
    work.traffic(Traffic(concurrent_users=users, think_time="10s", peak=3, peak_duration="15 minutes", reads=0.9))
    promised = "99.9%" if revenue >= 15_000 else "99.5%" if revenue else None
    work.objectives(Objectives(availability=promised))
    work.business(
        Business(
            monthly_revenue_usd=revenue, engineers=1 + int(revenue / USD_OF_AN_ENGINEER),
            customers=int(revenue / USD_OF_A_CUSTOMER),
        )
    )  # fmt: skip
    work.environment("prod", domain="product.example.com", zone="example.com")
    work.notify("email:me@example.com")
    return work.freeze()


def earned() -> list[dict[str, Any]]:
    """Which rung the ordinary product has earned, by its revenue and its visitors."""
    from rung.advise import advise

    rows = []
    for revenue in REVENUES:
        for users in USERS:
            found = advise(ordinary(users, revenue), "prod", deep=False)
            best = found.recommended
            rows.append(
                {
                    "revenue_usd": revenue, "users": users, "rung": best.rung, "bill_usd": round(best.bill_usd),
                    "total_usd": round(best.total_usd), "toss_up_with": found.steadiness.rival,
                }
            )  # fmt: skip
    return rows


def map_lines(rows: list[dict[str, Any]]) -> list[str]:
    """The map in Markdown: a row for each revenue, a column for each number of people at once."""
    cells = {(row["revenue_usd"], row["users"]): row for row in rows}
    lines = ["| revenue a month | " + " | ".join(f"{users:,} at once" for users in USERS) + " |"]
    lines.append("|--:|" + "---|" * len(USERS))
    for revenue in REVENUES:
        found = [cells[revenue, users] for users in USERS]
        texts = [
            f"{row['rung']}{' or ' + row['toss_up_with'] if row['toss_up_with'] else ''}, ${row['bill_usd']:,}"
            for row in found
        ]
        lines.append(f"| ${revenue:,} | " + " | ".join(texts) + " |")
    return lines


def summary(times: list[float]) -> dict[str, float]:
    """Median and spread."""
    ordered = sorted(times)
    return {"median_ms": statistics.median(ordered), "least_ms": ordered[0], "most_ms": ordered[-1]}


def show(document: dict[str, Any]) -> None:
    """The tables."""
    print(f"{document['machine']}\n")
    print(f"{'what':<48}{'median':>10}{'least':>10}{'most':>10}{'aim':>10}")
    for name, row in document["times"].items():
        cells = "".join(f"{row[key]:>7,.0f} ms" for key in ("median_ms", "least_ms", "most_ms", "aim_ms"))
        print(f"{name:<48}{cells}")
    print(f"\n{'workload':<26}{'label':<12}{'advice':<12}{'verdict':<12}toss-up with")
    for row in document["agreement"]:
        rival = row["toss_up_with"] or ""
        print(f"{row['workload']:<26}{row['label']:<12}{row['advice']:<12}{row['verdict']:<12}{rival}")
    for row in document["agreement"]:
        if row["why"]:
            print(f"\n{row['workload']}: {row['why']}")
    counts = document["counts"]
    print(
        f"\nthe label itself {counts['agrees']} of 20, the label or a neighbour called defensible beforehand "
        f"{counts['agrees'] + counts['defensible']} of 20 (aim {AIM_AGREEMENT:.0%})"
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--map", action="store_true", help="print which rung an ordinary product has earned")
    arguments = parser.parse_args()
    if arguments.map:
        print("\n".join(map_lines(earned())))
        return
    rows = agreement()
    verdicts = [row["verdict"] for row in rows]
    document = {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        "times": {
            "five architectures placed and priced": {**summary(priced(arguments.runs)), "aim_ms": AIM_PRICED_MS},
            "rung advise on the shop, the whole process": {
                **summary(advised(SHOP, arguments.runs)), "aim_ms": AIM_ADVISED_MS},
            "rung advise on 25 services and workers": {
                **summary(advised_many(arguments.runs)), "aim_ms": AIM_MANY_MS},
        },
        "agreement": rows,
        "counts": {name: verdicts.count(name) for name in ("agrees", "defensible", "disagrees")},
    }  # fmt: skip
    if arguments.json:
        print(json.dumps(document, indent=2))
    else:
        show(document)


if __name__ == "__main__":
    main()

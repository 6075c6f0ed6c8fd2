"""What the database benchmarks share: a server of their own, a table of tenants, rounds, one table of figures."""

from __future__ import annotations

import json
import os
import platform
import random
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import asyncpg

from rung.local.postgres import PostgresServer, start_postgres
from rung.runtime.database.tenancy import create_serving_role, rls_statements

TENANTS = 50
ROWS = 10_000
QUERY = "select id, name, price from item where tenant_id = $1 and id = $2"
Call = Callable[[], Awaitable[object]]


@contextmanager
def server() -> Iterator[PostgresServer]:
    """The embedded server in a temporary folder that its unprivileged user can reach."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o711)
        running = start_postgres(Path(name) / "postgres", settings={"fsync": "off", "synchronous_commit": "off"})
        try:
            yield running
        finally:
            running.stop()


async def prepare(running: PostgresServer) -> tuple[str, str]:
    """Two equal tables; row-level security on `item`, none on `plain_item`. URLs of the serving role and owner."""
    owner = await asyncpg.connect(running.url)
    for table in ("item", "plain_item"):
        await owner.execute(
            f"create table {table} "
            "(tenant_id text, id integer, name text, price integer, primary key (tenant_id, id))"
        )
        await owner.execute(
            f"insert into {table} "
            f"select 't' || n % {TENANTS}, n, 'item ' || n, n from generate_series(1, {ROWS}) n"
        )
    for statement in rls_statements("item"):
        await owner.execute(statement)
    await create_serving_role(owner, "serving", password="serving")
    await owner.execute("vacuum analyze")
    await owner.close()
    return running.url_of("postgres", user="serving", password="serving"), running.url


async def measure(variants: Mapping[str, Call], *, rounds: int, calls: int) -> dict[str, list[float]]:
    """Microseconds per call of each variant in each round, one call after the other, in random order per round.

    Many short rounds rather than few long ones: what else runs on the machine then meets all variants alike.
    """
    for call in variants.values():
        for _ in range(200):
            await call()
    found: dict[str, list[float]] = {name: [] for name in variants}
    order = list(variants)
    for _ in range(rounds):
        random.shuffle(order)
        for name in order:
            call = variants[name]
            began = time.perf_counter()
            for _ in range(calls):
                await call()
            found[name].append((time.perf_counter() - began) / calls * 1e6)
    return found


def print_figures(title: str, found: Mapping[str, Sequence[float]], *, baseline: str, as_json: bool) -> None:
    """Median and spread (10th to 90th percentile) of each variant, and its ratio to the baseline by round."""
    rows = []
    for name, values in found.items():
        ratios = [value / base for value, base in zip(values, found[baseline], strict=True)]
        rows.append(
            {
                "variant": name,
                "median_us": round(statistics.median(values), 1),
                "p10_us": round(_percentile(values, 0.1), 1),
                "p90_us": round(_percentile(values, 0.9), 1),
                "ratio": round(statistics.median(ratios), 2),
                "ratio_p10": round(_percentile(ratios, 0.1), 2),
                "ratio_p90": round(_percentile(ratios, 0.9), 2),
            }
        )
    if as_json:
        print(json.dumps({"title": title, "machine": machine(), "rows": rows}))
        return
    print(f"{title}\n{machine()}; {len(found[baseline])} rounds; ratios are to {baseline!r} in the same round\n")
    print(f"{'':44} {'us per call':>24} {'ratio':>20}")
    for row in rows:
        times = f"{row['median_us']} ({row['p10_us']}-{row['p90_us']})"
        print(f"{row['variant']:44} {times:>24} {row['ratio']:>8} ({row['ratio_p10']}-{row['ratio_p90']})")
    print()


def machine() -> str:
    """The machine, in one line."""
    return f"{os.cpu_count()} cores, {platform.system()} {platform.release()}, Python {platform.python_version()}"


def _percentile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, round(share * (len(ordered) - 1)))]

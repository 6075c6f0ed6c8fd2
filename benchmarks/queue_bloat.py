"""What a million jobs leave behind in the queue's table, and what claims cost while an old snapshot is held.

    python benchmarks/queue_bloat.py [--jobs 1000000] [--seconds 60] [--rate 1000]

First: jobs are sent and worked off in batches of 100; then the table's dead tuples, its size, and the share of
claims that wrote no index (HOT). Second: `--rate` messages a second are sent and claimed while one session holds
a REPEATABLE READ snapshot, so that vacuum removes nothing; then the claims' p50 and p99, without and with it.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import asyncpg
import uvloop

from rung.local.postgres import start_postgres
from rung.runtime.bindings import QueueBinding
from rung.runtime.queue import Entry, PostgresQueue

BODY = b"x" * 100
BATCH = 100
#: What is measured without a snapshot, and looked at by itself at the end of one.
BASELINE_SECONDS = 60.0
STATE = """
select n_dead_tup as dead, n_tup_upd as claims, n_tup_hot_upd as hot,
    pg_table_size('rung.message') / 1e6 as table_mb, pg_indexes_size('rung.message') / 1e6 as index_mb
from pg_stat_user_tables where schemaname = 'rung' and relname = 'message'
"""


async def work_off(url: str, jobs: int) -> None:
    """Send and handle `jobs`, and print what is left of them."""
    queue = PostgresQueue("bloat", QueueBinding(url=url))
    begun = time.perf_counter()
    for _ in range(jobs // BATCH):
        await queue.send_batch([Entry(body=BODY)] * BATCH)
        await queue.acknowledge(await queue.receive(max_messages=BATCH))
    seconds = time.perf_counter() - begun
    await queue.close()
    connection = await asyncpg.connect(url)
    await asyncio.sleep(1.5)  # the server's statistics come a second late
    row = await connection.fetchrow(STATE)
    await connection.close()
    print("| jobs | jobs/s | dead tuples | table MB | index MB | HOT claims |")
    print("|---|---|---|---|---|---|")
    share = row["hot"] / max(row["claims"], 1)
    print(
        f"| {jobs:,} | {jobs / seconds:,.0f} | {row['dead']:,} | {row['table_mb']:.1f} | {row['index_mb']:.1f} "
        f"| {share:.1%} |\n"
    )


async def claim_times(url: str, rate: int, seconds: float) -> list[float]:
    """Send and claim `rate` messages a second, ten at a time; how long each claim took."""
    queue = PostgresQueue("held", QueueBinding(url=url))
    times: list[float] = []
    begun = time.perf_counter()
    for number in range(int(rate * seconds / 10)):
        await asyncio.sleep(max(0.0, begun + number * 10 / rate - time.perf_counter()))
        await queue.send_batch([Entry(body=BODY)] * 10)
        before = time.perf_counter()
        messages = await queue.receive(max_messages=10)
        times.append(time.perf_counter() - before)
        await queue.acknowledge(messages)
    await queue.close()
    return times


def percentiles(times: Sequence[float]) -> tuple[float, float]:
    """p50 and p99 in milliseconds."""
    ordered = sorted(times)
    return ordered[len(ordered) // 2] * 1000, ordered[int(len(ordered) * 0.99)] * 1000


async def hold_snapshot(url: str, rate: int, seconds: float) -> None:
    """Claims without and with a held snapshot, and those of its last minute, when most is dead."""
    print(f"| snapshot | claims p50 ms | claims p99 ms | p99 of the last minute | claims at {rate}/s |")
    print("|---|---|---|---|---|")
    holder = await asyncpg.connect(url)
    for held in (False, True):
        if held:
            await holder.execute("begin isolation level repeatable read; select count(*) from rung.message")
        times = await claim_times(url, rate, seconds if held else min(seconds, BASELINE_SECONDS))
        late = times[-int(rate * BASELINE_SECONDS / 10) :]
        shown = " | ".join(f"{milliseconds:.2f}" for milliseconds in (*percentiles(times), percentiles(late)[1]))
        name = f"held for {seconds:g} s" if held else "none"
        print(f"| {name} | {shown} | {len(times):,} |", flush=True)
    await holder.close()
    print(f"\n{os.cpu_count()} cores; load {os.getloadavg()[0]:.1f}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--rate", type=int, default=1000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)  # noqa: PTH101 - for the unprivileged user that Postgres runs as
        server = start_postgres(Path(folder) / "postgres")
        try:
            uvloop.run(work_off(server.url, options.jobs))
            uvloop.run(hold_snapshot(server.url, options.rate, options.seconds))
        finally:
            server.stop()


if __name__ == "__main__":
    main()

"""The queue against procrastinate, pgqueuer and pgmq's SQL, on one Postgres with its durability on.

    python benchmarks/queues.py [--quick] [--pgmq-sql pgmq.sql] [--only rung] [--json]

Every system first handles 100 messages a second, timed from the moment each was to be sent to the handler's call
(the sender's own lag is in it, and beside it). Then it sends the same 100-byte bodies one by one on one
connection, then in batches of 100, and one worker process drains them, from its first to its last handler call.
Every message is counted: lost and double must be 0.
Full mode: five runs in alternating order, each drain of at least 10 s; medians and the spread. pgmq's SQL file is
not on PyPI: give its path, or RUNG_PGMQ_SQL.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import asyncpg
import uvloop
from queue_systems import System, systems

from rung.local.postgres import start_postgres

SECONDS_FULL, SECONDS_QUICK = 10.0, 2.0
MEASURES = (
    "latency p50 ms", "latency p99 ms", "sender's lag p99 ms",
    "send/s", "send batch/s", "drain/s", "lost", "double",
)  # fmt: skip


def body_of(number: int) -> str:
    """A body of 100 characters: its number, the monotonic time, filling."""
    return f"{number:012d} {time.monotonic():020.6f} ".ljust(100, "x")


async def measure(
    system: System, url: str, options: argparse.Namespace, expected: dict[str, float]
) -> dict[str, Any]:
    """One run of one system in a fresh database."""
    await system.install(url)
    await system.open(url)
    seconds = SECONDS_QUICK if options.quick else SECONDS_FULL
    result = await latency(system, url, options, count=int(100 * seconds))
    sent = 0
    begun = time.perf_counter()
    while time.perf_counter() - begun < seconds:
        await system.send(body_of(sent))
        sent += 1
    result["send/s"] = sent / (time.perf_counter() - begun)
    wanted = max(2_000, int(expected.get(system.name, 2_000) * seconds))
    batches, begun = 0, time.perf_counter()
    while sent < wanted or time.perf_counter() - begun < min(seconds, 3):
        await system.send_batch([body_of(sent + offset) for offset in range(system.batch)])
        sent += system.batch
        batches += 1
    result["send batch/s"] = batches * system.batch / (time.perf_counter() - begun)
    drained = await drain(system, url, options, sent)
    result["drain/s"] = expected[system.name] = drained["rate"]
    result["lost"], result["double"] = drained["lost"], drained["double"]
    await system.close()
    return result


def child(system: System, url: str, options: argparse.Namespace, count: int) -> subprocess.Popen[bytes]:
    """A worker process: this file again."""
    command = [sys.executable, __file__, "--child", system.name, "--url", url, "--count", str(count)]
    if options.pgmq_sql:
        command += ["--pgmq-sql", str(options.pgmq_sql)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, env={**os.environ, "RUNG_LOG_LEVEL": "error"})


async def answer(process: subprocess.Popen[bytes]) -> dict[str, Any]:
    """What the worker process found."""
    output, _ = await asyncio.to_thread(process.communicate)
    found: dict[str, Any] = json.loads(output.splitlines()[-1])
    return found


async def drain(system: System, url: str, options: argparse.Namespace, count: int) -> dict[str, Any]:
    """Work the prefilled messages off."""
    return await answer(child(system, url, options, count))


async def latency(system: System, url: str, options: argparse.Namespace, count: int) -> dict[str, Any]:
    """Send `count` messages at 100/s, at even intervals with jitter, to a worker that waits.

    `lag`: how late the sender itself woke up. Where that is much, the machine was not the queue's alone.
    """
    process = child(system, url, options, count)
    await asyncio.sleep(2.0)
    randomness, begun = random.Random(7), time.monotonic()
    lags = []
    for number in range(count):
        due = begun + number * 0.01 + randomness.uniform(0, 0.005)
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        lags.append(time.monotonic() - due)
        await system.send(f"{number:012d} {due:020.6f} ".ljust(100, "x"))
    found = await answer(process)
    lag = sorted(lags)[int(len(lags) * 0.99)] * 1000
    return {"latency p50 ms": found["p50"], "latency p99 ms": found["p99"], "sender's lag p99 ms": lag}


async def be_worker(system: System, url: str, count: int) -> None:
    """Handle `count` messages, and a little longer to see doubles; print what was seen."""
    seen: Counter[int] = Counter()
    delays: list[float] = []
    first = last = 0.0
    done = asyncio.Event()
    loop = asyncio.get_running_loop()

    def note(body: str) -> None:
        nonlocal first, last
        last = time.monotonic()
        first = first or last
        number = int(body[:12])
        seen[number] += 1
        delays.append(last - float(body[13:33]))
        if len(delays) == count:
            loop.call_later(0.3, done.set)

    async with asyncio.timeout(count / 50 + 60):
        await system.work(url, note, done)
    delays.sort()
    print(
        json.dumps(
            {
                "rate": (len(delays) - 1) / max(last - first, 1e-9),
                "lost": count - len(seen),
                "double": sum(seen.values()) - len(seen),
                "p50": delays[len(delays) // 2] * 1000,
                "p99": delays[int(len(delays) * 0.99)] * 1000,
            }
        )
    )


async def run(options: argparse.Namespace) -> dict[str, list[dict[str, Any]]]:
    """All systems, in alternating order, each time in a fresh database."""
    chosen = [system for system in systems(options.pgmq_sql) if options.only in system.name]
    results: dict[str, list[dict[str, Any]]] = {system.name: [] for system in chosen}
    expected: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)  # noqa: PTH101 - for the unprivileged user that Postgres runs as
        server = start_postgres(Path(folder) / "postgres")
        try:
            admin = await asyncpg.connect(server.url)
            durable = [await admin.fetchval(f"show {name}") for name in ("fsync", "synchronous_commit")]
            assert durable == ["on", "on"], durable
            for number in range(1 if options.quick else options.runs):
                for system in chosen if number % 2 == 0 else reversed(chosen):
                    await admin.execute("drop database if exists bench with (force)")
                    await admin.execute("create database bench")
                    found = await measure(system, server.url_of("bench"), options, expected)
                    results[system.name].append(found)
                    print(f"# run {number + 1}: {system.name}: {show(found)}", file=sys.stderr, flush=True)
            await admin.close()
        finally:
            server.stop()
    return results


def show(found: dict[str, Any]) -> str:
    """One run in one line."""
    return ", ".join(f"{measure} {found[measure]:,.1f}" for measure in MEASURES)


def print_table(results: dict[str, list[dict[str, Any]]], options: argparse.Namespace) -> None:
    """Medians, and the spread from the least to the greatest where there are several runs."""
    print(f"| system | {' | '.join(MEASURES)} |")
    print("|---" * (len(MEASURES) + 1) + "|")
    for name, runs in results.items():
        cells = []
        for measure in MEASURES:
            values = [run[measure] for run in runs]
            digits = 1 if "ms" in measure else 0
            cell = f"{statistics.median(values):,.{digits}f}"
            if len(values) > 1 and max(values) > min(values):
                cell += f" ({min(values):,.{digits}f}-{max(values):,.{digits}f})"
            cells.append(cell)
        print(f"| {name} | {' | '.join(cells)} |")
    if options.pgmq_sql is None:
        print("| pgmq SQL | absent: its SQL file is not on PyPI; give --pgmq-sql or RUNG_PGMQ_SQL |")
    print(f"\n{len(next(iter(results.values())))} run(s); {machine()}; load {os.getloadavg()[0]:.1f}")


def machine() -> str:
    """Where the figures come from."""
    system = f"Linux {platform.release()}, Python {platform.python_version()}"
    return f"{os.cpu_count()} cores, {platform.machine()}, {system}"


def parse() -> argparse.Namespace:
    """The command line."""
    given = os.environ.get("RUNG_PGMQ_SQL")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one short run")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--only", default="", help="only systems with this in their name")
    parser.add_argument("--pgmq-sql", type=Path, default=Path(given) if given else None)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    parser.add_argument("--count", type=int, help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> None:
    """Measure and print, or be the worker of a measurement."""
    options = parse()
    if options.child:
        system = next(system for system in systems(options.pgmq_sql) if system.name == options.child)
        uvloop.run(be_worker(system, options.url, options.count))
        return
    results = uvloop.run(run(options))
    if options.json:
        print(json.dumps({"machine": machine(), "results": results}, indent=2))
    else:
        print_table(results, options)


if __name__ == "__main__":
    main()

"""What turns cost: claims of 10 from a queue in Postgres, plain and fair, without tenants and with many.

    python benchmarks/tenant_turns.py [--claims 300] [--json]

The queue holds 20,000 messages: of nobody, of 100 tenants alike, or 19,900 of one and one each of 100 others. What
counts in the last is the place of the small tenants' messages.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
import time
from dataclasses import asdict, dataclass

import asyncpg
from database_kit import machine, server

from rung.local.postgres import PostgresServer
from rung.runtime import Entry
from rung.runtime.bindings import QueueBinding
from rung.runtime.context import TENANT_HEADER, serving_tenant
from rung.runtime.queue import PostgresQueue, install_queue

MESSAGES = 20_000
TENANTS = 100
BATCH = 10


@dataclass
class Found:
    """One kind of queue and load. `place`: by which message the last of the small tenants had had its own."""

    queue: str
    load: str
    send_per_second: int
    claim_p50_ms: float
    claim_p99_ms: float
    place: int | None


async def fill(queue: PostgresQueue, load: str) -> float:
    """Messages sent a second, in batches."""
    shares = {"nobody": [(None, MESSAGES)], "alike": [(f"t{n}", MESSAGES // TENANTS) for n in range(TENANTS)],
              "one large": [("large", MESSAGES - TENANTS), *((f"t{n}", 1) for n in range(TENANTS))]}  # fmt: skip
    began = time.perf_counter()
    for tenant, number in shares[load]:
        entries = [Entry(body=b"x" * 100) for _ in range(number)]
        for start in range(0, number, 1000):
            if tenant is None:
                await queue.send_batch(entries[start : start + 1000])
            else:
                with serving_tenant(tenant):
                    await queue.send_batch(entries[start : start + 1000])
    return MESSAGES / (time.perf_counter() - began)


async def measure(url: str, kind: str, load: str, claims: int) -> Found:
    """Claim and acknowledge tens, one after the other."""
    queue = PostgresQueue(f"{kind}-{load}".replace(" ", "-"), QueueBinding(url=url, fair=kind == "fair"))
    rate = await fill(queue, load)
    seconds: list[float] = []
    seen, place = 0, None
    for _ in range(claims):
        began = time.perf_counter()
        messages = await queue.receive(max_messages=BATCH)
        seconds.append(time.perf_counter() - began)
        for message in messages:
            seen += 1
            if load == "one large" and message.headers[TENANT_HEADER] != "large":
                place = seen
        await queue.acknowledge(messages)
    await queue.close()
    late = statistics.quantiles(seconds, n=100)
    median, worst = round(statistics.median(seconds) * 1e3, 2), round(late[98] * 1e3, 2)
    return Found(kind, load, round(rate), median, worst, place)


async def run(running: PostgresServer, options: argparse.Namespace) -> None:
    """Measure and print."""
    found: list[Found] = []
    for kind in ("plain", "fair"):
        owner = await asyncpg.connect(running.url)
        await owner.execute("drop schema if exists rung cascade")
        await install_queue(owner, fair=kind == "fair")
        await owner.close()
        found += [
            await measure(running.url, kind, load, options.claims) for load in ("nobody", "alike", "one large")
        ]
    if options.json:
        print(json.dumps({"machine": machine(), "rows": [asdict(each) for each in found]}))
        return
    print(f"{machine()}; {MESSAGES} messages, claims of {BATCH}\n")
    print(f"{'queue':7} {'messages of':12} {'send/s':>8} {'claim p50':>10} {'p99 ms':>8}   small tenants done by")
    for row in found:
        done = row.place or f"later than {options.claims * BATCH}" if row.load == "one large" else "-"
        figures = f"{row.send_per_second:>8,} {row.claim_p50_ms:>10} {row.claim_p99_ms:>8}"
        print(f"{row.queue:7} {row.load:12} {figures}   {done}")


def main() -> int:
    """Parse, start the server, measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--claims", type=int, default=300)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with server() as running:
        asyncio.run(run(running, options))
    return 0


if __name__ == "__main__":
    sys.exit(main())

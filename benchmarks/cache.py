"""What a cached read costs: from memory, from Redis, and on a miss, beside the plain ways to do the same.

    python benchmarks/cache.py [--rounds 7] [--json]

Each round measures every variant once, one after the other, on one Redis on this machine; a row is the median
over the rounds, with the smallest and the largest. Times are microseconds per operation, on one core of Python.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import redis.asyncio
import uvloop

from rung.local.redis import start_redis
from rung.runtime.cache import RAW, Cache, RateLimit, RedisConnection

BODY = b"x" * 2000
Operation = Callable[[], Awaitable[object]]


async def source() -> bytes:
    """A source that answers at once: what is measured is the cache."""
    return BODY


async def microseconds(operation: Operation, count: int, at_once: int) -> float:
    """Per operation, with `at_once` of them under way."""

    async def caller() -> None:
        for _ in range(count // at_once):
            await operation()

    started = time.perf_counter()
    await asyncio.gather(*(caller() for _ in range(at_once)))
    return (time.perf_counter() - started) / count * 1e6


class ExpiringDictionary:
    """The least that a cache in memory can be: a dictionary and a time."""

    def __init__(self) -> None:
        self._values: dict[str, tuple[float, bytes]] = {}

    async def get_or_load(self, key: str) -> bytes:
        """The value, loaded when there is none or it is too old."""
        found = self._values.get(key)
        if found is not None and found[0] > time.monotonic():
            return found[1]
        value = await source()
        self._values[key] = (time.monotonic() + 600, value)
        return value


def cachetools_operation() -> Operation | None:
    """cachetools' TTLCache, where it is installed."""
    try:
        import cachetools
    except ImportError:
        return None
    held: Any = cachetools.TTLCache(10_000, 600)
    held["k"] = BODY

    async def get() -> object:
        return held.get("k")

    return get


async def variants(url: str) -> list[tuple[str, str, Operation, int, int]]:
    """What is measured: group, name, operation, operations per round, how many at once."""
    hot = Cache.from_url(url, name="hot", codec=RAW)
    cold = Cache.from_url(url, name="cold", codec=RAW, memory_entries=0)
    connection = RedisConnection(url)
    limit = RateLimit(connection, "benchmark", limit=1_000_000, per_seconds=1, when_away="allow")
    plain = redis.asyncio.from_url(url)
    dictionary = ExpiringDictionary()
    numbers = iter(range(10**9))
    await plain.set("plain", BODY)
    await hot.get_or_load("k", source, ttl_seconds=6000)
    await asyncio.sleep(0.3)  # the subscription to invalidations stands: memory is trusted for longer
    await cold.set("k", BODY, ttl_seconds=6000)

    async def aside() -> None:
        key = f"aside:{next(numbers)}"
        if await plain.get(key) is None:
            await plain.set(key, await source(), px=600_000)

    found = cachetools_operation()
    rivals = [("memory hit", "cachetools TTLCache.get", found, 100_000, 1)] if found else []
    return [
        ("memory hit", "dictionary with a time", lambda: dictionary.get_or_load("k"), 100_000, 1),
        *rivals,
        ("memory hit", "rung get_or_load", lambda: hot.get_or_load("k", source, ttl_seconds=6000), 100_000, 1),
        ("Redis GET, 1 at once", "redis-py get", lambda: plain.get("plain"), 4_000, 1),
        ("Redis GET, 1 at once", "rung run", lambda: connection.run("GET", "plain"), 4_000, 1),
        ("Redis GET, 1 at once", "rung get", lambda: cold.get("k"), 4_000, 1),
        ("Redis GET, 50 at once", "redis-py get", lambda: plain.get("plain"), 10_000, 50),
        ("Redis GET, 50 at once", "rung run", lambda: connection.run("GET", "plain"), 10_000, 50),
        ("Redis GET, 50 at once", "rung get", lambda: cold.get("k"), 10_000, 50),
        ("miss, 50 at once", "redis-py GET + SET, no single flight", aside, 5_000, 50),
        (
            "miss, 50 at once", "rung get_or_load, over all processes",
            lambda: hot.get_or_load(f"n{next(numbers)}", source, ttl_seconds=600), 5_000, 50,
        ),
        ("rate limit, 50 at once", "rung hit", lambda: limit.hit("k"), 5_000, 50),
    ]  # fmt: skip


async def measure(rounds: int) -> list[dict[str, Any]]:
    """Rows of the table."""
    with tempfile.TemporaryDirectory() as directory:
        server = start_redis(Path(directory), settings={"appendonly": "no", "maxmemory": "1gb"})
        try:
            every = await variants(server.url)
            runs: dict[tuple[str, str], list[float]] = {(group, name): [] for group, name, *_ in every}
            for _ in range(rounds):
                for group, name, operation, count, at_once in every:
                    runs[group, name].append(await microseconds(operation, count, at_once))
        finally:
            server.stop()
    return [
        {
            "group": group,
            "variant": name,
            "median": statistics.median(times),
            "low": min(times),
            "high": max(times),
        }
        for (group, name), times in runs.items()
    ]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    rows = uvloop.run(measure(options.rounds))
    machine = f"{platform.platform()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    machine += f", redis-py {version('redis')}, {options.rounds} rounds"
    if options.json:
        json.dump({"machine": machine, "rows": rows}, sys.stdout, indent=2)
        return
    print(machine)
    print(f"{'':24}{'':40}{'us/op':>9}   (low - high)")
    for row in rows:
        spread = f"({row['low']:.2f} - {row['high']:.2f})"
        print(f"{row['group']:24}{row['variant']:40}{row['median']:9.2f}   {spread}")


if __name__ == "__main__":
    main()

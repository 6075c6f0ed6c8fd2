"""F04: Redis is killed with SIGKILL and later comes back empty.

Goal: the cache becomes a miss (p99 at most twice that of the source alone), the limiter does what was declared,
and everything recovers without a restart of the application.

The source alone is asked at the same time by as many callers, because both sides of the comparison wait for the
processor too.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from tests.faults.soak import share_of

from rung.local.redis import RedisServer, start_redis
from rung.runtime.cache import Cache, RateLimit, Sessions
from rung.runtime.errors import UnavailableError

SOURCE_SECONDS = 0.02


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[RedisServer]:
    """A Redis to kill."""
    it = start_redis(tmp_path / "redis")
    yield it
    it.stop()


async def percentile_99(call: Callable[[int], Awaitable[object]], count: int, at_once: int = 20) -> float:
    """Seconds of `call`, which is made `count` times, `at_once` at a time.

    A hundredth of `count` must be more than `at_once`: those under way when Redis dies wait until a timeout.
    """
    times: list[float] = []

    async def caller(first: int) -> None:
        for number in range(first, count, at_once):
            started = time.monotonic()
            await call(number)
            times.append(time.monotonic() - started)

    await asyncio.gather(*(caller(first) for first in range(at_once)))
    return sorted(times)[int(count * 0.99)]


async def source() -> str:
    await asyncio.sleep(SOURCE_SECONDS)
    return "from the source"


async def recovered(cache: Cache) -> float:
    """Seconds until Redis is used again."""
    started = time.monotonic()
    async with asyncio.timeout(10):
        while not cache.connection.available:  # noqa: ASYNC110 - a real process must act
            await asyncio.sleep(0.01)
    return time.monotonic() - started


async def check_kill(server: RedisServer, calls: int, seed: int) -> None:
    print(f"F04 seed={seed} calls={calls}")
    order = random.Random(seed)
    cache = Cache.from_url(server.url)
    allowing = RateLimit(cache.connection, "search", limit=1, per_seconds=60, when_away="allow")
    refusing = RateLimit(cache.connection, "login", limit=1000, per_seconds=60, when_away="refuse")
    await cache.get_or_load("kept", source, ttl_seconds=600)

    async def read(number: int) -> None:
        if number == kill_at:
            killing.append(asyncio.create_task(asyncio.to_thread(server.kill)))  # its wait is not ours
        assert await cache.get_or_load(f"k{number}", source, ttl_seconds=600) == "from the source"

    killing: list[asyncio.Task[None]] = []
    kill_at = order.randrange(calls // 4)
    without, alone = await asyncio.gather(percentile_99(read, calls), percentile_99(lambda _: source(), calls))
    print(f"F04 p99 source alone {alone * 1000:.1f} ms, cache without Redis {without * 1000:.1f} ms")
    assert without <= 2 * alone
    assert not cache.connection.available
    assert await cache.get_or_load("kept", source, ttl_seconds=600) == "from the source"
    assert [(await allowing.hit("u")).allowed for _ in range(3)] == [True] * 3
    assert [(await refusing.hit("u")).allowed for _ in range(3)] == [False] * 3
    with pytest.raises(UnavailableError):
        await Sessions(cache.connection).create()

    server.restart(empty=True)
    print(f"F04 back after {await recovered(cache):.2f} s")
    assert (await refusing.hit("u")).allowed
    assert await cache.get_or_load("after", source, ttl_seconds=600) == "from the source"
    assert await cache.connection.run("EXISTS", "c:cache:json:after") == 1
    await cache.close()


@pytest.mark.fault
async def test_a_killed_redis_is_a_miss_and_comes_back_by_itself(server: RedisServer) -> None:
    await check_kill(server, calls=3_000, seed=random.randrange(2**32))


@pytest.mark.fault
async def test_what_was_deleted_during_the_outage_is_gone_after_it(tmp_path: Path) -> None:
    server = start_redis(tmp_path / "redis", settings={"appendfsync": "always"})
    cache = Cache.from_url(server.url, memory_entries=0)
    await cache.set("k", "old", ttl_seconds=600)
    server.kill()
    for _ in range(5):
        await cache.get("k")
    assert not await cache.delete("k")
    server.restart()
    await recovered(cache)
    assert await cache.get("k") is None
    await cache.close()
    server.stop()


@pytest.mark.fault
@pytest.mark.soak
async def test_twenty_kills(server: RedisServer) -> None:
    for _ in range(share_of(20)):
        await check_kill(server, calls=3_000, seed=random.randrange(2**32))

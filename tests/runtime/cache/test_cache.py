"""A cached value is loaded once for all, refreshed before its end, served stale, and forgotten everywhere.

Each test uses a real Redis; two caches in one test stand for two processes (own memory, own connections).
"""

from __future__ import annotations

import asyncio
import math
import sys
import time
from collections.abc import Callable
from random import Random
from typing import Any

import msgspec
import pytest

from rung.runtime.cache import RAW, Cache, JsonCodec, RedisConnection
from rung.runtime.cache.filling import RETRY_SECONDS
from rung.runtime.context import Context, Deadline, serving, serving_tenant
from rung.runtime.errors import DeadlineExceededError, TenantError, UnavailableError
from rung.testing import settle

CacheFactory = Callable[..., Cache]


class Source:
    """A slow origin: counts its calls, answers when `gate` is open, fails while `broken`."""

    def __init__(self, value: Any = "v1") -> None:
        self.value = value
        self.calls = 0
        self.broken = False
        self.gate = asyncio.Event()
        self.gate.set()

    async def __call__(self) -> Any:
        self.calls += 1
        value = self.value
        await self.gate.wait()
        if self.broken:
            raise UnavailableError("the source is down")
        return value


async def eventually(condition: Callable[[], bool], seconds: float = 3.0) -> None:
    """Poll until `condition` holds: real parts act in their own time."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - a real process acts, nothing signals it
            await asyncio.sleep(0.005)


async def test_a_value_is_loaded_once_and_then_found(store: Cache, make_cache: CacheFactory) -> None:
    source = Source({"name": "tea", "price": 350})
    for _ in range(3):
        assert await store.get_or_load("p:1", source, ttl_seconds=60) == {"name": "tea", "price": 350}
    assert await make_cache().get_or_load("p:1", source, ttl_seconds=60) == {"name": "tea", "price": 350}
    assert source.calls == 1


async def test_what_memory_holds_is_given_without_waiting(store: Cache, make_cache: CacheFactory) -> None:
    source = Source()
    assert store.held("k") is None
    await store.get_or_load("other", source, ttl_seconds=60)
    await eventually(lambda: store._invalidations.listening)  # until then it may forget what it did not hear of
    await store.get_or_load("k", source, ttl_seconds=60)
    assert store.held("k") == "v1"
    assert make_cache().held("k") is None  # another process has not read it yet
    await store.delete("k")
    assert store.held("k") is None
    brief = make_cache(memory_seconds=0.0)
    await brief.get_or_load("other", source, ttl_seconds=60)
    await eventually(lambda: brief._invalidations.listening)
    await brief.get_or_load("k", source, ttl_seconds=60)
    assert brief.held("k") is None  # Redis is to be asked again
    assert brief.held("k", late_seconds=5.0) == "v1"  # by whom this does not wait for
    await brief.delete("k")
    assert brief.held("k", late_seconds=5.0) is None


async def test_many_readers_in_several_processes_cause_one_load(make_cache: CacheFactory) -> None:
    caches = [make_cache() for _ in range(3)]
    source = Source()
    source.gate.clear()
    readers = [asyncio.create_task(cache.get_or_load("hot", source, ttl_seconds=60)) for cache in caches * 100]
    await eventually(lambda: source.calls == 1)
    await settle()
    source.gate.set()
    assert await asyncio.gather(*readers) == ["v1"] * 300
    assert source.calls == 1


async def test_nothing_is_remembered_too(store: Cache) -> None:
    source = Source(None)
    assert await store.get_or_load("missing", source, ttl_seconds=60) is None
    assert await store.get_or_load("missing", source, ttl_seconds=60) is None
    assert source.calls == 1
    assert await store.get_or_load("other", source, ttl_seconds=60, negative_ttl_seconds=0) is None
    assert await store.get_or_load("other", source, ttl_seconds=60, negative_ttl_seconds=0) is None
    assert source.calls == 3


async def test_lives_are_spread_by_the_jitter(redis_url: str) -> None:
    connection = RedisConnection(redis_url, random=Random(7))
    cache = Cache(connection)
    lives = []
    for number in range(60):
        await cache.get_or_load(f"k{number}", Source(), ttl_seconds=1000, jitter=0.1)
        lives.append(await connection.run("PTTL", f"c:cache:json:k{number}") / 1000)
    await cache.close()
    assert 899 <= min(lives) < 930
    assert 1070 < max(lives) <= 1101


async def test_a_stale_value_is_served_while_one_process_refreshes(make_cache: CacheFactory) -> None:
    first, second = make_cache(memory_entries=0), make_cache(memory_entries=0)
    source = Source("old")
    await first.get_or_load("k", source, ttl_seconds=0.05, stale_seconds=60, jitter=0)
    await asyncio.sleep(0.06)
    source.value = "new"
    source.gate.clear()
    for cache in (first, second) * 5:
        assert await cache.get_or_load("k", source, ttl_seconds=60, stale_seconds=60) == "old"
    source.gate.set()
    await eventually(lambda: not first._filler._tasks and not second._filler._tasks)
    assert await second.get_or_load("k", source, ttl_seconds=60, stale_seconds=60) == "new"
    assert source.calls == 2


async def test_a_source_that_is_down_is_hidden_by_the_stale_value_and_left_alone(store: Cache) -> None:
    source = Source("old")
    await store.get_or_load("k", source, ttl_seconds=0.03, stale_seconds=60, jitter=0)
    await asyncio.sleep(0.04)
    source.broken = True
    started = time.monotonic()
    assert await store.get_or_load("k", source, ttl_seconds=0.03, stale_seconds=60) == "old"
    await eventually(lambda: source.calls == 2)
    for _ in range(20):
        assert await store.get_or_load("k", source, ttl_seconds=0.03, stale_seconds=60) == "old"
        await settle()
    assert 2 <= source.calls <= 2 + (time.monotonic() - started) // RETRY_SECONDS


async def test_without_anything_to_serve_the_sources_error_reaches_everyone(store: Cache) -> None:
    source = Source()
    source.broken = True
    readers = [store.get_or_load("k", source, ttl_seconds=60) for _ in range(10)]
    answers = await asyncio.gather(*readers, return_exceptions=True)
    assert [str(answer) for answer in answers] == ["the source is down"] * 10
    assert source.calls == 1
    source.broken = False
    assert await store.get_or_load("k", source, ttl_seconds=60) == "v1"


async def test_a_reader_that_gives_up_does_not_stop_the_load_for_the_others(store: Cache) -> None:
    source = Source()
    source.gate.clear()
    impatient = asyncio.create_task(store.get_or_load("k", source, ttl_seconds=60))
    patient = asyncio.create_task(store.get_or_load("k", source, ttl_seconds=60))
    await eventually(lambda: source.calls == 1)
    impatient.cancel()
    await settle()
    source.gate.set()
    assert await patient == "v1"
    assert source.calls == 1


async def test_the_callers_deadline_bounds_its_wait(store: Cache) -> None:
    source = Source()
    source.gate.clear()
    with serving(Context(correlation_id="c", deadline=Deadline.after(0.05))), pytest.raises(DeadlineExceededError):
        await store.get_or_load("k", source, ttl_seconds=60)
    source.gate.set()
    assert await store.get_or_load("k", source, ttl_seconds=60) == "v1"
    assert source.calls == 1


async def test_a_source_that_hangs_is_given_up(make_cache: CacheFactory) -> None:
    source = Source()
    source.gate.clear()
    cache = make_cache(load_timeout_seconds=0.1)
    with pytest.raises(DeadlineExceededError, match=r"0\.1 s"):
        await cache.get_or_load("k", source, ttl_seconds=60)


async def test_a_loader_that_dies_frees_its_key(make_cache: CacheFactory) -> None:
    dead, other = make_cache(), make_cache()
    await dead.connection.run("SET", "lock:c:cache:json:k", "token of the dead", "PX", 150)
    assert await other.get_or_load("k", Source(), ttl_seconds=60) == "v1"


async def test_early_refresh_follows_the_published_probability(store: Cache) -> None:
    store.connection.random.seed(3)
    for multiple in (0.5, 1.0, 3.0):
        drawn = sum(store._filler._draws_early(multiple * 0.2, 0.2) for _ in range(20_000)) / 20_000
        assert drawn == pytest.approx(math.exp(-multiple), abs=0.01)


async def test_a_value_near_its_end_is_refreshed_in_the_background(store: Cache) -> None:
    source = Source("old")
    source.gate.clear()
    first = asyncio.create_task(store.get_or_load("k", source, ttl_seconds=0.5, jitter=0))
    await eventually(lambda: source.calls == 1)
    await asyncio.sleep(0.1)  # the source takes 100 ms: early refresh becomes likely in the last 100 ms
    source.gate.set()
    assert await first == "old"
    source.value = "new"
    seen = {"old"}
    async with asyncio.timeout(3):
        while "new" not in seen:
            seen.add(await store.get_or_load("k", source, ttl_seconds=0.5, jitter=0) or "")
            await asyncio.sleep(0.005)
    assert source.calls == 2


async def test_deleting_reaches_the_memory_of_other_processes(make_cache: CacheFactory) -> None:
    writer, reader = make_cache(), make_cache()
    source = Source("old")
    await reader.get_or_load("k", source, ttl_seconds=60)
    await eventually(lambda: reader._invalidations.listening)
    await reader.get_or_load("k", source, ttl_seconds=60)
    source.value = "new"
    await writer.delete("k")
    await eventually(lambda: "c:cache:json:k" not in reader._held)
    assert await reader.get_or_load("k", source, ttl_seconds=60) == "new"


async def test_a_value_loaded_before_a_change_is_not_kept_after_it(make_cache: CacheFactory) -> None:
    reader, writer = make_cache(), make_cache()
    source = Source("old")
    source.gate.clear()
    early = asyncio.create_task(reader.get_or_load("k", source, ttl_seconds=60))
    await eventually(lambda: source.calls == 1)
    source.value = "new"
    await writer.delete("k")
    source.gate.set()
    assert await early == "old"
    assert await writer.get_or_load("k", source, ttl_seconds=60) == "new"


async def test_a_writer_reads_its_own_write_although_a_load_is_under_way(store: Cache) -> None:
    source = Source("old")
    source.gate.clear()
    early = asyncio.create_task(store.get_or_load("k", source, ttl_seconds=60))
    await eventually(lambda: source.calls == 1)
    source.value = "new"
    await store.delete("k")
    late = asyncio.create_task(store.get_or_load("k", source, ttl_seconds=60))
    await eventually(lambda: source.calls == 2)
    source.gate.set()
    assert (await early, await late) == ("old", "new")
    assert await store.get_or_load("k", source, ttl_seconds=60) == "new"


async def test_a_tag_forgets_its_keys_and_their_loads_under_way(make_cache: CacheFactory) -> None:
    cache, other = make_cache(), make_cache()
    source = Source("old")
    await cache.get_or_load("a", source, ttl_seconds=60, tags=["catalogue"])
    await cache.get_or_load("c", source, ttl_seconds=60, tags=["orders"])
    source.gate.clear()
    loading = asyncio.create_task(other.get_or_load("b", source, ttl_seconds=60, tags=["catalogue"]))
    await eventually(lambda: source.calls == 3)
    source.value = "new"
    assert await cache.invalidate("catalogue") == 2
    source.gate.set()
    await loading
    for key, expected in (("a", "new"), ("b", "new"), ("c", "old")):
        assert await cache.get_or_load(key, source, ttl_seconds=60, tags=["catalogue"]) == expected


async def test_set_and_get_and_delete(make_cache: CacheFactory) -> None:
    one, two = make_cache(), make_cache()
    assert await one.get("k") is None
    assert await one.set("k", [1, 2], ttl_seconds=60)
    assert await one.get("k") == [1, 2]
    assert await two.get("k") == [1, 2]
    assert await one.delete("k")
    assert await one.get("k") is None
    assert await two.get("k") is None


async def test_tenants_do_not_see_each_other(make_cache: CacheFactory) -> None:
    cache = make_cache(tenant_scoped=True)
    with serving_tenant("acme"):
        await cache.set("k", "acme's", ttl_seconds=60, tags=["all"])
    with serving_tenant("globex"):
        assert await cache.get("k") is None
        assert await cache.invalidate("all") == 0
    with serving_tenant("acme"):
        assert await cache.get("k") == "acme's"
    with pytest.raises(TenantError):
        await cache.get("k")


async def test_bytes_are_kept_as_they_are(make_cache: CacheFactory) -> None:
    cache = make_cache(codec=RAW)
    body = bytes(range(256))
    await cache.set("page", body, ttl_seconds=60)
    assert await make_cache(codec=RAW).get("page") == body


class Product(msgspec.Struct):
    """What a cached product is in the new release."""

    name: str
    price: int


async def test_a_value_of_another_type_is_a_miss_not_a_crash(make_cache: CacheFactory) -> None:
    old = make_cache(codec=JsonCodec(Product))
    await old.connection.run("SET", "c:cache:json-Product:p", b"\x10" + bytes(4) + b"not an entry at all")
    source = Source({"name": "tea", "price": 350})
    found = await make_cache(codec=JsonCodec(Product)).get_or_load("p", source, ttl_seconds=60)
    assert found == Product("tea", 350)


async def test_memory_is_bounded_and_keeps_what_is_read(make_cache: CacheFactory) -> None:
    cache = make_cache(memory_entries=10)
    for number in range(50):
        await cache.set(f"k{number}", number, ttl_seconds=60)
        if number:
            await cache.get("k0")
    assert len(cache._held) == 10
    assert "c:cache:json:k0" in cache._held
    heavy = make_cache(memory_bytes=10_000, codec=RAW)
    for number in range(50):
        await heavy.set(f"k{number}", b"x" * 1000, ttl_seconds=60)
    assert heavy._memory.size_bytes <= 10_000


TWO_LOOPS = """
import asyncio, sys
from rung.runtime.cache import Cache

cache = Cache.from_url(sys.argv[1])

async def use(key):
    assert await cache.set(key, 1, ttl_seconds=60)
    assert await asyncio.gather(*(cache.connection.run("PING") for _ in range(40))) == [b"PONG"] * 40

for key in ("first", "second"):
    asyncio.run(use(key))
asyncio.run(cache.close())
"""


async def test_a_cache_at_module_level_survives_its_loop(redis_url: str) -> None:
    program = await asyncio.create_subprocess_exec(sys.executable, "-c", TWO_LOOPS, redis_url)
    assert await program.wait() == 0


async def test_a_probe_that_died_is_started_again(redis_url: str) -> None:
    connection = RedisConnection("redis://127.0.0.1:1/0")
    for _ in range(3):
        with pytest.raises(UnavailableError):
            await connection.run("PING")
    assert connection._probing is not None
    connection._probing.cancel()
    await settle()
    connection._url, connection._loop = redis_url, asyncio.new_event_loop()  # a server that answers, a new loop
    connection._loop.close()
    with pytest.raises(UnavailableError):
        await connection.run("PING")
    await eventually(lambda: connection.available)
    assert await connection.run("PING") == b"PONG"
    await connection.close()

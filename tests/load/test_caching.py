"""How much a cache on a real Redis answered is read off its metrics, and takes the place of what was assumed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from rung.forecast.behaviour import Behaviour
from rung.load.caching import CacheResult, CacheWatch, counts_of
from rung.load.recording import Second
from rung.load.run import Progress
from rung.model.measured import from_load
from rung.runtime import metrics
from rung.runtime.cache import Cache

#: The first of each test process compiles the simulator, which takes half a minute: let it be one process.
pytestmark = pytest.mark.xdist_group("forecast")


@pytest.fixture
def exposed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """This process as one that `rung dev` started in `tmp_path`."""
    monkeypatch.setenv("RUNG_STATE", str(tmp_path / ".rung"))
    server = metrics.serve_metrics(0)
    assert server is not None
    server.announce()
    yield f"http://127.0.0.1:{server.port}/metrics"
    server.close()


def measuring(index: int, right: int) -> Progress:
    return Progress(phase="measuring", index=index, second=Second(succeeded=right))


async def page() -> str:
    return "a page"


async def read(store: Cache, keys: range) -> None:
    for key in keys:
        assert await store.get_or_load(f"key:{key}", page, ttl_seconds=60) == "a page"


async def test_reads_of_a_real_cache_while_a_load_runs(redis_url: str, tmp_path: Path, exposed: str) -> None:
    """40 reads before the first second do not count; then 90 of 100 keys are known, beside 100 other requests.

    A second process reads some of them from Redis: those are hits, too.
    """
    watch = CacheWatch(tmp_path)
    first, second = Cache.from_url(redis_url), Cache.from_url(redis_url)
    try:
        await read(first, range(40))
        watch.hear(measuring(0, 1_000))
        await read(first, range(50))
        await read(second, range(50))
        watch.hear(measuring(1, 200))
    finally:
        await first.close()
        await second.close()
    assert watch.result() == CacheResult(
        requests=200, reads=100, hits=90, loads=10, hit_ratio=0.9, database_share=(100 + 10) / 200
    )


async def test_what_was_seen_replaces_what_was_assumed(redis_url: str, tmp_path: Path, exposed: str) -> None:
    """And the forecast says which it was. The same processes are found by their address."""
    watch = CacheWatch(tmp_path / "elsewhere", [exposed])
    store = Cache.from_url(redis_url)
    try:
        await read(store, range(1))
        watch.hear(measuring(0, 1))
        await read(store, range(20))
        watch.hear(measuring(1, 20))
    finally:
        await store.close()
    found = watch.result()
    assert found is not None
    document = {
        "schema": "rung.load/1", "started_at": "2026-11-21T10:00:00",
        "total": {"succeeded": 20, "received_bytes": 2_048},
        "cache": {name: getattr(found, name) for name in found.__struct_fields__},
    }  # fmt: skip
    behaviour = from_load(Behaviour(), json.loads(json.dumps(document)))
    assert behaviour.database_share == pytest.approx(19 / 20)
    assert behaviour.basis_of("database_share") == "measured"
    assert behaviour.basis_of("database_ms") == "assumed"


def test_it_is_looked_at_ever_more_seldom(tmp_path: Path, exposed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[int] = []
    watch = CacheWatch(tmp_path)
    monkeypatch.setattr(watch, "_look", lambda: looked.append(watch._heard))
    for index in range(70):
        watch.hear(measuring(index, 1))
    assert looked == [0, 1, 2, 4, 8, 16, 32, 64]


def test_nothing_is_said_where_nothing_answers_or_no_cache_was_read(tmp_path: Path, exposed: str) -> None:
    stale = CacheWatch(tmp_path / "other", ["http://127.0.0.1:9/metrics"])
    quiet = CacheWatch(tmp_path)
    for watch in (stale, quiet):
        for index in range(3):
            watch.hear(measuring(index, 10))
        assert watch.result() is None


def test_caches_and_processes_are_added_up() -> None:
    text = """# TYPE rung_cache_reads_total counter
rung_cache_reads_total{cache="a",source="memory"} 5.0
rung_cache_reads_total{cache="a",source="load"} 2.0
rung_cache_reads_total{cache="b",source="stale"} 3.0
rung_cache_loads_total{cache="a",outcome="ok"} 1.0
rung_cache_loads_total{cache="a",outcome="error"} 1.0
rung_cache_reads_created{cache="a",source="memory"} 1.7e+09
"""
    found = counts_of(text) + counts_of(text)
    assert (found.reads, found.missed, found.loads) == (20, 4, 4)

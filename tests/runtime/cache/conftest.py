"""Caches of one test: closed afterwards, on the test process's own Redis."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from rung.runtime.cache import Cache

CacheFactory = Callable[..., Cache]


@pytest.fixture
async def make_cache(redis_url: str) -> AsyncIterator[CacheFactory]:
    """Caches that share one Redis, as processes do: each has its own memory and connections."""
    made: list[Cache] = []

    def make(url: str = redis_url, **options: Any) -> Cache:
        made.append(Cache.from_url(url, **options))
        return made[-1]

    yield make
    for cache in made:
        await cache.close()


@pytest.fixture
def store(make_cache: CacheFactory) -> Cache:
    """One cache."""
    return make_cache()

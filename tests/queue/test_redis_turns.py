"""Turns on Redis: a claim costs the same however large a backlog is, and a queue may become fair while full."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import pytest
from redis.asyncio import Redis

from rung.runtime import Entry, serving_tenant
from rung.runtime.bindings import QueueBinding
from rung.runtime.queue.redis import RedisQueue


class Jobs:
    """Handles on one queue, fair or not."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._opened: list[RedisQueue] = []

    def open(self, *, fair: bool = True, retention_seconds: float = 3600.0) -> RedisQueue:
        binding = QueueBinding(adapter="redis", url=self._url, fair=fair, retention_seconds=retention_seconds)
        self._opened.append(RedisQueue("jobs", binding))
        return self._opened[-1]

    async def close(self) -> None:
        for queue in self._opened:
            await queue.close()


@pytest.fixture
async def jobs(redis_url: str) -> AsyncIterator[Jobs]:
    opened = Jobs(redis_url)
    yield opened
    await opened.close()


@pytest.fixture
async def server(redis_url: str) -> AsyncIterator[Any]:
    client = Redis.from_url(redis_url)
    yield client
    await client.aclose()


async def send(queue: RedisQueue, tenant: str, number: int) -> None:
    with serving_tenant(tenant):
        await queue.send_batch([Entry(body=b"x")] * number)


def tenants(messages: list[Any]) -> Counter[str]:
    return Counter(message.headers.get("x-rung-tenant", "nobody") for message in messages)


async def commands_of_a_claim(queue: RedisQueue, server: Any) -> int:
    """How many commands the scripts of one receipt of 10 call."""
    await server.config_resetstat()
    assert len(await queue.receive(max_messages=10)) == 10
    statistics = await server.info("commandstats")
    return sum(each["calls"] for name, each in statistics.items() if name != "cmdstat_config|resetstat")


async def test_a_claim_costs_the_same_however_large_the_backlog(jobs: Jobs, server: Any) -> None:
    queue = jobs.open()
    for tenant in ("acme", "globex", "initech"):
        await send(queue, tenant, 20)
    await queue.receive(max_messages=3)  # connected
    small = await commands_of_a_claim(queue, server)
    await send(queue, "acme", 5_000)
    assert await commands_of_a_claim(queue, server) == small < 50


async def test_a_queue_that_becomes_fair_hands_out_what_was_in_it(jobs: Jobs) -> None:
    before, fair = jobs.open(fair=False), jobs.open()
    await send(before, "acme", 300)
    await send(fair, "globex", 5)
    await send(before, "acme", 5)  # a process of the version before, still there
    first = await fair.receive(max_messages=10)
    assert tenants(first)["globex"] == 5
    served = len(first)
    while more := await fair.receive(max_messages=100):
        served += len(more)
    assert served == 310


async def test_what_another_version_took_is_not_handed_out_again(jobs: Jobs) -> None:
    before, fair = jobs.open(fair=False), jobs.open()
    await send(fair, "acme", 10)
    taken = await before.receive(max_messages=4)
    await before.acknowledge(taken)
    left = [message for _ in range(5) for message in await fair.receive(max_messages=4)]
    assert {message.id for message in left}.isdisjoint(message.id for message in taken)
    assert len(left) == 6


async def test_what_expires_leaves_no_trace_in_the_turns(jobs: Jobs, server: Any) -> None:
    queue = jobs.open(retention_seconds=0.0)
    await send(queue, "acme", 3)
    with serving_tenant("acme"):
        await queue.send(b"x", delay_seconds=600)
    assert await queue.tidy() == 3
    indexed = [await server.zcard(name) for name in (queue.keys.turns("default"), queue.keys.later("default"))]
    assert indexed == [0, 1]
    assert (await queue.statistics()).dead == 3
    assert await queue.redrive() == 3
    assert len(await queue.receive(max_messages=10)) == 3

"""Endpoints that are slow, talkative, failing or busy hold up themselves, and nobody else."""

from __future__ import annotations

import asyncio
import json

from aiohttp import web
from tests.runtime.webhooks.conftest import SINK_POLICY, Bench, Sink, only_delivery

from rung.runtime.context import serving_tenant
from rung.runtime.webhooks import Deliverer
from rung.runtime.webhooks.deliverer import DEFER_SECONDS, DEFER_SECONDS_MAX, PER_ENDPOINT


async def test_slow_receiver_ends_in_time(bench: Bench, sink: Sink) -> None:
    """An answer that drips for ever is cut off, and says so in the log."""
    release = asyncio.Event()

    async def drip(request: web.Request) -> web.StreamResponse:
        await asyncio.wait_for(release.wait(), 30)
        return web.Response()

    sink.answer = drip
    deliverer = Deliverer(bench.database, bench.queue, policy=SINK_POLICY, timeout_seconds=0.2)
    endpoint = await bench.deliveries.register("acme", sink.url)
    await bench.deliveries.publish("acme", "a.b", {})
    (message,) = await bench.queue.receive()
    await deliverer.deliver(message)
    release.set()
    await deliverer.close()
    (attempt,) = (await only_delivery(bench, endpoint)).attempts
    assert (attempt.status, attempt.error) == (None, "no answer in 0.2 s")


async def test_long_answer_is_not_read(bench: Bench, sink: Sink) -> None:
    """Of a gigabyte, a KiB is kept and little more is read: the receiver sees us hang up."""
    written = 0

    async def flood(request: web.Request) -> web.StreamResponse:
        nonlocal written
        answer = web.StreamResponse()
        await answer.prepare(request)
        for _ in range(16_384):
            await answer.write(b"y" * 65_536)
            written += 65_536
        return answer

    sink.answer = flood
    endpoint = await bench.deliveries.register("acme", sink.url)
    await bench.deliveries.publish("acme", "a.b", {})
    await bench.work()
    delivery = await only_delivery(bench, endpoint)
    assert (delivery.status, delivery.attempts[0].answer) == ("succeeded", b"y" * 1024)
    assert written < 64 * 1024 * 1024


async def test_failing_endpoint_waits_for_itself_alone(bench: Bench, sink: Sink) -> None:
    """Of many deliveries to an endpoint that fails, two are tried at once; those of others go out."""
    sink.answer = 500
    await bench.deliveries.register("acme", sink.url)
    await bench.deliveries.publish("acme", "a.b", {})
    await bench.work()
    await bench.deliveries.register("other", sink.url + "/other")
    sink.answer = 200
    for _ in range(6):
        await bench.deliveries.publish("acme", "a.b", {})
    await bench.deliveries.publish("other", "a.b", {})
    await bench.work()
    tried = len(sink.requests) - 1
    assert tried == 3
    await bench.next_try()
    for _ in range(3):
        await bench.next_try()
    assert len(sink.requests) == 9


async def test_deliveries_that_find_their_endpoint_busy_look_ever_more_rarely(bench: Bench, sink: Sink) -> None:
    """Ten thousand of them that looked every second would leave no time for anybody else's."""
    endpoint = await bench.deliveries.register("acme", sink.url)
    await bench.deliveries.publish("acme", "a.b", {})
    bench.deliverer._in_flight[endpoint.id] = PER_ENDPOINT
    delays = []
    for _ in range(10):
        await bench.next_try()
        delays += await bench.delays()
    assert len(delays) == 10, "one message at a time"
    assert delays[0] <= DEFER_SECONDS
    assert DEFER_SECONDS_MAX / 4 - 5 < delays[-1] <= DEFER_SECONDS_MAX
    del bench.deliverer._in_flight[endpoint.id]
    await bench.next_try()
    assert sink.events() == ["a.b"]


async def test_a_retry_takes_its_own_tenants_turn(bench: Bench, sink: Sink) -> None:
    """Attempts of several tenants are written in one round, by whoever came first."""
    sink.answer = 500
    for tenant in ("acme", "globex", None):
        await bench.deliveries.register(tenant, sink.url)
        await bench.deliveries.publish(tenant, "a.b", {})
    with serving_tenant("acme"):
        await bench.work()
    rows = await bench.database.fetch("select headers->>'x-rung-tenant' as said, body from rung.message")
    told = {json.loads(row["body"])["tenant"]: row["said"] for row in rows}
    assert told == {"acme": "acme", "globex": "globex", "*": None}

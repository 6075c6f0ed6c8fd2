"""Webhooks that go out: what is sent to whom and how it is signed, what an answer means, and who sees the log."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from tests.runtime.webhooks.conftest import DAY, SINK_POLICY, Bench, Sink, only_delivery

from rung.runtime.bindings import QueueBinding
from rung.runtime.database.database import Database
from rung.runtime.errors import TenantError
from rung.runtime.queue import Message, PostgresQueue, Reject
from rung.runtime.webhooks import (
    AddressRefusedError,
    Deliverer,
    Deliveries,
    SignatureRefusedError,
    StandardSignature,
    WebhookError,
)


@pytest.mark.parametrize("scheme", ["hmac", "ed25519"])
async def test_delivered_signed_and_logged(bench: Bench, sink: Sink, scheme: str) -> None:
    """The receiver verifies with the secret that was shown, and the log says what happened."""
    endpoint = await bench.deliveries.register("acme", sink.url, scheme=scheme)  # type: ignore[arg-type]
    assert endpoint.secret not in repr(endpoint)
    identity = await bench.deliveries.publish("acme", "member.invited", {"id": "m1"})
    assert await bench.work() == 1
    ((headers, body),) = sink.requests
    verified = StandardSignature(endpoint.secret).verify(body, headers)
    assert (verified.id, headers["content-type"]) == (identity, "application/json")
    sent = json.loads(body)
    assert (sent["type"], sent["data"]) == ("member.invited", {"id": "m1"})
    delivery = await only_delivery(bench, endpoint)
    assert (delivery.status, delivery.event, delivery.kind) == ("succeeded", identity, "member.invited")
    (attempt,) = delivery.attempts
    assert (attempt.number, attempt.status, attempt.answer, attempt.error) == (1, 200, b"x" * 1024, None)
    assert attempt.duration_ms > 0
    assert await bench.next_try() == 0


async def test_kinds_choose(bench: Bench, sink: Sink) -> None:
    """`*` is any run of characters, `_` is no wildcard, and another tenant's endpoint is never chosen."""
    for kinds in (("member.*",), ("*",), ("mail.sent", "*.invited"), ("member_",), ("webhook.*",)):
        await bench.deliveries.register("acme", f"{sink.url}/{kinds[0]}", kinds=kinds)
    await bench.deliveries.register("other", sink.url)
    counts = {}
    for kind in ("member.invited", "mail.sent", "memberx", "member_", "webhook.endpoint.disabled"):
        await bench.deliveries.publish("acme", kind, {})
        counts[kind] = await bench.work()
    assert counts == {
        "member.invited": 3,
        "mail.sent": 2,
        "memberx": 1,
        "member_": 2,
        "webhook.endpoint.disabled": 1,
    }


async def test_publish_is_one_with_the_transaction(bench: Bench, sink: Sink) -> None:
    await bench.deliveries.register("acme", sink.url)

    async def publish(*, fail: bool) -> None:
        async with bench.database.transaction(tenant="acme") as connection:
            await bench.deliveries.publish("acme", "a.b", {}, id="msg_own", transaction=connection)
            if fail:
                raise RuntimeError("rolled back")

    with pytest.raises(RuntimeError):
        await publish(fail=True)
    assert await bench.work() == 0
    await publish(fail=False)
    await publish(fail=False)  # the same id: nothing more
    assert await bench.work() == 1


async def test_transaction_of_another_tenant(bench: Bench, sink: Sink) -> None:
    """What belongs to one tenant is not published for another; without a tenant set, it is set and taken back."""
    await bench.deliveries.register("acme", sink.url)
    async with bench.database.transaction(tenant="other") as connection:
        with pytest.raises(TenantError, match="other"):
            await bench.deliveries.publish("acme", "a.b", {}, transaction=connection)
    async with bench.database.transaction() as connection:
        await bench.deliveries.publish("acme", "a.b", {}, transaction=connection)
        assert await connection.fetchval("select current_setting('app.tenant_id', true)") == ""
    assert await bench.work() == 1


async def test_retries_over_days_then_failed(bench: Bench, sink: Sink) -> None:
    """Ten attempts with the delays of the standard and jitter above them; then an event to who wants it."""
    sink.answer = 500
    endpoint = await bench.deliveries.register("acme", sink.url, kinds=("a.*",))
    told = await bench.deliveries.register("acme", sink.url + "/told", kinds=("webhook.delivery.*",))
    await bench.deliveries.publish("acme", "a.b", {})
    assert await bench.work() == 1
    planned = [5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400]
    for seconds in planned:
        (delay,) = await bench.delays()
        assert seconds - 2 <= delay <= seconds * 1.2
        await bench.next_try()
    delivery = await only_delivery(bench, endpoint)
    assert (delivery.status, len(delivery.attempts), delivery.next_at) == ("failed", 10, None)
    timestamps = {headers["webhook-id"] for headers, _ in sink.requests[:10]}
    assert len(timestamps) == 1
    (notice,) = await bench.deliveries.log(told)
    assert notice.kind == "webhook.delivery.exhausted"


@pytest.mark.parametrize("status", [200, 204, 299])
async def test_2xx_is_success(bench: Bench, sink: Sink, status: int) -> None:
    endpoint = await bench.deliveries.register(None, sink.url)
    sink.answer = status
    await bench.deliveries.publish(None, "a.b", {})
    await bench.work()
    assert (await only_delivery(bench, endpoint)).status == "succeeded"


@pytest.mark.parametrize("status", [301, 302, 307, 400, 404, 500])
async def test_3xx_fails(bench: Bench, sink: Sink, status: int) -> None:
    """A redirect is followed nowhere: one request, one failed attempt."""

    async def redirect(request: web.Request) -> web.Response:
        return web.Response(status=status, headers={"location": sink.url + "/elsewhere"})

    sink.answer = redirect
    endpoint = await bench.deliveries.register(None, sink.url)
    await bench.deliveries.publish(None, "a.b", {})
    await bench.work()
    delivery = await only_delivery(bench, endpoint)
    assert (delivery.status, delivery.attempts[0].status, len(sink.requests)) == ("pending", status, 1)


@pytest.mark.parametrize(
    ("status", "asked", "low", "high"),
    [
        (429, "600", 598, 601),
        (503, "1", 4, 7),
        (502, "999999", DAY - 2, DAY + 1),
        (500, "600", 4, 7),
        (504, "soon", 4, 7),
        (503, "Mon, 01 Jan 2024 00:00:00 +99999999999999", 4, 7),
        (503, "Mon, 01 Jan 99999999999999999999 00:00:00 GMT", 4, 7),
    ],
)
async def test_retry_after_honoured(
    bench: Bench, sink: Sink, status: int, asked: str, low: float, high: float
) -> None:
    """Not earlier than asked, not later than a day, and only from those statuses."""

    async def busy(request: web.Request) -> web.Response:
        return web.Response(status=status, headers={"retry-after": asked})

    sink.answer = busy
    await bench.deliveries.register(None, sink.url)
    await bench.deliveries.publish(None, "a.b", {})
    await bench.work()
    (delay,) = await bench.delays()
    assert low <= delay <= high


async def test_410_disables(bench: Bench, sink: Sink) -> None:
    """At once and for good: what waits is cancelled, what is published later goes nowhere."""
    sink.answer = 410
    endpoint = await bench.deliveries.register("acme", sink.url, kinds=("a.*",))
    told = await bench.deliveries.register("acme", sink.url + "/told", kinds=("webhook.endpoint.disabled",))
    for _ in range(2):
        await bench.deliveries.publish("acme", "a.b", {})
        await bench.work()
    (gone,) = [each for each in await bench.deliveries.list("acme") if each.id == endpoint.id]
    assert (gone.disabled_reason, gone.disabled_at is not None) == ("gone", True)
    (delivery,) = await bench.deliveries.log(endpoint)
    assert (delivery.status, len(delivery.attempts)) == ("failed", 1)
    assert [notice.kind for notice in await bench.deliveries.log(told)] == ["webhook.endpoint.disabled"]


async def test_five_days_of_failures_disable(bench: Bench, sink: Sink) -> None:
    """One success in between starts the count anew."""
    endpoint = await bench.deliveries.register("acme", sink.url)
    for answer, days in ((500, 3.0), (200, 0.0), (500, 4.9), (500, 0.2), (500, 0.0)):
        sink.answer = answer
        await bench.deliveries.publish("acme", "a.b", {})
        await bench.work()
        (now,) = await bench.deliveries.list("acme")
        assert now.disabled_at is None or days == 0.0
        bench.clock.shift_seconds += days * DAY
    (now,) = await bench.deliveries.list("acme")
    assert now.disabled_reason == "failing"
    again = await bench.deliveries.enable(endpoint)
    assert (again.disabled_at, again.failing_since) == (None, None)


async def test_rotation_two_secrets(bench: Bench, sink: Sink) -> None:
    """Both signatures for a day, then the new one alone; nobody who reads rows later sees a secret."""
    endpoint = await bench.deliveries.register("acme", sink.url)
    rotated = await bench.deliveries.rotate(endpoint)
    assert rotated.secret != endpoint.secret
    assert (await bench.deliveries.list("acme"))[0].secret == ""

    async def latest() -> tuple[dict[str, str], bytes]:
        await bench.deliveries.publish("acme", "a.b", {})
        await bench.work()
        return sink.requests[-1]

    headers, body = await latest()
    for secret in (endpoint.secret, rotated.secret):
        StandardSignature(secret).verify(body, headers)
    bench.clock.shift_seconds = DAY + 1
    headers, body = await latest()
    StandardSignature(rotated.secret, clock=bench.clock).verify(body, headers)
    with pytest.raises(SignatureRefusedError):
        StandardSignature(endpoint.secret, clock=bench.clock).verify(body, headers)
    at_once = await bench.deliveries.rotate(rotated, overlap_seconds=0)
    headers, body = await latest()
    StandardSignature(at_once.secret, clock=bench.clock).verify(body, headers)
    assert len(headers["webhook-signature"].split()) == 1


async def test_resend(bench: Bench, sink: Sink) -> None:
    """One, or all since a date that did not arrive; attempts go on counting, and stale messages do nothing."""
    sink.answer = 500
    endpoint = await bench.deliveries.register("acme", sink.url)
    began = bench.clock.now()
    for _ in range(3):
        await bench.deliveries.publish("acme", "a.b", {})
    await bench.work()
    sink.answer = 200
    first = (await bench.deliveries.log(endpoint))[-1]
    assert await bench.deliveries.resend(first)
    assert await bench.work() == 1
    again = await bench.deliveries.delivery("acme", first.id)
    assert again is not None
    assert [attempt.status for attempt in again.attempts] == [500, 200]
    assert await bench.deliveries.resend_since(endpoint, began) == 2
    assert await bench.work() == 2
    assert len(sink.requests) == 6
    assert await bench.next_try() == 3  # the three planned retries find their work done
    assert len(sink.requests) == 6
    assert await bench.deliveries.resend_since(endpoint, began) == 0
    assert await bench.deliveries.resend_since(endpoint, began, everything=True) == 3


async def test_disabled_endpoint_gets_nothing(bench: Bench, sink: Sink) -> None:
    endpoint = await bench.deliveries.register("acme", sink.url)
    await bench.deliveries.publish("acme", "a.b", {})
    await bench.deliveries.disable(endpoint, reason="by its owner")
    await bench.work()
    assert sink.requests == []
    assert (await only_delivery(bench, endpoint)).status == "cancelled"
    await bench.deliveries.enable(endpoint)
    assert await bench.deliveries.resend_since(endpoint, endpoint.created_at) == 1
    await bench.work()
    assert len(sink.requests) == 1


async def test_removed_endpoint(bench: Bench, sink: Sink) -> None:
    endpoint = await bench.deliveries.register("acme", sink.url)
    await bench.deliveries.publish("acme", "a.b", {})
    assert await bench.deliveries.remove(endpoint)
    assert not await bench.deliveries.remove(endpoint)
    await bench.work()
    assert sink.requests == []
    assert await bench.deliveries.list("acme") == []
    with pytest.raises(WebhookError, match="no endpoint"):
        await bench.deliveries.rotate(endpoint)


async def test_thin_event_when_large(bench: Bench, sink: Sink) -> None:
    await bench.deliveries.register("acme", sink.url)
    await bench.deliveries.publish("acme", "a.b", {"id": "i1", "member_id": 7, "text": "x" * 30_000})
    await bench.work()
    sent = json.loads(sink.requests[0][1])
    assert (sent["data"], sent["thin"]) == ({"id": "i1", "member_id": 7}, True)
    with pytest.raises(WebhookError, match="R0545"):
        await bench.deliveries.publish("acme", "a.b", {"id": "x" * 30_000})
    with pytest.raises(WebhookError, match="R0545"):
        await bench.deliveries.publish("acme", "a.b", {"id": object()})


async def test_a_refused_event_leaves_no_tenant_in_the_callers_transaction(bench: Bench) -> None:
    async with bench.database.transaction() as connection:
        with pytest.raises(WebhookError, match="R0545"):
            await bench.deliveries.publish("acme", "a.b", {"x": object()}, transaction=connection)
        assert not await connection.fetchval("select current_setting('app.tenant_id', true)")


@asynccontextmanager
async def _serving(bench: Bench, postgres_url: str) -> AsyncIterator[Database]:
    role = f"serving_{postgres_url.rsplit('_', 1)[-1]}"
    await bench.deliveries.list("acme")  # the tables are there now
    await bench.queue.statistics()
    from rung.runtime.queue import install_queue
    from rung.runtime.webhooks import install_webhooks

    async with bench.database.connection() as owner:
        await owner.execute(f"create role {role} nologin")
        await owner.execute(f"grant {role} to current_user")
        await install_queue(owner, roles=[role])
        await install_webhooks(owner, roles=[role])
    binding = bench.database.binding
    from msgspec.structs import replace

    opened = Database(replace(binding, serving_role=role, pool_size=2))
    try:
        yield opened
    finally:
        await opened.close()
        await bench.database.execute(f"drop owned by {role}")
        await bench.database.execute(f"drop role {role}")


async def test_tenants_are_kept_apart_by_the_database(bench: Bench, sink: Sink, postgres_url: str) -> None:
    """As the role that serves: no row without a tenant, none of another's, and a deliverer sees whom it names."""
    async with _serving(bench, postgres_url) as serving:
        deliveries = Deliveries(serving, bench.queue, policy=SINK_POLICY)
        mine = await deliveries.register("acme", sink.url)
        theirs = await deliveries.register("other", sink.url)
        nobodys = await deliveries.register(None, sink.url)
        for tenant in ("acme", "other", None):
            await deliveries.publish(tenant, "a.b", {})
        for table in ("endpoint", "key", "event", "delivery"):
            sql = f"select array_agg(distinct tenant_id) from rung.webhook_{table}"
            assert await serving.fetch_value(sql, tenant="acme") == ["acme"]
            assert await serving.fetch_value(sql) == ["*"]
        assert await deliveries.endpoint("acme", theirs.id) is None
        assert await deliveries.endpoint("acme", nobodys.id) is None
        assert await deliveries.endpoint("acme", "no-uuid") is None
        (delivery,) = await deliveries.log(theirs)
        assert await deliveries.delivery("acme", delivery.id) is None
        deliverer = Deliverer(serving, bench.queue, policy=SINK_POLICY)
        messages = await bench.queue.receive(max_messages=10)
        await asyncio.gather(*(deliverer.deliver(message) for message in messages))
        await deliverer.close()
        assert len(sink.requests) == 3
        for endpoint in (mine, theirs, nobodys):
            assert (await deliveries.log(endpoint))[0].status == "succeeded"


async def test_forget(bench: Bench, sink: Sink) -> None:
    endpoint = await bench.deliveries.register("acme", sink.url)
    await bench.deliveries.publish("acme", "a.b", {})
    await bench.work()
    assert await bench.deliveries.forget("acme", older_than_seconds=60) == 0
    bench.clock.shift_seconds = 120
    assert await bench.deliveries.forget("acme", older_than_seconds=60) == 1
    assert await bench.deliveries.log(endpoint) == []
    for table in ("event", "delivery", "attempt"):
        assert await bench.database.fetch_value(f"select count(*) from rung.webhook_{table}") == 0


@pytest.mark.parametrize(
    ("url", "kinds"),
    [
        ("ftp://example.com/", ("*",)),
        ("https://user:pass@example.com/", ("*",)),
        ("https://169.254.169.254/", ("*",)),
        ("https://example.com/", ()),
        ("https://example.com/", "*"),
        ("https://example.com/", ("a b",)),
        ("https://example.com/", ("a%",)),
    ],
)
async def test_register_refuses(bench: Bench, url: str, kinds: tuple[str, ...]) -> None:
    with pytest.raises((AddressRefusedError, WebhookError)):
        await bench.deliveries.register("acme", url, kinds=kinds)


async def test_messages_that_are_no_job(bench: Bench, postgres_url: str) -> None:
    """A stray message is a dead letter at once, not a retry; so is one that names no tenant."""
    queue = PostgresQueue("hooks", QueueBinding(url=postgres_url))
    for body in (b"x", b"{}", b'{"database":"d","tenant":"a\',b","delivery":1}'):
        await queue.send(body)
    messages: list[Message] = await queue.receive(max_messages=3)
    for message in messages:
        with pytest.raises(Reject):
            await bench.deliverer.deliver(message)
    await queue.close()


@pytest.mark.parametrize(
    ("kind", "identity"), [("a b", None), ("*", None), ("", None), ("a.b", "x.y"), ("a.b", "")]
)
async def test_publish_refuses(bench: Bench, kind: str, identity: str | None) -> None:
    with pytest.raises(WebhookError, match="R0543"):
        await bench.deliveries.publish("acme", kind, {}, id=identity)

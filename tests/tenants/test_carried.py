"""The tenant of a request is everywhere that the request leads, each channel for itself, and nowhere else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from rung.runtime import Cache, Tenant, serving_tenant
from rung.runtime.cache.connection import RedisConnection
from rung.runtime.context import current, current_tenant, from_headers, known_epochs, tenant_prefix, to_headers
from rung.runtime.errors import TenantError
from rung.runtime.http.protect import protect
from rung.runtime.http.settings import HttpSettings
from rung.runtime.log import logger
from rung.runtime.queue.memory import MemoryQueue
from rung.runtime.tenants.carry import carried_headers, for_tenants, serving_message, tenant_key
from rung.testing.asgi import call


@pytest.fixture(autouse=True)
def epochs() -> Iterator[None]:
    known_epochs.clear()
    yield
    known_epochs.clear()


async def test_the_request_decides_and_its_header_does_not() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        tenant = current_tenant()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": (tenant.id if tenant else "nobody").encode()})

    async def identify(scope: Any) -> str | None:
        session = dict(scope["headers"]).get(b"authorization", b"").decode()
        return session or None

    served = protect(for_tenants(app, identify), HttpSettings())
    spoofed = ("x-rung-tenant", "globex")
    assert (await call(served, headers=[("authorization", "acme"), spoofed])).body == b"acme"
    assert (await call(served, headers=[spoofed])).body == b"nobody"
    assert (await call(served, headers=[("authorization", "a'; drop")])).status == 404
    assert current_tenant() is None


def test_work_that_is_handed_on_takes_tenant_and_epoch_along() -> None:
    with serving_tenant(Tenant("acme", 2)):
        headers = carried_headers()
        correlation_id = current().correlation_id
    assert headers["x-rung-tenant"] == "acme"
    assert "x-deadline-ms" not in headers
    with serving_message(headers) as context:
        assert context.tenant == Tenant("acme")
        assert tenant_key("inbox") == "t:acme@2:inbox"
        assert len(correlation_id) == 32
    with pytest.raises(TenantError), serving_message({"x-rung-tenant": "a b"}):
        pass
    assert from_headers(headers, trusted=False).tenant is None


async def test_messages_carry_the_tenant_of_their_sender() -> None:
    queue = MemoryQueue("jobs")
    with serving_tenant("acme"):
        await queue.send("{}")
    await queue.send("{}")
    of_acme, of_nobody = await queue.receive(max_messages=2)
    with serving_message(of_acme.headers):
        assert current_tenant() == Tenant("acme")
        with serving_message(of_nobody.headers):
            assert current_tenant() is None


@pytest.mark.parametrize(("one", "other"), [("a", "a-b"), ("a", "a_1"), ("a1", "a")])
def test_no_key_of_a_tenant_begins_another_ones(one: str, other: str) -> None:
    for epoch in (0, 1, 11):
        mine, theirs = tenant_prefix(Tenant(one, epoch)), tenant_prefix(Tenant(other, epoch))
        assert not mine.startswith(theirs)
        assert not theirs.startswith(mine)


async def test_a_moved_tenant_finds_nothing_of_before(redis_url: str) -> None:
    store = Cache(RedisConnection(redis_url), tenant_scoped=True)

    async def read(value: str) -> Any:
        async def load() -> str:
            return value

        with serving_tenant("acme"):
            return await store.get_or_load("page", load, ttl_seconds=60)

    assert await read("old") == "old"
    assert await read("new") == "old"
    known_epochs["acme"] = 1  # this process has heard of the move; the request began before
    assert await read("new") == "new"
    with serving_tenant("acme"):
        assert to_headers(current())["x-rung-tenant-epoch"] == "1"
    await store.close()


@pytest.mark.usefixtures("configured")
def test_each_line_of_the_log_names_the_tenant(capsys: pytest.CaptureFixture[str]) -> None:
    with serving_tenant("acme"):
        logger("test").info("something")
    logger("test").info("another thing")
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line.get("tenant") for line in lines] == ["acme", None]

"""Signing keys at rest: a copy of the database signs nothing, a rotation loses nothing, old rows go on working."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.runtime.webhooks.conftest import SINK_POLICY, Sink

from rung.runtime import bindings
from rung.runtime.database.database import Database
from rung.runtime.queue import PostgresQueue
from rung.runtime.webhooks import Deliverer, Deliveries, Endpoint, StandardSignature, WebhookError
from rung.runtime.webhooks.sealing import Keyring, keyring_of_process

OLD, NEW = "an old secret of some length", "a new secret of some length"
CLEAR = Keyring()


class Bench:
    """Deliveries and a deliverer whose keyring a test changes."""

    def __init__(self, database: Database, queue: PostgresQueue) -> None:
        self.database, self.queue = database, queue
        self.keyring = Keyring(OLD)
        self.deliveries = Deliveries(database, queue, policy=SINK_POLICY, keyring=lambda: self.keyring)
        self.deliverer = Deliverer(database, queue, policy=SINK_POLICY, keyring=lambda: self.keyring)

    async def stored(self) -> list[str]:
        """What lies in the table, the newest first."""
        rows = await self.database.fetch("select secret from rung.webhook_key order by created_at desc")
        return [row["secret"] for row in rows]

    async def deliver(self) -> None:
        await self.deliveries.publish("acme", "a.b", {})
        for message in await self.queue.receive(max_messages=50):
            await self.deliverer.deliver(message)
            await self.queue.acknowledge([message])


@pytest.fixture
async def bench(database: Database, queue: PostgresQueue) -> AsyncIterator[Bench]:
    made = Bench(database, queue)
    yield made
    await made.deliverer.close()


def _verified(sink: Sink, secret: str) -> bool:
    headers, body = sink.requests[-1]
    return json.loads(StandardSignature(secret).verify(body, headers).payload)["type"] == "a.b"


async def test_no_key_lies_in_clear_and_what_is_sent_is_signed_with_it(bench: Bench, sink: Sink) -> None:
    endpoint = await bench.deliveries.register("acme", sink.url)
    [stored] = await bench.stored()
    assert stored.startswith("sealed:")
    assert endpoint.secret.removeprefix("whsec_") not in stored
    await bench.deliver()
    assert _verified(sink, endpoint.secret)
    rotated = await bench.deliveries.rotate(endpoint)
    assert all(each.startswith("sealed:") for each in await bench.stored())
    await bench.deliver()
    assert _verified(sink, endpoint.secret)
    assert _verified(sink, rotated.secret)


async def test_a_row_of_before_is_read_and_encrypted_when_it_is_used(bench: Bench, sink: Sink) -> None:
    bench.keyring = CLEAR
    endpoint = await bench.deliveries.register("acme", sink.url)
    assert await bench.stored() == [endpoint.secret]
    bench.keyring = Keyring(OLD)
    await bench.deliver()
    assert _verified(sink, endpoint.secret)
    [old] = await bench.stored()
    assert bench.keyring.is_current(old)
    bench.keyring = Keyring(NEW, OLD)
    await bench.deliver()
    [new] = await bench.stored()
    bench.keyring = Keyring(NEW)
    await bench.deliver()
    assert new.split(":")[1] != old.split(":")[1]
    assert _verified(sink, endpoint.secret)
    assert len(sink.requests) == 3


async def test_keys_that_nobody_uses_are_encrypted_anew_on_demand(bench: Bench, sink: Sink) -> None:
    bench.keyring = CLEAR
    for _ in range(2):
        await bench.deliveries.register("acme", sink.url)
    other = await bench.deliveries.register("globex", sink.url)
    bench.keyring = Keyring(NEW)
    assert (await bench.deliveries.seal("acme"), await bench.deliveries.seal("acme")) == (2, 0)
    stored = await bench.stored()
    assert [each for each in stored if not each.startswith("sealed:")] == [other.secret], "one tenant's alone"


async def test_without_its_key_nothing_is_sent_and_the_log_says_why(bench: Bench, sink: Sink) -> None:
    endpoint = await bench.deliveries.register("acme", sink.url)
    bench.keyring = Keyring(NEW)
    await bench.deliver()
    assert sink.requests == []
    [delivery] = await bench.deliveries.log(endpoint)
    assert delivery.status == "pending", "it is tried again: the key may come back"
    assert "R0548" in (delivery.attempts[0].error or "")
    with pytest.raises(WebhookError, match="R0548"):
        await bench.deliveries.seal("acme")


async def test_a_key_that_is_copied_to_another_endpoint_does_not_open(bench: Bench, sink: Sink) -> None:
    mine: Endpoint = await bench.deliveries.register("acme", sink.url)
    await bench.deliveries.register("globex", sink.url)
    await bench.database.execute(
        "update rung.webhook_key set secret = (select secret from rung.webhook_key where tenant_id = 'globex')"
    )
    await bench.deliver()
    [delivery] = await bench.deliveries.log(mine)
    assert "copied" in (delivery.attempts[0].error or "")
    assert sink.requests == []


def test_the_secret_may_hold_several_and_must_be_long(tmp_path: Path) -> None:
    file = tmp_path / "webhooks-key"
    bound = bindings.encode(bindings.SecretBinding(path=str(file)))
    environment = {bindings.variable_name("webhooks-key"): bound}
    assert keyring_of_process({}).seal("whsec_x", "acme", "e") == "whsec_x"
    first, second = "first-secret-of-this-test", "second-secret-of-this-test"
    file.write_text(first)
    sealed = keyring_of_process(environment).seal("whsec_x", "acme", "e")
    file.write_text(f"{second} {first}\n")
    rotated = keyring_of_process(environment)
    assert rotated.open(sealed, "acme", "e") == "whsec_x"
    assert not rotated.is_current(sealed)
    file.write_text("short")
    with pytest.raises(WebhookError, match="R0543"):
        keyring_of_process(environment)
    assert sealed not in repr(rotated)

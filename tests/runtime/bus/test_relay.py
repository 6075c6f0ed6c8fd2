"""The relay: what EventBridge has put into the queue of a rule reaches its target, or the rule's dead letters."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from tests.aws.emulator import REGION, Emulator
from tests.runtime.bus.conftest import Service

from rung.runtime.bindings import QueueBinding, ServiceBinding, encode
from rung.runtime.bus.relay import RelayService
from rung.runtime.bus.rules import Rule, ServiceTarget
from rung.runtime.queue.backoff import Backoff
from rung.runtime.queue.sqs import SqsQueue

ARN = "arn:aws:events:eu-west-1:123456789012:rule/shop-prod-events/shop-prod-to-api"
TRANSFORM = {
    "InputPathsMap": {"order": "$.detail.order"}, "InputTemplate": '{"n": <order>, "by": <aws.events.rule-name>}'
}  # fmt: skip
EVENT = {
    "version": "0", "id": "an-id-of-eventbridge", "detail-type": "paid", "source": "shop.api",
    "detail": {"order": 7, "_context": {"x-rung-event": "e1", "x-correlation-id": "abc"}},
}  # fmt: skip


class Place:
    """The queue of a rule, as Terraform makes it, and a relay of one rule to a service."""

    def __init__(self, emulator: Emulator, service: Service) -> None:
        self.service = service
        made = emulator.create_queue(f"events-{secrets.token_hex(4)}", ("to-api",), 1_000)
        self.binding = QueueBinding(
            adapter="sqs", urls=made["urls"], dead_letter_urls=made["dead_letter_urls"], region=REGION,
            lanes=("to-api",), max_receive_count=1_000_000, long_poll_seconds=1,
        )  # fmt: skip
        self._client = emulator.client("sqs")
        self.queue = SqsQueue("events-deliveries", self.binding)

    def put(self, event: Any = EVENT) -> None:
        """As EventBridge does: the event alone, without an attribute."""
        body = event if isinstance(event, str) else json.dumps(event)
        self._client.send_message(QueueUrl=self.binding.urls["to-api"], MessageBody=body)

    @asynccontextmanager
    async def relaying(self, **changes: Any) -> AsyncIterator[None]:
        target = ServiceTarget(name="api", path="/events")
        rule = Rule(name="to-api", pattern='{"source": ["shop.api"]}', target=target, arn=ARN, **changes)
        environment = {"RUNG_BINDING_API": encode(ServiceBinding(url=self.service.url))}
        quick = Backoff(base_seconds=0.0, cap_seconds=0.0)
        relay = RelayService(
            "events", self.binding, [rule], environment=environment, backoff=quick, wait_seconds=0.2
        )
        running = asyncio.create_task(relay.run())
        try:
            yield
        finally:
            relay.stop()
            await running
            await relay.close()


@pytest.fixture
async def place(aws: Emulator) -> AsyncIterator[Place]:
    service = Service(0)
    async with service.running():
        found = Place(aws, service)
        yield found
        await found.queue.close()


async def until(holds: Callable[[], Any]) -> None:
    async with asyncio.timeout(20):
        while True:
            if holds():
                return
            await asyncio.sleep(0.02)


async def test_an_event_is_transformed_and_delivered_once_more_after_a_failure(place: Place) -> None:
    place.service.failures = 1
    place.put()
    async with place.relaying(transform=json.dumps(TRANSFORM)):
        await until(lambda: place.service.taken)
    (taken,) = place.service.taken
    assert taken.body == {"n": 7, "by": "shop-prod-to-api"}, "the rule is called what it is called on EventBridge"
    assert taken.headers["idempotency-key"] == "to-api-e1", "by the id that put returned"
    assert taken.headers["x-correlation-id"] == "abc"
    statistics = await place.queue.statistics()
    assert (statistics.ready, statistics.dead) == (0, 0)


@pytest.mark.parametrize(
    ("status", "event"), [(400, EVENT), (503, EVENT), (204, "no JSON")], ids=["refused", "tired", "no event"]
)
async def test_what_cannot_be_delivered_is_kept_with_its_reason(place: Place, status: int, event: Any) -> None:
    place.service.failures, place.service.status = (1_000 if status >= 400 else 0), status
    place.put(event)
    async with place.relaying(max_attempts=1), asyncio.timeout(20):
        while True:
            dead = await place.queue.dead_letters()
            if dead:
                break
            await asyncio.sleep(0.05)
    (letter,) = dead
    assert letter.body.decode() == (event if isinstance(event, str) else json.dumps(event))
    assert letter.reason

"""The bus on EventBridge keeps the contract, as far as moto's server can show it.

moto compares no arrays of objects, makes only inputs whose texts stand in quotes, retries nothing, and replays to
every rule whatever was asked: what rules do there is Terraform's part, and AWS's.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest
from tests.aws.emulator import REGION, Emulator

from rung.runtime.bindings import BusBinding, QueueBinding
from rung.runtime.bus.event import EventEntry
from rung.runtime.bus.eventbridge import EventBridgeBus
from rung.runtime.bus.rules import Rule
from rung.runtime.errors import MessageError
from rung.runtime.queue.postgres.schema import install_queue
from rung.runtime.queue.registry import open_queue
from rung.testing.bus_conformance import BusConformance
from rung.testing.bus_harness import HarnessCan, Received

LANES = ("default",)


class EventBridgeHarness:
    """A bus of its own on the emulator, and an outbox in a fresh database."""

    can = HarnessCan(whole_grammar=False, whole_transformers=False, retries=False, replays=False)

    def __init__(self, aws: Emulator, outbox_url: str) -> None:
        self._aws = aws
        self._outbox_url = outbox_url
        self._events = aws.client("events")
        self._name = f"events-{outbox_url.rpartition('_')[2]}"
        self._urls: dict[str, dict[str, Any]] = {}
        self._bus: EventBridgeBus | None = None

    async def open(self, rules: Sequence[Rule], *, archive_days: int | None = None) -> EventBridgeBus:
        del archive_days
        self._events.create_event_bus(Name=self._name)
        for each in rules:
            self._put_rule(each)
        connection = await asyncpg.connect(self._outbox_url)
        await install_queue(connection)
        await connection.close()
        binding = BusBinding(adapter="eventbridge", name=self._name, region=REGION, outbox_url=self._outbox_url)
        self._bus = EventBridgeBus("events", binding)
        return self._bus

    def _put_rule(self, each: Rule) -> None:
        sqs = self._aws.client("sqs")
        if each.target.name not in self._urls:
            created = self._aws.create_queue(f"{self._name}-{each.target.name}", LANES, 3)
            self._urls[each.target.name] = dict(created)
        url = self._urls[each.target.name]["urls"]["default"]
        arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        fields = json.loads(each.transform or "{}")
        target: dict[str, Any] = {"Id": "one", "Arn": arn}
        self._events.put_rule(Name=each.name, EventBusName=self._name, EventPattern=each.pattern)
        self._events.put_targets(
            Rule=each.name, EventBusName=self._name,
            Targets=[target | ({"InputTransformer": fields} if fields else {})],
        )  # fmt: skip

    async def settle(self) -> None:
        outbox = self._bus._outbox if self._bus else None
        assert outbox is not None
        await outbox.flush()

    async def received(self, queue: str) -> list[Received]:
        binding = QueueBinding(adapter="sqs", region=REGION, long_poll_seconds=0, **self._urls[queue])
        opened = open_queue(queue, binding)
        found: list[Received] = []
        while messages := await opened.receive(max_messages=10):
            found += [Received(body=each.json(), headers=each.headers) for each in messages]
            await opened.acknowledge(messages)
        await opened.close()
        return found

    async def left_over(self) -> int:
        connection = await asyncpg.connect(self._outbox_url)
        try:
            return int(await connection.fetchval("select count(*) from rung.message"))
        finally:
            await connection.close()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Any]:
        connection = await asyncpg.connect(self._outbox_url)
        try:
            async with connection.transaction():
                yield connection
        finally:
            await connection.close()

    @asynccontextmanager
    async def failing(self, times: int) -> AsyncIterator[str]:
        raise NotImplementedError
        yield

    async def calls(self) -> list[Received]:
        raise NotImplementedError

    async def replay(self, *, rules: Sequence[str] = ()) -> int:
        raise NotImplementedError

    async def close(self) -> None:
        if self._bus is not None:
            await self._bus.close()


class TestEventBridgeBus(BusConformance):
    @pytest.fixture
    async def harness(self, aws: Emulator, postgres_url: str) -> AsyncIterator[EventBridgeHarness]:
        found = EventBridgeHarness(aws, postgres_url)
        yield found
        await found.close()


async def test_without_an_outbox_a_transaction_is_refused(aws: Emulator) -> None:
    bus = EventBridgeBus("events", BusBinding(adapter="eventbridge", name="default", region=REGION))
    assert not bus.capabilities.transactional_put
    transaction: Any = object()
    with pytest.raises(MessageError, match="R0522"):
        await bus.put("order.placed", {}, transaction=transaction)
    await bus.close()


async def test_ten_entries_and_256_kib_for_each_call(aws: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    bus = EventBridgeBus("events", BusBinding(adapter="eventbridge", name="default", region=REGION))
    calls: list[int] = []

    async def call(operation: str, resource: str, *, Entries: list[Any]) -> Any:  # noqa: N803 - AWS's name
        calls.append(len(Entries))
        refused = {"ErrorCode": "ThrottlingException", "ErrorMessage": "slow down"}
        return {"Entries": [refused if "7" in each["Detail"][:14] else {"EventId": "x"} for each in Entries]}

    monkeypatch.setattr(bus._caller, "call", call)
    small = [EventEntry(detail_type="t", detail={"n": each}) for each in range(12)]
    large = [EventEntry(detail_type="t", detail={"text": "x" * 100_000}) for _ in range(3)]
    results = await bus.put_batch([*small, *large])
    assert calls == [10, 4, 1]
    assert [position for position, each in enumerate(results) if each.id is None] == [7]
    assert results[7].error == "R0523: EventBridge did not take the event: ThrottlingException slow down"
    await bus.close()

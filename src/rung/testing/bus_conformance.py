"""The contract of a bus as tests.

For another adapter, one class with one fixture:

    class TestMyBus(BusConformance):
        @pytest.fixture
        def harness(self): return MyHarness()
"""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest

from rung.runtime.bus import Bus, EventEntry
from rung.runtime.bus.event import CONTEXT, EVENT_HEADER
from rung.runtime.bus.rules import QueueTarget, Rule, ServiceTarget
from rung.runtime.context import CORRELATION_HEADER, Context, Tenant, serving
from rung.runtime.errors import MessageError
from rung.testing.bus_harness import BusHarness

PLACED = {"source": ["shop"], "detail-type": ["order.placed"]}


def rule(name: str, pattern: dict[str, Any], queue: str = "mails", **more: Any) -> Rule:
    """A rule that sends to a queue."""
    return Rule(name=name, pattern=json.dumps(pattern), target=QueueTarget(name=queue), **more)


def _need(can: bool, what: str) -> None:
    if not can:
        pytest.skip(f"this backend cannot: {what}")


async def _numbers(harness: BusHarness, queue: str = "mails") -> list[Any]:
    return [each.body["detail"]["order"] for each in await harness.received(queue)]


def _entry(detail: dict[str, Any], source: str = "shop") -> EventEntry:
    return EventEntry(detail_type="order.placed", detail=detail, source=source)


async def _put(bus: Bus, number: int, **more: Any) -> str:
    return await bus.put("order.placed", {"order": number}, source="shop", **more)


class PutConformance:
    """Putting events, and which rules take them."""

    async def test_an_event_arrives_in_eventbridges_shape(self, harness: BusHarness) -> None:
        bus = await harness.open([rule("placed", PLACED)])
        moment = datetime(2026, 11, 21, 10, 0, 5, tzinfo=UTC)
        identity = await bus.put(
            "order.placed", {"order": 7, "état": "ü"}, source="shop", resources=["arn:shop:order/7"], time=moment
        )
        await harness.settle()
        (received,) = await harness.received("mails")
        event = received.body
        assert event.keys() >= {"version", "id", "region"}
        assert (event["version"], event["source"], event["detail-type"]) == ("0", "shop", "order.placed")
        assert (event["time"], event["resources"]) == ("2026-11-21T10:00:05Z", ["arn:shop:order/7"])
        assert {**event["detail"], CONTEXT: None} == {"order": 7, "état": "ü", CONTEXT: None}
        assert event["detail"][CONTEXT][EVENT_HEADER] == identity
        assert not bus.capabilities.own_ids or event["id"] == identity

    async def test_every_rule_that_takes_it_and_no_other(self, harness: BusHarness) -> None:
        bus = await harness.open(
            [
                rule("placed", PLACED),
                rule("large", {"detail": {"total": [{"numeric": [">", 100]}]}}, "audit"),
                rule("others", {"source": [{"anything-but": ["shop"]}]}, "audit"),
            ]
        )
        await bus.put("order.placed", {"order": 1, "total": 5}, source="shop")
        await bus.put("order.placed", {"order": 2, "total": 500}, source="shop")
        await bus.put("order.paid", {"order": 3, "total": 500}, source="shop")
        await harness.settle()
        assert sorted(await _numbers(harness)) == [1, 2]
        assert sorted(await _numbers(harness, "audit")) == [2, 3]

    async def test_no_match_leaves_nothing(self, harness: BusHarness) -> None:
        bus = await harness.open([rule("placed", PLACED)])
        await bus.put("order.cancelled", {"order": 1}, source="shop")
        await harness.settle()
        assert await harness.received("mails") == []
        assert await harness.left_over() == 0

    async def test_arrays_of_objects_match_in_one_element(self, harness: BusHarness) -> None:
        _need(harness.can.whole_grammar, "arrays of objects in patterns")
        bus = await harness.open([rule("two-pears", {"detail": {"lines": {"kind": ["pear"], "count": [2]}}})])
        apart = [{"kind": "pear", "count": 1}, {"kind": "apple", "count": 2}]
        await bus.put("order.placed", {"order": 1, "lines": apart}, source="shop")
        await bus.put("order.placed", {"order": 2, "lines": [*apart, {"kind": "pear", "count": 2}]}, source="shop")
        await harness.settle()
        assert await _numbers(harness) == [2]

    async def test_or_between_fields(self, harness: BusHarness) -> None:
        _need(harness.can.whole_grammar, "$or beside other fields")
        pattern = {"source": ["shop"], "$or": [{"detail": {"order": [1]}}, {"detail": {"new": [True]}}]}
        bus = await harness.open([rule("either", pattern)])
        for number, new in ((1, False), (2, True), (3, False)):
            await bus.put("order.placed", {"order": number, "new": new}, source="shop")
        await harness.settle()
        assert sorted(await _numbers(harness)) == [1, 2]

    async def test_a_batch_is_taken_in_order_and_bad_entries_are_named(self, harness: BusHarness) -> None:
        bus = await harness.open([rule("placed", PLACED)])
        entries = [
            EventEntry(detail_type="order.placed", detail={"order": each}, source="shop") for each in range(25)
        ]
        entries[3] = EventEntry(detail_type="order.placed", detail={"order": 3}, source="aws.shop")
        entries[5] = EventEntry(detail_type="order.placed", detail={"text": "x" * 262_144}, source="shop")
        results = await bus.put_batch(entries)
        assert [position for position, each in enumerate(results) if each.id is None] == [3, 5]
        assert (results[3].error or "").startswith("R0521")
        assert (results[5].error or "").startswith("R0520")
        await harness.settle()
        wanted = [each for each in range(25) if each not in (3, 5)]
        found = await _numbers(harness)
        assert (found if bus.capabilities.ordered else sorted(found)) == wanted

    @pytest.mark.parametrize(
        ("detail", "more", "code"),
        [
            ({"text": "x" * 262_144}, {}, "R0520"),
            (["no object"], {}, "R0521"),
            ({CONTEXT: {}}, {}, "R0521"),
            ({"a": object()}, {}, "R0521"),
            ({}, {"source": "aws.s3"}, "R0521"),
        ],
    )
    async def test_what_is_no_event_is_refused(
        self, harness: BusHarness, detail: Any, more: dict[str, Any], code: str
    ) -> None:
        bus = await harness.open([])
        with pytest.raises(MessageError, match=code):
            await bus.put("order.placed", detail, **more)

    async def test_the_context_travels(self, harness: BusHarness) -> None:
        bus = await harness.open([rule("placed", PLACED)])
        with serving(Context(correlation_id="abc-1", tenant=Tenant("acme"), user="u7")):
            await _put(bus, 1)
        await harness.settle()
        (received,) = await harness.received("mails")
        wanted = {CORRELATION_HEADER: "abc-1", "x-rung-tenant": "acme", "x-rung-user": "u7"}
        assert wanted.items() <= received.body["detail"][CONTEXT].items()
        assert wanted.items() <= received.headers.items()

    async def test_events_put_one_after_the_other_keep_their_order(self, harness: BusHarness) -> None:
        bus = await harness.open([rule("placed", PLACED)])
        _need(bus.capabilities.ordered, "order")
        for number in range(30):
            await _put(bus, number)
        await harness.settle()
        assert await _numbers(harness) == list(range(30))

    async def test_in_a_transaction_it_exists_exactly_when_that_commits(self, harness: BusHarness) -> None:
        bus = await harness.open([rule("placed", PLACED)])
        _need(bus.capabilities.transactional_put, "transactions")
        with suppress(ZeroDivisionError):
            async with harness.transaction() as connection:
                await _put(bus, 1, transaction=connection)
                raise ZeroDivisionError
        async with harness.transaction() as connection:
            await _put(bus, 2, transaction=connection)
            await harness.settle()
            assert await harness.received("mails") == []
        await harness.settle()
        assert await _numbers(harness) == [2]


class TargetConformance:
    """What a target gets, how often it is tried, and where an event goes that it never takes."""

    async def test_a_template_makes_the_input(self, harness: BusHarness) -> None:
        fields = {
            "InputPathsMap": {"order": "$.detail.order", "type": "$.detail-type"},
            "InputTemplate": '{"number": <order>, "said": "<type> of <order>"}',
        }
        bus = await harness.open([rule("placed", PLACED, transform=json.dumps(fields))])
        await _put(bus, 7)
        await harness.settle()
        assert [each.body for each in await harness.received("mails")] == [
            {"number": 7, "said": "order.placed of 7"}
        ]

    @pytest.mark.parametrize(
        ("fields", "wanted"),
        [
            ({"Input": '{"go": true}'}, {"go": True}),
            ({"InputPath": "$.detail.lines"}, [{"kind": "pear"}]),
            ({"InputTemplate": "[<k>]", "InputPathsMap": {"k": "$.detail.lines[*].kind"}}, [["pear"]]),
            ({"InputTemplate": '"<aws.events.rule-name>"'}, "placed"),
        ],
    )
    async def test_every_kind_of_transform(self, harness: BusHarness, fields: dict[str, Any], wanted: Any) -> None:
        _need(harness.can.whole_transformers, "all of input transformers")
        bus = await harness.open([rule("placed", PLACED, transform=json.dumps(fields))])
        await bus.put("order.placed", {"lines": [{"kind": "pear"}]}, source="shop")
        await harness.settle()
        assert [each.body for each in await harness.received("mails")] == [wanted]

    async def test_an_input_that_is_no_json_ends_in_the_dead_letter_queue(self, harness: BusHarness) -> None:
        _need(harness.can.retries, "dead-letter queues")
        fields = json.dumps({"InputTemplate": '"<text>"', "InputPathsMap": {"text": "$.detail.text"}})
        bus = await harness.open([rule("placed", PLACED, transform=fields, dead_letter="undelivered")])
        await bus.put("order.placed", {"text": 'a "quote"'}, source="shop")
        await bus.put("order.placed", {"text": "none"}, source="shop")
        await harness.settle()
        assert [each.body for each in await harness.received("mails")] == ["none"]
        (dead,) = await harness.received("undelivered")
        assert dead.body["detail"]["text"] == 'a "quote"'
        assert (dead.headers["ERROR_CODE"], dead.headers["RULE_NAME"]) == ("INVALID_JSON", "placed")

    async def test_a_target_that_fails_is_tried_again(self, harness: BusHarness) -> None:
        _need(harness.can.retries, "retries")
        async with harness.failing(2) as service:
            target = ServiceTarget(name=service, path="/events", deadline_seconds=2.0)
            bus = await harness.open([Rule(name="calls", pattern=json.dumps(PLACED), target=target)])
            identity = await _put(bus, 7)
            await harness.settle()
            (call,) = await harness.calls()
            assert call.body["detail"]["order"] == 7
            assert call.headers["idempotency-key"] == f"calls-{identity}"
            assert await harness.left_over() == 0

    async def test_a_target_that_never_takes_it_ends_in_the_dead_letter_queue(self, harness: BusHarness) -> None:
        _need(harness.can.retries, "retries")
        async with harness.failing(1_000) as service:
            target = ServiceTarget(name=service, path="/events", deadline_seconds=2.0)
            calls = Rule(
                name="calls", pattern=json.dumps(PLACED), target=target, max_attempts=2, dead_letter="undelivered",
                transform='{"InputPath": "$.detail"}',
            )  # fmt: skip
            bus = await harness.open([calls, rule("placed", PLACED)])
            await _put(bus, 7)
            await harness.settle()
            assert await _numbers(harness) == [7]
            (dead,) = await harness.received("undelivered")
            assert dead.body["detail"]["order"] == 7
            told = {name: dead.headers[name] for name in ("RETRY_ATTEMPTS", "EXHAUSTED_RETRY_CONDITION")}
            assert told == {"RETRY_ATTEMPTS": "2", "EXHAUSTED_RETRY_CONDITION": "MaximumRetryAttempts"}
            assert "503" in dead.headers["ERROR_MESSAGE"]


class ReplayConformance:
    """What the archive keeps, and what a replay brings back."""

    async def test_a_replay_brings_back_what_was_put(self, harness: BusHarness) -> None:
        _need(harness.can.replays, "archive and replay")
        bus = await harness.open(
            [rule("placed", PLACED), rule("all", {"source": ["shop"]}, "audit")], archive_days=1
        )
        await _put(bus, 1)
        await harness.settle()
        await harness.received("mails")
        await harness.received("audit")
        assert await harness.replay(rules=["all"]) == 1
        await harness.settle()
        assert await harness.received("mails") == []
        (again,) = await harness.received("audit")
        assert again.body["detail"]["order"] == 1
        assert again.body["replay-name"]
        assert await harness.replay() == 1, "a replayed event is not kept a second time"


class BusConformance(PutConformance, TargetConformance, ReplayConformance):
    """Every behaviour. Subclass it with a fixture `harness`."""

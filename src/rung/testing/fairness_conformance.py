"""What a queue promises that is declared fair: tenants take turns within a lane.

For brokers with the capability `takes_turns`. Elsewhere the tests are skipped.
"""

from __future__ import annotations

from collections import Counter

from rung.runtime.context import TENANT_HEADER, serving_tenant
from rung.runtime.queue import Entry, Message, Queue
from rung.testing.queue_harness import QueueHarness
from rung.testing.queue_steps import need


class FairnessConformance:
    """Turns of tenants."""

    async def test_a_backlog_of_one_tenant_keeps_no_other_waiting(self, harness: QueueHarness) -> None:
        queue = _fair(harness)
        await _send(queue, "acme", 200)
        assert len(await queue.receive(max_messages=10)) == 10, "nobody waits for a turn that nobody else wants"
        for tenant in ("globex", "initech", None):
            await _send(queue, tenant, 3)
        batches = [await queue.receive(max_messages=10) for _ in range(3)]
        served = Counter(_tenant(message) for batch in batches for message in batch)
        assert (served["globex"], served["initech"], served[None]) == (3, 3, 3)
        assert all(len(batch) >= 5 for batch in batches), "and nobody waits while there is work"

    async def test_turns_go_round_and_each_tenants_own_come_in_order(self, harness: QueueHarness) -> None:
        queue = _fair(harness)
        for tenant in ("a", "b", "c"):
            await _send(queue, tenant, 4)
        served = [message for _ in range(12) for message in await queue.receive()]
        rounds = [sorted(str(_tenant(each)) for each in served[start : start + 3]) for start in range(0, 12, 3)]
        assert rounds == [["a", "b", "c"]] * 4
        for tenant in ("a", "b", "c"):
            assert [each.json() for each in served if _tenant(each) == tenant] == [0, 1, 2, 3]
        assert await queue.receive(max_messages=5) == []

    async def test_a_batch_of_two_tenants_is_handled_in_turns(self, harness: QueueHarness) -> None:
        queue = _fair(harness)
        await _send(queue, "a", 30)
        await _send(queue, "b", 12)
        batch = [_tenant(message) for message in await queue.receive(max_messages=20)]
        assert batch == ["a", "b"] * 10

    async def test_more_tenants_than_a_batch_are_all_served_before_one_is_again(
        self, harness: QueueHarness
    ) -> None:
        queue = _fair(harness)
        names = [f"tenant{number:02}" for number in range(25)]
        for name in names:
            await _send(queue, name, 2)
        served = [message for _ in range(5) for message in await queue.receive(max_messages=5)]
        assert sorted(str(_tenant(message)) for message in served) == names

    async def test_turns_are_taken_within_a_lane(self, harness: QueueHarness) -> None:
        queue = _fair(harness)
        await _send(queue, "a", 5)
        await _send(queue, "b", 5, lane="high")
        lanes = [message.lane for message in await queue.receive(max_messages=10)]
        assert lanes == ["high"] * 5 + ["low"] * 5

    async def test_what_comes_back_to_a_fair_queue_takes_its_turn(self, harness: QueueHarness) -> None:
        queue = _fair(harness)
        await _send(queue, "b", 4)
        retried, released, buried, lost = await queue.receive(max_messages=4)
        await _send(queue, "a", 200)
        with serving_tenant("c"):
            await queue.send(b"0", delay_seconds=20)
        assert await queue.retry(retried, reason="again", delay_seconds=20)
        assert await queue.release([released]) == [True]
        assert await queue.dead_letter(buried, reason="rejected")
        assert await queue.redrive() == 1
        soon = await queue.receive(max_messages=10)
        assert {message.id for message in soon if _tenant(message) == "b"} == {released.id, buried.id}
        await queue.acknowledge(soon)
        await harness.advance(31)
        served = await queue.receive(max_messages=10)
        assert {message.id for message in served if _tenant(message) == "b"} == {retried.id, lost.id}
        assert Counter(map(_tenant, served))["c"] == 1
        assert all(await queue.acknowledge(served))
        counts = await queue.statistics()
        left = 205 - len(soon) - len(served)
        assert (counts.ready, counts.in_flight, counts.delayed, counts.dead) == (left, 0, 0, 0)


def _fair(harness: QueueHarness) -> Queue:
    queue = harness.open(fair=True)
    need(queue, "takes_turns")
    return queue


async def _send(queue: Queue, tenant: str | None, number: int, lane: str = "low") -> None:
    entries = [Entry(body=str(each), lane=lane) for each in range(number)]
    if tenant is None:
        await queue.send_batch(entries)
        return
    with serving_tenant(tenant):
        await queue.send_batch(entries)


def _tenant(message: Message) -> str | None:
    return message.headers.get(TENANT_HEADER)

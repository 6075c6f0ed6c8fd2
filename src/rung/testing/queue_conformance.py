"""The behaviours of a queue, as tests: what `rung.runtime.queue.Queue` promises, whatever carries it.

For another adapter, one class with one fixture:

    class TestMyQueue(QueueConformance):
        @pytest.fixture
        def harness(self): return MyHarness()

What a backend cannot do it names in `Capabilities`; those tests are skipped, and say which. Time is the
harness's: no test waits for it, except the two that run a worker against its own lease.
"""

from __future__ import annotations

import asyncio

import pytest

from rung.runtime.context import Context, Tenant, serving
from rung.runtime.errors import MessageError
from rung.runtime.queue import MESSAGE_BYTES_MAX, Backoff, Entry, Message
from rung.runtime.queue.lanes import GUARD_EVERY
from rung.testing.fairness_conformance import FairnessConformance
from rung.testing.queue_harness import LANES, QueueHarness
from rung.testing.queue_steps import arranged, drain, one, one_of, soon
from rung.testing.transaction_conformance import (
    CrashConformance,
    DeduplicationConformance,
    TransactionConformance,
)
from rung.testing.worker_conformance import WorkerConformance


class DeliveryConformance:
    """Leases, attempts and acknowledgements."""

    async def test_send_then_receive_once_and_acknowledge(self, harness: QueueHarness) -> None:
        queue = harness.open()
        identity = await queue.send({"order": 7})
        message = await one(queue)
        assert (message.id, message.json(), message.receive_count) == (identity, {"order": 7}, 1)
        assert await queue.receive() == []
        assert await queue.acknowledge([message]) == [True]
        await harness.advance(3600)
        assert await queue.receive() == []

    async def test_unacknowledged_reappears_after_its_lease_and_not_before(self, harness: QueueHarness) -> None:
        queue = harness.open(visibility_timeout_seconds=30)
        await queue.send(b"x")
        await one(queue)
        await harness.advance(25)
        assert await queue.receive() == []
        await harness.advance(6)
        again = await one(queue)
        assert (again.receive_count, again.after_loss) == (2, True)

    async def test_extended_lease_is_kept_for_hours(self, harness: QueueHarness) -> None:
        queue, other = harness.open(visibility_timeout_seconds=30), harness.open()
        await queue.send(b"x")
        message = await one(queue)
        for _ in range(100):
            await harness.advance(25)
            assert await queue.extend([message], seconds=30) == [True]
        assert await other.receive() == []
        assert await queue.acknowledge([message]) == [True]

    async def test_a_lease_ends_at_the_longest_that_the_broker_keeps_it(self, harness: QueueHarness) -> None:
        queue, other = harness.open(visibility_timeout_seconds=30), harness.open()
        longest = queue.capabilities.lease_seconds_max
        if longest is None:
            pytest.skip("the backend keeps a lease for ever")
        await queue.send(b"x")
        message = await one(queue)
        assert await queue.extend([message], seconds=longest - 600) == [True]
        await harness.advance(longest - 700)
        assert await queue.extend([message], seconds=3600) == [True], "what is left of it"
        await harness.advance(650)
        assert await other.receive() == []
        await harness.advance(60)
        assert await queue.extend([message], seconds=30) == [False]
        assert (await one(other)).after_loss

    async def test_the_late_holder_of_a_lost_lease_changes_nothing(self, harness: QueueHarness) -> None:
        sleeper, other = harness.open(), harness.open()
        await sleeper.send(b"x")
        stale = await one(sleeper)
        await harness.advance(31)
        current = await one(other)
        assert await sleeper.acknowledge([stale]) == [False]
        assert await sleeper.extend([stale], seconds=60) == [False]
        assert await sleeper.release([stale]) == [False]
        assert not await sleeper.retry(stale, reason="late")
        assert not await sleeper.dead_letter(stale, reason="late")
        assert (await other.statistics()).in_flight == 1
        assert await other.acknowledge([current]) == [True]

    async def test_a_lost_worker_uses_an_attempt_and_the_last_one_ends_dead(self, harness: QueueHarness) -> None:
        queue = harness.open(max_receive_count=3)
        identity = await queue.send(b"kills its worker")
        for attempt in (1, 2, 3):
            assert (await one(queue)).receive_count == attempt
            await harness.advance(31)
        assert await queue.receive() == []
        (letter,) = await queue.dead_letters()
        assert (letter.id, letter.reason, letter.attempts) == (identity, "worker_lost", 3)

    async def test_released_is_ready_at_once_without_an_attempt_used(self, harness: QueueHarness) -> None:
        queue, other = harness.open(), harness.open()
        await queue.send(b"x")
        assert await other.receive(lanes=["high"]) == []
        for _ in range(5):
            message = await one(queue)
            assert (message.receive_count, message.after_loss) == (1, False)
            assert await queue.release([message]) == [True]
            assert await queue.acknowledge([message]) == [False]
        assert (await one(queue)).receive_count == 1

    async def test_released_after_a_loss_is_still_known_to_follow_one(self, harness: QueueHarness) -> None:
        queue = harness.open()
        await queue.send(b"x")
        await one(queue)
        await harness.advance(31)
        for _ in range(3):
            message = await one(queue)
            assert (message.receive_count, message.after_loss) == (2, True)
            await queue.release([message])

    async def test_a_subset_of_a_batch_is_acknowledged(self, harness: QueueHarness) -> None:
        queue = harness.open()
        sent = await queue.send_batch([Entry(body=str(number)) for number in range(10)])
        messages = arranged(queue, await queue.receive(max_messages=10), [result.id for result in sent])
        assert [message.body for message in messages] == [str(number).encode() for number in range(10)]
        assert await queue.acknowledge(messages[::2]) == [True] * 5
        await harness.advance(31)
        left = await queue.receive(max_messages=10)
        assert sorted(message.body for message in left) == [b"1", b"3", b"5", b"7", b"9"]

    async def test_nothing_to_do_is_nothing_done(self, harness: QueueHarness) -> None:
        queue = harness.open()
        assert await queue.send_batch([]) == []
        assert await queue.acknowledge([]) == []
        assert await queue.release([]) == []
        assert await queue.extend([], seconds=1) == []
        assert await queue.redrive() == 0


class RetryConformance:
    """Backoff, delay, and the dead-letter queue."""

    async def test_retry_waits_within_the_bound_of_its_attempt(self, harness: QueueHarness) -> None:
        queue = harness.open(backoff=Backoff(base_seconds=10, cap_seconds=15), max_receive_count=9)
        await queue.send(b"x")
        for bound in (10, 15, 15):
            message = await one(queue)
            assert await queue.retry(message, reason="not yet")
            await harness.advance(bound + 0.1)
        assert (await one(queue)).receive_count == 4

    async def test_a_retry_may_choose_its_own_delay(self, harness: QueueHarness) -> None:
        queue = harness.open()
        await queue.send(b"x")
        assert await queue.retry(await one(queue), reason="rate limited", delay_seconds=1000)
        await harness.advance(990)
        assert await queue.receive() == []
        await harness.advance(11)
        assert (await one(queue)).after_loss is False

    async def test_exhausted_ends_dead_with_reason_traceback_attempts_and_origin(
        self, harness: QueueHarness
    ) -> None:
        queue = harness.open(max_receive_count=2)
        identity = await queue.send({"order": 7}, lane="middle", headers={"x": "y"})
        for attempt in (1, 2):
            message = await one(queue)
            assert await queue.retry(message, reason=f"boom {attempt}", traceback="line 1\x00", delay_seconds=0)
        assert await queue.receive() == []
        (letter,) = await queue.dead_letters()
        assert (letter.id, letter.lane, letter.body, letter.headers["x"]) == (
            identity,
            "middle",
            b'{"order":7}',
            "y",
        )
        assert (letter.reason, letter.attempts) == ("boom 2", 2)
        assert letter.traceback.startswith("line 1")
        assert letter.origin
        assert letter.died_at >= letter.sent_at

    async def test_redrive_all_and_one_reset_attempts_and_keep_ids(self, harness: QueueHarness) -> None:
        queue = harness.open()
        sent = [result.id for result in await queue.send_batch([Entry(body=b"x", lane="middle")] * 3)]
        for message in await queue.receive(max_messages=3):
            assert await queue.dead_letter(message, reason="rejected")
        assert (await queue.statistics()).dead == 3
        assert await queue.redrive([str(sent[1])]) == 1
        message = await one(queue)
        assert (message.id, message.receive_count, message.lane) == (sent[1], 1, "middle")
        assert await queue.redrive(["999999999", "not an id"]) == 0
        assert await queue.redrive() == 2
        assert sorted(message.id for message in await queue.receive(max_messages=9)) == sorted({sent[0], sent[2]})  # type: ignore[type-var]

    async def test_a_delay_is_not_early_and_at_most_a_second_late(self, harness: QueueHarness) -> None:
        queue = harness.open()
        await queue.send(b"x", delay_seconds=60)
        await harness.advance(59)
        assert await queue.receive() == []
        await harness.advance(2)
        assert (await one(queue)).receive_count == 1

    async def test_a_delay_of_many_minutes_ends_in_time_and_uses_no_attempt(self, harness: QueueHarness) -> None:
        queue = harness.open()
        identity = await queue.send(b"x", delay_seconds=2000)
        for seconds in (1000, 899, 99):
            await harness.advance(seconds)
            assert await queue.receive() == [], "nobody holds it while it waits"
        await harness.advance(3)
        async with asyncio.timeout(5):
            message = await soon(queue)
        assert (message.id, message.receive_count, message.after_loss) == (identity, 1, False)

    async def test_every_message_waits_for_the_delay_of_its_queue_or_longer(self, harness: QueueHarness) -> None:
        queue = harness.open(delay_seconds=60)
        first = await queue.send(b"x", delay_seconds=5)
        second, third = await queue.send_batch([Entry(body=b"x"), Entry(body=b"x", delay_seconds=120)])
        await harness.advance(59)
        assert await queue.receive() == []
        await harness.advance(2)
        due = await queue.receive(max_messages=10)
        assert {message.id for message in due} == {first, second.id}
        assert await queue.retry(due[0], reason="again", delay_seconds=0), "an attempt waits for its backoff alone"
        assert (await one(queue)).id == due[0].id
        await harness.advance(60)
        assert third.id in {message.id for message in await queue.receive(max_messages=10)}

    async def test_a_delay_that_no_broker_keeps_is_refused(self, harness: QueueHarness) -> None:
        queue = harness.open()
        for wrong in (-1.0, float("nan"), float("inf"), 366 * 86_400.0):
            with pytest.raises(MessageError, match="R0503"):
                await queue.send(b"x", delay_seconds=wrong)

    async def test_delayed_and_retrying_messages_never_block_ready_ones(self, harness: QueueHarness) -> None:
        queue = harness.open()
        await queue.send_batch([Entry(body=b"later", delay_seconds=50)] * 20)
        await queue.send_batch([Entry(body=b"again")] * 20)
        for message in await queue.receive(max_messages=20):
            await queue.retry(message, reason="later", delay_seconds=50)
        await queue.send(b"now")
        assert [message.body for message in await queue.receive(max_messages=5)] == [b"now"]


class SendConformance:
    """What may be sent, and what becomes of it."""

    async def test_high_lane_first_and_the_lowest_is_not_starved(self, harness: QueueHarness) -> None:
        queue = harness.open()
        for lane in LANES:
            await queue.send_batch([Entry(body=lane, lane=lane)] * 60)
        order = [(await one_of(queue)).lane for _ in range(4 * GUARD_EVERY)]
        assert order[: GUARD_EVERY - 1] == ["high"] * (GUARD_EVERY - 1)
        assert order.count("high") >= len(order) - 4
        first_half = order[: 2 * GUARD_EVERY]
        assert {"middle", "low"} <= set(first_half), (
            "every lane is served within GUARD_EVERY x (lanes - 1) receipts"
        )

    async def test_only_the_lanes_asked_for(self, harness: QueueHarness) -> None:
        queue = harness.open()
        for lane in LANES:
            await queue.send(lane, lane=lane)
        got = await queue.receive(max_messages=10, lanes=["low", "middle"])
        assert sorted(message.lane for message in got) == ["low", "middle"]

    async def test_an_unknown_lane_is_refused_and_the_lowest_is_the_default(self, harness: QueueHarness) -> None:
        queue = harness.open()
        with pytest.raises(MessageError, match=r"R0502.*high, middle, low"):
            await queue.send(b"x", lane="hihg")
        await queue.send(b"x")
        assert (await one(queue)).lane == "low"

    async def test_a_bad_entry_of_a_batch_is_reported_and_the_others_are_sent(self, harness: QueueHarness) -> None:
        queue = harness.open()
        entries = [
            Entry(body=b"1"),
            Entry(body=b"x" * (MESSAGE_BYTES_MAX + 1)),
            Entry(body=b"2", lane="nowhere"),
            Entry(body=object()),
            Entry(body=b"3", deduplication_id=""),
            Entry(body=b"4"),
        ]
        results = await queue.send_batch(entries)
        codes = [result.error and result.error[:5] for result in results]
        assert codes == [None, "R0501", "R0502", "R0504", "R0505", None]
        assert all((result.id is None) == (result.error is not None) for result in results)
        assert sorted(await drain(queue)) == [b"1", b"4"]

    async def test_a_batch_keeps_its_order_and_what_its_entries_share_or_not(self, harness: QueueHarness) -> None:
        queue = harness.open()
        with serving(Context(correlation_id="abc", tenant=Tenant("acme"))):
            alike = await queue.send_batch([Entry(body=str(n), lane="high") for n in range(50)])
            mixed = await queue.send_batch(
                [Entry(body=str(n), lane="high", headers={"n": str(n)} if n % 2 else {}) for n in range(50)]
            )
            later = await queue.send_batch([Entry(body=b"x", delay_seconds=50)] * 3)
        ids = [result.id for result in (*alike, *mixed)]
        received: list[Message] = []
        while more := await queue.receive(max_messages=200):
            received += more
        got = arranged(queue, received, ids)
        assert [message.body for message in got] == [str(n).encode() for n in range(50)] * 2
        assert {message.lane for message in got} == {"high"}
        shared = {"x-correlation-id": "abc", "x-rung-tenant": "acme"}
        own = [{**shared, "n": str(n)} if n % 2 else shared for n in range(50)]
        assert [message.headers for message in got] == [shared] * 50 + own
        await queue.acknowledge(got)
        await harness.advance(51)
        assert len(arranged(queue, await queue.receive(max_messages=10), [result.id for result in later])) == 3

    async def test_a_body_is_bytes_text_or_json_up_to_one_size(self, harness: QueueHarness) -> None:
        queue = harness.open()
        bodies = [bytes(range(256)), "naïve ✓ \U0001f680", {"a": [1, None, "é"]}, b""]
        ids = [await queue.send(body) for body in bodies]
        got = arranged(queue, await queue.receive(max_messages=10), ids)
        assert [message.body for message in got[:2]] == [bytes(range(256)), "naïve ✓ \U0001f680".encode()]
        assert got[2].json() == {"a": [1, None, "é"]}
        with pytest.raises(MessageError, match="not JSON"):
            got[3].json()
        await queue.acknowledge(got)
        room = MESSAGE_BYTES_MAX - sum(len(name) + len(value) for name, value in got[0].headers.items())
        await queue.send(b"x" * room)
        assert len((await one(queue)).body) == room
        with pytest.raises(MessageError, match="R0501"):
            await queue.send(b"x" * (room + 1))
        with pytest.raises(MessageError, match="R0501"):
            await queue.send(b"x" * room, headers={"own": ""})

    async def test_the_context_travels_without_the_deadline(self, harness: QueueHarness) -> None:
        queue = harness.open()
        with serving(Context(correlation_id="abc", tenant=Tenant("acme"), user="u1")):
            await queue.send(b"x", headers={"own": "1"})
        headers = (await one(queue)).headers
        assert headers["x-correlation-id"] == "abc"
        assert (headers["x-rung-tenant"], headers["x-rung-user"], headers["own"]) == ("acme", "u1", "1")
        assert "x-deadline-ms" not in headers

    async def test_statistics_tell_each_state_and_the_oldest_age(self, harness: QueueHarness) -> None:
        queue = harness.open()
        await queue.send_batch([Entry(body=b"x", lane="high")] * 5)
        await queue.send(b"x", lane="low", delay_seconds=600)
        await harness.advance(7)
        leased = await queue.receive(max_messages=2)
        await queue.dead_letter(leased[0], reason="rejected")
        counts = await queue.statistics()
        assert (counts.ready, counts.in_flight, counts.delayed, counts.dead) == (3, 1, 1, 1)
        high = counts.lanes["high"]
        assert (high.ready, high.in_flight, high.delayed, high.dead) == (3, 1, 0, 1)
        assert list(counts.lanes) == list(LANES)
        if queue.capabilities.tells_oldest_age:
            assert 7 <= (counts.oldest_age_seconds or 0) < 9
            assert counts.lanes["low"].oldest_age_seconds == 0
        else:
            assert counts.oldest_age_seconds is None


class QueueConformance(
    DeliveryConformance,
    RetryConformance,
    SendConformance,
    FairnessConformance,
    DeduplicationConformance,
    TransactionConformance,
    CrashConformance,
    WorkerConformance,
):
    """Every behaviour. Subclass it with a fixture `harness`."""


class OutboxConformance(DeduplicationConformance, TransactionConformance):
    """What an outbox beside a broker changes: for an adapter that keeps `QueueConformance` without one.

    What goes through the outbox, what comes a second time and is looked up there, and a worker that closes it.
    """

    test_unacknowledged_reappears_after_its_lease_and_not_before = (
        DeliveryConformance.test_unacknowledged_reappears_after_its_lease_and_not_before
    )
    test_a_lost_worker_uses_an_attempt_and_the_last_one_ends_dead = (
        DeliveryConformance.test_a_lost_worker_uses_an_attempt_and_the_last_one_ends_dead
    )
    test_a_bad_entry_of_a_batch_is_reported_and_the_others_are_sent = (
        SendConformance.test_a_bad_entry_of_a_batch_is_reported_and_the_others_are_sent
    )
    test_drain_finishes_what_runs_and_hands_back_the_rest_unharmed = (
        WorkerConformance.test_drain_finishes_what_runs_and_hands_back_the_rest_unharmed
    )

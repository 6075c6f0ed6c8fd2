"""The behaviours of a queue beside deduplication ids, transactions and crashes: parts of `QueueConformance`."""

from __future__ import annotations

import asyncio
import time

import pytest

from rung.runtime.errors import MessageError
from rung.runtime.queue import Entry
from rung.testing.queue_harness import QueueHarness
from rung.testing.queue_steps import drain, need, one, patiently, soon


class DeduplicationConformance:
    """Ids by which a message is sent once."""

    async def test_a_deduplication_id_delivers_once_within_its_window_and_is_free_after(
        self, harness: QueueHarness
    ) -> None:
        queue = harness.open(deduplication_window_seconds=300)
        need(queue, "deduplicates")
        sent = await asyncio.gather(*(queue.send(b"x", deduplication_id="order-7") for _ in range(5)))
        assert len(set(sent)) == 1
        assert await drain(queue) == [b"x"]
        (result,) = await queue.send_batch([Entry(body=b"x", deduplication_id="order-7")])
        assert (result.id, result.duplicate) == (sent[0], True)
        await harness.advance(301)
        assert await queue.send(b"again", deduplication_id="order-7") != sent[0]
        assert await drain(queue) == [b"again"]

    async def test_a_deduplication_id_is_refused_where_none_is_kept(self, harness: QueueHarness) -> None:
        queue = harness.open()
        if queue.capabilities.deduplicates:
            pytest.skip("the backend keeps deduplication ids")
        with pytest.raises(MessageError, match="R0509"):
            await queue.send(b"x", deduplication_id="order-7")
        good, bad = await queue.send_batch([Entry(body=b"y"), Entry(body=b"x", deduplication_id="order-7")])
        assert (good.error, bad.id) == (None, None)
        assert await drain(queue) == [b"y"]


class TransactionConformance:
    """Messages and acknowledgements that exist exactly when a transaction commits."""

    async def test_a_transaction_is_refused_where_none_can_be_joined(self, harness: QueueHarness) -> None:
        queue = harness.open()
        if queue.capabilities.transactional_send:
            pytest.skip("the backend sends in transactions")
        with pytest.raises(MessageError, match="R0508"):
            await queue.send(b"x", transaction=object())  # type: ignore[arg-type]
        with pytest.raises(MessageError, match="R0508"):
            await queue.clause(b"x", first_parameter=1)
        assert await queue.receive() == []

    async def test_a_message_sent_within_a_statement_exists_when_that_commits(self, harness: QueueHarness) -> None:
        queue = harness.open()
        need(queue, "transactional_send")
        clause = await queue.clause(b"kept", first_parameter=2, lane="middle")
        statement = f"with sent as ({clause.sql}) select 12 / $1::integer"
        async with harness.transaction() as transaction:
            assert await transaction.fetchval(statement, 3, *clause.arguments) == 4
        clause.announce()
        with pytest.raises(Exception, match="division by zero"):  # whatever the driver calls it
            async with harness.transaction() as transaction:
                await transaction.fetchval(statement, 0, *clause.arguments)
        async with asyncio.timeout(10):
            message = await soon(queue)
        assert (message.body, message.lane) == (b"kept", "middle")
        await queue.acknowledge([message])
        assert await drain(queue) == []

    async def test_a_message_sent_in_a_transaction_exists_when_that_commits(self, harness: QueueHarness) -> None:
        queue = harness.open()
        need(queue, "transactional_send")
        with pytest.raises(RuntimeError, match="undone"):  # noqa: PT012 - the block is the transaction
            async with harness.transaction() as transaction:
                await queue.send(b"never", transaction=transaction)
                await queue.send(b"nor this", transaction=transaction, deduplication_id="a")
                raise RuntimeError("undone")
        async with harness.transaction() as transaction:
            await queue.send(b"kept", transaction=transaction, deduplication_id="a")
            assert await queue.receive() == []
        async with asyncio.timeout(10):
            message = await soon(queue)
        assert message.body == b"kept"
        await queue.acknowledge([message])
        assert await drain(queue) == []

    async def test_acknowledged_in_a_transaction_is_acknowledged_when_that_commits(
        self, harness: QueueHarness
    ) -> None:
        queue, other = harness.open(), harness.open()
        need(queue, "transactional_acknowledge")
        await queue.send(b"x")
        message = await one(queue)
        with pytest.raises(RuntimeError, match="undone"):  # noqa: PT012 - the block is the transaction
            async with harness.transaction() as transaction:
                assert await queue.finished_in(message, transaction)
                raise RuntimeError("undone")
        await harness.advance(31)
        current = await one(other)
        async with harness.transaction() as transaction:
            assert not await queue.finished_in(message, transaction), "the late holder is told to roll back"
            assert await other.finished_in(current, transaction)
        await harness.advance(31)
        assert await queue.receive() == [], "it is done, although nobody came to say so to the broker"


class CrashConformance:
    """What is left of messages and leases when the broker comes back from a crash."""

    async def test_what_was_sent_survives_a_crash_of_the_broker(self, harness: QueueHarness) -> None:
        queue = harness.open()
        need(queue, "durable")
        sent = {await queue.send(b"x") for _ in range(50)}
        await harness.crash_broker()
        deadline = time.monotonic() + 20
        got: set[str] = set()
        while got != sent and time.monotonic() < deadline:
            try:
                got |= {message.id for message in await queue.receive(max_messages=10)}
            except Exception:  # noqa: BLE001 - the broker is coming back
                await asyncio.sleep(0.1)
        assert got == sent

    async def test_a_holder_from_before_a_crash_of_the_broker_changes_nothing_after_it(
        self, harness: QueueHarness
    ) -> None:
        """A broker may forget a lease in a crash, but never take the former holder for the present one."""
        queue, other = harness.open(), harness.open()
        need(queue, "durable")
        await queue.send(b"x")
        before = await one(queue)
        await harness.crash_broker()
        await harness.advance(31)
        current = await patiently(other)
        assert current.id == before.id
        assert await queue.acknowledge([before]) == [False]
        assert await other.acknowledge([current]) == [True]

"""The adapter for SQS keeps every promise but those that it names: the shipped suite, on moto's server."""

from __future__ import annotations

import random
import secrets
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Any

import asyncpg
import pytest
from tests.aws.emulator import REGION, Emulator
from tests.queue.test_conformance import AGE_DEDUPLICATION
from tests.queue.transactions import transaction_at

from rung.runtime.bindings import QueueBinding
from rung.runtime.errors import UnavailableError
from rung.runtime.queue import Backoff, install_queue
from rung.runtime.queue.sqs import SqsQueue, batches
from rung.runtime.queue.sqs.dead_letters import BORROWED_SECONDS
from rung.testing import ShiftedClock
from rung.testing.queue_conformance import QueueConformance
from rung.testing.queue_harness import LANES
from rung.testing.queue_steps import one


class SqsHarness:
    """Queues of one test's own. Their native redrive, after as many receipts, stands behind the adapter's."""

    def __init__(self, emulator: Emulator, outbox_url: str = "") -> None:
        self._emulator = emulator
        self._outbox_url = outbox_url
        self._clock = ShiftedClock()
        self._name = f"orders-{secrets.token_hex(4)}"
        self._made: dict[str, Any] | None = None
        self.queues: list[SqsQueue] = []

    def open(
        self,
        *,
        lanes: tuple[str, ...] = LANES,
        visibility_timeout_seconds: float = 30.0,
        max_receive_count: int = 3,
        backoff: Backoff | None = None,
        deduplication_window_seconds: float = 300.0,
        delay_seconds: float = 0.0,
        fair: bool = False,
    ) -> SqsQueue:
        if self._made is None:
            self._made = self._emulator.create_queue(self._name, lanes, max_receive_count)
        binding = QueueBinding(
            adapter="sqs",
            url=self._outbox_url,
            **self._made,
            region=REGION,
            lanes=lanes,
            fair=fair,
            delay_seconds=delay_seconds,
            visibility_timeout_seconds=visibility_timeout_seconds,
            max_receive_count=max_receive_count,
            long_poll_seconds=1,
        )
        queue = SqsQueue("orders", binding, backoff=backoff, randomness=random.Random(7), clock=self._clock)
        self.queues.append(queue)
        return queue

    async def advance(self, seconds: float) -> None:
        self._emulator.advance(seconds)
        if self._outbox_url:
            connection = await asyncpg.connect(self._outbox_url)
            await connection.execute(AGE_DEDUPLICATION.replace("$1", repr(float(seconds))))
            await connection.close()
        self._clock.shift_seconds += seconds

    def transaction(self) -> AbstractAsyncContextManager[Any]:
        return transaction_at(self._outbox_url)

    async def crash_broker(self) -> None:
        pytest.skip("SQS itself cannot be crashed from here, and its emulator keeps nothing")


class TestSqs(QueueConformance):
    @pytest.fixture
    async def harness(self, aws: Emulator) -> AsyncIterator[SqsHarness]:
        harness = SqsHarness(aws)
        yield harness
        for queue in harness.queues:
            await queue.close()


class TestSqsWithOutbox(QueueConformance):
    """With a database beside it: transactions and deduplication ids too."""

    @pytest.fixture
    async def harness(self, aws: Emulator, postgres_url: str) -> AsyncIterator[SqsHarness]:
        connection = await asyncpg.connect(postgres_url)
        await install_queue(connection)
        await connection.close()
        harness = SqsHarness(aws, postgres_url)
        yield harness
        for queue in harness.queues:
            await queue.close()


async def test_a_redrive_that_died_between_its_steps_has_one_effect_where_there_is_an_outbox(
    aws: Emulator, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = await asyncpg.connect(postgres_url)
    await install_queue(connection)
    await connection.close()
    harness = SqsHarness(aws, postgres_url)
    queue = harness.open(lanes=("default",))
    identity = await queue.send(b"x")
    await queue.dead_letter(await one(queue), reason="rejected")

    async def died(*_: Any) -> Any:
        raise UnavailableError("here it died")

    with monkeypatch.context() as patched:
        patched.setattr(batches, "delete", died)
        with pytest.raises(UnavailableError, match="here it died"):
            await queue.redrive()
    first = await one(queue)
    async with harness.transaction() as transaction:
        assert await queue.finished_in(first, transaction)
    assert await queue.acknowledge([first]) == [True]
    await harness.advance(BORROWED_SECONDS + 1.0)
    assert await queue.redrive() == 1, "the letter is still there"
    assert await queue.receive(max_messages=10) == [], "its second copy is dropped, and not handed out"
    assert ((await queue.statistics()).ready, first.id) == (0, identity)
    await queue.close()

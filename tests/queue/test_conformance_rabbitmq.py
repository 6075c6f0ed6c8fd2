"""The adapter for RabbitMQ keeps every promise but those that it names: the shipped suite, on a real server."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest
from tests.queue.rabbit_harness import RabbitHarness

from rung.local.rabbitmq import RabbitServer
from rung.runtime.errors import UnavailableError
from rung.runtime.queue import install_queue
from rung.testing.queue_conformance import OutboxConformance, QueueConformance
from tests.conftest import start_rabbitmq_or_skip


@pytest.fixture(scope="module")
def killable_rabbitmq(server_directory: Path) -> Iterator[RabbitServer]:
    """A server which a test may kill."""
    server = start_rabbitmq_or_skip(server_directory / "killable-rabbitmq")
    yield server
    server.stop()


#: Run with the faults, when Terraform is done: a node of RabbitMQ beside it misses its deadlines.
pytestmark = pytest.mark.fault


class TestRabbit(QueueConformance):
    @pytest.fixture
    async def harness(self, killable_rabbitmq: RabbitServer) -> AsyncIterator[RabbitHarness]:
        harness = RabbitHarness(killable_rabbitmq)
        yield harness
        await harness.close()


@pytest.fixture
async def harness_with_outbox(killable_rabbitmq: RabbitServer, postgres_url: str) -> AsyncIterator[RabbitHarness]:
    """With a database beside it: transactions and deduplication ids too."""
    connection = await asyncpg.connect(postgres_url)
    await install_queue(connection)
    await connection.close()
    harness = RabbitHarness(killable_rabbitmq, postgres_url)
    yield harness
    await harness.close()


class TestRabbitWithOutbox(OutboxConformance):
    @pytest.fixture
    def harness(self, harness_with_outbox: RabbitHarness) -> RabbitHarness:
        return harness_with_outbox


@pytest.mark.soak
class TestRabbitWithOutboxThroughout(QueueConformance):
    """Also what the outbox has no part in."""

    @pytest.fixture
    def harness(self, harness_with_outbox: RabbitHarness) -> RabbitHarness:
        return harness_with_outbox


async def test_delays_take_their_time_on_the_server_and_none_waits_for_a_longer_one(
    killable_rabbitmq: RabbitServer,
) -> None:
    """What the suite's moved clock cannot show: the ladder itself, by the machine's clock."""
    harness = RabbitHarness(killable_rabbitmq)
    queue = harness.open(lanes=("default",))
    due: dict[str, float] = {}
    await queue.send(b"x", delay_seconds=600.0)  # the ladder is there now
    for delay in (3.3, 1.9, 0.8, 0.1):
        due[await queue.send(b"x", delay_seconds=delay)] = time.monotonic() + delay
    arrived: dict[str, float] = {}
    async with asyncio.timeout(20):
        while len(arrived) < len(due):
            for message in await queue.receive(max_messages=10, wait_seconds=1.0):
                arrived[message.id] = time.monotonic()
                await queue.acknowledge([message])
    late = {identity: arrived[identity] - moment for identity, moment in due.items()}
    assert min(late.values()) > -0.02, "the send itself took a little of the delay"
    assert max(late.values()) < 1.0
    assert (await queue.statistics()).delayed == 1
    await harness.close()


async def test_a_send_to_a_queue_that_somebody_deleted_is_an_error_and_declares_it_anew(
    killable_rabbitmq: RabbitServer,
) -> None:
    harness = RabbitHarness(killable_rabbitmq)
    queue = harness.open(lanes=("default",))
    await queue.send(b"before")
    await harness.delete_queue(queue.topology.queue("default"))
    with pytest.raises(UnavailableError, match="no such queue"):
        await queue.send(b"nowhere")
    big = b"x" * 240_000  # more than one frame of AMQP
    identity = await queue.send(big)
    (message,) = await queue.receive(max_messages=10)
    assert (message.id, message.body) == (identity, big)
    await harness.close()

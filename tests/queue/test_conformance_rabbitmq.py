"""The adapter for RabbitMQ keeps every promise but those that it names: the shipped suite, on a real server."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from tests.queue.rabbit_harness import RabbitHarness

from rung.cli.main import main
from rung.local.rabbitmq import RabbitServer
from rung.runtime.errors import UnavailableError
from rung.runtime.queue import install_queue
from rung.runtime.queue.rabbitmq import publishing
from rung.testing.queue_conformance import OutboxConformance, QueueConformance
from rung.testing.queue_steps import soon
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


@pytest.mark.parametrize("together", [False, True])
async def test_a_redrive_that_died_between_its_steps_has_one_effect_where_there_is_an_outbox(
    harness_with_outbox: RabbitHarness, monkeypatch: pytest.MonkeyPatch, *, together: bool
) -> None:
    """Both copies are in the lane under one id: the first that a handler finishes is the only one."""
    queue = harness_with_outbox.open(lanes=("default",))
    identity = await queue.send(b"x")
    (message,) = await queue.receive()
    await queue.dead_letter(message, reason="rejected")
    publish = publishing.publish

    async def published_and_died(*arguments: Any) -> Any:
        await publish(*arguments)
        raise UnavailableError("here it died")

    with monkeypatch.context() as patched:
        patched.setattr(publishing, "publish", published_and_died)
        with pytest.raises(UnavailableError, match="here it died"):
            await queue.redrive()
    async with asyncio.timeout(20):
        while not await queue.redrive():
            pass
        found = [await soon(queue)]
        while together and len(found) < 2:
            found.append(await soon(queue))
    effects = []
    for each in found:
        assert (each.id, each.receive_count) == (identity, 1)
        async with harness_with_outbox.transaction() as transaction:
            effects.append(await queue.finished_in(each, transaction))
        await queue.acknowledge([each])
    assert effects == [True, False][: len(found)]
    async with asyncio.timeout(20):
        while (await queue.statistics()).ready:
            assert await queue.receive(max_messages=10) == [], "the other copy is dropped, and not handed out"


async def test_rung_redrive_asks_before_it_makes_a_queue(
    killable_rabbitmq: RabbitServer, capsys: pytest.CaptureFixture[str]
) -> None:
    harness = RabbitHarness(killable_rabbitmq)
    queue = harness.open(lanes=("high", "default"))
    await queue.send(b"x", lane="high")
    (message,) = await queue.receive(lanes=["high"])
    await queue.dead_letter(message, reason="no such order")
    command = ["redrive", harness.name, "--url", killable_rabbitmq.url, "--workload", harness.workload]
    assert await asyncio.to_thread(main, [*command, "--lanes", "hihg,default", "--all"]) == 1
    assert f"this RabbitMQ has no rung.{harness.workload}.{harness.name}.hihg" in capsys.readouterr().err
    assert await asyncio.to_thread(main, [*command, "--lanes", "high,default", "--all"]) == 0
    assert capsys.readouterr().out == f"1 sent back to {harness.name}\n"
    await harness.close()


async def test_two_workloads_keep_their_queues_apart(killable_rabbitmq: RabbitServer) -> None:
    ours, theirs = RabbitHarness(killable_rabbitmq), RabbitHarness(killable_rabbitmq)
    theirs.name, theirs.workload = ours.name, "other"
    await ours.open(lanes=("default",)).send(b"x")
    assert await theirs.open(lanes=("default",)).receive() == []
    assert len(await ours.queues[0].receive()) == 1
    await ours.close()
    await theirs.close()


async def test_a_message_without_a_queue_is_refused_and_those_around_it_are_confirmed(
    killable_rabbitmq: RabbitServer,
) -> None:
    """Many at once over one connection: no confirm ends the wait of a message that came back."""
    harness = RabbitHarness(killable_rabbitmq)
    queue = harness.open(lanes=("high", "default"))
    await queue.statistics()
    await harness.delete_queue(queue.topology.queue("high"))
    sends = [queue.send(b"x", lane="high" if number == 20 else "default") for number in range(50)]
    answers = await asyncio.gather(*sends, return_exceptions=True)
    assert isinstance(answers[20], UnavailableError)
    confirmed = {answer for answer in answers if isinstance(answer, str)}
    assert confirmed <= {message.id for message in await queue.receive(max_messages=50)}
    await harness.close()

"""The adapter for RabbitMQ keeps every promise but those that it names: the shipped suite, on a real server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest
from tests.queue.rabbit_harness import RabbitHarness

from rung.local.rabbitmq import RabbitServer
from rung.runtime.queue import install_queue
from rung.testing.queue_conformance import QueueConformance
from tests.conftest import start_rabbitmq_or_skip


@pytest.fixture(scope="module")
def killable_rabbitmq(server_directory: Path) -> Iterator[RabbitServer]:
    """A server which a test may kill."""
    server = start_rabbitmq_or_skip(server_directory / "killable-rabbitmq")
    yield server
    server.stop()


class TestRabbit(QueueConformance):
    @pytest.fixture
    async def harness(self, killable_rabbitmq: RabbitServer) -> AsyncIterator[RabbitHarness]:
        harness = RabbitHarness(killable_rabbitmq)
        yield harness
        await harness.close()


class TestRabbitWithOutbox(QueueConformance):
    """With a database beside it: transactions and deduplication ids too."""

    @pytest.fixture
    async def harness(self, killable_rabbitmq: RabbitServer, postgres_url: str) -> AsyncIterator[RabbitHarness]:
        connection = await asyncpg.connect(postgres_url)
        await install_queue(connection)
        await connection.close()
        harness = RabbitHarness(killable_rabbitmq, postgres_url)
        yield harness
        await harness.close()

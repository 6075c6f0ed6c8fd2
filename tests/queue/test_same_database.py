"""What is sent in a transaction of another database is refused: nobody would receive it there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from rung.local.postgres import PostgresServer
from rung.runtime.bindings import QueueBinding, WorkflowBinding
from rung.runtime.errors import MessageError
from rung.runtime.queue import PostgresQueue
from rung.runtime.workflow import Workflow
from rung.runtime.workflow.postgres.adapter import PostgresStore


@pytest.fixture
async def elsewhere(postgres_server: PostgresServer) -> AsyncIterator[Any]:
    """As a tenant's own database is: a transaction of the same server, and not of the queue's database."""
    connection = await asyncpg.connect(postgres_server.url)
    async with connection.transaction():
        yield connection
    await connection.close()


async def test_a_queue_takes_no_message_in_a_transaction_of_another_database(
    postgres_url: str, elsewhere: Any
) -> None:
    queue = PostgresQueue("orders", QueueBinding(url=postgres_url))
    try:
        with pytest.raises(MessageError, match="R0508"):
            await queue.send(b"x", transaction=elsewhere)
        await queue.send(b"y")
        (message,) = await queue.receive()
        with pytest.raises(MessageError, match="R0508"):
            await queue.finished_in(message, elsewhere)
    finally:
        await queue.close()


async def test_a_workflow_begins_no_run_in_a_transaction_of_another_database(
    postgres_url: str, elsewhere: Any
) -> None:
    store = PostgresStore(WorkflowBinding(url=postgres_url))
    try:
        with pytest.raises(MessageError, match="R0508"):
            await Workflow("flow", store).start(transaction=elsewhere)
    finally:
        await store.close()

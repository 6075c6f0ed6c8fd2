"""The delays that a workload declares for a queue's retries are those that its messages wait."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping
from pathlib import Path

import asyncpg
import pytest
from tests.aws.emulator import REGION, Emulator
from tests.local.test_plan import database, machine
from tests.queue.workers import WorkerProcess

from rung import Workload
from rung.local.environment import environment_of
from rung.model.graph import Graph
from rung.model.nodes import Worker
from rung.parts.compute import EcsService, Host
from rung.parts.values import Document
from rung.rungs import place
from rung.runtime.bindings import QueueBinding, binding
from rung.runtime.queue import Backoff, Entry, PostgresQueue
from rung.runtime.queue.sqs import SqsQueue

FAILING = """
    async def handle(message):
        raise RuntimeError("not yet")
"""
#: Of so many delays drawn below an hour, one is above a minute: all but once in 60 ** 20.
MESSAGES = 20


def declared() -> Graph:
    work = Workload("mill")
    db = work.postgres("db", migrations="migrations")
    orders = work.queue("orders", retry_delay="1 hour", retry_delay_max="90 minutes")
    work.service("api", app="mill.api:app", uses=[db, orders.send])
    work.worker("fulfil", handler="mill.fulfil:handle", consumes=orders, uses=[db])
    return work.freeze()


def fields_of(variables: Mapping[str, object]) -> tuple[object, object]:
    document = variables["RUNG_BINDING_ORDERS"]
    assert isinstance(document, Document)
    fields = dict(document.fields)
    return fields["retry_delay_seconds"], fields["retry_delay_max_seconds"]


def local(url: str) -> QueueBinding:
    """The binding that `rung dev` gives the worker."""
    graph = declared()
    facts = machine(graph, carrier=database("w_db"))
    (worker,) = graph.of(Worker)
    found = binding("orders", QueueBinding, environment_of(graph, (worker,), facts, 4))
    return QueueBinding(
        url=url,
        retry_delay_seconds=found.retry_delay_seconds,
        retry_delay_max_seconds=found.retry_delay_max_seconds,
    )


async def delays(url: str) -> list[float]:
    connection = await asyncpg.connect(url)
    rows = await connection.fetch("select extract(epoch from run_at - now())::float8 from rung.message")
    await connection.close()
    return [row[0] for row in rows]


async def test_a_message_whose_handler_fails_waits_as_declared(postgres_url: str, tmp_path: Path) -> None:
    found = local(postgres_url)
    orders = PostgresQueue("orders", found)
    await orders.send_batch([Entry(body=b"x")] * MESSAGES)
    worker = WorkerProcess(tmp_path, FAILING, found)
    try:
        async with asyncio.timeout(20):
            while (await orders.statistics()).delayed < MESSAGES:  # noqa: ASYNC110 - another process acts
                await asyncio.sleep(0.05)
    finally:
        worker.kill()
        await orders.close()
    assert 60 < max(await delays(postgres_url)) <= 3_600


async def test_the_delay_stops_growing_where_the_queue_says(postgres_url: str) -> None:
    orders = PostgresQueue("orders", local(postgres_url))
    await orders.send_batch([Entry(body=b"x")] * MESSAGES)
    connection = await asyncpg.connect(postgres_url)
    for _ in range(4):
        await connection.execute("update rung.message set run_at = now()")
        orders._floors.reset()
        for message in await orders.receive(max_messages=MESSAGES):
            assert await orders.retry(message, reason="not yet")
    await connection.close()
    await orders.close()
    waits = await delays(postgres_url)
    assert len(waits) == MESSAGES
    assert 3_600 < max(waits) <= 5_400


async def test_sqs_waits_as_declared_too(aws: Emulator) -> None:
    made = aws.create_queue(f"orders-{secrets.token_hex(4)}", ("default",), 5)
    found = QueueBinding(
        adapter="sqs", **made, region=REGION, long_poll_seconds=1, retry_delay_seconds=3_600.0,
        retry_delay_max_seconds=5_400.0,
    )  # fmt: skip
    orders = SqsQueue("orders", found)
    await orders.send_batch([Entry(body=b"x")] * 10)
    for message in await orders.receive(max_messages=10):
        assert await orders.retry(message, reason="not yet")
    aws.advance(10)
    counted = await orders.statistics()
    await orders.close()
    assert counted.delayed > 0


def test_a_binding_without_delays_waits_from_a_second_to_fifteen_minutes() -> None:
    """What an older program wrote, and what the workload file's defaults say."""
    backoff = Backoff.of(QueueBinding())
    assert backoff == Backoff()
    assert [backoff.bound_seconds(attempt) for attempt in (1, 2, 3, 10, 11, 99)] == [1, 2, 4, 512, 900, 900]


@pytest.mark.parametrize("rung", ["fargate", "box"])
def test_on_aws_the_binding_says_so_too(rung: str) -> None:
    work = Workload("mill")
    db = work.postgres("db", migrations="migrations")
    orders = work.queue("orders", retry_delay="1 hour", retry_delay_max="90 minutes")
    api = work.service("api", app="mill.api:app", uses=[db, orders.send])
    work.worker("fulfil", handler="mill.fulfil:handle", consumes=orders, uses=[db])
    work.route("/*", api)
    work.environment("prod", domain="mill.example.com", zone="example.com")
    work.notify("email:oncall@example.com")
    made = place(work.freeze(), "prod", rung=rung)  # type: ignore[arg-type]
    containers = [part.container for part in made.of(EcsService)]
    containers += [stack.container for host in made.of(Host) for stack in host.stacks]
    told = [
        fields_of(variables)
        for variables in ({each.name: each.value for each in container.variables} for container in containers)
        if "RUNG_BINDING_ORDERS" in variables
    ]
    assert len(told) == 2
    assert set(told) == {(3_600, 5_400)}

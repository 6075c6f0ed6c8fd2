"""F24 for tenants: a backlog of one keeps nobody else waiting, and nothing else of the queue changes."""

from __future__ import annotations

import json
import secrets
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
from tests.aws.emulator import REGION, Emulator

from rung.runtime import Entry, serving_tenant
from rung.runtime.bindings import QueueBinding
from rung.runtime.context import TENANT_HEADER
from rung.runtime.queue import PostgresQueue, install_queue
from rung.runtime.queue.envelope import Envelope
from rung.runtime.queue.postgres.fair import CLAIM
from rung.runtime.queue.sqs import SqsQueue
from rung.runtime.queue.sqs.envelope import outgoing

BACKLOG = 20_000


@pytest.fixture
async def jobs(postgres_url: str) -> AsyncIterator[PostgresQueue]:
    owner = await asyncpg.connect(postgres_url)
    for _ in range(2):  # idempotent
        await install_queue(owner, fair=True)
    await owner.close()
    queue = PostgresQueue("jobs", QueueBinding(url=postgres_url, lanes=("high", "low"), fair=True))
    yield queue
    await queue.close()


async def send(queue: PostgresQueue, tenant: str | None, number: int, lane: str = "low") -> None:
    entries = [Entry(body=str(each), lane=lane) for each in range(number)]
    for start in range(0, number, 5_000):
        if tenant is None:
            await queue.send_batch(entries[start : start + 5_000])
        else:
            with serving_tenant(tenant):
                await queue.send_batch(entries[start : start + 5_000])


def by_tenant(messages: list[Any]) -> Counter[str]:
    return Counter(message.headers.get(TENANT_HEADER, "nobody") for message in messages)


async def test_a_backlog_of_one_keeps_no_other_waiting(jobs: PostgresQueue) -> None:
    await send(jobs, "acme", BACKLOG)
    await jobs.receive(max_messages=10)
    for tenant in ("globex", "initech", None):
        await send(jobs, tenant, 3)
    seen = [by_tenant(await jobs.receive(max_messages=10)) for _ in range(3)]
    total = sum(seen, Counter())
    assert (total["globex"], total["initech"], total["nobody"]) == (3, 3, 3), seen
    assert all(sum(each.values()) >= 5 for each in seen), "and nobody waits while there is work"


async def test_turns_go_round_one_message_at_a_time(jobs: PostgresQueue) -> None:
    for tenant in ("a", "b", "c"):
        await send(jobs, tenant, 4)
    order = [(await jobs.receive())[0] for _ in range(12)]
    tenants = [message.headers[TENANT_HEADER] for message in order]
    assert [sorted(tenants[start : start + 3]) for start in range(0, 12, 3)] == [["a", "b", "c"]] * 4
    for tenant in "abc":  # each one's own are in the order in which they were sent
        assert [each.json() for each in order if each.headers[TENANT_HEADER] == tenant] == [0, 1, 2, 3]
    assert await jobs.receive(max_messages=5) == []


async def test_a_batch_is_handled_in_turns(jobs: PostgresQueue) -> None:
    await send(jobs, "a", 50)
    await send(jobs, "b", 50)
    batch = await jobs.receive(max_messages=20)
    assert [each.headers[TENANT_HEADER] for each in batch] == ["a", "b"] * 10


async def test_lanes_keep_their_priority(jobs: PostgresQueue) -> None:
    await send(jobs, "a", 5)
    await send(jobs, "b", 5, lane="high")
    assert [message.lane for message in await jobs.receive(max_messages=10)] == ["high"] * 5 + ["low"] * 5


async def test_more_tenants_than_fit_into_a_claim(jobs: PostgresQueue) -> None:
    for number in range(30):
        await send(jobs, f"tenant{number:02}", 2)
    seen = by_tenant([message for _ in range(3) for message in await jobs.receive(max_messages=10)])
    assert len(seen) == 30, "everybody once, before anybody twice"


async def test_retries_delays_and_acknowledgements_are_as_ever(jobs: PostgresQueue) -> None:
    await send(jobs, "a", 2)
    with serving_tenant("b"):
        await jobs.send("{}", lane="low", delay_seconds=3600)
    first, second = await jobs.receive(max_messages=10)
    assert await jobs.retry(first, reason="again", delay_seconds=0)
    assert await jobs.acknowledge([second]) == [True]
    [again] = await jobs.receive(max_messages=10)
    assert (again.id, again.receive_count) == (first.id, 2)
    assert await jobs.receive(max_messages=10) == []


async def test_the_claim_skips_along_its_index(jobs: PostgresQueue, postgres_url: str) -> None:
    """However many messages a tenant has: a claim reads some of each, and never all."""
    await send(jobs, "acme", 5_000)
    await send(jobs, "globex", 5)
    owner = await asyncpg.connect(postgres_url)
    await owner.execute("analyze rung.message")
    plan = json.loads(
        await owner.fetchval(
            f"explain (analyze, buffers, format json) {CLAIM}", "jobs", ["high", "low"], ["", ""], 10, 30.0
        )
    )
    touched = plan[0]["Plan"]["Shared Hit Blocks"] + plan[0]["Plan"]["Shared Read Blocks"]
    assert touched < 400, f"{touched} blocks for ten messages"
    await owner.close()


def test_on_sqs_the_tenant_is_the_message_group() -> None:
    envelope = Envelope(id="1", sent_at=0.0, headers={TENANT_HEADER: "acme"})
    assert outgoing(b"{}", envelope, fair=True).parameters["MessageGroupId"] == "acme"
    assert "MessageGroupId" not in outgoing(b"{}", envelope).parameters
    nobody = Envelope(id="1", sent_at=0.0, headers={})
    assert "MessageGroupId" not in outgoing(b"{}", nobody, fair=True).parameters


async def test_sqs_takes_and_returns_a_message_of_a_group(aws: Emulator) -> None:
    made = aws.create_queue(f"fair-{secrets.token_hex(4)}", ("default",), 3)
    binding = QueueBinding(adapter="sqs", **made, region=REGION, long_poll_seconds=1, fair=True)
    queue = SqsQueue("jobs", binding)
    with serving_tenant("acme"):
        await queue.send_batch([Entry(body="1"), Entry(body="2")])
    found = await queue.receive(max_messages=10, wait_seconds=1)
    assert {message.headers[TENANT_HEADER] for message in found} == {"acme"}
    await queue.acknowledge(found)
    await queue.close()

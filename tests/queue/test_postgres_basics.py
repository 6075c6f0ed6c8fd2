"""The Postgres queue's own behaviours: transactions, installation, and how its name is found."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import asyncpg
import pytest

from rung.runtime.bindings import QueueBinding, encode
from rung.runtime.errors import BindingError, MessageError, UnavailableError
from rung.runtime.queue import Entry, PostgresQueue, install_queue, queue
from rung.runtime.queue.postgres import sql
from rung.runtime.queue.postgres.floors import BEGINNING


@pytest.fixture
async def orders(postgres_url: str):
    """A queue with three lanes in a fresh database."""
    opened = PostgresQueue("orders", QueueBinding(url=postgres_url, lanes=("payment", "fulfilment", "analytics")))
    yield opened
    await opened.close()


async def test_a_message_is_sent_received_once_and_acknowledged(orders: PostgresQueue) -> None:
    identity = await orders.send({"order": 7}, headers={"x": "y"})
    (message,) = await orders.receive(max_messages=10)
    assert (message.id, message.json(), message.lane) == (identity, {"order": 7}, "analytics")
    assert message.receive_count == 1
    assert message.headers["x"] == "y"
    assert "x-correlation-id" in message.headers
    assert await orders.receive(max_messages=10) == []
    assert await orders.acknowledge([message]) == [True]
    assert await orders.acknowledge([message]) == [False]


async def test_a_message_exists_exactly_when_the_transaction_commits(
    orders: PostgresQueue, postgres_url: str
) -> None:
    await orders.statistics()
    connection = await asyncpg.connect(postgres_url)
    rolled_back = connection.transaction()
    await rolled_back.start()
    await orders.send(b"never", transaction=connection)
    await orders.send_batch([Entry(body=b"never either")], transaction=connection)
    await rolled_back.rollback()
    async with connection.transaction():
        await orders.send(b"kept", transaction=connection)
        assert await orders.receive() == []
    assert [message.body for message in await orders.receive(max_messages=10)] == [b"kept"]
    await connection.close()


async def test_a_waiting_receiver_wakes_for_a_commit_long_before_its_own_poll(postgres_url: str) -> None:
    binding = QueueBinding(url=postgres_url)
    sender = PostgresQueue("orders", binding)
    receiver = PostgresQueue("orders", binding, poll_seconds=30.0)
    await receiver.statistics()
    waiting = asyncio.create_task(receiver.receive(wait_seconds=30.0))
    await receiver._announcements.listen()
    connection = await asyncpg.connect(postgres_url)
    async with connection.transaction():
        await sender.send(b"in a transaction", transaction=connection)
    async with asyncio.timeout(5):
        (message,) = await waiting
    assert message.body == b"in a transaction"
    await connection.close()
    await sender.close()
    await receiver.close()


def test_a_queue_announces_and_listens_in_one_event_loop_after_the_other(postgres_url: str) -> None:
    """Also when the first loop ended with an announcement still due, and with a lock that was waited for."""
    orders = PostgresQueue("orders", QueueBinding(url=postgres_url), poll_seconds=30.0)

    async def wake_each_other(*, tidily: bool) -> None:
        await asyncio.gather(*(orders._announcements.listen() for _ in range(3)))
        waiting = asyncio.create_task(orders.receive(wait_seconds=30.0))
        async with asyncio.timeout(5):
            while not orders._announcements._arrived._waiters:  # noqa: ASYNC110 - a real server answers in its own time
                await asyncio.sleep(0.005)  # it looks twice before it waits
            await orders.send(b"wake up")
            (message,) = await waiting
        assert await orders.acknowledge([message]) == [True]
        if tidily:
            await orders.close()
        else:
            await orders._announcements._connection.close()
            await orders._pool.close()
            orders._announcements.announce()

    asyncio.run(wake_each_other(tidily=False))
    asyncio.run(wake_each_other(tidily=True))


async def test_effect_and_acknowledgement_are_one_transaction(orders: PostgresQueue, postgres_url: str) -> None:
    await orders.send(b"one effect")
    (message,) = await orders.receive()
    connection = await asyncpg.connect(postgres_url)
    await connection.execute("create table effect (id text)")
    failed = connection.transaction()
    await failed.start()
    await connection.execute("insert into effect values ($1)", message.id)
    assert await orders.finished_in(message, connection)
    await failed.rollback()
    assert (await orders.statistics()).in_flight == 1
    async with connection.transaction():
        await connection.execute("insert into effect values ($1)", message.id)
        assert await orders.finished_in(message, connection)
    assert (await orders.statistics()).in_flight == 0
    assert await orders.acknowledge([message]) == [False]
    await connection.close()


async def test_many_processes_may_install_at_once(postgres_url: str) -> None:
    connections = [await asyncpg.connect(postgres_url) for _ in range(4)]
    await asyncio.gather(*(install_queue(connection) for connection in connections))
    for connection in connections:
        await connection.close()


async def test_a_serving_role_sends_and_receives_but_cannot_change_the_table(postgres_url: str) -> None:
    owner = await asyncpg.connect(postgres_url)
    role = "serving_" + postgres_url.rsplit("_", 1)[-1]
    await owner.execute(f"create role {role} login password 'secret'")
    host = postgres_url.split("@", 1)[1]
    serving = PostgresQueue("orders", QueueBinding(url=f"postgresql://{role}:secret@{host}"))
    with pytest.raises(UnavailableError, match="R0506"):
        await serving.send(b"no tables yet")
    await install_queue(owner, roles=[role])
    await serving.send(b"now", deduplication_id="once")
    (message,) = await serving.receive()
    assert await serving.dead_letter(message, reason="to see the other tables")
    assert await serving.redrive() == 1
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await serving._pool.fetch("truncate rung.message")
    await serving.close()
    await owner.execute(f"drop owned by {role}; drop role {role}")
    await owner.close()


async def test_the_name_finds_the_queue_through_its_binding(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUNG_BINDING_ORDERS", encode(QueueBinding(url=postgres_url)))
    orders = queue("orders")
    assert orders is queue("orders")
    assert await orders.send("hello")
    await orders.close()
    with pytest.raises(BindingError, match="RUNG_BINDING_ORDERS"):
        queue("refunds")


async def test_the_front_door_is_callable_whatever_was_imported_first() -> None:
    import rung.runtime

    with pytest.raises(BindingError):
        rung.runtime.queue("refunds")


async def test_a_bad_message_is_refused_before_the_database_sees_it(orders: PostgresQueue) -> None:
    with pytest.raises(MessageError, match=r"R0502.*payment, fulfilment, analytics"):
        await orders.send(b"", lane="paymnet")
    with pytest.raises(MessageError, match="R0501"):
        await orders.send(b"x" * 262_145)
    with pytest.raises(MessageError, match="R0503"):
        await orders.send(b"", delay_seconds=float("nan"))
    with pytest.raises(MessageError, match="R0504"):
        await orders.send(object())
    assert (await orders.statistics()).ready == 0


async def test_a_handler_that_holds_its_row_blocks_no_lease(orders: PostgresQueue, postgres_url: str) -> None:
    await orders.send_batch([Entry(body=b"finishing"), Entry(body=b"other")])
    finishing, other = await orders.receive(max_messages=2)
    connection = await asyncpg.connect(postgres_url)
    async with connection.transaction():
        assert await orders.finished_in(finishing, connection)
        async with asyncio.timeout(1):
            assert await orders.extend([finishing, other], seconds=60) == [True, True]
            assert await orders.release([finishing, other]) == [False, True]
    assert await orders.extend([finishing], seconds=60) == [False]
    await connection.close()


PLAN = "explain (format json, analyze, buffers off, timing off) "


def index_scans(node: dict[str, Any]) -> list[dict[str, Any]]:
    """Every node that reads a table, with what it reads by."""
    here = [node] if "Relation Name" in node and node["Node Type"] != "ModifyTable" else []
    return here + [scan for child in node.get("Plans", ()) for scan in index_scans(child)]


@pytest.mark.parametrize("rows", [0, 100_000])
async def test_a_claim_reads_by_its_index_and_stops_at_its_limit(
    orders: PostgresQueue, postgres_url: str, rows: int
) -> None:
    await orders.statistics()
    connection = await asyncpg.connect(postgres_url)
    fill = "select 'orders', 'analytics', '{}', 'x' from generate_series(1, $1::integer)"
    await connection.execute(f"insert into rung.message (queue, lane, headers, body) {fill}", rows)
    await connection.close()
    lanes = ["payment", "fulfilment", "analytics"]
    arguments = ("orders", lanes, [BEGINNING] * 3, [0] * 3, 100, 30.0, 2.0)
    (row,) = await orders._pool.fetch(PLAN + sql.CLAIM, *arguments)
    plan = json.loads(row[0])[0]["Plan"]
    scans = [node for node in index_scans(plan) if node["Node Type"] != "Update"]
    assert {node["Node Type"] for node in scans} <= {"Index Scan", "Index Only Scan"}, scans
    due = [node for node in scans if node.get("Index Name") == "message_due"]
    assert len(due) == 1
    assert due[0]["Actual Rows"] * due[0]["Actual Loops"] <= 100 + 3


async def test_an_id_that_is_forgotten_while_it_is_looked_up_sends_its_message(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sender was told the id "None", and nothing was sent."""
    queue = PostgresQueue("orders", QueueBinding(url=postgres_url))
    try:
        await queue.send(b"first", deduplication_id="once")
        value = queue._pool.value

        async def forgetful(query: str, *arguments: Any) -> Any:
            if query == sql.DUPLICATE_OF:
                await queue.query("delete from rung.message_deduplication")
            return await value(query, *arguments)

        monkeypatch.setattr(queue._pool, "value", forgetful)
        identity = await queue.send(b"second", deduplication_id="once")
        assert identity.isdecimal()
        assert [message.body for message in await queue.receive(max_messages=5)] == [b"first", b"second"]
    finally:
        await queue.close()


async def test_a_queue_that_was_closed_waits_again(postgres_url: str) -> None:
    queue = PostgresQueue("orders", QueueBinding(url=postgres_url))
    try:
        for _ in range(2):
            assert await queue.receive(wait_seconds=0.01) == []
            await queue.close()
    finally:
        await queue.close()

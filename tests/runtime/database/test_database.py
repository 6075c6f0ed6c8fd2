"""Calls, transactions and the pool of `Database`, on a real Postgres: what is committed, bounded and reused."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import asyncpg
import pytest

from rung.runtime import Context, Database, Deadline, lifespan, serving
from rung.runtime.database import Limits
from rung.runtime.database.counting import count_queries
from rung.runtime.errors import DeadlineExceededError, OverloadedError, UnavailableError


@pytest.fixture
async def database(postgres_url: str) -> AsyncIterator[Database]:
    database = Database.from_url(postgres_url, pool_size=2, limits=Limits(acquire_seconds=0.2))
    await database.execute("create table item (id integer primary key, name text)")
    yield database
    await database.close()


async def test_single_statements(database: Database) -> None:
    assert await database.execute("insert into item values ($1, $2), (2, 'b')", 1, "a") == "INSERT 0 2"
    assert [tuple(row) for row in await database.fetch("select * from item order by id")] == [(1, "a"), (2, "b")]
    row = await database.fetch_row("select name from item where id = $1", 2)
    assert row is not None
    assert row["name"] == "b"
    assert await database.fetch_row("select 1 where false") is None
    assert await database.fetch_value("select count(*) from item") == 2


async def test_a_transaction_commits_or_leaves_nothing(database: Database) -> None:
    async with database.transaction() as connection:
        await connection.execute("insert into item values (1)")
    with pytest.raises(ZeroDivisionError):  # noqa: PT012 - the block is what is tested
        async with database.transaction() as connection:
            await connection.execute("insert into item values (2)")
            raise ZeroDivisionError
    assert await database.fetch_value("select array_agg(id) from item") == [1]


async def test_a_swallowed_error_does_not_pass_for_a_commit(database: Database) -> None:
    with pytest.raises(asyncpg.InFailedSQLTransactionError):  # noqa: PT012 - the block is what is tested
        async with database.transaction() as connection:
            await connection.execute("insert into item values (1)")
            with pytest.raises(asyncpg.UniqueViolationError):
                await connection.execute("insert into item values (1)")
    assert await database.fetch_value("select count(*) from item") == 0


async def test_a_transaction_inside_is_a_savepoint(database: Database) -> None:
    async with database.transaction() as connection:
        await connection.execute("insert into item values (1)")
        with pytest.raises(asyncpg.UniqueViolationError):
            async with connection.transaction():
                await connection.execute("insert into item values (1)")
        await connection.execute("insert into item values (2)")
    assert await database.fetch_value("select count(*) from item") == 2


async def test_isolation_and_read_only(database: Database) -> None:
    async with database.transaction(isolation="serializable", read_only=True) as connection:
        assert await connection.fetchval("show transaction_isolation") == "serializable"
        with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
            await connection.execute("insert into item values (1)")
        await connection.execute("rollback")
        await connection.execute("begin")


async def test_a_call_ends_with_the_callers_deadline(database: Database) -> None:
    with serving(Context(correlation_id="c", deadline=Deadline.after(0.15))):
        began = time.monotonic()
        with pytest.raises(DeadlineExceededError):
            await database.fetch("select pg_sleep(5)")
        assert time.monotonic() - began < 0.15 * 1.1 + 0.1
        with pytest.raises(DeadlineExceededError):
            await database.fetch("select 1")
    assert await database.fetch_value("select 1") == 1


async def test_a_deadline_can_be_given_for_one_block(database: Database) -> None:
    with pytest.raises(DeadlineExceededError):
        async with database.connection(deadline=Deadline.after(0.1)) as connection:
            await connection.fetch("select pg_sleep(5)")
    assert await database.fetch_value("select 1") == 1


async def test_the_server_ends_a_statement_that_nobody_ends(postgres_url: str) -> None:
    database = Database.from_url(postgres_url, limits=Limits(statement_seconds=0.1))
    with pytest.raises(asyncpg.QueryCanceledError, match="statement timeout"):
        await database.fetch("select pg_sleep(5)")
    assert database.statistics().idle == 1  # the connection survived
    await database.close()


async def test_waiters_are_refused_within_the_bound(database: Database) -> None:
    async with database.connection(), database.connection():
        began = time.monotonic()
        with pytest.raises(OverloadedError) as refused:
            await database.fetch("select 1")
        assert time.monotonic() - began < 0.4
        assert refused.value.retry_after_seconds > 0
    assert database.statistics().refused == 1


async def test_the_queue_of_waiters_is_bounded(postgres_url: str) -> None:
    database = Database.from_url(postgres_url, pool_size=1, limits=Limits(waiting_per_connection=2))
    async with database.connection():
        waiters = [asyncio.create_task(database.fetch("select 1")) for _ in range(2)]
        await asyncio.sleep(0)
        assert database.statistics().waiting == 2
        began = time.monotonic()
        with pytest.raises(OverloadedError):
            await database.fetch("select 1")
        assert time.monotonic() - began < 0.1
    await asyncio.gather(*waiters)
    await database.close()


async def test_a_waiter_gets_the_connection_that_comes_back(database: Database) -> None:
    async with database.connection(), database.connection():
        waiter = asyncio.create_task(database.fetch_value("select 7"))
        await asyncio.sleep(0)
    assert await waiter == 7


async def test_a_cancelled_waiter_does_not_keep_the_connection(database: Database) -> None:
    async with database.connection(), database.connection():
        waiter = asyncio.create_task(database.fetch_value("select 7"))
        await asyncio.sleep(0)
    waiter.cancel()  # the connection is handed to it already
    with pytest.raises(asyncio.CancelledError):
        await waiter
    async with database.connection(), database.connection():
        pass


async def test_cancelling_a_call_frees_its_connection(database: Database) -> None:
    task = asyncio.create_task(database.fetch("select pg_sleep(30)"))
    await asyncio.sleep(0.1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with database.connection() as first, database.connection() as second:
        assert await first.fetchval("select 1") + await second.fetchval("select 1") == 2


async def test_session_state_does_not_reach_the_next_user(postgres_url: str) -> None:
    database = Database.from_url(postgres_url, pool_size=1)
    async with database.connection() as connection:
        await connection.execute("set work_mem = '1MB'")
        await connection.execute("begin")
        process = connection.get_server_pid()
    async with database.connection() as connection:
        assert connection.get_server_pid() == process
        assert not connection.is_in_transaction()
        assert await connection.fetchval("show work_mem") != "1MB"
        assert await connection.fetchval("show statement_timeout") == "5s"
    await database.close()


@pytest.mark.parametrize(
    "statement",
    [
        "/* from the shop; */ -- and\n set app.tenant_id = 'acme'",
        "select 1; /* and */ set app.tenant_id = 'acme'",
        "do $$ begin set app.tenant_id = 'acme'; end $$",
    ],
)
async def test_session_state_behind_other_words_does_not_reach_the_next_user(
    postgres_url: str, statement: str
) -> None:
    """Least of all a tenant: whoever has the connection next, across tenants, would see its rows."""
    database = Database.from_url(postgres_url, pool_size=1)
    try:
        await database.execute(statement)
        assert await database.fetch_value("select current_setting('app.tenant_id', true)") in (None, "")
    finally:
        await database.close()


async def test_limits_are_set_on_the_connection_and_its_socket(database: Database) -> None:
    async with database.connection() as connection:
        shown = [
            await connection.fetchval(f"show {name}")
            for name in ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")
        ]
    assert shown == ["5s", "2s", "10s"]


async def test_queries_are_counted(database: Database) -> None:
    with count_queries() as outer:
        await database.fetch("select 1")
        with count_queries() as inner:
            async with database.transaction() as connection:
                await connection.fetch("select 1")
        await asyncio.create_task(database.execute("select 1"))
    assert (outer.queries, inner.queries) == (5, 3)


async def test_a_closed_database_opens_again_on_use(database: Database) -> None:
    await database.close()
    assert await database.fetch_value("select 1") == 1


async def test_an_absent_server_is_unavailable(unused_tcp_port: int) -> None:
    database = Database.from_url(f"postgresql://nobody@127.0.0.1:{unused_tcp_port}/none")
    with pytest.raises(UnavailableError):
        await database.open()
    assert (await lifespan.check_all())["database"] is not None
    await database.close()


def test_a_database_survives_its_event_loop(postgres_server: object) -> None:
    database = Database.from_url(postgres_server.url)  # type: ignore[attr-defined]

    async def use() -> int:
        value: int = await database.fetch_value("select 1")
        async with database.connection() as connection:
            connection.terminate()
        return value

    assert [asyncio.run(use()) for _ in range(2)] == [1, 1]
    asyncio.run(database.close())


async def test_every_way_of_sending_is_bounded_and_counted(database: Database) -> None:
    with count_queries() as count:
        async with database.transaction() as connection:
            await connection.executemany("insert into item values ($1, $2)", [(1, "a"), (2, "b")])
            await connection.copy_records_to_table("item", records=[(3, "c")])
            copied: list[bytes] = []

            async def keep(data: bytes) -> None:
                copied.append(data)

            await connection.copy_from_query("select id from item order by id", output=keep)
            assert [row["id"] async for row in connection.cursor("select id from item order by id")] == [1, 2, 3]
    assert b"".join(copied) == b"1\n2\n3\n"
    assert count.queries >= 5
    with pytest.raises(DeadlineExceededError):
        async with database.connection() as connection:
            await connection.execute("select pg_sleep(3)", timeout=0.05)


async def test_a_type_that_changed_is_learned_anew_without_running_twice(database: Database) -> None:
    await database.execute("create type pair as (x integer); create table spot (at pair)")
    await database.execute("insert into spot values (row(1))")
    add = "insert into spot select at from spot limit 1 returning at"
    assert (await database.fetch_value(add))["x"] == 1
    other = await asyncpg.connect(database.binding.url)
    await other.execute("alter type pair add attribute y integer")
    await other.close()
    with pytest.raises(asyncpg.OutdatedSchemaCacheError):
        await database.fetch_value(add)
    assert await database.fetch_value("select count(*) from spot") == 3
    assert dict(await database.fetch_value(add)) == {"x": 1, "y": None}


async def test_a_wrong_password_is_told_as_it_is(database: Database) -> None:
    wrong = Database.from_url(database.binding.url.replace("postgres:", "postgres:wrong"))
    began = time.monotonic()
    with pytest.raises(asyncpg.InvalidPasswordError):
        await wrong.fetch("select 1")
    assert time.monotonic() - began < 0.9
    await wrong.close()


async def test_closing_tells_those_who_wait(postgres_url: str) -> None:
    database = Database.from_url(postgres_url, pool_size=1)
    assert database.statistics().size == 0
    async with database.connection() as connection:
        pool = database.running_pool()
        waiter = asyncio.create_task(database.fetch("select 1"))
        await asyncio.sleep(0)
        await database.close()
        with pytest.raises(UnavailableError):
            await waiter
        with pytest.raises(UnavailableError):
            await pool.acquire()
        assert connection.is_closed()


async def test_a_transaction_that_cannot_begin_gives_its_connection_back(postgres_url: str) -> None:
    database = Database.from_url(postgres_url, pool_size=1)
    await database.open()
    with serving(Context(correlation_id="c", deadline=Deadline.after(-1))), pytest.raises(DeadlineExceededError):
        async with database.transaction():
            pass
    assert database.statistics().idle == 1
    await database.close()


async def test_a_commit_after_the_deadline_is_a_rollback(database: Database) -> None:
    with pytest.raises(DeadlineExceededError):
        await write_too_late(database)
    assert await database.fetch_value("select count(*) from item") == 0


async def write_too_late(database: Database) -> None:
    deadline = Deadline.after(0.1)
    with serving(Context(correlation_id="c", deadline=deadline)):
        async with database.transaction() as connection:
            await connection.execute("insert into item values (1)")
            while deadline.remaining() > 0:  # noqa: ASYNC110 - no event tells that time has passed
                await asyncio.sleep(0.01)

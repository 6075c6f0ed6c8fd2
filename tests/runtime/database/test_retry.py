"""What is sent twice when a connection was lost, and what never is: the difference between one effect and two."""

from __future__ import annotations

import asyncpg
import pytest

from rung.runtime import Database
from rung.runtime.database.retry import is_repeatable
from rung.runtime.errors import UnavailableError

READS = [
    "select 1",
    "SELECT * FROM product WHERE id = $1;",
    "select count(*), max(price) from product where name in ('insert into', 'a;b') -- update",
    "with recent as (select * from item where at > now() - interval '1 day') select * from recent",
    "(select 1) union all (select 2)",
    "values (1, 2), (3, 4)",
    "table product",
    "show server_version",
    "select name::varchar(10), row_number() over (partition by kind order by id) from product",
    "select $$ delete from product; $$",
]
WRITES = [
    "insert into product values (1) returning id",
    "with gone as (delete from product returning *) select * from gone",
    "select * from product for update",
    "select * into copy_of from product",
    "select nextval('numbers')",
    "select pgmq.send('orders', '{}')",
    "select charge_card($1)",
    'select "charge_card"($1)',
    "select pg_advisory_lock(1)",
    "select set_config('a.b', 'c', false)",
    "select 1; delete from product",
    "update product set price = 0",
    "call settle()",
    "do $$ begin delete from product; end $$",
    "explain analyze delete from product",
    "",
]


@pytest.mark.parametrize("sql", READS)
def test_a_read_may_be_repeated(sql: str) -> None:
    assert is_repeatable(sql)


@pytest.mark.parametrize("sql", WRITES)
def test_what_may_write_is_never_repeated(sql: str) -> None:
    assert not is_repeatable(sql)


async def end_all_sessions(url: str) -> None:
    """End the pool's sessions while it looks away, as a failover does."""
    other = await asyncpg.connect(url)
    await other.execute(
        "select pg_terminate_backend(pid) from pg_stat_activity "
        "where pid <> pg_backend_pid() and datname = current_database()"
    )
    await other.close()


class _Killed:
    """A database with one pooled connection whose server side is ended just before its next call."""

    def __init__(self, database: Database, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self.database = database
        self.calls = 0
        from rung.runtime.database.pool import Pool

        original = Pool.acquire_nowait

        def acquire_dead(pool: Pool) -> object:
            connection = original(pool)
            if connection is not None and self.calls == 0:
                self.calls += 1
                # Between the check and the call: the socket is dead, and the driver has not noticed yet.
                connection._transport.get_extra_info("socket").shutdown(2)
            return connection

        monkeypatch.setattr(Pool, "acquire_nowait", acquire_dead)


@pytest.mark.parametrize("tenant", [None, "a"])
async def test_a_read_on_a_dead_pooled_connection_is_repeated_once(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch, tenant: str | None
) -> None:
    database = Database.from_url(postgres_url, pool_size=2)
    await database.fetch("select 1", tenant=tenant)
    killed = _Killed(database, postgres_url, monkeypatch)
    assert await database.fetch_value("select 5", tenant=tenant) == 5
    assert killed.calls == 1
    await database.close()


async def test_a_write_on_a_dead_pooled_connection_is_not_repeated(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = Database.from_url(postgres_url, pool_size=2)
    await database.execute("create table effect (id integer)")
    _Killed(database, postgres_url, monkeypatch)
    with pytest.raises(UnavailableError):
        await database.fetch("insert into effect values (1) returning id")
    assert await database.fetch_value("select count(*) from effect") == 0
    await database.close()


async def test_a_transaction_begins_on_a_new_connection_instead(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = Database.from_url(postgres_url, pool_size=2)
    await database.execute("create table effect (id integer)")
    _Killed(database, postgres_url, monkeypatch)
    async with database.transaction() as connection:
        await connection.execute("insert into effect values (1)")
    assert await database.fetch_value("select count(*) from effect") == 1
    await database.close()


async def test_a_read_that_fails_on_a_new_connection_is_not_repeated(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = Database.from_url(postgres_url, pool_size=2)
    await database.open()
    async with database.connection() as connection:
        assert connection.is_fresh
    _Killed(database, postgres_url, monkeypatch)
    with pytest.raises(UnavailableError):
        await database.fetch("select 1")
    await database.close()


async def test_idle_connections_that_the_server_ended_are_replaced(postgres_url: str) -> None:
    database = Database.from_url(postgres_url, pool_size=2)
    async with database.connection() as one, database.connection() as two:
        await one.execute("select 1")
        await two.execute("select 1")
    await end_all_sessions(postgres_url)
    assert await database.fetch_value("select 1") == 1
    await end_all_sessions(postgres_url)
    async with database.transaction() as connection:
        await connection.execute("create table effect (id integer)")
    await database.close()


async def test_a_connection_that_the_driver_lost_track_of_is_given_to_nobody_again(postgres_url: str) -> None:
    """Its caller cannot know what happened; the next one gets another connection."""
    database = Database.from_url(postgres_url, pool_size=1)
    await database.execute("create table effect (id integer)")

    async def lost(*_: object) -> None:
        raise asyncpg.InternalClientError("got result for unknown protocol state 3")

    async with database.connection() as connection:
        with pytest.raises(UnavailableError, match="unknown protocol state"):
            await connection._guarded(lost, "insert into effect values (1)")
        assert connection.is_closed()
        assert not connection.is_unsent
    assert await database.fetch_value("select 1") == 1
    await database.close()

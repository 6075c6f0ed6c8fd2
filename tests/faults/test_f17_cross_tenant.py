"""F17: no generated attempt reads or writes another tenant's row, as the role that serves requests.

Two searches. Hypothesis drives a model of the table through reads, writes, failures and cancellations on a pool
of two connections, so that each connection is reused by another tenant after every kind of accident, and compares
every answer with the model. A seeded crowd then does the same concurrently, in numbers (`make soak`: a million).
"""

from __future__ import annotations

import asyncio
import random
import secrets
from collections.abc import Iterator
from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from tests.faults.soak import share_of

from rung.local.postgres import PostgresServer
from rung.runtime import Database, serving_tenant
from rung.runtime.bindings import PostgresBinding
from rung.runtime.database.tenancy import create_serving_role, rls_statements
from rung.runtime.errors import TenantError

pytestmark = pytest.mark.fault
TENANTS = ("a", "b", "c-3", "D_4")
IDS = range(5)
TABLE = "create table note (tenant_id text not null, id integer, body text not null, primary key (tenant_id, id))"

tenants = st.sampled_from(TENANTS)
ids = st.sampled_from(IDS)


async def prepare(url: str, name: str) -> None:
    server = await asyncpg.connect(url)
    await server.execute(f"create database {name}")
    await server.close()
    owner = await asyncpg.connect(url.rsplit("/", 1)[0] + f"/{name}")
    for statement in (TABLE, *rls_statements("note")):
        await owner.execute(statement)
    await create_serving_role(owner, "rung_serving", password="serving")
    await owner.close()


async def remove(url: str, name: str) -> None:
    server = await asyncpg.connect(url)
    await server.execute(f"drop database {name} with (force)")
    await server.close()


@pytest.fixture
def serving_url(postgres_server: PostgresServer) -> Iterator[str]:
    """A database with one protected table; the URL logs in as the serving role, which owns nothing."""
    name = f"tenants_{secrets.token_hex(4)}"
    asyncio.run(prepare(postgres_server.url, name))
    yield postgres_server.url_of(name, user="rung_serving", password="serving")
    asyncio.run(remove(postgres_server.url, name))


def open_database(url: str, pool_size: int) -> Database:
    return Database(PostgresBinding(url=url, pool_size=pool_size, tenant_scoped=True))


async def test_the_role_is_the_one_that_matters(serving_url: str) -> None:
    connection = await asyncpg.connect(serving_url)
    row = await connection.fetchrow(
        "select rolsuper, rolbypassrls, (select tableowner <> current_user from pg_tables "
        "where tablename = 'note') from pg_roles where rolname = current_user"
    )
    assert tuple(row) == (False, False, True)
    await connection.close()


class TenantMachine(RuleBasedStateMachine):
    """The table as a dictionary, and a database that must agree with it."""

    url: str
    attempts = 0

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.database = open_database(self.url, 2)
        self.rows: dict[tuple[str, int], str] = {}
        self.runner.run(self.clear())

    async def clear(self) -> None:
        for tenant in TENANTS:
            await self.database.execute("delete from note", tenant=tenant)

    def run(self, coroutine: Any) -> Any:
        type(self).attempts += 1
        return self.runner.run(coroutine)

    def teardown(self) -> None:
        self.runner.run(self.database.close())
        self.runner.close()

    def of(self, tenant: str) -> list[tuple[str, int, str]]:
        return sorted((owner, number, body) for (owner, number), body in self.rows.items() if owner == tenant)

    @rule(tenant=tenants)
    def read_without_a_condition(self, tenant: str) -> None:
        rows = self.run(self.database.fetch("select * from note order by id", tenant=tenant))
        assert [tuple(row) for row in rows] == self.of(tenant)

    @rule(tenant=tenants, other=tenants, number=ids)
    def read_what_may_be_anothers(self, tenant: str, other: str, number: int) -> None:
        sql = "select body from note where tenant_id = $1 and id = $2"
        body = self.run(self.database.fetch_value(sql, other, number, tenant=tenant))
        assert body == (self.rows.get((other, number)) if tenant == other else None)

    @rule(tenant=tenants, other=tenants, number=ids)
    def write_what_may_be_anothers(self, tenant: str, other: str, number: int) -> None:
        sql = "insert into note values ($1, $2, $3) on conflict (tenant_id, id) do update set body = excluded.body"
        body = f"{tenant} {number} {self.attempts}"
        try:
            self.run(self.database.execute(sql, other, number, body, tenant=tenant))
        except asyncpg.InsufficientPrivilegeError:
            assert tenant != other
        else:
            assert tenant == other
            self.rows[tenant, number] = body

    @rule(tenant=tenants, number=ids)
    def change_without_the_tenant(self, tenant: str, number: int) -> None:
        self.run(self.database.execute("update note set body = 'changed' where id = $1", number, tenant=tenant))
        if (tenant, number) in self.rows:
            self.rows[tenant, number] = "changed"

    @rule(tenant=tenants)
    def delete_without_a_condition(self, tenant: str) -> None:
        self.run(self.database.execute("delete from note", tenant=tenant))
        for key in [key for key in self.rows if key[0] == tenant]:
            del self.rows[key]

    @rule(tenant=tenants, number=ids, failing=st.sampled_from(["python", "sql", "arguments", "nested", "nothing"]))
    def write_in_a_transaction(self, tenant: str, number: int, failing: str) -> None:
        try:
            self.run(self.transaction(tenant, number, failing))
        except (ZeroDivisionError, asyncpg.PostgresError):
            assert failing != "nothing"
        else:
            assert failing == "nothing"
            self.rows[tenant, number] = "in a transaction"

    async def transaction(self, tenant: str, number: int, failing: str) -> None:
        async with self.database.transaction(tenant=tenant) as connection:
            await connection.execute(
                "insert into note values ($1, $2, 'in a transaction') on conflict (tenant_id, id) "
                "do update set body = excluded.body",
                tenant,
                number,
            )
            match failing:
                case "python":
                    raise ZeroDivisionError
                case "sql":
                    await connection.execute("select 1 / 0")
                case "arguments":
                    await connection.fetch("select $1::int", "not a number")
                case "nested":
                    async with connection.transaction():
                        await connection.execute("no such statement")

    @rule(tenant=tenants)
    def be_cancelled(self, tenant: str) -> None:
        async def cancelled() -> None:
            task = asyncio.create_task(self.database.fetch("select pg_sleep(9), * from note", tenant=tenant))
            await asyncio.sleep(0.005)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

        self.run(cancelled())

    @rule(tenant=tenants)
    def fail_in_one_statement(self, tenant: str) -> None:
        with pytest.raises(asyncpg.DivisionByZeroError):
            self.run(self.database.fetch("select 1 / 0 from (values (1)) v", tenant=tenant))
        with pytest.raises(asyncpg.DataError):
            self.run(self.database.fetch("select * from note where id = $1", "x", tenant=tenant))

    @rule(tenant=tenants)
    def read_as_the_context_says(self, tenant: str) -> None:
        async def read() -> list[asyncpg.Record]:
            with serving_tenant(tenant):
                return await self.database.fetch("select * from note order by id")

        rows = self.run(read())
        assert [tuple(row) for row in rows] == self.of(tenant)

    @invariant()
    def nobody_sees_nothing(self) -> None:
        with pytest.raises(TenantError):
            self.run(self.database.fetch("select * from note"))
        assert self.run(self.both_connections_show_nothing())

    async def both_connections_show_nothing(self) -> bool:
        """Whichever connection the accident happened on, it shows no row to a caller without a tenant."""
        sql = "select * from note"
        async with self.database.connection() as one, self.database.connection() as two:
            return await one.fetch(sql) == [] and await two.fetch(sql) == []


def test_hypothesis_finds_no_way_across(serving_url: str) -> None:
    machine = type("Machine", (TenantMachine,), {"url": serving_url, "attempts": 0})
    quick = settings(
        max_examples=15,
        stateful_step_count=25,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        database=None,
    )
    run_state_machine_as_test(machine, settings=quick)
    assert machine.attempts > 300


async def crowd(url: str, seed: int, attempts: int) -> int:
    """Concurrent callers of all tenants on few connections. Each row says whose it is. The rows they saw."""
    database = open_database(url, 4)
    for tenant in TENANTS:
        for number in IDS:
            await database.execute("insert into note values ($1, $2, $1)", tenant, number, tenant=tenant)
    seen = 0

    async def caller(chance: random.Random, count: int) -> None:
        nonlocal seen
        for _ in range(count):
            tenant, kind, number = chance.choice(TENANTS), chance.random(), chance.choice(IDS)
            if kind < 0.01:
                task = asyncio.create_task(database.fetch("select pg_sleep(0.01), * from note", tenant=tenant))
                await asyncio.sleep(0)
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
                continue
            if kind < 0.05:
                other = chance.choice([each for each in TENANTS if each != tenant])
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await database.execute("insert into note values ($1, $2, 'x')", other, number, tenant=tenant)
                continue
            if kind < 0.3:
                async with database.transaction(tenant=tenant, read_only=kind < 0.2) as connection:
                    rows = await connection.fetch("select * from note")
            else:
                rows = await database.fetch("select * from note where id <> $1", number, tenant=tenant)
            assert {(row["tenant_id"], row["body"]) for row in rows} == {(tenant, tenant)}, f"seed {seed}"
            seen += len(rows)

    callers = 24
    await asyncio.gather(*(caller(random.Random(seed + each), attempts // callers) for each in range(callers)))
    await database.close()
    return seen


async def test_a_crowd_finds_no_way_across(serving_url: str) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    assert await crowd(serving_url, seed, 5_000) > 5_000


@pytest.mark.soak
@pytest.mark.timeout(3600)
async def test_a_million_attempts_find_no_way_across(serving_url: str) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    attempts = share_of(1_000_000)
    assert await crowd(serving_url, seed, attempts) > attempts

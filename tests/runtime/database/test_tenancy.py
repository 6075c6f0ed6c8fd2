"""Row-level security as the application gets it: what a tenant sees, what nobody sees, what the check finds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from rung.runtime import Database, Tenant, serving_tenant
from rung.runtime.bindings import PostgresBinding
from rung.runtime.database import connection as driver
from rung.runtime.database import isolation_findings
from rung.runtime.database.connection import bind_and_execute
from rung.runtime.database.counting import count_queries
from rung.runtime.database.isolation import check_serving_role, unprotected_tables
from rung.runtime.database.tenancy import create_serving_role, quote, rls_statements
from rung.runtime.errors import TenantError

TABLE = "create table note (tenant_id text not null, id integer, body text, primary key (tenant_id, id))"


@pytest.fixture
async def owner(postgres_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(postgres_url)
    yield connection
    await connection.close()


@pytest.fixture
async def database(owner: asyncpg.Connection, postgres_url: str) -> AsyncIterator[Database]:
    """Two tenants with one note each, reached as the serving role through one connection."""
    await owner.execute(TABLE)
    for statement in rls_statements("note"):
        await owner.execute(statement)
    await owner.execute("insert into note values ('a', 1, 'of a'), ('b', 1, 'of b')")
    await create_serving_role(owner, "serving", password="it's 'quoted'")
    binding = PostgresBinding(url=postgres_url, pool_size=1, serving_role="serving", tenant_scoped=True)
    database = Database(binding)
    yield database
    await database.close()
    await owner.execute("drop owned by serving")


async def test_a_tenant_sees_its_rows_alone(database: Database) -> None:
    for tenant in ("a", "b", Tenant("a")):
        name = tenant if isinstance(tenant, str) else tenant.id
        assert [row["body"] for row in await database.fetch("select * from note", tenant=tenant)] == [f"of {name}"]
        async with database.transaction(tenant=tenant) as connection:
            assert await connection.fetchval("select string_agg(body, ',') from note") == f"of {name}"
    assert await database.fetch_value("select count(*) from note", tenant="c") == 0


async def test_the_tenant_of_the_context_is_used(database: Database) -> None:
    with serving_tenant("b"):
        assert await database.fetch_value("select body from note") == "of b"
        async with database.transaction() as connection:
            assert await connection.fetchval("select body from note") == "of b"


async def test_no_tenant_is_an_error_and_never_all_rows(database: Database) -> None:
    with pytest.raises(TenantError):
        await database.fetch("select * from note")
    with pytest.raises(TenantError):
        database.transaction()
    with pytest.raises(TenantError):
        database.transaction(tenant="a", across_tenants=True)
    assert await database.fetch("select * from note", across_tenants=True) == []
    async with database.transaction(across_tenants=True) as connection:
        assert await connection.fetch("select * from note") == []
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("insert into note values ('a', 9, 'x')")
        await connection.execute("rollback; begin")


async def test_the_tenant_ends_with_its_statement(database: Database) -> None:
    """One pooled connection: after a tenant, after an error, after a cancellation, nobody's rows are seen."""
    await database.fetch("select * from note", tenant="a")
    assert await database.fetch("select * from note", across_tenants=True) == []
    with pytest.raises(asyncpg.DivisionByZeroError):
        await database.fetch("select 1 / (id - 1) from note", tenant="a")
    assert await database.fetch("select * from note", across_tenants=True) == []
    with pytest.raises(asyncpg.DataError):
        await database.fetch("select * from note where id = $1", "not a number", tenant="a")
    assert await database.fetch("select * from note", across_tenants=True) == []
    task = asyncio.create_task(database.fetch("select pg_sleep(20), * from note", tenant="a"))
    await asyncio.sleep(0.1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await database.fetch("select * from note", across_tenants=True) == []


async def test_writes_are_for_the_tenant(database: Database, owner: asyncpg.Connection) -> None:
    assert await database.execute("insert into note values ($1, 2, 'more')", "a", tenant="a") == "INSERT 0 1"
    assert await database.execute("update note set body = 'new'", tenant="a") == "UPDATE 2"
    assert await database.execute("delete from note where id = $1", 2, tenant="b") == "DELETE 0"
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await database.execute("insert into note values ('b', 3, 'stolen')", tenant="a")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await database.execute("update note set tenant_id = 'b'", tenant="a")
    rows = await owner.fetch("select tenant_id, id, body from note order by 1, 2")
    assert [tuple(row) for row in rows] == [("a", 1, "new"), ("a", 2, "new"), ("b", 1, "of b")]


async def test_one_statement_of_a_tenant_is_one_round_trip(database: Database) -> None:
    await database.fetch("select 1 from note", tenant="a")
    with count_queries() as count:
        await database.fetch("select 1 from note", tenant="b")
    assert count.queries == 1


async def test_a_changed_table_is_read_anew(database: Database, owner: asyncpg.Connection) -> None:
    """The driver prepares the statement again by itself; the tenant must be set again with it."""
    assert await database.fetch_row("select * from note", tenant="a") is not None
    await owner.execute("alter table note add column extra text default 'x'")
    row = await database.fetch_row("select * from note", tenant="a")
    assert row is not None
    assert (row["body"], row["extra"]) == ("of a", "x")


async def test_an_unscoped_database_needs_no_tenant(postgres_url: str) -> None:
    database = Database.from_url(postgres_url)
    with serving_tenant("a"):
        assert await database.fetch_value("select current_setting('app.tenant_id', true)") is None
        assert await database.fetch_value("select current_setting('app.tenant_id', true)", tenant="b") == "b"
    await database.close()


def test_the_message_is_the_one_that_the_protocol_describes() -> None:
    assert bind_and_execute("s", "ab") == (
        b"B\x00\x00\x00\x13\x00s\x00\x00\x00\x00\x01\x00\x00\x00\x02ab\x00\x00"
        b"E\x00\x00\x00\x09\x00\x00\x00\x00\x00"
    )


@pytest.mark.parametrize("name", ["", "a b", 'x"; drop table y; --', "a.b.c", "1a", "ä"])
def test_only_plain_identifiers_are_quoted(name: str) -> None:
    with pytest.raises(ValueError, match="not a table or column name"):
        quote(name)


async def test_policies_for_other_column_types(owner: asyncpg.Connection) -> None:
    await owner.execute("create schema app; create table app.paper (owner_id uuid primary key)")
    for _ in range(2):  # idempotent
        for statement in rls_statements("app.paper", "owner_id", column_type="uuid"):
            await owner.execute(statement)
    assert await unprotected_tables(owner, "owner_id") == []


async def test_the_check_finds_every_hole(owner: asyncpg.Connection) -> None:
    await owner.execute(TABLE)
    await owner.execute("create table shared (id integer)")
    assert [finding.code for finding in await unprotected_tables(owner)] == ["R0411"]
    for statement in rls_statements("note"):
        await owner.execute(statement)
    assert await unprotected_tables(owner) == []
    await owner.execute("alter table note no force row level security")
    [finding] = await unprotected_tables(owner)
    assert "FORCE" in finding.found
    assert "ENABLE" not in finding.found
    await owner.execute("alter table note force row level security; create policy all_of_it on note using (true)")
    assert [finding.code for finding in await unprotected_tables(owner)] == ["R0412"]
    await owner.execute("drop policy all_of_it on note")
    await owner.execute("create view all_notes as select * from note")
    await owner.execute("create view own_notes with (security_invoker = true) as select * from note")
    await owner.execute("create materialized view old_notes as select * from note")
    findings = await unprotected_tables(owner)
    assert [finding.code for finding in findings] == ["R0413", "R0413"]
    await owner.execute("drop view all_notes, own_notes; drop materialized view old_notes")
    await owner.execute("alter table note drop constraint note_pkey")
    assert [finding.code for finding in await unprotected_tables(owner)] == ["R0414"]


async def test_the_serving_role_has_no_powers(database: Database, owner: asyncpg.Connection) -> None:
    async with database.connection() as connection:
        assert await check_serving_role(connection) == []
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("truncate note")
    assert "R0415" in [finding.code for finding in await check_serving_role(owner)]


async def test_an_old_server_is_named() -> None:
    assert "17.6" in isolation_findings.old_server("17.5", 6).help
    assert "supported" in isolation_findings.old_server("12.9", None).help


async def test_a_role_without_a_password_cannot_log_in(owner: asyncpg.Connection) -> None:
    for _ in range(2):  # idempotent
        await create_serving_role(owner, "quiet_role")
    assert await owner.fetchval("select rolcanlogin from pg_roles where rolname = 'quiet_role'") is False
    await owner.execute("drop owned by quiet_role; drop role quiet_role")


async def test_the_version_of_this_server_is_compared(
    owner: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = owner.get_server_version()
    monkeypatch.setattr(isolation_findings, "FIXED_VERSIONS", {version.major: version.micro + 1})
    assert "R0416" in [finding.code for finding in await check_serving_role(owner)]
    monkeypatch.setattr(isolation_findings, "FIXED_VERSIONS", {version.major: version.micro})
    assert "R0416" not in [finding.code for finding in await check_serving_role(owner)]


async def test_a_driver_that_does_not_keep_the_tenant_is_refused(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A setting that outlives its statement, as in a driver that sends a sync of its own in between."""
    monkeypatch.setattr(driver, "_SET_TENANT", "select where set_config('app.tenant_id', $1, false) is null")
    with pytest.raises(TenantError, match="use transaction"):
        await database.fetch("select * from note", tenant="a")
    assert await database.fetch("select * from note", across_tenants=True) == []

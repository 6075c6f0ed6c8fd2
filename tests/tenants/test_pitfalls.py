"""What goes wrong behind correct policies, on a real server: each of these has leaked somewhere."""

from __future__ import annotations

from collections.abc import AsyncIterator

import asyncpg
import pytest

from rung.runtime import Database
from rung.runtime.bindings import PostgresBinding
from rung.runtime.database.isolation import check_isolation
from rung.runtime.database.tenancy import create_serving_role, rls_statements
from rung.runtime.errors import UnavailableError
from rung.runtime.http.problem import body_of, problem_of

TABLES = """
create table note (tenant_id text not null, id integer, body text, primary key (tenant_id, id));
create unique index one_body on note (body);
comment on index one_body is 'rung: across tenants: for the test';
"""
#: The documented pattern: text in a table of a role of its own, behind a function that adds the tenant.
SEARCH = """
create schema search;
create table search.document (tenant_id text not null, id integer, content tsvector, primary key (tenant_id, id));
comment on table search.document is 'rung: across tenants: granted to nobody, reached by search.found alone';
create index document_content on search.document using gin (content);
create role pitfall_search; grant usage on schema search to pitfall_search;
alter table search.document owner to pitfall_search;
create function search.found(words text) returns setof integer
    language sql stable security definer set search_path = ''
    as $$ select id from search.document
           where tenant_id = (select nullif(current_setting('app.tenant_id', true), ''))
             and content @@ pg_catalog.plainto_tsquery('pg_catalog.simple', words) $$;
alter function search.found(text) owner to pitfall_search;
grant usage on schema search to pitfall_app; grant execute on function search.found to pitfall_app;
insert into search.document
    select case when n % 100 = 0 then 'a' else 'b' end, n, to_tsvector('simple', 'common word' || n)
      from generate_series(1, 20000) n;
analyze search.document;
"""


@pytest.fixture
async def owner(postgres_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(postgres_url)
    await connection.execute(TABLES)
    for statement in rls_statements("note"):
        await connection.execute(statement)
    await connection.execute("insert into note select 'a', n, 'a' || n from generate_series(1, 50) n")
    await connection.execute("insert into note select 'b', n, 'b' || n from generate_series(1, 50) n")
    await create_serving_role(connection, "pitfall_app")
    await connection.execute("analyze")
    yield connection
    await connection.execute("drop owned by pitfall_app")
    await connection.close()


@pytest.fixture
async def database(owner: asyncpg.Connection, postgres_url: str) -> AsyncIterator[Database]:
    database = Database(
        PostgresBinding(url=postgres_url, pool_size=1, serving_role="pitfall_app", tenant_scoped=True)
    )
    yield database
    await database.close()


async def test_a_view_reads_as_its_owner_unless_it_says_otherwise(
    owner: asyncpg.Connection, database: Database
) -> None:
    await owner.execute("create view every as select * from note; grant select on every to pitfall_app")
    assert await database.fetch_value("select count(*) from every", tenant="a") == 100, "the pitfall"
    assert [each.code for each in await check_isolation(owner)] == ["R0413"]
    await owner.execute("alter view every set (security_invoker = true)")
    assert await database.fetch_value("select count(*) from every", tenant="a") == 50
    assert await check_isolation(owner) == []


async def test_one_plan_serves_all_tenants(database: Database) -> None:
    """On one connection, well beyond the fifth use, after which the server may keep a generic plan."""
    for _ in range(8):
        for tenant in ("a", "b", "c"):
            bodies = await database.fetch("select body from note where id < $1", 9, tenant=tenant)
            assert {row["body"][0] for row in bodies} == ({tenant} if tenant != "c" else set())
    assert await database.fetch("select body from note where id < $1", 9, across_tenants=True) == []


async def test_copy_reads_own_rows_and_cannot_write(database: Database) -> None:
    taken: list[bytes] = []

    async def keep(piece: bytes) -> None:
        taken.append(piece)

    async with database.transaction(tenant="a") as connection:
        await connection.copy_from_query("select * from note", output=keep)
    assert b"".join(taken).count(b"\n") == 50
    assert b"b1" not in b"".join(taken)
    with pytest.raises(asyncpg.FeatureNotSupportedError, match="row-level security"):
        async with database.transaction(tenant="a") as connection:
            await connection.copy_records_to_table("note", records=[("a", 99, "x")])
    sql = "insert into note select * from unnest($1::text[], $2::int[], $3::text[])"
    await database.execute(sql, ["a"] * 2, [101, 102], ["x", "y"], tenant="a")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await database.execute(sql, ["a", "b"], [103, 104], ["v", "w"], tenant="a")


async def test_statistics_and_leaky_functions_show_nothing(database: Database) -> None:
    """CVE-2019-10130, CVE-2025-8713: the planner must not show hidden rows to functions that speak."""
    assert await database.fetch("select attname from pg_stats where tablename = 'note'", tenant="a") == []
    heard: list[str] = []
    async with database.transaction(tenant="a") as connection:
        connection.add_log_listener(lambda _, message: heard.append(str(message)))
        await connection.execute(
            "create function pg_temp.speak(text) returns boolean language plpgsql cost 0.0000001 as "
            "$$ begin raise notice 'saw %', $1; return true; end $$"
        )
        await connection.execute("explain select * from note where pg_temp.speak(body)")
        assert await connection.fetchval("select count(*) from note where pg_temp.speak(body)") == 50
    assert len(heard) >= 50
    assert not [each for each in heard if "saw b" in each]


async def test_a_refused_duplicate_tells_no_value(database: Database) -> None:
    """It tells that there is one: hence keys per tenant. Its text never reaches a client."""
    with pytest.raises(asyncpg.UniqueViolationError) as refused:
        await database.execute("insert into note values ('a', 99, 'b7')", tenant="a")
    assert refused.value.detail is None, "the server leaves the values out under row-level security"
    assert b"b7" not in body_of(problem_of(refused.value), "correlation")
    assert b"one_body" not in body_of(problem_of(refused.value), "correlation")


async def test_a_missing_right_is_an_error_and_a_hidden_row_is_none(database: Database) -> None:
    """42501 for what the policy refuses to write; silence for what it does not show: count the rows."""
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await database.execute("update note set tenant_id = 'b' where id = 1", tenant="a")
    assert await database.execute("update note set body = 'x' where tenant_id = 'b'", tenant="a") == "UPDATE 0"
    refused = [
        "truncate note",
        "create table t (id integer)",
        "alter table note disable row level security",
        "create trigger t before insert on note execute function suppress_redundant_updates_trigger()",
    ]
    for statement in refused:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await database.execute(statement, tenant="a")


async def test_a_connection_forgets_its_tenant_after_every_end(database: Database) -> None:
    """One connection: a statement timeout, a lost backend, a rolled back savepoint, a setting left behind."""
    left_behind = "select set_config('app.tenant_id', 'b', false)"
    ends = [
        "set local statement_timeout = 20; select pg_sleep(5)",
        "select pg_terminate_backend(pg_backend_pid())",
        f"savepoint s; {left_behind}; rollback to s; select 1 / 0",
        left_behind,
    ]
    for end in ends:
        try:
            async with database.transaction(tenant="a") as connection:
                await connection.execute(end)
        except (asyncpg.PostgresError, UnavailableError):
            pass
        assert await database.fetch("select * from note", across_tenants=True) == [], end
        assert await database.fetch_value("select min(body) from note", tenant="a") == "a1", end


async def test_search_behind_a_function_finds_all_of_the_tenant_and_nothing_else(
    owner: asyncpg.Connection, database: Database
) -> None:
    """Under row-level security the index of full-text search is not used; behind the function it is."""
    await owner.execute(SEARCH)
    try:
        assert [each.code for each in await check_isolation(owner, serving_role="pitfall_app")] == []
        for tenant, number in (("a", 200), ("b", 19_800), ("c", 0)):
            found = await database.fetch("select * from search.found('common')", tenant=tenant)
            assert len(found) == number
        assert await database.fetch("select * from search.found('word300')", tenant="b") == []
        assert len(await database.fetch("select * from search.found('word300')", tenant="a")) == 1
        assert await database.fetch("select * from search.found('word300')", across_tenants=True) == []
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await database.fetch("select * from search.document", tenant="a")
        await owner.execute("set role pitfall_search; select set_config('app.tenant_id', 'a', false)")
        plan = await owner.fetch(
            "explain select id from search.document where tenant_id = (select current_setting('app.tenant_id')) "
            "and content @@ plainto_tsquery('simple', 'word300')"
        )
        assert "document_content" in "\n".join(row[0] for row in plan)
    finally:
        await owner.execute("reset role; drop owned by pitfall_search cascade; drop role pitfall_search")

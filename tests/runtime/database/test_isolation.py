"""The check of the catalogue: each way around the policies is found, named and placed, and a waiver is heard."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from rung.local.postgres import PostgresServer
from rung.runtime.database.isolation import check_isolation
from rung.runtime.database.isolation_findings import of_vector
from rung.runtime.database.tenancy import create_operator_role, create_serving_role, rls_statements

PARENT = "create table parent (tenant_id text, id integer, primary key (tenant_id, id))"
CHILD = "create table child (tenant_id text, id integer, parent integer, primary key (tenant_id, id))"


@pytest.fixture
async def owner(postgres_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(postgres_url)
    for statement in (PARENT, CHILD, *rls_statements("parent"), *rls_statements("child")):
        await connection.execute(statement)
    await create_serving_role(connection, "isolated_app")
    yield connection
    await connection.execute("drop owned by isolated_app")
    await connection.close()


async def codes(owner: asyncpg.Connection) -> list[str]:
    return [each.code for each in await check_isolation(owner, serving_role="isolated_app")]


async def test_a_schema_without_holes_has_no_findings(owner: asyncpg.Connection) -> None:
    await owner.execute(
        "alter table child add foreign key (tenant_id, parent) references parent (tenant_id, id);"
        "create view own with (security_invoker) as select * from child;"
        "create function safe() returns int language sql security definer set search_path = '' as 'select 1'"
    )
    assert await codes(owner) == []


INNER = "create view ins with (security_invoker) as select 1 as one from child; "
DEFINER = "create function f(n int) returns int language sql security definer as 'select n'"
STRONG = "create role strong bypassrls; grant strong to isolated_app"
MINE = "tenant_id = current_setting('app.tenant_id')"
HOLES = [
    ("R0411", "alter table child no force row level security", "table public.child"),
    ("R0411", "alter table child disable row level security", "ENABLE"),
    ("R0411", "drop policy tenant_isolation on child", "without a policy"),
    ("R0412", "create policy wide on child using (true)", "wide"),
    ("R0412", f"create policy stray on child using ({MINE}) with check (true)", "stray"),
    ("R0412", "create policy stray on child for insert with check (true)", "stray"),
    ("R0413", "create view everything as select id from child", "view public.everything"),
    ("R0413", INNER + "create view outs as select * from ins", "view public.outs"),
    ("R0413", "create materialized view kept as select count(*) from child", "materialized view public.kept"),
    ("R0414", "alter table child drop constraint child_pkey", "no index of table public.child"),
    ("R0430", "create unique index one_id on child (id)", "unique over (id)"),
    ("R0430", "create unique index lowered on child (lower(id::text))", "lowered"),
    ("R0430", "alter table child add constraint apart exclude using btree (parent with =)", "apart"),
    ("R0431", DEFINER, "public.f(n integer)"),
    ("R0432", "grant truncate on child to isolated_app", "isolated_app"),
    ("R0432", "grant references on child to public", "PUBLIC"),
    ("R0415", "alter role isolated_app bypassrls", "BYPASSRLS"),
    ("R0415", "alter table child owner to isolated_app", "owner of public.child"),
    ("R0415", STRONG, "may become strong"),
]  # fmt: skip


@pytest.mark.parametrize(("code", "statement", "said"), HOLES)
async def test_a_hole_is_found_and_named(owner: asyncpg.Connection, code: str, statement: str, said: str) -> None:
    assert await codes(owner) == []
    try:
        await owner.execute(statement)
        found = await check_isolation(owner, serving_role="isolated_app")
        assert code in {each.code for each in found}
        [hole] = [each for each in found if each.code == code]
        assert said in f"{hole.message} {hole.found}"
        assert hole.help
    finally:
        await owner.execute("drop role if exists strong")
        await owner.execute("alter role isolated_app nobypassrls")


async def test_a_foreign_key_without_the_tenant(owner: asyncpg.Connection) -> None:
    """And what it lets through: a child of one tenant with a parent of another."""
    await owner.execute(
        "create unique index shared on parent (id);"
        "comment on index shared is 'rung: across tenants: for the test';"
        "alter table child add constraint loose foreign key (parent) references parent (id);"
        "insert into parent values ('a', 1)"
    )
    [hole] = await check_isolation(owner)
    assert hole.code == "R0419"
    assert "loose" in hole.found
    await owner.execute("set role isolated_app")
    await owner.execute("select set_config('app.tenant_id', 'b', false)")
    await owner.execute("insert into child values ('b', 1, 1)")  # the parent belongs to a
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        await owner.execute("insert into child values ('b', 2, 2)")  # and now b knows which ids exist
    await owner.execute("reset role")


async def test_the_columns_of_a_pair_must_meet(owner: asyncpg.Connection) -> None:
    """Both sides have the tenant, and not in the same place of the key."""
    await owner.execute(
        "alter table parent add other text, add unique (other, tenant_id); alter table child add named text;"
        "alter table child add constraint crossed "
        "foreign key (tenant_id, named) references parent (other, tenant_id)"
    )
    assert await codes(owner) == ["R0419"]


WAIVED = {
    "index one_id": "create unique index one_id on child (id)",
    "constraint one_id on child": "alter table child add constraint one_id unique (id)",
    "view v": "create view v as select * from child",
    "table stray": "create table stray (tenant_id text)",
    "function f": DEFINER,
}


@pytest.mark.parametrize("what", WAIVED)
async def test_what_is_meant_is_said_where_it_is_made(owner: asyncpg.Connection, what: str) -> None:
    await owner.execute(WAIVED[what])
    assert await codes(owner) != []
    await owner.execute(f"comment on {what} is 'rung: across tenants: for the test'")
    assert await codes(owner) == []


async def test_a_finding_names_the_line_of_the_migration(owner: asyncpg.Connection, tmp_path: Path) -> None:
    (tmp_path / "0001_first.sql").write_text("-- child is made here\n\ncreate table child (\n  id int\n);\n")
    (tmp_path / "0002_more.sql").write_text("select 1;\ncreate unique index one_id on child (id);\n")
    await owner.execute("create unique index one_id on child (id)")
    await owner.execute("alter table child no force row level security")
    placed = {each.code: each.location for each in await check_isolation(owner, migrations=tmp_path)}
    assert placed["R0430"] is not None
    assert (Path(placed["R0430"].file).name, placed["R0430"].line) == ("0002_more.sql", 2)
    assert placed["R0411"] is not None
    assert placed["R0411"].text.startswith("create")


async def test_partitions_are_tables_too(owner: asyncpg.Connection) -> None:
    await owner.execute(
        "create table event (tenant_id text, at int, primary key (tenant_id, at)) partition by range (at);"
        "create table event_1 partition of event for values from (1) to (9)"
    )
    for statement in rls_statements("event"):
        await owner.execute(statement)
    [hole] = await check_isolation(owner)
    assert "event_1" in hole.message  # who asks the partition asks no policy of its parent


async def test_the_operator_bypasses_and_is_not_blamed_for_it(owner: asyncpg.Connection) -> None:
    await owner.execute("insert into child values ('a', 1), ('b', 1)")
    for _ in range(2):  # idempotent
        await create_operator_role(owner, "isolated_ops")
    await owner.execute("grant truncate on child to isolated_ops; set role isolated_ops")
    assert await owner.fetchval("select count(*) from child") == 2
    await owner.execute("reset role")
    assert await codes(owner) == []
    [hole] = await check_isolation(owner, serving_role="isolated_ops")
    assert hole.code == "R0415"
    await owner.execute("drop owned by isolated_ops; drop role isolated_ops")


def test_an_old_pgvector_is_named() -> None:
    assert [finding.code for _, finding in of_vector({"extversion": "0.8.1"}, "tenant_id")] == ["R0433"]
    assert list(of_vector({"extversion": "0.8.2"}, "tenant_id")) == []
    assert list(of_vector({"extversion": "0.10.0"}, "tenant_id")) == []


@pytest.fixture
async def vectors(owner: asyncpg.Connection) -> asyncpg.Connection:
    """Where a tenant's vectors are, without an index."""
    await owner.execute("create extension vector")
    columns = "(tenant_id text, id integer, at vector(8), primary key (tenant_id, id))"
    await owner.execute(
        f"create table note {columns}; create table parted {columns} partition by list (tenant_id)"
    )
    await owner.execute("create table parted_a partition of parted for values in ('a')")
    for table in ("note", "parted", "parted_a"):
        for statement in rls_statements(table):
            await owner.execute(statement)
    return owner


@pytest.mark.parametrize("method", ["hnsw", "ivfflat"])
async def test_an_approximate_index_over_all_tenants_is_named_until_somebody_sees_to_it(
    vectors: asyncpg.Connection, method: str
) -> None:
    await vectors.execute(f"create index nearest on note using {method} (at vector_l2_ops)")
    [finding] = await check_isolation(vectors)
    assert (finding.code, finding.severity) == ("R0440", "warning")
    assert "nearest of public.note" in finding.message
    name = await vectors.fetchval("select current_database()")
    await vectors.execute(f"alter database {name} set {method}.iterative_scan = off")
    assert len(await check_isolation(vectors)) == 1
    await vectors.execute(f"alter database {name} set {method}.iterative_scan = relaxed_order")
    assert await check_isolation(vectors) == []
    await vectors.execute(f"alter database {name} reset all")
    await vectors.execute("comment on index nearest is 'rung: across tenants: each has the same thousand'")
    assert await check_isolation(vectors) == []


async def test_an_approximate_index_of_one_tenants_rows_is_not_named(vectors: asyncpg.Connection) -> None:
    await vectors.execute("create index on parted using hnsw (at vector_l2_ops)")
    await vectors.execute("create index on parted_a using hnsw (at vector_cosine_ops)")
    await vectors.execute("create index on note using hnsw (at vector_l2_ops) where tenant_id = 'a'")
    assert await check_isolation(vectors) == []


async def test_a_small_tenant_has_its_nearest_with_the_iterative_scan_alone(
    vectors: asyncpg.Connection, postgres_server: PostgresServer
) -> None:
    """What the finding says: `benchmarks/tenant_vectors.py` has the figures."""
    at = "array[n, n * 7, n * 13, n * 29, n * 31, n * 37, n * 41, n * 43]"
    point = f"(select array_agg(x::bigint * 7919 % 1000 / 1000.0)::vector from unnest({at}) as x)"
    await vectors.execute(
        f"insert into note select case when n % 200 = 0 then 'small' else 'large' end, n, {point} "
        "from generate_series(1, 4000) n"
    )
    await vectors.execute("create index on note using hnsw (at vector_l2_ops); analyze note")
    await create_serving_role(vectors, "isolated_app", password="serving")
    name = await vectors.fetchval("select current_database()")
    serving = await asyncpg.connect(postgres_server.url_of(name, user="isolated_app", password="serving"))
    await serving.execute("set enable_sort = off; select set_config('app.tenant_id', 'small', false)")
    question = "select id from note order by at <-> (select at from note where id = 2000) limit 10"
    try:
        assert len(await serving.fetch(question)) < 10
        await serving.execute("set hnsw.iterative_scan = strict_order")
        found = [row["id"] for row in await serving.fetch(question)]
        await serving.execute("reset enable_sort; set enable_indexscan = off; set enable_bitmapscan = off")
        exact = [row["id"] for row in await serving.fetch(question)]
        assert len(set(found) & set(exact)) >= 9
    finally:
        await serving.close()

"""Indexes built without a transaction: built, recovered when half built, and nothing else let in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from rung.errors import MachineError
from rung.runtime.migrations import migrate, read_migrations

ONLINE = "-- rung: no transaction\ncreate unique index concurrently if not exists a_id on a (id);\n"


@pytest.fixture
async def connection(postgres_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(postgres_url)
    yield connection
    await connection.close()


async def test_an_index_is_built_and_dropped_without_a_transaction(
    postgres_url: str, connection: asyncpg.Connection, tmp_path: Path
) -> None:
    (tmp_path / "0001_a.sql").write_text("create table a (id integer); create index a_old on a (id)")
    (tmp_path / "0002_online.sql").write_text(ONLINE + "drop index concurrently if exists a_old;\n")
    assert [each.number for each in await migrate(postgres_url, tmp_path)] == [1, 2]
    assert await connection.fetchval(
        "select array_agg(indexname::text) from pg_indexes where tablename = 'a'"
    ) == ["a_id"]
    assert await migrate(postgres_url, tmp_path) == []


async def test_a_half_built_index_is_dropped_and_built_again(
    postgres_url: str, connection: asyncpg.Connection, tmp_path: Path
) -> None:
    (tmp_path / "0001_a.sql").write_text("create schema s; create table s.a (id integer)")
    await migrate(postgres_url, tmp_path)
    await connection.execute("insert into s.a values (1), (1)")
    (tmp_path / "0002_online.sql").write_text(ONLINE.replace("on a", "on s.a"))
    with pytest.raises(MachineError) as raised:
        await migrate(postgres_url, tmp_path)
    (finding,) = raised.value.findings
    assert finding.code == "R0405"
    assert "drops an index that is half built" in finding.effect
    valid = "select indisvalid from pg_index where indexrelid = to_regclass('s.a_id')"
    assert await connection.fetchval(valid) is False
    await connection.execute("delete from s.a")
    assert [each.number for each in await migrate(postgres_url, tmp_path)] == [2]
    assert await connection.fetchval(valid) is True


async def test_an_index_whose_record_was_lost_is_kept(
    postgres_url: str, connection: asyncpg.Connection, tmp_path: Path
) -> None:
    (tmp_path / "0001_a.sql").write_text("create table a (id integer)")
    (tmp_path / "0002_online.sql").write_text(ONLINE)
    await migrate(postgres_url, tmp_path)
    built = await connection.fetchval("select 'a_id'::regclass::oid")
    await connection.execute("delete from rung.migrations where number = 2")
    assert [each.number for each in await migrate(postgres_url, tmp_path)] == [2]
    assert await connection.fetchval("select 'a_id'::regclass::oid") == built


@pytest.mark.parametrize(
    "statement",
    [
        "create index concurrently a_id on a (id)",
        "create index if not exists a_id on a (id)",
        "drop index concurrently a_id",
        "alter table a add column b text",
        "begin",
    ],
)
def test_what_cannot_be_repeated_is_refused_with_its_line(tmp_path: Path, statement: str) -> None:
    (tmp_path / "0001_online.sql").write_text(f"{ONLINE}{statement};\n")
    with pytest.raises(MachineError) as raised:
        read_migrations(tmp_path)
    (finding,) = raised.value.findings
    assert finding.code == "R0409"
    assert finding.location is not None
    assert finding.location.line == 3

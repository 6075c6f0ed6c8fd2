"""Migrations on a real Postgres: order, exactly once, all or nothing, and what is refused with which line."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from rung.errors import Finding, MachineError
from rung.runtime import migrations
from rung.runtime.database.sql_text import statements
from rung.runtime.migrations import migrate, read_migrations


@pytest.fixture
async def connection(postgres_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(postgres_url)
    yield connection
    await connection.close()


def write(directory: Path, **files: str) -> None:
    for name, sql in files.items():
        (directory / f"{name.removeprefix('m')}.sql").write_text(sql)


async def findings_of(url: str, directory: Path, **options: float) -> tuple[Finding, ...]:
    with pytest.raises(MachineError) as raised:
        await migrate(url, directory, **options)
    return raised.value.findings


async def test_each_file_is_applied_once_in_order(
    postgres_url: str, connection: asyncpg.Connection, tmp_path: Path
) -> None:
    write(
        tmp_path,
        m0001_a="create table a (id integer); insert into a values (1)",
        m0002_b="insert into a values (2)",
    )
    applied = await migrate(postgres_url, tmp_path)
    assert [(each.number, each.name, each.attempts) for each in applied] == [(1, "a", 1), (2, "b", 1)]
    assert await migrate(postgres_url, tmp_path) == []
    write(tmp_path, m0003_c="insert into a values (3)")
    assert [each.number for each in await migrate(postgres_url, tmp_path)] == [3]
    assert await connection.fetchval("select array_agg(id order by id) from a") == [1, 2, 3]


async def test_many_at_once_apply_each_file_once(
    postgres_url: str, connection: asyncpg.Connection, tmp_path: Path
) -> None:
    write(tmp_path, m0001_a="create table a (id integer); select pg_sleep(0.1); insert into a values (1)")
    done = await asyncio.gather(*(migrate(postgres_url, tmp_path) for _ in range(4)))
    assert sorted(len(each) for each in done) == [0, 0, 0, 1]
    assert await connection.fetchval("select count(*) from a") == 1


async def test_a_failing_statement_leaves_nothing_of_its_file(
    postgres_url: str, connection: asyncpg.Connection, tmp_path: Path
) -> None:
    broken = "create table b (id integer primary key);\n\n-- a; comment\ninsert into b\n  values (1), (1);\n"
    write(tmp_path, m0001_a="create table a (id integer)", m0002_b=broken)
    [finding] = await findings_of(postgres_url, tmp_path)
    assert finding.location is not None
    assert (finding.code, finding.location.file) == ("R0405", str(tmp_path / "0002_b.sql"))
    assert (finding.location.line, finding.location.text) == (4, "insert into b")
    assert "23505" in finding.found
    assert await connection.fetchval("select to_regclass('a') is not null and to_regclass('b') is null")
    assert await connection.fetchval("select max(number) from rung.migrations") == 1


async def test_a_syntax_error_is_found_at_its_very_line(postgres_url: str, tmp_path: Path) -> None:
    write(tmp_path, m0001_a="select 1;\ncreate table a (\n  id integer,\n  name txt\n);")
    [finding] = await findings_of(postgres_url, tmp_path)
    assert finding.location is not None
    assert (finding.location.line, finding.location.text) == (4, "name txt")


async def test_session_settings_of_a_file_do_not_reach_the_next(
    postgres_url: str, connection: asyncpg.Connection, tmp_path: Path
) -> None:
    write(
        tmp_path,
        m0001_a="create schema other; set search_path = other; create table inside (id integer)",
        m0002_b="create table outside (id integer)",
    )
    await migrate(postgres_url, tmp_path)
    assert await connection.fetchval("select to_regclass('other.inside') is not null")
    assert await connection.fetchval("select to_regclass('public.outside') is not null")


async def test_an_edited_file_is_refused(postgres_url: str, tmp_path: Path) -> None:
    write(tmp_path, m0001_a="select 1", m0002_b="select 2")
    await migrate(postgres_url, tmp_path)
    (tmp_path / "0001_a.sql").write_bytes(b"select 1\r\n".replace(b"\r\n", b""))
    assert await migrate(postgres_url, tmp_path) == []
    write(tmp_path, m0001_a="select 3", m0002_b="select 4")
    assert [finding.code for finding in await findings_of(postgres_url, tmp_path)] == ["R0404", "R0404"]


async def test_a_file_that_appears_late_is_refused(postgres_url: str, tmp_path: Path) -> None:
    write(tmp_path, m0002_b="select 2")
    await migrate(postgres_url, tmp_path)
    write(tmp_path, m0001_a="select 1")
    assert [finding.code for finding in await findings_of(postgres_url, tmp_path)] == ["R0403"]


def test_every_problem_of_the_files_is_told(tmp_path: Path) -> None:
    write(
        tmp_path,
        m0001_a="begin;\nselect 1;\ncommit",
        m0001_b="select 'begin; commit', $$ begin; commit $$, $x$;rollback;$x$ -- ; begin",
        m0004_d="savepoint s; rollback to savepoint s",
        m5_e="select 1",
    )
    with pytest.raises(MachineError) as raised:
        read_migrations(tmp_path)
    found = [
        (finding.code, Path(finding.location.file).name, finding.location.line)
        for finding in raised.value.findings
        if finding.location is not None
    ]
    assert found == [
        ("R0401", "5_e.sql", 1),
        ("R0402", "0001_b.sql", 1),
        ("R0403", "0004_d.sql", 1),
        ("R0408", "0001_a.sql", 1),
        ("R0408", "0001_a.sql", 3),
    ]


def test_a_directory_that_does_not_exist_is_told(tmp_path: Path) -> None:
    with pytest.raises(MachineError, match="R0401"):
        read_migrations(tmp_path / "none")


async def test_a_server_that_is_away_is_told(unused_tcp_port: int, tmp_path: Path) -> None:
    [finding] = await findings_of(f"postgresql://x@127.0.0.1:{unused_tcp_port}/x", tmp_path)
    assert finding.code == "R0407"


async def test_the_holder_of_the_lock_is_named(
    postgres_url: str, connection: asyncpg.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrations, "ATTEMPTS", 2)
    await connection.execute("create table a (id integer)")
    write(tmp_path, m0001_a="select 1;\nalter table a add column name text")
    async with connection.transaction():
        await connection.execute("select * from a")
        [finding] = await findings_of(postgres_url, tmp_path, lock_timeout_seconds=0.05)
    assert finding.code == "R0406"
    assert finding.location is not None
    assert finding.location.line == 2
    assert f"pid {connection.get_server_pid()}" in finding.found


def test_statements_keep_their_place() -> None:
    script = "select 1;\n ;select ';' ;\nselect e'\\';'"
    assert [(each.offset, each.text) for each in statements(script)] == [
        (0, "select 1"),
        (12, "select ';' "),
        (25, "select e'\\';'"),
    ]
    assert len(statements("create function f() returns int begin atomic select 1; select 2; end")) == 1

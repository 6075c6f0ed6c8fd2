"""F15: versions of the code and of the schema that meet during a deployment and after a rollback.

A column is renamed the safe way, over three versions of an application. Each version runs as it runs in
production: many requests while the migration is applied, on a real Postgres. What `rung migrate check` says about
the last step is what happens: after one release too few, a version that still runs fails.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import asyncpg
import pytest

from rung.migrations.check import check
from rung.migrations.releases import Release
from rung.runtime.database.database import Database
from rung.runtime.migrations import migrate

pytestmark = pytest.mark.fault

MIGRATIONS = {
    "0001_people.sql": "create table person (id bigserial primary key, name text not null);",
    "0002_full_name.sql": "-- phase: expand\n"
    "alter table person add column full_name text;\n"
    "alter table person alter column name set default '';",
    "0003_no_name.sql": "-- phase: contract after v3\nalter table person drop column name;",
}

Version = Callable[[Database], Awaitable[str]]


async def version_1(db: Database) -> str:
    """Knows `name` alone."""
    row = await db.fetch_row("insert into person (name) values ('Ada') returning id")
    assert row is not None
    return str(await db.fetch_value("select name from person where id = $1", row["id"]))


async def version_2(db: Database) -> str:
    """Writes both, reads either: runs beside version 1, and beside version 3."""
    row = await db.fetch_row("insert into person (full_name) values ('Ada') returning id")
    assert row is not None
    return str(await db.fetch_value("select full_name from person where id = $1", row["id"]))


async def version_2_careful(db: Database) -> str:
    """As version 2, for as long as version 1 reads what it writes."""
    await db.execute("insert into person (name, full_name) values ('Ada', 'Ada')")
    return str(await db.fetch_value("select coalesce(full_name, name) from person order by id desc limit 1"))


VERSIONS: dict[str, Version] = {"1": version_1, "2": version_2_careful, "3": version_2}


def _folder(tmp_path: Path, upto: int) -> Path:
    folder = tmp_path / f"schema-{upto}"
    folder.mkdir(exist_ok=True)
    for name, text in list(MIGRATIONS.items())[:upto]:
        (folder / name).write_text(text)
    return folder


@pytest.mark.parametrize(
    ("code", "schema", "works"),
    [
        ("1", 1, True),
        ("1", 2, True),  # the version before on the new schema: the deployment of 2, and its rollback
        ("2", 2, True),
        ("3", 2, True),  # the new version on the schema before its contract
        ("3", 3, True),
        ("2", 3, False),  # contracted a release too early for code that still writes the column
        ("1", 3, False),
    ],
)
async def test_code_and_schema(postgres_url: str, tmp_path: Path, code: str, schema: int, works: bool) -> None:
    await migrate(postgres_url, _folder(tmp_path, schema))
    database = Database.from_url(postgres_url, pool_size=2)
    try:
        if works:
            assert await VERSIONS[code](database) == "Ada"
        else:
            with pytest.raises(asyncpg.UndefinedColumnError):
                await VERSIONS[code](database)
    finally:
        await database.close()


def test_the_check_knows_it(tmp_path: Path) -> None:
    """Version 2 still writes the column, version 3 does not: the contract waits for v3, whose schema is v2's."""
    folder = _folder(tmp_path, 3)
    one, two = frozenset({1}), frozenset({1, 2})
    v1, v2, v3, v4 = (Release(name=f"v{at}", numbers=each) for at, each in enumerate((one, two, two, two), 1))

    def codes(releases: list[Release], versions: int) -> list[str]:
        return [finding.code for finding in check(folder, releases, versions=versions).findings]

    assert codes([v2, v1], 1) == ["R0423"]
    assert codes([v3, v2, v1], 1) == []
    assert codes([v3, v2, v1], 2) == ["R0423"]
    assert codes([v4, v3, v2, v1], 2) == []


@pytest.mark.parametrize(("running", "to"), [("1", 2), ("3", 3)])
async def test_requests_during_the_migration(postgres_url: str, tmp_path: Path, running: str, to: int) -> None:
    """The version that runs answers every request before, while and after the schema changes under it."""
    await migrate(postgres_url, _folder(tmp_path, to - 1))
    database = Database.from_url(postgres_url, pool_size=4)
    answered, stop = 0, asyncio.Event()

    async def user() -> None:
        nonlocal answered
        while not stop.is_set():
            assert await VERSIONS[running](database) == "Ada"
            answered += 1

    users = [asyncio.create_task(user()) for _ in range(4)]
    try:
        async with asyncio.timeout(30):
            while answered < 50:  # noqa: ASYNC110 - what is waited for is counted
                await asyncio.sleep(0)
            await migrate(postgres_url, _folder(tmp_path, to))
            after = answered + 50
            while answered < after and not any(task.done() for task in users):  # noqa: ASYNC110
                await asyncio.sleep(0)
        stop.set()
        await asyncio.gather(*users)
    finally:
        stop.set()
        for task in users:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        await database.close()

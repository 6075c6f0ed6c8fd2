"""F15: a migration killed at any statement leaves all or nothing; an idle transaction with a lock delays it."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from pathlib import Path

import asyncpg
import pytest

from rung.runtime import Database
from rung.runtime.migrations import migrate

pytestmark = pytest.mark.fault
PROGRAM = """
import asyncio, sys
from pathlib import Path
from rung.runtime.migrations import migrate
asyncio.run(migrate(sys.argv[1], Path(sys.argv[2])))
"""
STATEMENTS = (
    "create table account (id integer primary key, balance integer not null)",
    "insert into account values (1, 10), (2, 20)",
    "alter table account add column owner text",
    "update account set owner = 'nobody'",
)


def write_pausing_at(directory: Path, place: int) -> None:
    """The file 0002 waits for the test's advisory lock before its statement number `place`."""
    pause = "select pg_advisory_xact_lock(4242)"
    lines = [*STATEMENTS[:place], pause, *STATEMENTS[place:]]
    (directory / "0001_before.sql").write_text("create table before (id integer)")
    (directory / "0002_accounts.sql").write_text(";\n".join(lines))


async def wait_for_migration(connection: asyncpg.Connection) -> None:
    """Until the migration waits for our lock: it is then before its statement, and everything so far is done."""
    async with asyncio.timeout(40):
        while not await connection.fetchval(  # noqa: ASYNC110 - the server is polled
            "select exists (select from pg_locks where locktype = 'advisory' and not granted)"
        ):
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("place", range(len(STATEMENTS) + 1))
async def test_killed_at_a_statement_nothing_of_the_file_is_left(
    postgres_url: str, tmp_path: Path, place: int
) -> None:
    write_pausing_at(tmp_path, place)
    connection = await asyncpg.connect(postgres_url)
    await connection.execute("select pg_advisory_lock(4242)")
    process = subprocess.Popen(  # noqa: ASYNC220 - starting it is quick
        [sys.executable, "-c", PROGRAM, postgres_url, str(tmp_path)]
    )
    try:
        await wait_for_migration(connection)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    await connection.execute("select pg_advisory_unlock(4242)")

    applied = await migrate(postgres_url, tmp_path)  # waits until the server has ended the killed session
    assert [each.number for each in applied] == [2]
    assert await connection.fetchval("select count(*) from account") == 2
    assert await connection.fetchval("select count(*) from account where owner = 'nobody'") == 2
    assert await connection.fetchval("select array_agg(number order by number) from rung.migrations") == [1, 2]
    await connection.close()


async def test_a_lock_held_by_an_idle_transaction_delays_and_does_not_block_readers(
    postgres_url: str, tmp_path: Path
) -> None:
    holder = await asyncpg.connect(postgres_url)
    await holder.execute("create table item (id integer); insert into item values (1)")
    (tmp_path / "0001_alter.sql").write_text("alter table item add column name text")
    transaction = holder.transaction()
    await transaction.start()
    await holder.fetch("select * from item")  # idle in transaction, with a lock that ALTER TABLE needs

    migration = asyncio.create_task(migrate(postgres_url, tmp_path, lock_timeout_seconds=0.3))
    database = Database.from_url(postgres_url)
    longest_seconds = 0.0
    for _ in range(30):  # readers queue behind the migration for as long as lock_timeout, and no longer
        began = asyncio.get_running_loop().time()
        assert await database.fetch_value("select count(*) from item") == 1
        longest_seconds = max(longest_seconds, asyncio.get_running_loop().time() - began)
        await asyncio.sleep(0.03)
    assert longest_seconds < 0.9
    assert not migration.done()
    await transaction.rollback()
    [applied] = await asyncio.wait_for(migration, 15)
    assert applied.attempts > 1
    await database.close()
    await holder.close()


async def test_old_code_runs_on_the_new_schema_and_new_code_on_the_old(postgres_url: str, tmp_path: Path) -> None:
    """Expand: what the pooled connections of the old code have prepared survives a column that is added."""
    (tmp_path / "0001_items.sql").write_text("create table item (id integer); insert into item values (1)")
    await migrate(postgres_url, tmp_path)
    old_code = Database.from_url(postgres_url, pool_size=1)
    assert [dict(row) for row in await old_code.fetch("select * from item")] == [{"id": 1}]
    (tmp_path / "0002_name.sql").write_text("alter table item add column name text default 'new'")
    await migrate(postgres_url, tmp_path)
    assert (await old_code.fetch("select * from item"))[0]["id"] == 1
    assert await old_code.execute("insert into item (id) values (2)") == "INSERT 0 1"
    await old_code.close()

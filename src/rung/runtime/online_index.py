"""Indexes that are built while the table is written to: files of statements that Postgres runs in no transaction.

`create index concurrently` that is interrupted, or finds a duplicate, leaves an index that is kept up to date and
never used. Such a file may therefore hold only statements that can be repeated, and what a run before left half
built is dropped before it is built again. (PostgreSQL's manual, CREATE INDEX, "Building Indexes Concurrently".)
"""

from __future__ import annotations

import re

import asyncpg

from rung.runtime.database.sql_text import Statement

#: These statements block neither readers nor writers while they wait for transactions that began before them.
LOCK_TIMEOUT_SECONDS = 60.0

_MARK = re.compile(r"^[ \t]*--[ \t]*rung:[ \t]*no transaction[ \t]*$", re.IGNORECASE | re.MULTILINE)
_CREATE = re.compile(
    r"create\s+(?:unique\s+)?index\s+concurrently\s+if\s+not\s+exists\s+(?P<name>\w+)\s+on\s+(?:only\s+)?"
    r"(?:(?P<schema>\w+)\s*\.\s*)?\w+",
    re.IGNORECASE,
)
_DROP = re.compile(r"drop\s+index\s+concurrently\s+if\s+exists\s", re.IGNORECASE)
_IS_VALID = "select indisvalid from pg_index where indexrelid = to_regclass($1)"


def is_online(sql: str) -> bool:
    """Whether the file says, in a line of its own, `-- rung: no transaction`."""
    return _MARK.search(sql) is not None


def can_be_repeated(statement: Statement) -> bool:
    """Whether it builds or drops an index concurrently, and does nothing when that is done already."""
    words = statement.words.lstrip()
    return _CREATE.match(words) is not None or _DROP.match(words) is not None


async def execute(connection: asyncpg.Connection, statement: Statement) -> None:
    """Run one statement of such a file, outside of a transaction; drop first what was left of it half built."""
    created = _CREATE.match(statement.words.lstrip())
    if created is not None:
        schema = created["schema"]
        index = f"{schema}.{created['name']}" if schema else created["name"]
        if await connection.fetchval(_IS_VALID, index) is False:
            await connection.execute(f"drop index concurrently {index}")
    await connection.execute(statement.text)

"""Reads the catalogue and finds what does not keep tenants apart: tables, keys, views, functions, grants, roles.

It runs after migrations (`rung dev`, `rung migrate --tenant-column`, the migration job of a deployment), by hand
(`rung tenants check`) and in a test (`rung.testing.tenancy.assert_isolated`). A new table is then protected, or
the build fails.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import asyncpg

from rung.errors import Finding, Location, MachineError
from rung.runtime.database import isolation_findings as findings
from rung.runtime.database import isolation_sql as sql

#: One catalogue query: the largest catalogues (10,000 tables) take below a second.
TIMEOUT_SECONDS = 10.0
#: Each finding with the name of the object that it is about, for its place in the migrations.
Named = tuple[str, Finding]
#: What is said of the server, and of rows that are missing from an answer: no tenant sees another's by it.
_NO_HOLE = frozenset({"R0416", "R0433", "R0440"})


async def check_isolation(
    connection: asyncpg.Connection,
    column: str = "tenant_id",
    *,
    serving_role: str | None = None,
    migrations: Path | None = None,
) -> list[Finding]:
    """Everything that does not keep the tenants of `column` apart; empty when all is well.

    R0411 to R0414 tables, policies, views, indexes; R0419 foreign keys; R0430 unique keys; R0431 functions; R0432
    grants; with `serving_role` also R0415 what that role may; R0416 and R0433 the server and pgvector; R0440
    indexes of vectors. With the folder of the `migrations`, each finding names the line that made the object. Any
    role may ask.
    """
    named: list[Named] = []
    for query, make in (
        (sql.TABLES, findings.of_table),
        (sql.VIEWS, findings.of_view),
        (sql.FOREIGN_KEYS, findings.of_foreign_key),
        (sql.UNIQUE_KEYS, findings.of_unique_key),
        (sql.FUNCTIONS, findings.of_function),
        (sql.GRANTS, findings.of_grant),
        (sql.EXTENSION, findings.of_vector),
        (sql.APPROXIMATE, findings.of_approximate),
    ):
        for row in await connection.fetch(query, column, timeout=TIMEOUT_SECONDS):
            named += make(row, column)
    if serving_role is not None:
        named += await _role(connection, column, serving_role)
    named += findings.of_server(connection.get_server_version())
    return [_placed(finding, name, migrations) for name, finding in named]


async def require_isolation(
    connection: asyncpg.Connection,
    column: str,
    *,
    serving_role: str | None = None,
    migrations: Path | None = None,
) -> None:
    """`check_isolation` that raises MachineError with everything that is an error, and passes over warnings."""
    found = await check_isolation(connection, column, serving_role=serving_role, migrations=migrations)
    errors = [finding for finding in found if finding.severity == "error"]
    if errors:
        raise MachineError(*errors)


async def check_serving_role(connection: asyncpg.Connection, column: str = "tenant_id") -> list[Finding]:
    """R0415 when the role of this connection can step around row-level security; R0416 an old server."""
    named = await _role(connection, column, None)
    return [finding for _, finding in (*named, *findings.of_server(connection.get_server_version()))]


async def unprotected_tables(connection: asyncpg.Connection, column: str = "tenant_id") -> list[Finding]:
    """`check_isolation` without what concerns the server, the roles and the quality of searches."""
    return [each for each in await check_isolation(connection, column) if each.code not in _NO_HOLE]


async def _role(connection: asyncpg.Connection, column: str, role: str | None) -> list[Named]:
    row = await connection.fetchrow(sql.ROLE, column, role, timeout=TIMEOUT_SECONDS)
    return [] if row is None else list(findings.of_role(row))


def _placed(finding: Finding, name: str, migrations: Path | None) -> Finding:
    place = None if migrations is None else next(_places(name, migrations), None)
    return finding if place is None else replace(finding, location=place)


def _places(name: str, migrations: Path) -> Iterator[Location]:
    """Where the migrations speak of the object, the line that makes it first, in the latest file that does."""
    bare = re.escape(name.rpartition(".")[2].strip('"'))
    made = re.compile(rf'^.*\bcreate\b[^;\n]*"?\b{bare}\b.*$', re.IGNORECASE | re.MULTILINE)
    spoken = re.compile(rf'^.*"?\b{bare}\b.*$', re.IGNORECASE | re.MULTILINE)
    for pattern in (made, spoken):
        for file in sorted(migrations.glob("*.sql"), reverse=True):
            text = file.read_text(encoding="utf-8", errors="replace")
            for found in pattern.finditer(text):
                line = text.count("\n", 0, found.start()) + 1
                yield Location(file=str(file), line=line, text=found[0].strip())

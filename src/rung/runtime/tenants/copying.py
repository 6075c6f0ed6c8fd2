"""One tenant's rows from one place to another, and the proof that they arrived."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from rung.errors import Finding, MachineError
from rung.runtime.tenants.catalogue import TenantTable, quoted

#: One table of one tenant, from its first byte to its last.
TABLE_SECONDS = 3600.0
#: Pieces that wait between the two servers.
PIECES_MAX = 16
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What a table holds of one tenant: rows, and a sum over all of them that does not depend on their order."""

    rows: int
    checksum: str


async def content_of(connection: Any, table: TenantTable, column: str, tenant: str) -> Content:
    """Counted and added up by the server, inside a transaction prepared by `act_for`."""
    row = await connection.fetchrow(
        "select count(*) as rows, "  # noqa: S608 - quoted names
        "coalesce(sum(('x' || substr(md5(content), 1, 15))::bit(60)::bigint), 0)::text as sum from ("
        f"select row({table.column_list})::text as content from {table.sql} where {quoted(column)}::text = $1) r",
        tenant,
        timeout=TABLE_SECONDS,
    )
    return Content(rows=row["rows"], checksum=row["sum"])


async def contents(connection: Any, tables: Sequence[TenantTable], column: str, tenant: str) -> dict[str, Content]:
    """By the name of the table, without its schema."""
    return {table.name: await content_of(connection, table, column, tenant) for table in tables}


def located(tables: Sequence[TenantTable], schema: str) -> list[TenantTable]:
    """The same tables in another schema."""
    return [replace(table, schema=schema) for table in tables]


def compare(source: dict[str, Content], target: dict[str, Content]) -> None:
    """Raises MachineError (R0435), naming every table that differs."""
    differing = {
        name: (content, target.get(name)) for name, content in source.items() if target.get(name) != content
    }
    if differing:
        said = "; ".join(
            f"{name}: {content.rows} rows there, {other.rows if other else 0} here"
            + (", with other values" if other and other.rows == content.rows else "")
            for name, (content, other) in sorted(differing.items())
        )
        raise MachineError(
            Finding(
                code="R0435",
                severity="error",
                message="what arrived is not what was sent",
                found=said,
                effect="the tenant stays where it was; what arrived is not used",
                help="give the same command again: it copies anew; --abort leaves the tenant where it is",
            )
        )


async def clear(connection: Any, tables: Sequence[TenantTable], column: str, tenant: str) -> int:
    """Delete the tenant's rows, children first; how many."""
    total = 0
    for table in reversed(tables):
        tag = await connection.execute(
            f"delete from {table.sql} where {quoted(column)}::text = $1",  # noqa: S608 - quoted names
            tenant,
            timeout=TABLE_SECONDS,
        )
        total += int(tag.rpartition(" ")[2])
    return total


async def copy_tables(
    source: Any,
    target: Any,
    tables: Sequence[TenantTable],
    there: Sequence[TenantTable],
    tenant: str,
    *,
    column: str,
    progress: Progress,
) -> None:
    """Parents first, each streamed. Both connections in transactions prepared by `act_for`.

    Rows pass through a temporary table: COPY ... FROM is refused on tables with row-level security, and the insert
    that follows is checked by the policy of the target, whoever runs it.
    """
    for number, (table, arriving) in enumerate(zip(tables, there, strict=True), 1):
        progress(table.full_name, number, len(tables))
        await _copy_table(source, target, table, arriving, column, tenant)


async def _copy_table(
    source: Any, target: Any, table: TenantTable, arriving: TenantTable, column: str, tenant: str
) -> None:
    pieces: asyncio.Queue[bytes | None] = asyncio.Queue(PIECES_MAX)
    await target.execute(
        f"create temporary table rung_arriving on commit drop as select {arriving.column_list} "  # noqa: S608
        f"from {arriving.sql} with no data"
    )
    async with asyncio.TaskGroup() as group:
        group.create_task(_read(source, table, column, tenant, pieces))
        group.create_task(
            target.copy_to_table(
                "rung_arriving",
                source=_pieces(pieces),
                columns=list(table.columns),
                schema_name="pg_temp",
                timeout=TABLE_SECONDS,
            )
        )
    await target.execute(
        f"insert into {arriving.sql} ({arriving.column_list}) overriding system value "  # noqa: S608 - quoted names
        f"select {arriving.column_list} from pg_temp.rung_arriving",
        timeout=TABLE_SECONDS,
    )
    await target.execute("drop table pg_temp.rung_arriving")
    await count_on(target, arriving)


async def _read(
    source: Any, table: TenantTable, column: str, tenant: str, pieces: asyncio.Queue[bytes | None]
) -> None:
    await source.copy_from_query(
        f"select {table.column_list} from {table.sql} where {quoted(column)}::text = $1",  # noqa: S608
        tenant,
        output=pieces.put,
        timeout=TABLE_SECONDS,
    )
    await pieces.put(None)


async def _pieces(pieces: asyncio.Queue[bytes | None]) -> AsyncIterator[bytes]:
    while (piece := await pieces.get()) is not None:
        yield piece


async def count_on(connection: Any, table: TenantTable) -> None:
    """Numbers that the table gives by itself go on after the largest that it holds now."""
    for sequence, column in table.counters:
        await connection.execute(
            f"select setval($1::text::regclass, greatest(coalesce(max({quoted(column)}), 1), "  # noqa: S608
            f"(select last_value from {sequence}))) from {table.sql}",
            sequence,
        )

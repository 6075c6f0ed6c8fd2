"""One tenant, or one person in it, as an archive: a ZIP of one NDJSON file for each table, and a manifest.

    manifest.json        {"schema": "rung.tenant_export/1", "tenant": ..., "tables": [{"name", "rows", "sha256"}]}
    public.orders.ndjson one row as a JSON object for each line, in the order of the primary key

The tables are those that the catalogue has at that moment. What Postgres writes as JSON it reads without loss.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from rung.errors import Finding, MachineError
from rung.runtime.tenants.catalogue import TenantTable, quoted
from rung.runtime.tenants.copying import TABLE_SECONDS, Progress
from rung.runtime.tenants.residency import allowed_for, region_of

SCHEMA = "rung.tenant_export/1"
BATCH = 1000
MANIFEST = "manifest.json"


class ArchivedTable(msgspec.Struct, frozen=True):
    """One file of an archive: rows, and the checksum of its bytes."""

    name: str
    rows: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What an archive says of itself. `subject`: the person that it is limited to."""

    schema: str
    tenant: str
    column: str
    exported_at: str
    subject: str | None = None
    #: Where its rows may live, and the region of the database that they were read from.
    residency: tuple[str, ...] = ()
    region: str | None = None
    tables: tuple[ArchivedTable, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """What is exported: a tenant, or with `subject` one person of it, where a column names persons."""

    tenant: str
    column: str = "tenant_id"
    subject: str | None = None

    def condition(self, table: TenantTable) -> str:
        """The rows, with $1 for the tenant and $2 for the person."""
        mine = f"{quoted(self.column)}::text = $1"
        if self.subject is None:
            return mine
        assert table.subject is not None
        return f"{mine} and {quoted(table.subject)}::text = $2"

    @property
    def arguments(self) -> tuple[str, ...]:
        """What the condition takes."""
        return (self.tenant,) if self.subject is None else (self.tenant, self.subject)

    def of(self, tables: Sequence[TenantTable]) -> list[TenantTable]:
        """Those that hold anything of it. Raises MachineError (R0439) when no column names persons."""
        if self.subject is None:
            return list(tables)
        chosen = [table for table in tables if table.subject is not None]
        if not chosen:
            raise MachineError(_no_subjects())
        return chosen


async def write_archive(
    connection: Any, tables: Sequence[TenantTable], export: Export, file: Path, progress: Progress
) -> Manifest:
    """Write `file`, replacing it when it is complete. `connection`: in a snapshot prepared by `act_for`."""
    part = file.with_suffix(file.suffix + ".part")
    chosen, archived = export.of(tables), []
    with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, table in enumerate(chosen, 1):
            progress(table.full_name, number, len(chosen))
            archived.append(await _write_table(connection, table, export, archive))
        manifest = Manifest(
            schema=SCHEMA,
            tenant=export.tenant,
            column=export.column,
            exported_at=datetime.now(UTC).isoformat(timespec="seconds"),
            subject=export.subject,
            residency=await allowed_for(connection, tables, export.column, export.tenant),
            region=await region_of(connection),
            tables=tuple(archived),
        )
        archive.writestr(MANIFEST, json.dumps(msgspec.to_builtins(manifest), indent=2) + "\n")
    part.replace(file)
    return manifest


async def _write_table(
    connection: Any, table: TenantTable, export: Export, archive: zipfile.ZipFile
) -> ArchivedTable:
    order = ", ".join(map(quoted, table.key))
    sql = (
        f"select row_to_json(r)::text from (select {table.column_list} from {table.sql} "  # noqa: S608
        f"where {export.condition(table)} order by {order}) r"
    )
    digest, rows = hashlib.sha256(), 0
    with archive.open(f"{table.full_name}.ndjson", "w", force_zip64=True) as out:
        async for row in connection.cursor(sql, *export.arguments, prefetch=BATCH, timeout=TABLE_SECONDS):
            line = row[0].encode() + b"\n"
            digest.update(line)
            out.write(line)
            rows += 1
    return ArchivedTable(table.full_name, rows, digest.hexdigest())


def read_manifest(file: Path) -> Manifest:
    """The manifest, with every checksum compared. Raises MachineError (R0438)."""
    try:
        with zipfile.ZipFile(file) as archive:
            manifest = msgspec.json.decode(archive.read(MANIFEST), type=Manifest)
            if manifest.schema != SCHEMA:
                raise MachineError(_damaged(file, f"its schema is {manifest.schema!r}, not {SCHEMA!r}"))
            wrong = [table.name for table in manifest.tables if _digest(archive, table) != table.sha256]
    except (OSError, KeyError, zipfile.BadZipFile, msgspec.MsgspecError) as error:
        raise MachineError(_damaged(file, str(error))) from error
    if wrong:
        raise MachineError(_damaged(file, f"other contents than were written: {', '.join(wrong)}"))
    return manifest


def _digest(archive: zipfile.ZipFile, table: ArchivedTable) -> str:
    with archive.open(f"{table.name}.ndjson") as entry:
        return hashlib.file_digest(entry, "sha256").hexdigest()  # type: ignore[arg-type]


def batches_of(file: Path, name: str) -> Iterator[tuple[str, int]]:
    """The rows of one table as JSON arrays of at most `BATCH`, each with how many it holds."""
    with zipfile.ZipFile(file) as archive, archive.open(f"{name}.ndjson") as entry:
        lines: list[str] = []
        for line in entry:
            lines.append(line.decode())
            if len(lines) == BATCH:
                yield f"[{','.join(lines)}]", len(lines)
                lines = []
        if lines:
            yield f"[{','.join(lines)}]", len(lines)


def _no_subjects() -> Finding:
    return Finding(
        code="R0439",
        severity="error",
        message="no column of any table names data subjects",
        found="no column with a comment that begins with 'rung: data subject'",
        effect="nothing is exported",
        help="say which one does: comment on column member.email is 'rung: data subject'",
    )


def _damaged(file: Path, found: str) -> Finding:
    return Finding(
        code="R0438",
        severity="error",
        message=f"{file.name} cannot be restored",
        found=found,
        effect="nothing is restored",
        help="take another export, or one that was not changed since it was written",
    )


def foreign(file: Path, found: str) -> Finding:
    """R0438 for rows that do not belong to the tenant of the manifest, or do not fit."""
    return _damaged(file, found)

"""Which tables belong to tenants? Read from the text of the migrations; no database, no SQL parser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from rung.errors import Location
from rung.model.graph import Graph, TenantColumn
from rung.model.nodes import Postgres
from rung.model.sources import display_path

#: The name that a tenant's column has unless the tenancy names another.
USUAL_COLUMN = "tenant_id"
_COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
_TABLE = re.compile(
    r"\b(?:create\s+(?:unlogged\s+)?table\s+(?:if\s+not\s+exists\s+)?|alter\s+table\s+(?:if\s+exists\s+)?(?:only\s+)?)"
    r"(?P<name>[\w.\"]+)(?P<rest>[^;]*)",
    re.IGNORECASE,
)


def tenant_columns(graph: Graph) -> tuple[TenantColumn, ...]:
    """The tables with a tenant's column in the migrations of every database, in the order of the files."""
    found: dict[tuple[str, str], TenantColumn] = {}
    for database in graph.of(Postgres):
        if database.migrations is not None:
            for column in _of_folder(database, Path(graph.root, database.migrations)):
                found.setdefault((column.database, column.table), column)
    return tuple(found.values())


def _of_folder(database: Postgres, folder: Path) -> Iterator[TenantColumn]:
    column = database.tenancy.column if database.tenancy and database.tenancy.column else USUAL_COLUMN
    for file in sorted(folder.glob("*.sql")):
        text = _COMMENT.sub(_blank, file.read_text(encoding="utf-8", errors="replace"))
        for statement in _TABLE.finditer(text):
            definition = re.search(rf"\b{re.escape(column)}\s+\w", statement["rest"])
            if definition is None or "drop column" in statement["rest"].lower():
                continue
            line = text.count("\n", 0, statement.start("rest") + definition.start()) + 1
            place = Location(file=display_path(str(file)), line=line, text=text.splitlines()[line - 1].strip())
            yield TenantColumn(
                database=database.name, table=statement["name"].replace('"', ""), column=column, location=place
            )


def _blank(match: re.Match[str]) -> str:
    """A comment as empty lines, so that line numbers stay true."""
    return "\n" * match[0].count("\n")

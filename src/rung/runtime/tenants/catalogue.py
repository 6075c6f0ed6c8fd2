"""Which tables belong to tenants, as the database itself says: what is moved, exported, deleted and restored.

Nothing is listed by hand, so that a table made tomorrow is in tomorrow's export too.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import Any

from rung.errors import Finding, MachineError
from rung.runtime.database.isolation_sql import WAIVER

#: A comment on a column that begins so makes it the one that names a data subject.
SUBJECT = "rung: data subject"
TIMEOUT_SECONDS = 10.0

_TABLES = """
select c.oid, n.nspname::text as schema, c.relname::text as name,
       (select array_agg(a.attname::text order by a.attname) from pg_attribute a
         where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = '') as columns,
       (select array_agg(format_type(a.atttypid, a.atttypmod) order by a.attname) from pg_attribute a
         where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = '') as types,
       (select a.attname::text from pg_attribute a
         where a.attrelid = c.oid and col_description(c.oid, a.attnum) like $3 || '%' limit 1) as subject,
       array(select f.confrelid from pg_constraint f
              where f.conrelid = c.oid and f.contype = 'f' and f.confrelid <> c.oid) as parents,
       array(select pg_get_serial_sequence(format('%I.%I', n.nspname, c.relname), a.attname) || '/'
                    || a.attname
               from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
                and pg_get_serial_sequence(format('%I.%I', n.nspname, c.relname), a.attname) is not null)
           as counters,
       coalesce((select array_agg(a.attname::text order by k.place) from pg_index i
          cross join unnest(i.indkey::int2[]) with ordinality k (number, place)
          join pg_attribute a on a.attrelid = c.oid and a.attnum = k.number
         where i.indrelid = c.oid and i.indisprimary), '{}') as key
  from pg_class c
  join pg_namespace n on n.oid = c.relnamespace
  join pg_attribute t on t.attrelid = c.oid and t.attname = $1 and not t.attisdropped
 where c.relkind in ('r', 'p') and not c.relispartition
   and (case when $4::text is null
        then n.nspname not in ('pg_catalog', 'information_schema', 'rung') and n.nspname !~ '^pg_'
             and coalesce(obj_description(n.oid, 'pg_namespace'), '') not like 'rung: tenant%'
        else n.nspname = $4 end)
   and coalesce(obj_description(c.oid, 'pg_class'), '') not like $2 || '%'
 order by 2, 3
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantTable:
    """One table of tenants. `columns` without generated ones, by name, each with its type."""

    schema: str
    name: str
    columns: tuple[str, ...]
    types: tuple[str, ...]
    key: tuple[str, ...]
    subject: str | None
    counters: tuple[tuple[str, str], ...]

    @property
    def full_name(self) -> str:
        """`schema.table`, for people and archives."""
        return f"{self.schema}.{self.name}"

    @property
    def sql(self) -> str:
        """The table as SQL reads it."""
        return f"{quoted(self.schema)}.{quoted(self.name)}"

    @property
    def column_list(self) -> str:
        """The columns as SQL reads them."""
        return ", ".join(quoted(column) for column in self.columns)


def quoted(name: str) -> str:
    """A name as SQL reads it, whatever characters it has."""
    return '"' + name.replace('"', '""') + '"'


async def tenant_tables(
    connection: Any, column: str = "tenant_id", *, schema: str | None = None
) -> list[TenantTable]:
    """The tables of tenants, parents before those that refer to them; of one `schema`, or all that are shared.

    Tables that say that they reach across tenants are left out. Raises MachineError: R0439 where foreign keys go
    round in a circle, or a table has no primary key.
    """
    rows = await connection.fetch(_TABLES, column, WAIVER, SUBJECT, schema, timeout=TIMEOUT_SECONDS)
    tables = {row["oid"]: _table(row) for row in rows}
    holes = [_keyless(table) for table in tables.values() if not table.key]
    if holes:
        raise MachineError(*holes)
    parents = {row["oid"]: [parent for parent in row["parents"] if parent in tables] for row in rows}
    try:
        return [tables[oid] for oid in TopologicalSorter(parents).static_order()]
    except CycleError as error:
        raise MachineError(_circle([tables[oid].full_name for oid in error.args[1]])) from error


def _table(row: Any) -> TenantTable:
    counters = tuple(tuple(each.rsplit("/", 1)) for each in row["counters"])
    return TenantTable(
        schema=row["schema"],
        name=row["name"],
        columns=tuple(row["columns"]),
        types=tuple(row["types"]),
        key=tuple(row["key"]),
        subject=row["subject"],
        counters=counters,
    )


def _keyless(table: TenantTable) -> Finding:
    return Finding(
        code="R0439",
        severity="error",
        message=f"table {table.full_name} cannot be moved, exported or restored",
        found="no primary key: two equal rows could not be told apart",
        effect="nothing is done",
        help="add one that the tenant leads: primary key (tenant_id, id)",
    )


def _circle(names: Iterable[str]) -> Finding:
    return Finding(
        code="R0439",
        severity="error",
        message="tables of tenants refer to each other in a circle",
        found=" -> ".join(names),
        effect="there is no order in which their rows could be written; nothing is done",
        help="make one of the foreign keys a table of its own",
    )

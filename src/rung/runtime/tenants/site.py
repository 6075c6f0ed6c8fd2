"""One place as who moves tenants sees it: a connection, and the tables of tenants there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg

from rung.errors import ApplicationError, Finding, MachineError
from rung.runtime.database.login import open_connection
from rung.runtime.database.tenancy import ColumnType, grant_rows, rls_statements
from rung.runtime.migrations import migrate, unreachable
from rung.runtime.tenants.catalogue import TenantTable, quoted, tenant_tables
from rung.runtime.tenants.places import Place
from rung.runtime.tenants.silos import url_of
from rung.runtime.tenants.tables import install_tenants

CONNECT_TIMEOUT_SECONDS = 10.0
_GRANTED = """
select distinct r.rolname::text as role
  from pg_class c cross join lateral aclexplode(c.relacl) acl join pg_roles r on r.oid = acl.grantee
 where c.oid = $1::text::regclass and acl.grantee <> c.relowner and acl.privilege_type = 'SELECT'
"""
_KEYS = """
select format('%I', f.conname) as name, pg_get_constraintdef(f.oid) as said
  from pg_constraint f where f.conrelid = $1::text::regclass and f.contype = 'f' and f.conparentid = 0
"""
_COLUMN_TYPES: dict[str, ColumnType] = {"uuid": "uuid", "integer": "integer", "bigint": "bigint"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A place, opened. `name` is what triggers call it: `shared`, or the schema."""

    place: Place
    connection: Any
    tables: tuple[TenantTable, ...]

    @property
    def name(self) -> str:
        """What the triggers of these tables are told."""
        return self.place.target if self.place.tier == "schema" else "shared"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sites:
    """How places are reached, as the owner of their tables. `urls`: of databases that are on another server."""

    url: str
    column: str = "tenant_id"
    urls: Mapping[str, str]
    migrations: Path | None = None

    async def connect(self, place: Place) -> Any:
        """A connection to the database that holds the place. Raises MachineError (R0407)."""
        url = self.url
        if place.tier == "database":
            url = self.urls.get(place.target) or url_of(self.url, place.target)
        settings = {"application_name": "rung tenants"}
        try:
            return await open_connection(url, timeout=CONNECT_TIMEOUT_SECONDS, server_settings=settings)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, ApplicationError) as error:
            raise MachineError(unreachable(error)) from error

    async def open(self, place: Place) -> Site:
        """The place as it is. Raises MachineError."""
        connection = await self.connect(place)
        try:
            await install_tenants(connection)
            schema = place.target if place.tier == "schema" else None
            tables = await tenant_tables(connection, self.column, schema=schema)
        except BaseException:
            connection.terminate()
            raise
        return Site(place=place, connection=connection, tables=tuple(tables))

    async def prepare(self, place: Place, model: Site) -> Site:
        """The place with every table that `model` has, made where that can be done; grants as there.

        Raises MachineError: R0436 where a table is missing or has other columns.
        """
        if place.tier == "schema":
            connection = await self.connect(place)
            try:
                await _create_schema(connection, place.target, model.tables, self.column)
            finally:
                connection.terminate()
        elif place.tier == "database" and self.migrations is not None:
            await migrate(self.urls.get(place.target) or url_of(self.url, place.target), self.migrations)
        site = await self.open(place)
        try:
            _require_equal(model.tables, site)
            if place.tier == "database":
                await _grant(site.connection, model)
        except BaseException:
            site.connection.terminate()
            raise
        return site


async def _grant(connection: Any, model: Site) -> None:
    roles = await model.connection.fetch(_GRANTED, model.tables[0].sql) if model.tables else []
    for row in roles:
        if await connection.fetchval("select true from pg_roles where rolname = $1", row["role"]):
            await connection.execute(
                f"grant connect on database {await _name(connection)} to {quoted(row['role'])}"
            )
            await grant_rows(connection, row["role"])


async def _name(connection: Any) -> str:
    return quoted(await connection.fetchval("select current_database()"))


async def _create_schema(connection: Any, schema: str, tables: Sequence[TenantTable], column: str) -> None:
    """Tables, keys, indexes, checks, policies and grants like those of the shared tables. Idempotent."""
    async with connection.transaction():
        await connection.execute(
            f"create schema if not exists {quoted(schema)}; comment on schema {quoted(schema)} is 'rung: tenant'"
        )
        fresh = [
            table
            for table in tables
            if not await connection.fetchval("select to_regclass($1)", f"{quoted(schema)}.{quoted(table.name)}")
        ]
        for table in fresh:
            await _create_table(connection, schema, table, column)
        for table in fresh:
            await _create_keys(connection, schema, table)


async def _create_table(connection: Any, schema: str, table: TenantTable, column: str) -> None:
    name = f"{quoted(schema)}.{quoted(table.name)}"
    await connection.execute(f"create table {name} (like {table.sql} including all)")
    kind = _COLUMN_TYPES.get(table.types[table.columns.index(column)], "text")
    for statement in rls_statements(f"{schema}.{table.name}", column, column_type=kind):
        await connection.execute(statement)
    for row in await connection.fetch(_GRANTED, table.sql):
        role = quoted(row["role"])
        await connection.execute(
            f"grant usage on schema {quoted(schema)} to {role};"
            f"grant select, insert, update, delete on {name} to {role};"
            f"grant usage, select on all sequences in schema {quoted(schema)} to {role}"
        )


async def _create_keys(connection: Any, schema: str, table: TenantTable) -> None:
    """Written without schemas by the server, and read again where the tenant's own tables come first."""
    await connection.execute(f"set local search_path = {quoted(table.schema)}")
    keys = await connection.fetch(_KEYS, table.sql)
    await connection.execute(f"set local search_path = {quoted(schema)}, {quoted(table.schema)}")
    for key in keys:
        await connection.execute(f"alter table {quoted(table.name)} add constraint {key['name']} {key['said']}")


def _require_equal(wanted: Sequence[TenantTable], site: Site) -> None:
    there = {table.name: table for table in site.tables}
    findings = []
    for table in wanted:
        found = there.get(table.name)
        if found is None or (found.columns, found.types) != (table.columns, table.types):
            findings.append(_unlike(table, found, site.place))
    if findings:
        raise MachineError(*findings)


def _unlike(table: TenantTable, found: TenantTable | None, place: Place) -> Finding:
    wanted = {f"{name} {kind}" for name, kind in zip(table.columns, table.types, strict=True)}
    there = {f"{name} {kind}" for name, kind in zip(found.columns, found.types, strict=True)} if found else set()
    said = (
        f"missing {', '.join(sorted(wanted - there))}; beyond it {', '.join(sorted(there - wanted)) or 'nothing'}"
    )
    return Finding(
        code="R0436",
        severity="error",
        message=f"table {table.name} of {place} is not like the one that the tenant's rows come from",
        found=said if found else "there is no such table",
        effect="nothing is copied; the tenant stays where it is",
        help="apply the same migrations there: rung tenants move ... --migrations DIRECTORY does, for a database",
    )

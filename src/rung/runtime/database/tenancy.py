"""Tenants kept apart by Postgres itself: policies, and the roles. `isolation.py` checks what came of them.

Three roles. The *owner* creates the tables and migrates. The *serving role* runs every request: it owns
nothing, is no superuser and has no BYPASSRLS, so it cannot see another tenant's row even when the application
forgets a condition. An *operator* may bypass, and never serves a request.

A policy compares the tenant column with the transaction's setting `app.tenant_id`. Without one, no row is
seen and no row can be written. `nullif` matters: on a pooled connection the setting reverts to the empty
string and not to null once any transaction has set it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal, TypeAlias

import asyncpg

SETTING = "app.tenant_id"
ColumnType: TypeAlias = Literal["text", "uuid", "integer", "bigint"]
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}", re.ASCII)


def quote(identifier: str) -> str:
    """`schema.table`, or one name, as SQL. Raises ValueError for what is not a plain ASCII identifier."""
    parts = identifier.split(".")
    if len(parts) > 2 or not all(_IDENTIFIER.fullmatch(part) for part in parts):
        raise ValueError(f"not a table or column name: {identifier!r}")
    return ".".join(f'"{part}"' for part in parts)


def rls_statements(table: str, column: str = "tenant_id", *, column_type: ColumnType = "text") -> list[str]:
    """What protects `table`, for a migration; running it twice changes nothing.

    FORCE makes the owner subject to the policy too. The setting stands in a sub-select so that it is read
    once per statement and not once per row. An index should lead with `column`.
    """
    name = quote(table)
    cast = "" if column_type == "text" else f"::{column_type}"
    rule = f"{quote(column)} = (select nullif(current_setting('{SETTING}', true), ''){cast})"
    return [
        f"alter table {name} enable row level security",
        f"alter table {name} force row level security",
        f"drop policy if exists tenant_isolation on {name}",
        f"create policy tenant_isolation on {name} using ({rule}) with check ({rule})",
    ]


async def create_serving_role(
    connection: asyncpg.Connection, role: str, *, password: str | None = None, schemas: Sequence[str] = ("public",)
) -> None:
    """Create or correct the role that requests run as, and grant it rows, never tables. Idempotent.

    Call as the owner of the schemas (who may create roles), after the migrations; tables that the owner
    creates later are granted by default privileges. TRUNCATE and REFERENCES are withheld: they ignore
    row-level security. A `password` allows the role to log in.
    """
    name = quote(role)
    if not await connection.fetchval("select exists (select from pg_roles where rolname = $1)", role):
        await connection.execute(f"create role {name}")
    await connection.execute(f"alter role {name} nosuperuser nobypassrls nocreatedb nocreaterole noinherit")
    if password is not None:
        literal = await connection.fetchval("select quote_literal($1::text)", password)
        await connection.execute(f"alter role {name} login password {literal}")
    for schema in schemas:
        await connection.execute("; ".join(_grants(quote(schema), name)))


async def create_operator_role(
    connection: asyncpg.Connection, role: str, *, password: str | None = None, schemas: Sequence[str] = ("public",)
) -> None:
    """Create or correct the role of operators: it reads and writes rows of every tenant, and owns nothing.

    For `rung tenants` and for people, never for a request. Only a superuser, or who has BYPASSRLS itself, may
    give it; where nobody may (RDS), operators work tenant by tenant, as `rung tenants` does.
    """
    name = quote(role)
    if not await connection.fetchval("select exists (select from pg_roles where rolname = $1)", role):
        await connection.execute(f"create role {name}")
    await connection.execute(f"alter role {name} nosuperuser bypassrls nocreatedb nocreaterole noinherit")
    if password is not None:
        literal = await connection.fetchval("select quote_literal($1::text)", password)
        await connection.execute(f"alter role {name} login password {literal}")
    for schema in schemas:
        await connection.execute("; ".join(_grants(quote(schema), name)))


async def grant_rows(
    connection: asyncpg.Connection, role: str, *, rows: Literal["read", "write", "all"] = "all"
) -> None:
    """Let `role` read or write rows in every schema of the application, and nothing in the schema `rung`.

    Call as the owner, after the migrations; tables that the owner creates later are granted by default privileges.
    Who writes and does not read can neither look for a row to change nor have an inserted one returned.
    """
    schemas = await connection.fetch(
        "select quote_ident(nspname) as name, quote_ident($1) as role from pg_namespace"
        " where nspname !~ '^pg_' and nspname not in ('information_schema', 'rung')",
        role,
    )
    for schema in schemas:
        await connection.execute("; ".join(_grants(schema["name"], schema["role"], rows)))


#: What is granted on tables, and on the sequences that number their rows.
_PRIVILEGES = {
    "read": ("select", "select"),
    "write": ("insert, update, delete", "usage"),
    "all": ("select, insert, update, delete", "usage, select"),
}


def _grants(schema: str, role: str, rows: str = "all") -> list[str]:
    tables, counters = _PRIVILEGES[rows]
    return [
        f"grant usage on schema {schema} to {role}",
        f"grant {tables} on all tables in schema {schema} to {role}",
        f"grant {counters} on all sequences in schema {schema} to {role}",
        f"alter default privileges in schema {schema} grant {tables} on tables to {role}",
        f"alter default privileges in schema {schema} grant {counters} on sequences to {role}",
    ]

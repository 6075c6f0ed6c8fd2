"""Tenants kept apart by Postgres itself: policies, the role that serves requests, and a check of the catalogue.

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

from rung.errors import Finding

SETTING = "app.tenant_id"
ColumnType: TypeAlias = Literal["text", "uuid", "integer", "bigint"]
#: The first releases without CVE-2025-8713 (statistics show hidden rows), by major version; 18.4 mends more.
FIXED_VERSIONS: dict[int, int] = {13: 22, 14: 19, 15: 14, 16: 10, 17: 6, 18: 4}
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


_TENANT_RELATIONS = """
select format('%I.%I', n.nspname, c.relname) as name, c.relkind::text as kind, c.oid,
       c.relrowsecurity as enabled, c.relforcerowsecurity as forced,
       owner.rolsuper or owner.rolbypassrls as owner_bypasses,
       coalesce('security_invoker=true' = any (c.reloptions) or 'security_invoker=on' = any (c.reloptions), false)
           as as_invoker,
       (select count(*) from pg_policy p where p.polrelid = c.oid and p.polpermissive) as policies,
       (select coalesce(array_agg(p.polname::text order by p.polname), '{}') from pg_policy p
         where p.polrelid = c.oid and p.polpermissive
           and (coalesce(pg_get_expr(p.polqual, p.polrelid), '') || coalesce(
                pg_get_expr(p.polwithcheck, p.polrelid), '')) not like '%app.tenant_id%') as foreign_policies,
       exists (select from pg_index i where i.indrelid = c.oid and i.indkey[0] = a.attnum) as indexed
  from pg_class c
  join pg_namespace n on n.oid = c.relnamespace
  join pg_attribute a on a.attrelid = c.oid and a.attname = $1 and not a.attisdropped
  join pg_roles owner on owner.oid = c.relowner
 where c.relkind in ('r', 'p', 'v', 'm', 'f')
   and n.nspname not in ('pg_catalog', 'information_schema') and n.nspname not like 'pg_temp%'
 order by 1
"""


async def unprotected_tables(connection: asyncpg.Connection, column: str = "tenant_id") -> list[Finding]:
    """Everything with the tenant column that does not keep tenants apart; empty when all is well.

    R0411 a table without ENABLE, FORCE or a policy; R0412 a policy that is not about the tenant; R0413 a view
    or materialized view that shows all tenants; R0414 (warning) no index leads with the tenant. Put it into a
    test of the application: a new table is then protected or the test fails.
    """
    findings: list[Finding] = []
    for relation in await connection.fetch(_TENANT_RELATIONS, column):
        if relation["kind"] in ("r", "p"):
            findings += _table_findings(relation, column)
        elif relation["kind"] != "v" or (relation["owner_bypasses"] and not relation["as_invoker"]):
            findings.append(_view_finding(relation, column))
    return findings


def _table_findings(table: asyncpg.Record, column: str) -> list[Finding]:
    name = table["name"]
    lacking = [
        word
        for word, there in (
            ("ENABLE ROW LEVEL SECURITY", table["enabled"]),
            ("FORCE ROW LEVEL SECURITY", table["forced"]),
            ("a policy", table["policies"]),
        )
        if not there
    ]
    findings = [_unprotected(name, column, lacking)] if lacking else []
    if table["foreign_policies"]:
        findings.append(_foreign_policy(name, table["foreign_policies"]))
    if not table["indexed"]:
        findings.append(_unindexed(name, column))
    return findings


def _unprotected(name: str, column: str, lacking: Sequence[str]) -> Finding:
    return Finding(
        code="R0411",
        severity="error",
        message=f"table {name} has the column {column} and does not keep tenants apart",
        found=f"without {', '.join(lacking)}",
        effect="a query that forgets its condition reads or writes every tenant's rows",
        help=f"add the statements of rls_statements({name!r}) to a new migration",
    )


def _foreign_policy(name: str, policies: Sequence[str]) -> Finding:
    return Finding(
        code="R0412",
        severity="error",
        message=f"a policy of table {name} is not about the tenant",
        found=f"permissive without {SETTING}: {', '.join(policies)}",
        effect="permissive policies are joined by OR: this one lets rows of other tenants through",
        help="drop it, make it `as restrictive`, or add the tenant to its condition",
    )


def _view_finding(relation: asyncpg.Record, column: str) -> Finding:
    what = {"v": "view", "m": "materialized view", "f": "foreign table"}[relation["kind"]]
    return Finding(
        code="R0413",
        severity="error",
        message=f"{what} {relation['name']} shows the rows of all tenants",
        found=f"it has the column {column}, and row-level security does not reach through it",
        effect="whoever may read it reads every tenant",
        help="make a view `with (security_invoker = true)`; keep the others away from the serving role",
    )


def _unindexed(name: str, column: str) -> Finding:
    return Finding(
        code="R0414",
        severity="warning",
        message=f"no index of table {name} leads with {column}",
        effect="every statement of one tenant reads the rows of all",
        help=f"lead the primary key with it: primary key ({column}, id)",
    )


async def check_serving_role(connection: asyncpg.Connection, column: str = "tenant_id") -> list[Finding]:
    """R0415 when the role of this connection can step around row-level security; R0416 an old server."""
    findings: list[Finding] = []
    row = await connection.fetchrow(
        "select current_user as name, rolsuper, rolbypassrls, array(select c.oid::regclass::text from pg_class c "
        "join pg_attribute a on a.attrelid = c.oid and a.attname = $1 where c.relowner = r.oid) as owned "
        "from pg_roles r where rolname = current_user",
        column,
    )
    assert row is not None
    powers = [power for power, has in (("superuser", row["rolsuper"]), ("BYPASSRLS", row["rolbypassrls"])) if has]
    powers += [f"owner of {table}" for table in row["owned"]]
    if powers:
        findings.append(_powerful(row["name"], powers))
    version = connection.get_server_version()
    floor = FIXED_VERSIONS.get(version.major)
    if version.major < min(FIXED_VERSIONS) or (floor is not None and version.micro < floor):
        findings.append(_old_server(f"{version.major}.{version.micro}", floor))  # 17.6 is (17, 0, 6) in asyncpg
    return findings


def _powerful(name: str, powers: Sequence[str]) -> Finding:
    return Finding(
        code="R0415",
        severity="error",
        message=f"requests run as {name}, who can step around row-level security",
        found=", ".join(powers),
        effect="tenants are kept apart by the application's conditions alone",
        help="connect as a role made by create_serving_role, and keep the owner for migrations",
    )


def _old_server(version: str, floor: int | None) -> Finding:
    major = version.split(".", maxsplit=1)[0]
    return Finding(
        code="R0416",
        severity="warning",
        message=f"Postgres {version} has known holes in row-level security",
        found="CVE-2025-8713 and others: planner statistics show hidden rows",
        effect="a tenant who can run expensive operators may learn values of another",
        help=f"upgrade to {major}.{floor}" if floor else "upgrade to a supported major version",
    )

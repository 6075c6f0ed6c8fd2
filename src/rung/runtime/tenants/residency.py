"""Where a tenant's rows may live, and where they do. The database itself says both, in comments.

    comment on column organisations.residency is 'rung: residency';     -- this column says: eu, us-east-1
    rung tenants region --set eu-west-1                                  -- this database is there

A tenant whose column is empty, or who has no such column, may live anywhere. `eu` allows every region that begins
with `eu-`. One database is in one place: what all tenants share there cannot be in several regions.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from rung.errors import Finding, MachineError, UsageError
from rung.runtime.tenants.catalogue import TenantTable, quoted
from rung.runtime.tenants.places import Place

#: A comment on a column that begins so makes it the one that says where a tenant may live.
RESIDENCY = "rung: residency"
_REGION_COMMENT = "rung: region "
_REGION = re.compile(r"[a-z][a-z0-9-]{0,62}", re.ASCII)
_COLUMN = """
select a.attname::text from pg_attribute a
 where a.attrelid = $1::text::regclass and a.attnum > 0 and not a.attisdropped
   and col_description(a.attrelid, a.attnum) like $2 || '%' limit 1
"""
_READ = "select obj_description(to_regnamespace('rung')::oid, 'pg_namespace')"


async def region_of(connection: Any) -> str | None:
    """The region of this database; None where nobody has said it."""
    said = str(await connection.fetchval(_READ) or "")
    return said.removeprefix(_REGION_COMMENT) if said.startswith(_REGION_COMMENT) else None


async def set_region(connection: Any, region: str) -> None:
    """Say where this database is, as the owner of schema `rung`. Raises UsageError for what is no region."""
    if _REGION.fullmatch(region) is None:
        raise UsageError(f"{region!r} is no region: say it as eu-west-1, in lower case")
    await connection.execute(f"comment on schema rung is '{_REGION_COMMENT}{region}'")


async def allowed_for(connection: Any, tables: Sequence[TenantTable], column: str, tenant: str) -> tuple[str, ...]:
    """Where the tenant may live, as its rows say; nothing: anywhere. In a transaction prepared by `act_for`."""
    found: set[str] = set()
    for table in tables:
        name = await connection.fetchval(_COLUMN, table.sql, RESIDENCY)
        if name is not None:
            sql = (
                f"select distinct {quoted(name)}::text as said from {table.sql} where {quoted(column)}::text = $1"  # noqa: S608
            )
            found |= {row["said"] for row in await connection.fetch(sql, tenant) if row["said"]}
    return tuple(sorted(found))


def fits(region: str | None, allowed: Sequence[str]) -> bool:
    """Whether rows that may live in each of `allowed` may be in `region`. Nobody knows where: they may not."""
    return all(region is not None and (region == each or region.startswith(f"{each}-")) for each in allowed)


def require_fit(tenant: str, allowed: Sequence[str], region: str | None, place: Place | str) -> None:
    """Raises MachineError (R0441) unless the tenant's rows may be there."""
    if not fits(region, allowed):
        raise MachineError(_refused(tenant, allowed, region, str(place)))


def _refused(tenant: str, allowed: Sequence[str], region: str | None, place: str) -> Finding:
    where = f"is in {region}" if region is not None else "does not say where it is"
    return Finding(
        code="R0441",
        severity="error",
        message=f"the rows of tenant {tenant} may not be there",
        found=f"they may live in {' and '.join(allowed)}; {place} {where}",
        effect="nothing is copied; the tenant stays where it is",
        help="choose a database there, or say where this one is: rung tenants region --url URL --set REGION",
    )

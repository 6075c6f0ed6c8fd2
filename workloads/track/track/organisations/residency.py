"""Where an organisation's data may be, and where it is: said plainly, also when nothing enforces it.

All organisations of an installation share one database, so all are in one region. Refused is: to make an
organisation where its data may not be, and for `rung tenants move` and `restore` to take it there. The database
says where it is (`rung tenants region`); an installation that nobody has told knows nothing, and says that.
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

from track.api.messages import Output
from track.problems import Problem
from track.resources import db

Residency: TypeAlias = Literal["eu", "us"]
#: As `rung tenants region` writes it.
_PREFIX = "rung: region "


class ResidencyState(Output, frozen=True, kw_only=True):
    """`kept`: the data is where it may be; `broken`: it is not; `unknown`: nobody said where the database is."""

    allowed: Residency
    region: str | None
    state: Literal["kept", "broken", "unknown"]


async def region_of(connection: Any) -> str | None:
    """The region of this database, as its operator has said it."""
    said = await connection.fetchval("select obj_description(to_regnamespace('rung')::oid, 'pg_namespace')")
    return said.removeprefix(_PREFIX) if said is not None and said.startswith(_PREFIX) else None


def judged(allowed: Residency, region: str | None) -> ResidencyState:
    """What holds for data that may be in `allowed` and is in `region`."""
    if region is None:
        return ResidencyState(allowed=allowed, region=None, state="unknown")
    is_kept = region == allowed or region.startswith(f"{allowed}-")
    return ResidencyState(allowed=allowed, region=region, state="kept" if is_kept else "broken")


async def checked(connection: Any, wanted: Residency | None) -> Residency:
    """`wanted`, or where this installation is. Raises Problem 409 where that is known to be elsewhere."""
    region = await region_of(connection)
    if wanted is None:
        return "us" if judged("us", region).state == "kept" else "eu"
    if judged(wanted, region).state == "broken":
        raise Problem(
            409, "region_unavailable", f"this installation keeps its data in {region}: choose that region"
        )
    return wanted


async def state() -> ResidencyState:
    """Of the current organisation."""
    async with db.transaction(read_only=True) as connection:
        allowed: Residency = await connection.fetchval("select residency from organisations")
        return judged(allowed, await region_of(connection))

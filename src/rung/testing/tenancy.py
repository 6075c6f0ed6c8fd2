"""Tests of tenancy for applications: the check of the catalogue, and a machine that looks for a way across.

    async def test_tenants_are_kept_apart(owner_url):
        await assert_isolated(owner_url, serving_role="shop_app", migrations=Path("migrations"))

    def test_no_way_across():
        assert search(ShopMachine, attempts=10_000) >= 10_000     # ShopMachine(CrossTenantMachine)

`CrossTenantMachine` needs Hypothesis.
"""

from __future__ import annotations

from pathlib import Path

from rung.errors import UserError
from rung.runtime.database.isolation import check_isolation
from rung.runtime.database.login import open_connection
from rung.testing.cross_tenant import CrossTenantMachine, Reply, Thing, search

__all__ = ["CrossTenantMachine", "Reply", "Thing", "assert_isolated", "search"]

CONNECT_TIMEOUT_SECONDS = 10.0


async def assert_isolated(
    url: str,
    *,
    column: str = "tenant_id",
    serving_role: str | None = None,
    migrations: Path | None = None,
) -> None:
    """Raises UserError, whose text says what to mend and where, unless the database keeps its tenants apart.

    `url`: any role of the database. `serving_role`: the one that requests run as. Warnings count too, except
    those about the server's version: which one runs is not for a test of the application to say.
    """
    connection = await open_connection(url, timeout=CONNECT_TIMEOUT_SECONDS)
    try:
        found = await check_isolation(connection, column, serving_role=serving_role, migrations=migrations)
    finally:
        await connection.close(timeout=CONNECT_TIMEOUT_SECONDS)
    holes = [each for each in found if each.code not in ("R0416", "R0433")]
    if holes:
        raise UserError(*holes)

"""What it costs to keep tenants apart: one indexed row, read plainly and read for a tenant.

    python benchmarks/tenant_read.py [--rounds 100] [--calls 100] [--json]

The same query each time. The plain read is asyncpg on one connection, on a table without row-level security and
without any pool or limit: the least that a read can cost. The others read the protected table as the serving role.
"""

from __future__ import annotations

import argparse
import sys

import asyncpg
import uvloop
from database_kit import QUERY, measure, prepare, print_figures, server

from rung.local.postgres import PostgresServer
from rung.runtime import Database
from rung.runtime.bindings import PostgresBinding

PLAIN_QUERY = QUERY.replace("from item", "from plain_item")


async def run(running: PostgresServer, options: argparse.Namespace) -> None:
    """Measure and print."""
    serving_url, owner_url = await prepare(running)
    plain = await asyncpg.connect(owner_url)
    pool = await asyncpg.create_pool(serving_url, min_size=4, max_size=4)
    database = Database(PostgresBinding(url=serving_url, pool_size=4))

    async def naive() -> None:
        async with pool.acquire() as connection, connection.transaction():
            await connection.execute("select set_config('app.tenant_id', $1, true)", "t7")
            await connection.fetch(QUERY, "t7", 7)

    async def transaction() -> None:
        async with database.transaction(tenant="t7", read_only=True) as connection:
            await connection.fetch(QUERY, "t7", 7)

    variants = {
        "asyncpg, plain": lambda: plain.fetch(PLAIN_QUERY, "t7", 7),
        "asyncpg.Pool, plain": lambda: pool.fetch(QUERY, "t7", 7),
        "rung fetch, plain": lambda: database.fetch(QUERY, "t7", 7),
        "rung fetch(tenant=...)": lambda: database.fetch(QUERY, "t7", 7, tenant="t7"),
        "rung transaction(tenant=...)": transaction,
        "asyncpg.Pool, transaction, set_config": naive,
    }
    assert len(await database.fetch(QUERY, "t7", 7, tenant="t7")) == 1
    assert await database.fetch(QUERY, "t7", 7, tenant="t8") == []
    found = await measure(variants, rounds=options.rounds, calls=options.calls)
    print_figures("One row of one tenant", found, baseline="asyncpg, plain", as_json=options.json)
    await database.close()
    await pool.close()
    await plain.close()


def main() -> int:
    """Parse, start the server, measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--calls", type=int, default=100)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with server() as running:
        uvloop.run(run(running, options))
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""asyncpg against psycopg 3: one indexed row, and the same inside a transaction of a tenant, in one run.

    python benchmarks/database_driver.py [--rounds 40] [--calls 160] [--connections 8] [--json]

First one caller after the other (latency), then as many callers as connections at once (throughput, given as
microseconds per call of all of them together). psycopg runs with its C implementation and prepares statements
from the first use, as asyncpg does.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import psycopg
import uvloop
from database_kit import QUERY, Call, measure, prepare, print_figures, server
from psycopg.rows import namedtuple_row

from rung.local.postgres import PostgresServer
from rung.runtime.context import Tenant
from rung.runtime.database.database import set_tenant

PSYCOPG_QUERY = QUERY.replace("$1", "%s").replace("$2", "%s")
BEGIN = f"begin; {set_tenant(Tenant('t7'))}"
Operation = Callable[[Any], Awaitable[object]]


async def read_by_asyncpg(connection: asyncpg.Connection) -> None:
    """One statement."""
    await connection.fetch(QUERY, "t7", 7)


async def tenant_by_asyncpg(connection: asyncpg.Connection) -> None:
    """Three messages."""
    await connection.execute(BEGIN)
    await connection.fetch(QUERY, "t7", 7)
    await connection.execute("commit")


async def read_by_psycopg(connection: psycopg.AsyncConnection[Any]) -> None:
    """One statement."""
    cursor = await connection.execute(PSYCOPG_QUERY, ("t7", 7), prepare=True)
    await cursor.fetchall()


async def tenant_by_psycopg(connection: psycopg.AsyncConnection[Any]) -> None:
    """Three messages."""
    await connection.execute(BEGIN, prepare=False)
    cursor = await connection.execute(PSYCOPG_QUERY, ("t7", 7), prepare=True)
    await cursor.fetchall()
    await connection.execute("commit", prepare=False)


async def tenant_by_psycopg_pipeline(connection: psycopg.AsyncConnection[Any]) -> None:
    """One round trip: all statements are sent before the first answer is read."""
    async with connection.pipeline():
        await connection.execute("begin", prepare=True)
        await connection.execute("select set_config('app.tenant_id', %s, true)", ("t7",), prepare=True)
        cursor = await connection.execute(PSYCOPG_QUERY, ("t7", 7), prepare=True)
        await connection.execute("commit", prepare=True)
        await cursor.fetchall()


OPERATIONS: dict[str, tuple[str, Operation]] = {
    "asyncpg, one row": ("asyncpg", read_by_asyncpg),
    "psycopg, one row": ("psycopg", read_by_psycopg),
    "asyncpg, tenant's transaction": ("asyncpg", tenant_by_asyncpg),
    "psycopg, tenant's transaction": ("psycopg", tenant_by_psycopg),
    "psycopg, tenant's transaction, pipeline": ("psycopg", tenant_by_psycopg_pipeline),
}


def at_once(operation: Operation, connections: list[Any]) -> Call:
    """One call on every connection at the same time."""

    async def call() -> None:
        await asyncio.gather(*(operation(connection) for connection in connections))

    return call


async def run(running: PostgresServer, options: argparse.Namespace) -> None:
    """Measure and print."""
    url, _ = await prepare(running)
    connections: dict[str, list[Any]] = {
        "asyncpg": [await asyncpg.connect(url) for _ in range(options.connections)],
        "psycopg": [
            await psycopg.AsyncConnection.connect(url, autocommit=True, row_factory=namedtuple_row)
            for _ in range(options.connections)
        ],
    }
    print(f"asyncpg {asyncpg.__version__}, psycopg {psycopg.__version__} ({psycopg.pq.__impl__})\n")
    for count in (1, options.connections):
        variants = {
            name: at_once(operation, connections[driver][:count])
            for name, (driver, operation) in OPERATIONS.items()
        }
        found = await measure(variants, rounds=options.rounds, calls=max(1, options.calls // count))
        per_call = {name: [value / count for value in values] for name, values in found.items()}
        title = f"{count} connection{'s at once' if count > 1 else ''}"
        print_figures(title, per_call, baseline="asyncpg, one row", as_json=options.json)
    for kept in connections.values():
        for connection in kept:
            await connection.close()


def main() -> int:
    """Parse, start the server, measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--calls", type=int, default=160)
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with server() as running:
        uvloop.run(run(running, options))
    return 0


if __name__ == "__main__":
    sys.exit(main())

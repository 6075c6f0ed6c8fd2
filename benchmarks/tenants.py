"""What row-level security costs: 1,000 tenants, against the same application with `where tenant_id = ...` by hand.

    python benchmarks/tenants.py [--rounds 40] [--calls 400] [--json]

Both sides run the same statements through the same pool, by the same number of callers at once; one on tables
without policies, as an application that trusts its conditions, the other on protected tables with a tenant. Sides
alternate in short rounds; the ratio is that of the two in the same round. Round trips are counted on both sides.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import asyncpg
import uvloop
from database_kit import machine, server

from rung.local.postgres import PostgresServer
from rung.runtime import Database
from rung.runtime.bindings import PostgresBinding
from rung.runtime.database import count_queries
from rung.runtime.database.tenancy import create_serving_role, rls_statements

TENANTS = 1_000
ROWS_EACH = 100
CALLERS = 8
POOL = 4
AIM = 1.3
Call = Callable[[Database, str, str, int], Awaitable[object]]


async def read_one(database: Database, table: str, tenant: str, number: int) -> object:
    """One row by its key."""
    sql = f"select id, name, price from {table} where tenant_id = $1 and id = $2"
    return await database.fetch_row(sql, tenant, number, **_for(table, tenant))


async def read_page(database: Database, table: str, tenant: str, number: int) -> object:
    """Twenty rows in the order of an index."""
    sql = f"select id, name, price from {table} where tenant_id = $1 and id > $2 order by id limit 20"
    return await database.fetch(sql, tenant, number // 2, **_for(table, tenant))


async def write_one(database: Database, table: str, tenant: str, number: int) -> object:
    """One row changed."""
    sql = f"update {table} set price = price + 1 where tenant_id = $1 and id = $2"
    return await database.execute(sql, tenant, number, **_for(table, tenant))


async def transact(database: Database, table: str, tenant: str, number: int) -> object:
    """Read, change and read in a transaction."""
    where = "where tenant_id = $1 and id = $2"
    async with database.transaction(**_for(table, tenant)) as connection:
        await connection.fetchrow(f"select id, name, price from {table} {where}", tenant, number)
        await connection.execute(f"update {table} set price = price + 1 {where}", tenant, number)
        return await connection.fetchval(f"select price from {table} {where}", tenant, number)


def _for(table: str, tenant: str) -> dict[str, str]:
    return {"tenant": tenant} if table == "item" else {}


CALLS: dict[str, Call] = {
    "read one row": read_one,
    "read a page of 20": read_page,
    "change one row": write_one,
    "transaction of 3 statements": transact,
}


@dataclass
class Found:
    """Calls a second by round on both sides, and round trips of one call."""

    by_hand: list[float]
    by_policy: list[float]
    trips_by_hand: int
    trips_by_policy: int

    @property
    def ratio(self) -> float:
        """How many times more throughput without policies."""
        return statistics.median(one / other for one, other in zip(self.by_hand, self.by_policy, strict=True))


async def prepare(running: PostgresServer) -> str:
    """Two equal tables of 100,000 rows; policies on `item`. The URL of the serving role."""
    owner = await asyncpg.connect(running.url)
    for table in ("item", "plain_item"):
        await owner.execute(
            f"create table {table} (tenant_id text, id integer, name text, price integer, "
            "primary key (tenant_id, id))"
            " with (fillfactor = 50)"
        )
        await owner.execute(
            f"insert into {table} select 'tenant-' || t, n, 'item ' || n, n "
            f"from generate_series(1, {TENANTS}) t, generate_series(1, {ROWS_EACH}) n"
        )
    for statement in rls_statements("item"):
        await owner.execute(statement)
    await create_serving_role(owner, "serving", password="serving")
    await owner.execute("vacuum analyze")
    await owner.close()
    return running.url_of("postgres", user="serving", password="serving")


async def throughput(database: Database, call: Call, table: str, calls: int, chance: random.Random) -> float:
    """Calls a second of `CALLERS` callers, each for a tenant of its own choice every time."""
    wanted = [(f"tenant-{chance.randint(1, TENANTS)}", chance.randint(1, ROWS_EACH)) for _ in range(calls)]

    async def caller(share: list[tuple[str, int]]) -> None:
        for tenant, number in share:
            await call(database, table, tenant, number)

    began = time.perf_counter()
    await asyncio.gather(*(caller(wanted[each::CALLERS]) for each in range(CALLERS)))
    return calls / (time.perf_counter() - began)


async def trips(database: Database, call: Call, table: str) -> int:
    """Round trips of one call, once everything is prepared."""
    await call(database, table, "tenant-1", 1)
    with count_queries() as count:
        await call(database, table, "tenant-1", 1)
    return count.queries


async def measure(database: Database, call: Call, rounds: int, calls: int) -> Found:
    """Both sides in turn, the first of a round by chance."""
    chance = random.Random(7)
    found: dict[str, list[float]] = {"plain_item": [], "item": []}
    for table in found:
        await throughput(database, call, table, calls, chance)
    for _ in range(rounds):
        order = list(found)
        chance.shuffle(order)
        for table in order:
            found[table].append(await throughput(database, call, table, calls, chance))
    hand, policy = await trips(database, call, "plain_item"), await trips(database, call, "item")
    return Found(found["plain_item"], found["item"], hand, policy)


async def run(running: PostgresServer, options: argparse.Namespace) -> None:
    """Measure and print."""
    database = Database(PostgresBinding(url=await prepare(running), pool_size=POOL))
    assert await database.fetch_row("select 1 from item where tenant_id = 'tenant-1'", tenant="tenant-2") is None
    found = {name: await measure(database, call, options.rounds, options.calls) for name, call in CALLS.items()}
    await database.close()
    rows = [
        {
            "what": name,
            "by_hand_per_second": round(statistics.median(each.by_hand)),
            "by_policy_per_second": round(statistics.median(each.by_policy)),
            "ratio": round(each.ratio, 2),
            "trips_by_hand": each.trips_by_hand,
            "trips_by_policy": each.trips_by_policy,
        }
        for name, each in found.items()
    ]
    if options.json:
        print(json.dumps({"machine": machine(), "tenants": TENANTS, "aim": AIM, "rows": rows}))
        return
    print(f"{machine()}; {TENANTS} tenants, {CALLERS} callers on {POOL} connections, {options.rounds} rounds\n")
    print(f"{'':30} {'by hand/s':>10} {'policy/s':>10} {'ratio':>6}   round trips (aim: ratio <= {AIM})")
    for row in rows:
        print(
            f"{row['what']:30} {row['by_hand_per_second']:>10,} {row['by_policy_per_second']:>10,} "
            f"{row['ratio']:>6}   {row['trips_by_hand']} and {row['trips_by_policy']}"
        )


def main() -> int:
    """Parse, start the server, measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--calls", type=int, default=400)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with server() as running:
        uvloop.run(run(running, options))
    return 0


if __name__ == "__main__":
    sys.exit(main())

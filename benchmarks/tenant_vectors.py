"""What row-level security leaves of a search for near vectors: how many rows, and how many of the right ones.

    python benchmarks/tenant_vectors.py [--vectors 50000] [--dimensions 96] [--queries 60]

Tenants of 40, 400 and 4,000 vectors among all others, on subjects that every tenant writes about; the ten nearest
of the asking tenant are wanted, which arithmetic tells. Asked as the serving role, so the policy filters what the
approximate index (HNSW, pgvector) has found: without more, with pgvector's iterative scan, without any approximate
index, and with one index for each of 16 partitions by tenant.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg
import numpy as np
import uvloop
from database_kit import machine, server

from rung.runtime import Database
from rung.runtime.bindings import PostgresBinding
from rung.runtime.database.tenancy import create_serving_role, rls_statements

WANTED = 10
SUBJECTS = 200
SIZES = (40, 400, 4_000)
PARTITIONS = 16
ROLE, PASSWORD = "vectors_app", "serving"


@dataclass(frozen=True, slots=True)
class Way:
    """One schema and setting: its table, and what is set before a query."""

    name: str
    table: str
    settings: str = ""


WAYS = (
    Way("HNSW over all tenants", "shared"),
    Way("the same, iterative scan", "shared", "set local hnsw.iterative_scan = strict_order"),
    Way("exact, by the tenant's index", "exact"),
    Way(f"HNSW in each of {PARTITIONS} partitions, iterative scan", "parted",
        "set local hnsw.iterative_scan = strict_order"),
)  # fmt: skip
Found = dict[tuple[str, int], list[tuple[int, float, float]]]


def as_text(vector: Sequence[float]) -> str:
    """As pgvector reads it."""
    return "[" + ",".join(f"{value:.4f}" for value in vector) + "]"


def made_up(count: int, dimensions: int, generator: np.random.Generator) -> np.ndarray:
    """Vectors around subjects that all tenants share, some subjects more often than others."""
    subjects = generator.normal(size=(SUBJECTS, dimensions))
    weights = 1 / np.arange(1, SUBJECTS + 1)
    chosen = generator.choice(SUBJECTS, size=count, p=weights / weights.sum())
    return subjects[chosen] + generator.normal(scale=0.6, size=(count, dimensions))


def owners(count: int) -> list[str]:
    """Whose each vector is: the tenants that ask, then others of 500 each."""
    asking = [f"t{size}" for size in SIZES for _ in range(size)]
    return asking + [f"other{number // 500}" for number in range(count - len(asking))]


async def prepare(url: str, vectors: np.ndarray) -> None:
    """The three tables, filled and indexed."""
    connection = await asyncpg.connect(url, command_timeout=600)
    await connection.execute("create extension vector")
    columns = f"(tenant_id text, id integer, at vector({vectors.shape[1]}), primary key (tenant_id, id))"
    await connection.execute(f"create table shared {columns}; create table exact {columns}")
    await connection.execute(f"create table parted {columns} partition by hash (tenant_id)")
    for number in range(PARTITIONS):
        await connection.execute(
            f"create table parted_{number} partition of parted "
            f"for values with (modulus {PARTITIONS}, remainder {number})"
        )
    rows = [(owner, number, as_text(vectors[number])) for number, owner in enumerate(owners(len(vectors)))]
    for table in ("shared", "exact", "parted"):
        await connection.executemany(f"insert into {table} values ($1, $2, $3::text::vector)", rows)
    await connection.execute("set maintenance_work_mem = '512MB'")
    for table in ("shared", "parted"):
        await connection.execute(f"create index on {table} using hnsw (at vector_l2_ops)")
    for table in ("shared", "exact", "parted"):
        for statement in rls_statements(table):
            await connection.execute(statement)
    await connection.execute("vacuum analyze")
    await create_serving_role(connection, ROLE, password=PASSWORD)
    await connection.close()


async def nearest(database: Database, tenant: str, way: Way, vector: str) -> tuple[list[int], float]:
    """The ids that one query finds, and its milliseconds."""
    async with database.transaction(tenant=tenant) as transaction:
        if way.settings:
            await transaction.execute(way.settings)
        sql = f"select id from {way.table} order by at <-> $1::text::vector limit {WANTED}"
        began = time.perf_counter()
        rows = await transaction.fetch(sql, vector)
        return [row["id"] for row in rows], (time.perf_counter() - began) * 1000


async def ask(database: Database, vectors: np.ndarray, queries: int, generator: np.random.Generator) -> Found:
    """Each way in turn, for the same queries."""
    found: Found = {(way.name, size): [] for way in WAYS for size in SIZES}
    belongs = np.array(owners(len(vectors)))
    for size in SIZES:
        own = np.flatnonzero(belongs == f"t{size}")
        for _ in range(queries):
            asked = vectors[generator.choice(own)] + generator.normal(scale=0.3, size=vectors.shape[1])
            distances = np.linalg.norm(vectors[own] - asked, axis=1)
            right = {int(number) for number in own[np.argsort(distances)[:WANTED]]}
            for way in WAYS:
                ids, milliseconds = await nearest(database, f"t{size}", way, as_text(asked))
                found[way.name, size].append((len(ids), len(right & set(ids)) / WANTED, milliseconds))
    return found


def show(found: Found, vectors: np.ndarray) -> None:
    """Print the table."""
    print(f"{len(vectors):,} vectors of {vectors.shape[1]} dimensions, the {WANTED} nearest; {machine()}\n")
    print("| way | vectors of the tenant | rows, least and mean | of the right ones | ms, p50 |")
    print("|---|---|---|---|---|")
    for way in WAYS:
        for size in SIZES:
            rows, recalls, times = zip(*found[way.name, size], strict=True)
            right, half = statistics.mean(recalls), statistics.median(times)
            print(
                f"| {way.name} | {size:,} | {min(rows)}, {statistics.mean(rows):.1f} | {right:.0%} | {half:.2f} |"
            )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vectors", type=int, default=50_000)
    parser.add_argument("--dimensions", type=int, default=96)
    parser.add_argument("--queries", type=int, default=60)
    options = parser.parse_args()
    generator = np.random.default_rng(1)
    vectors = made_up(options.vectors, options.dimensions, generator)
    with server() as postgres:
        uvloop.run(prepare(postgres.url, vectors))
        url = postgres.url_of("postgres", user=ROLE, password=PASSWORD)

        async def run() -> Found:
            database = Database(
                PostgresBinding(url=url, tenant_scoped=True, pool_size=1, statement_timeout_seconds=60)
            )
            found = await ask(database, vectors, options.queries, generator)
            await database.close()
            return found

        show(uvloop.run(run()), vectors)


if __name__ == "__main__":
    main()

"""Query plans as tests: a hot query that stops using its index fails the build, not the next sale."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import asyncpg


async def plan_of(connection: asyncpg.Connection, sql: str, *args: Any) -> dict[str, Any]:
    """The plan that Postgres chooses for `sql`, as its JSON describes it, without running the statement.

    Sequential scans are made expensive, so that a table with the few rows of a test is planned like a large one:
    what remains a scan has no index to use.
    """
    async with connection.transaction():
        await connection.execute("set local enable_seqscan = off")
        text = await connection.fetchval(f"explain (format json) {sql}", *args)
    plan: dict[str, Any] = json.loads(str(text))[0]["Plan"]
    return plan


async def assert_uses_index(connection: asyncpg.Connection, sql: str, index: str, *args: Any) -> None:
    """Raises AssertionError, with the plan, when `sql` does not use `index` or scans any table from end to end."""
    nodes = list(_nodes(await plan_of(connection, sql, *args)))
    used = {node["Index Name"] for node in nodes if "Index Name" in node}
    scanned = {node["Relation Name"] for node in nodes if node["Node Type"] == "Seq Scan"}
    shown = "\n".join(
        f"  {each['Node Type']} {each.get('Index Name') or each.get('Relation Name', '')}" for each in nodes
    )
    if index not in used:
        raise AssertionError(f"the index {index} is not used, but {', '.join(sorted(used)) or 'none'}:\n{shown}")
    if scanned:
        raise AssertionError(f"{', '.join(sorted(scanned))} is read from end to end:\n{shown}")


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", ()):
        yield from _nodes(child)

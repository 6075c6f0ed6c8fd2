"""A schedule's handler that leaves a mark per run: a row with the tick and the time, in the test's own table."""

from __future__ import annotations

import asyncio
import os
from typing import Any

import asyncpg

from rung.runtime.schedule import Tick

_connections: dict[int, asyncpg.Connection[Any]] = {}


async def mark(tick: Tick) -> None:
    """Insert the mark, then work for a while."""
    if 0 not in _connections:
        _connections[0] = await asyncpg.connect(os.environ["DATABASE_URL"])
    sql = "insert into mark (tick, process) values ($1, $2)"
    await _connections[0].execute(sql, tick.at, os.getpid())
    await asyncio.sleep(0.1)

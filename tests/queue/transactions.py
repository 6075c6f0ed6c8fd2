"""Transactions of a sender, for the harnesses of queues that have a database beside them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg


@asynccontextmanager
async def transaction_at(url: str) -> AsyncIterator[Any]:
    """A connection in a transaction that commits at the end of the block, or is undone by what is raised in it."""
    connection = await asyncpg.connect(url)
    try:
        async with connection.transaction():
            yield connection
    finally:
        await connection.close()

"""Putting the bus's table into a database. Idempotent, and safe when several processes do it at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rung.runtime.bus import sql
from rung.runtime.queue.postgres.schema import install_queue, quote_identifier


async def install_bus(connection: Any, *, roles: Sequence[str] = ()) -> None:
    """Create the queue tables and the archive where they are missing, as their owner.

    `connection`: an asyncpg connection of a role that may create schemas. `roles` may put, route and replay; they
    can neither change nor empty the tables.
    """
    await install_queue(connection, roles=roles)
    async with connection.transaction():
        await connection.execute(sql.INSTALL_LOCK)
        if not await connection.fetchval(sql.IS_INSTALLED):
            await connection.execute(sql.TABLES)
        for role in roles:
            await connection.execute(sql.GRANTS.format(role=quote_identifier(role)))

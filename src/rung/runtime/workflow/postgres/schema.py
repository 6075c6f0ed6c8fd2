"""Putting the tables of workflows into a database. Idempotent, and safe when several processes do it at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rung.runtime.queue.postgres.schema import quote_identifier
from rung.runtime.workflow.postgres import sql


async def install_workflows(connection: Any, *, roles: Sequence[str] = ()) -> None:
    """Create schema `rung` and the tables of workflows where they are missing, as their owner.

    `connection`: an asyncpg connection of a role that may create schemas. `roles` are given what starting and
    running workflows takes, and no more: they can neither change nor empty the tables.
    """
    async with connection.transaction():
        await connection.execute(sql.INSTALL_LOCK)
        if not await connection.fetchval(sql.IS_INSTALLED):
            await connection.execute(sql.TABLES)
        for role in roles:
            await connection.execute(sql.GRANTS.format(role=quote_identifier(role)))

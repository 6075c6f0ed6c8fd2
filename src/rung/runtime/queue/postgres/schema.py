"""Putting the queue's tables into a database. Idempotent, and safe when several processes do it at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rung.runtime.queue.postgres import sql
from rung.runtime.queue.postgres.fair import INDEX


async def install_queue(connection: Any, *, roles: Sequence[str] = (), fair: bool = False) -> None:
    """Create schema `rung` and its queue tables where they are missing, as their owner.

    `connection`: an asyncpg connection of a role that may create schemas. `roles` are given what a sender or
    receiver needs, and no more: they can neither change nor empty the tables. `fair`: with the index that a queue
    needs in which tenants take turns.
    """
    async with connection.transaction():
        await connection.execute(sql.INSTALL_LOCK)
        if not await connection.fetchval(sql.IS_INSTALLED):
            await connection.execute(sql.TABLES)
        if fair:
            await connection.execute(INDEX)
        for role in roles:
            await connection.execute(sql.GRANTS.format(role=quote_identifier(role)))


def quote_identifier(name: str) -> str:
    """A name as SQL reads it, whatever characters it has."""
    return '"' + name.replace('"', '""') + '"'

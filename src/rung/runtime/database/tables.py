"""The tables that rung keeps in an application's database, in schema `rung`, made as their owner."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from rung.runtime.bus.schema import install_bus
from rung.runtime.queue.postgres.schema import install_queue
from rung.runtime.schedule.ticks import install_schedules
from rung.runtime.webhooks.schema import install_webhooks
from rung.runtime.workflow.postgres.schema import install_workflows

#: What may be kept there; `fair`: queues in which tenants take turns.
KINDS = ("queues", "fair", "events", "workflows")


async def install_tables(connection: Any, kinds: Collection[str], *, roles: Sequence[str] = ()) -> None:
    """Create the tables of each of `kinds` where they are missing. `roles` may use them, and not change them.

    `connection`: an asyncpg connection of a role that may create schemas.
    """
    if "queues" in kinds or "fair" in kinds:
        await install_queue(connection, roles=roles, fair="fair" in kinds)
        await install_schedules(connection, roles=roles)
        await install_webhooks(connection, roles=roles)
    if "events" in kinds:
        await install_bus(connection, roles=roles)
    if "workflows" in kinds:
        await install_workflows(connection, roles=roles)

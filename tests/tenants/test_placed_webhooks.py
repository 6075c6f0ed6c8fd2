"""Webhooks of a tenant that has a database of its own: kept, and found, where those of all others are."""

from __future__ import annotations

import pytest
from tests.tenants.moving_kit import SERVING_ROLE, System

from rung.runtime.bindings import QueueBinding
from rung.runtime.errors import MessageError
from rung.runtime.queue import PostgresQueue, install_queue
from rung.runtime.tenants.places import Place
from rung.runtime.webhooks import Deliveries, install_webhooks


async def test_webhooks_stay_where_their_deliverer_looks(kit: System) -> None:
    await install_queue(kit.owner, roles=[SERVING_ROLE])
    await install_webhooks(kit.owner, roles=[SERVING_ROLE])
    await kit.mover().move("acme", Place(tier="database", target=kit.silo))
    queue = PostgresQueue("hooks", QueueBinding(url=kit.url))
    deliveries = Deliveries(kit.database, queue)
    try:
        await deliveries.register("acme", "https://hooks.example.com/in")
        await deliveries.publish("acme", "member.invited", {"id": "m1"})
        assert await kit.owner.fetchval("select count(*) from rung.webhook_delivery") == 1
        assert len(await queue.receive()) == 1
        assert [await deliveries.list(tenant) == [] for tenant in ("acme", "globex")] == [False, True]
        async with kit.database.transaction(tenant="acme") as connection:
            with pytest.raises(MessageError, match="R0508"):
                await queue.send(b"x", transaction=connection)
    finally:
        await queue.close()

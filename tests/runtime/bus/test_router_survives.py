"""What ends no router: an event that cannot be worked on, a statement that failed, an archive that is full."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import asyncpg
import pytest
from tests.runtime.bus.conftest import PostgresBusHarness

from rung.runtime.bus import deliveries, router
from rung.runtime.bus.rules import QueueTarget, Rule

MAILS = Rule(name="mails", pattern='{"source": ["shop"]}', target=QueueTarget(name="mails"))


async def test_an_event_that_nothing_can_be_made_of_holds_up_no_other(
    postgres_bus: PostgresBusHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that is nested as deeply as Python goes is enough: it is first in line at every start of the router."""
    bus = await postgres_bus.open([MAILS])
    assert postgres_bus.service is not None
    taking = postgres_bus.service.book.taking

    def too_deep(event: Mapping[str, Any]) -> list[Rule]:
        if event["detail-type"] == "deep":
            raise RecursionError("maximum recursion depth exceeded")
        return taking(event)

    monkeypatch.setattr(postgres_bus.service.book, "taking", too_deep)
    await bus.put("deep", {}, source="shop")
    await bus.put("paid", {}, source="shop")
    assert await postgres_bus.service.router.route() == 2
    (received,) = await postgres_bus.received("mails")
    assert received.body["detail-type"] == "paid"
    connection = await asyncpg.connect(postgres_bus.url)
    try:
        (reason,) = await connection.fetchrow("select reason from rung.dead_letter")
    finally:
        await connection.close()
    assert "RecursionError" in reason


async def test_a_statement_that_failed_ends_neither_router_nor_deliverer(
    postgres_bus: PostgresBusHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A statement may be cancelled for its time or a deadlock: what the next attempt mends needs no person."""
    await postgres_bus.open([MAILS])
    service = postgres_bus.service
    assert service is not None
    tried = {"route": 0, "deliver": 0}

    def failing_once(name: str, stop: Any) -> Any:
        async def act(*_: Any, **__: Any) -> int:
            tried[name] += 1
            if tried[name] == 1:
                raise asyncpg.QueryCanceledError("canceling statement due to statement timeout")
            stop()
            return 1

        return act

    monkeypatch.setattr(router, "PAUSE_SECONDS", 0.0)
    monkeypatch.setattr(deliveries, "PAUSE_SECONDS", 0.0)
    monkeypatch.setattr(service.router, "route", failing_once("route", service.router.stop))
    monkeypatch.setattr(service.deliverer, "deliver", failing_once("deliver", service.deliverer.stop))
    monkeypatch.setattr(service.deliverer, "_working", {"mails": 0})
    async with asyncio.timeout(20):
        await asyncio.gather(service.router.run(), service.deliverer.run())
    assert tried == {"route": 2, "deliver": 2}


async def test_all_that_the_archive_need_not_keep_goes_at_once(postgres_bus: PostgresBusHarness) -> None:
    """A thousand a minute would be 16 events a second, and a table that grows for ever above that."""
    await postgres_bus.open([MAILS], archive_days=1)
    assert postgres_bus.service is not None
    connection = await asyncpg.connect(postgres_bus.url)
    try:
        await connection.execute(
            "insert into rung.event_archive (bus, at, id, headers, body) "
            "select 'events', now() - interval '2 days', n, '{}', '' from generate_series(1, 2500) n"
        )
        await postgres_bus.service.router.tidy()
        assert await connection.fetchval("select count(*) from rung.event_archive") == 0
    finally:
        await connection.close()

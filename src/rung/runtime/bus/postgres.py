"""The bus on Postgres: events wait in the queue tables, from where the router takes them (`router.py`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rung.runtime.bindings import BusBinding, QueueBinding
from rung.runtime.bus.event import EVENT_HEADER, Prepared, PutResult, encode
from rung.runtime.bus.port import BusCapabilities
from rung.runtime.bus.putting import Putting
from rung.runtime.queue.message import Inherited, Sendable
from rung.runtime.queue.port import Connection
from rung.runtime.queue.postgres import PostgresQueue

LANE = "default"
_CAPABILITIES = BusCapabilities(ordered=True, own_ids=True)


def events_of(name: str) -> str:
    """The queue, in the queue tables, where events wait for the router."""
    return f"{name}@bus"


def events_queue(name: str, binding: BusBinding, *, pool_size: int = 4, registered: bool = False) -> PostgresQueue:
    """That queue, with connections of its own."""
    place = QueueBinding(url=binding.url, credentials_secret=binding.credentials_secret, lanes=(LANE,))
    return PostgresQueue(events_of(name), place, pool_size=pool_size, registered=registered)


class PostgresBus(Putting):
    """A bus in the application's own database. Opens its connections on first use, in the running loop."""

    def __init__(self, name: str, binding: BusBinding, *, registered: bool = False) -> None:
        self.name = name
        self.capabilities = _CAPABILITIES
        self._binding = binding
        self._waiting = events_queue(name, binding, registered=registered)

    async def store(
        self, events: Sequence[Prepared], inherited: Inherited, transaction: Connection | None
    ) -> list[PutResult]:
        """One INSERT for all; inside `transaction`, on that connection."""
        sendables = [
            Sendable(
                body=encode(event, account=self._binding.account, region=self._binding.region), lane=LANE,
                delay_seconds=0.0, deduplication_id=None, headers={**inherited.headers, EVENT_HEADER: event.id},
            )
            for event in events
        ]  # fmt: skip
        stored = await self._waiting.store(sendables, transaction)
        return [
            PutResult(id=event.id) if result.id is not None else PutResult(error=result.error)
            for event, result in zip(events, stored, strict=True)
        ]

    async def put_again(self, sendables: Sequence[Sendable]) -> None:
        """Events as they were kept, for a replay."""
        await self._waiting.store(sendables, None)

    async def query(self, statement: str, *arguments: Any) -> list[Any]:
        """Rows of one statement, on the bus's own connections: for its archive."""
        return await self._waiting.query(statement, *arguments)

    async def close(self) -> None:
        """See `Bus.close`."""
        await self._waiting.close()

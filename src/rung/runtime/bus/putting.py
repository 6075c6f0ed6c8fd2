"""Putting, the same on every bus: entries are checked here, and an adapter stores what is good."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from rung.runtime.bus.event import EventEntry, Prepared, PutResult, prepare
from rung.runtime.errors import MessageError
from rung.runtime.queue.message import Inherited, inherited_headers
from rung.runtime.queue.port import Connection


class Putting(ABC):
    """The half of a bus that producers see. An adapter adds `store`."""

    name: str

    @abstractmethod
    async def store(
        self, events: Sequence[Prepared], inherited: Inherited, transaction: Connection | None
    ) -> list[PutResult]:
        """Write what was checked; one result per event, in order. Given at least one."""

    async def put(
        self, detail_type: str, detail: Mapping[str, Any], *, source: str | None = None,
        resources: Sequence[str] = (), time: datetime | None = None, transaction: Connection | None = None,
    ) -> str:  # fmt: skip
        """See `Bus.put`."""
        inherited = inherited_headers()
        entry = EventEntry(detail_type=detail_type, detail=detail, source=source, resources=resources, time=time)
        (result,) = await self.store([prepare(entry, inherited.headers)], inherited, transaction)
        if result.id is None:
            raise MessageError(result.error or "the bus did not take the event")
        return result.id

    async def put_batch(
        self, entries: Sequence[EventEntry], *, transaction: Connection | None = None
    ) -> list[PutResult]:
        """See `Bus.put_batch`."""
        inherited = inherited_headers()
        results: list[PutResult | None] = [None] * len(entries)
        good: list[tuple[int, Prepared]] = []
        for position, entry in enumerate(entries):
            try:
                good.append((position, prepare(entry, inherited.headers)))
            except MessageError as error:
                results[position] = PutResult(error=str(error))
        if good:
            stored = await self.store([event for _, event in good], inherited, transaction)
            for (position, _), result in zip(good, stored, strict=True):
                results[position] = result
        return [result for result in results if result is not None]

"""Sending, the same on every broker: entries are checked here, and an adapter stores what is good."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from rung.runtime.errors import MessageError
from rung.runtime.queue.message import Entry, Inherited, Sendable, SendResult, inherited_headers, prepare
from rung.runtime.queue.port import Clause, Connection


class Sending(ABC):
    """The half of a queue that sends. An adapter adds `store`."""

    name: str
    lanes: Sequence[str]
    #: Every message is delayed by so long, unless it says longer.
    delay_seconds: float = 0.0

    @abstractmethod
    async def store(self, sendables: Sequence[Sendable], transaction: Connection | None) -> list[SendResult]:
        """Write what was checked; one result per message, in order. Given at least one."""

    def _prepared_entry(self, entry: Entry, inherited: Inherited) -> Sendable:
        return prepare(entry, self.name, self.lanes, inherited, delay_seconds=self.delay_seconds)

    async def send(
        self,
        body: object,
        *,
        lane: str | None = None,
        delay_seconds: float = 0.0,
        deduplication_id: str | None = None,
        headers: dict[str, str] | None = None,
        transaction: Connection | None = None,
    ) -> str:
        """See `Queue.send`."""
        entry = Entry(
            body=body,
            lane=lane,
            delay_seconds=delay_seconds,
            deduplication_id=deduplication_id,
            headers=headers or {},
        )
        sendable = self._prepared_entry(entry, inherited_headers())
        (result,) = await self.store([sendable], transaction)
        if result.id is None:
            raise MessageError(result.error or "the broker did not take the message")
        return result.id

    async def clause(
        self, body: object, *, first_parameter: int, lane: str | None = None, headers: dict[str, str] | None = None
    ) -> Clause:
        """See `Queue.clause`."""
        entry = Entry(body=body, lane=lane, headers=headers or {})
        return await self.clause_of(self._prepared_entry(entry, inherited_headers()), first_parameter)

    async def clause_of(self, sendable: Sendable, first_parameter: int) -> Clause:
        """What was checked, as a part of a statement. For adapters whose broker, or outbox, is a database."""
        del sendable, first_parameter
        raise MessageError(f"R0508: queue {self.name!r} is in no database: a statement cannot send to it")

    async def send_batch(
        self, entries: Sequence[Entry], *, transaction: Connection | None = None
    ) -> list[SendResult]:
        """See `Queue.send_batch`."""
        inherited = inherited_headers()
        results: list[SendResult | None] = [None] * len(entries)
        good: list[tuple[int, Sendable]] = []
        for position, entry in enumerate(entries):
            try:
                good.append((position, self._prepared_entry(entry, inherited)))
            except MessageError as error:
                results[position] = SendResult(error=str(error))
        if good:
            stored = await self.store([sendable for _, sendable in good], transaction)
            for (position, _), result in zip(good, stored, strict=True):
                results[position] = result
        return [result for result in results if result is not None]

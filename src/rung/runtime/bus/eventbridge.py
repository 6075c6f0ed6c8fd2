"""The bus on EventBridge: PutEvents, in calls of at most ten entries; in a transaction, through the outbox.

Rules, retries, dead letters, archive and replay are EventBridge's own, as Terraform writes them.
https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html, read on 2026-11-21.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from rung.runtime import lifespan
from rung.runtime.aws.client import Caller
from rung.runtime.bindings import BusBinding, QueueBinding
from rung.runtime.bus.event import ENTRY_BYTES_MAX, Prepared, PutResult
from rung.runtime.bus.port import BusCapabilities
from rung.runtime.bus.putting import Putting
from rung.runtime.errors import MessageError
from rung.runtime.queue.message import Inherited, Message, Sendable
from rung.runtime.queue.outbox import Outbox, Refusal
from rung.runtime.queue.port import Connection

ENTRIES_MAX = 10
THREADS = 4
LANE = "default"
NO_OUTBOX, REFUSED = "R0522", "R0523"


class EventBridgeBus(Putting):
    """A bus of EventBridge. Safe at module level; works in any event loop."""

    def __init__(self, name: str, binding: BusBinding, *, registered: bool = False) -> None:
        self.name = name
        self.capabilities = BusCapabilities(transactional_put=bool(binding.outbox_url))
        self._bus = binding.name or name
        self._caller = Caller("events", binding.region, threads=THREADS)
        self._outbox = _outbox(name, binding, self._forward) if binding.outbox_url else None
        self._forget = lifespan.register(f"bus {name}", close=self.close) if registered else None

    async def store(
        self, events: Sequence[Prepared], inherited: Inherited, transaction: Connection | None
    ) -> list[PutResult]:
        """Straight to EventBridge; in a transaction to the outbox, from where they are moved when it commits."""
        if transaction is None:
            refusals = await self._put(events)
            return [_result(event, why) for event, why in zip(events, refusals, strict=True)]
        if self._outbox is None:
            raise MessageError(f"{NO_OUTBOX}: bus {self.name!r} has no outbox: the process uses no database")
        sendables = [
            Sendable(
                body=msgspec.json.encode(event), lane=LANE, delay_seconds=0.0, deduplication_id=None,
                headers=inherited.headers,
            )
            for event in events
        ]  # fmt: skip
        stored = await self._outbox.put(sendables, transaction)
        return [_result(event, result.error) for event, result in zip(events, stored, strict=True)]

    async def _forward(self, messages: Sequence[Message]) -> Sequence[Refusal]:
        return await self._put([msgspec.json.decode(message.body, type=Prepared) for message in messages])

    async def _put(self, events: Sequence[Prepared]) -> list[Refusal]:
        refusals: list[Refusal] = []
        for chunk in _chunks(events):
            entries = [_entry(event, self._bus) for event in chunk]
            answer = await self._caller.call("PutEvents", f"bus {self._bus}", Entries=entries)
            refusals += [_refusal(each) for each in answer["Entries"]]
        return refusals

    async def close(self) -> None:
        """See `Bus.close`."""
        if self._forget is not None:
            self._forget()
        if self._outbox is not None:
            await self._outbox.close()
        self._caller.close()


def _outbox(name: str, binding: BusBinding, forward: Any) -> Outbox:
    place = QueueBinding(
        outbox_url=binding.outbox_url, outbox_credentials_secret=binding.credentials_secret, lanes=(LANE,)
    )
    return Outbox(f"{name}@bus", place, forward)


def _chunks(events: Sequence[Prepared]) -> Iterator[list[Prepared]]:
    """At most ten entries, and 256 KiB, for each call."""
    chunk: list[Prepared] = []
    size = 0
    for event in events:
        if chunk and (len(chunk) == ENTRIES_MAX or size + event.size_bytes > ENTRY_BYTES_MAX):
            yield chunk
            chunk, size = [], 0
        chunk.append(event)
        size += event.size_bytes
    if chunk:
        yield chunk


def _entry(event: Prepared, bus: str) -> dict[str, Any]:
    return {
        "EventBusName": bus, "Source": event.source, "DetailType": event.detail_type,
        "Detail": event.detail.decode(), "Resources": list(event.resources), "Time": event.time,
    }  # fmt: skip


def _refusal(answer: dict[str, Any]) -> Refusal:
    if "ErrorCode" not in answer:
        return None
    said = f"{answer['ErrorCode']} {answer.get('ErrorMessage', '')}".strip()
    return f"{REFUSED}: EventBridge did not take the event: {said}"


def _result(event: Prepared, why: str | None) -> PutResult:
    return PutResult(id=event.id) if why is None else PutResult(error=why)

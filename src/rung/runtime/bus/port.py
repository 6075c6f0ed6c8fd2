"""The port: what every bus does, whoever carries its events.

Delivery is at least once, to every rule that takes the event. `BusConformance` in `rung.testing` is this text as
tests; an adapter is right when it passes them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from rung.runtime.bus.event import EventEntry, PutResult
from rung.runtime.queue.port import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class BusCapabilities:
    """What a bus can do by itself. The conformance suite skips what an adapter says it cannot, and says so."""

    #: `put(transaction=...)` is atomic with the caller's transaction: directly, or through an outbox.
    transactional_put: bool = True
    #: Events put one after the other arrive in that order in a queue that a rule delivers to.
    ordered: bool = False
    #: The `id` of the event is the one that `put` returned; elsewhere that one is in its context only.
    own_ids: bool = False


class Bus(Protocol):
    """One bus. Every method may raise UnavailableError when it cannot be reached."""

    @property
    def name(self) -> str:
        """The node's name."""
        ...

    @property
    def capabilities(self) -> BusCapabilities:
        """What it can do by itself."""
        ...

    async def put(
        self, detail_type: str, detail: Mapping[str, Any], *, source: str | None = None,
        resources: Sequence[str] = (), time: datetime | None = None, transaction: Connection | None = None,
    ) -> str:  # fmt: skip
        """Put one event and return its id; it is stored when this returns.

        Inside `transaction` it exists exactly when that transaction commits. The id, and correlation id, tenant
        and user of the current context, travel in `detail._context`. Raises MessageError: R0520 over 256 KiB,
        R0521 for what is no event, R0508 for a transaction of another database.
        """
        ...

    async def put_batch(
        self, entries: Sequence[EventEntry], *, transaction: Connection | None = None
    ) -> list[PutResult]:
        """Put many, the good ones even when others are refused; one result per entry, in order."""
        ...

    async def close(self) -> None:
        """Close connections."""
        ...

"""Webhooks that come in: kept once, handed to a queue in the same transaction, handled as often as somebody asks.

A sender repeats what it is not sure of, and in no order. So the row under (source, event id) decides whether an
event is new, and it and the message are one transaction: an answer of 200 means that both are there. The handler
has two helpers against duplicates and disorder, both in its own transaction: `apply_once` and `apply_if_newer`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import asyncpg

from rung.runtime.clock import SYSTEM_CLOCK, Clock
from rung.runtime.database.database import Database
from rung.runtime.errors import UnavailableError
from rung.runtime.queue import Entry, Message, Queue
from rung.runtime.webhooks import inbox_sql as sql
from rung.runtime.webhooks.errors import UNCLEAR, WebhookError
from rung.runtime.webhooks.schema import Installed
from rung.runtime.webhooks.signature import Signature, Verified

if TYPE_CHECKING:
    from rung.runtime.webhooks.receiving import ReceivingEndpoint

SOURCE_HEADER, ID_HEADER, SIGNED_HEADER = "webhook-source", "webhook-id", "webhook-timestamp"
REPLAY_BATCH = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayPlan:
    """What a replay would do: how many events, and when the first and the last of them came in."""

    source: str
    queue: str
    events: int
    applied: int
    first_at: datetime | None
    last_at: datetime | None


class Inbox:
    """The webhooks of one `source`, such as "stripe", kept in `database` and sent to `queue`."""

    def __init__(
        self,
        database: Database,
        queue: Queue,
        *,
        source: str,
        lane: str | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self.source = source
        self._database = database
        self._queue = queue
        self._lane = queue.lanes[-1] if lane is None else lane
        self._clock = clock
        self._installed = Installed(database)

    # Receiving

    async def accept(self, verified: Verified) -> bool:
        """Keep the event and send it to the queue, in one transaction. False: it was here before.

        The message's body is the webhook's, byte for byte; its id and source travel as headers. Raises
        MessageError for a body that no queue takes; UnavailableError, OverloadedError: answer 503, it is repeated.
        """
        await self._installed.ensure()
        signed_at = datetime.fromtimestamp(verified.timestamp, UTC)
        async with self._database.transaction(across_tenants=True) as connection:
            row = (self.source, verified.id, self._queue.name, self._lane, signed_at, verified.payload)
            try:
                if await connection.fetchval(sql.KEEP, *row) is None:
                    return False
            except asyncpg.LockNotAvailableError as error:
                raise UnavailableError("the same event is being kept by somebody else") from error
            headers = _headers(self.source, verified.id, signed_at)
            await self._queue.send(verified.payload, lane=self._lane, headers=headers, transaction=connection)
        return True

    def endpoint(self, signature: Signature, **options: Any) -> ReceivingEndpoint:
        """An ASGI application that takes this source's webhooks; see ReceivingEndpoint for its options."""
        from rung.runtime.webhooks.receiving import ReceivingEndpoint

        return ReceivingEndpoint(self, signature, **options)

    # Handling

    async def apply_once(self, message: Message, transaction: Any) -> bool:
        """In the handler's transaction: True for the first delivery of this event, False for every other.

        What the handler writes in that transaction happens exactly once, on every broker. A replay makes it
        True once more: that is what it is for.
        """
        return await transaction.fetchval(sql.APPLY_ONCE, self.source, event_id_of(message)) is not None

    async def apply_if_newer(self, transaction: Any, thing: str, version: int) -> bool:
        """In the handler's transaction: whether `version` of `thing` is not older than what was applied last.

        `thing`: the object that the event is about, as "sub_123"; `version`: a number that grows with its changes,
        as Stripe's `created` in seconds. Equal versions are True: two events of one second are both applied, in
        the order in which they came; ask the sender for the object itself where that matters.
        """
        return await transaction.fetchval(sql.APPLY_IF_NEWER, self.source, thing, version) is not None

    # Replaying

    async def plan_replay(
        self, ids: Sequence[str] | None = None, *, since: datetime | None = None, until: datetime | None = None
    ) -> ReplayPlan:
        """What `replay` with the same arguments would send. Raises WebhookError (R0546) without any."""
        _require_choice(ids, since)
        await self._installed.ensure()
        row = await self._database.fetch_row(
            sql.PLAN, self.source, ids, since, until or self._clock.now(), across_tenants=True
        )
        assert row is not None
        return ReplayPlan(source=self.source, queue=self._queue.name, **row)

    async def replay(
        self, ids: Sequence[str] | None = None, *, since: datetime | None = None, until: datetime | None = None
    ) -> int:
        """Send events to the queue again, the oldest first, as if they came now; how many.

        Those of `ids`, or those that came in `since` then and `until` now. In batches, each of one transaction.
        Raises WebhookError (R0546) without any.
        """
        _require_choice(ids, since)
        await self._installed.ensure()
        end = until or self._clock.now()
        total, after = 0, (datetime.fromtimestamp(0, UTC), "")
        while True:
            async with self._database.transaction(across_tenants=True) as connection:
                found = await connection.fetch(sql.AGAIN, self.source, ids, since, end, *after, REPLAY_BATCH)
                rows = sorted(found, key=_age)
                if rows:
                    await self._queue.send_batch([self._entry(row) for row in rows], transaction=connection)
            if not rows:
                return total
            total, after = total + len(rows), _age(rows[-1])

    def _entry(self, row: Any) -> Entry:
        headers = _headers(self.source, row["id"], row["signed_at"])
        return Entry(body=bytes(row["body"]), lane=row["lane"], headers=headers)

    async def forget(self, *, older_than_seconds: float) -> int:
        """Delete what came in longer ago, at most 10,000 events; how many. A duplicate of them would be new."""
        await self._installed.ensure()
        rows = await self._database.fetch(sql.FORGET, self.source, older_than_seconds, across_tenants=True)
        return len(rows)


def event_id_of(message: Message) -> str:
    """The sender's id of the event that a message carries. Raises WebhookError (R0546) for any other message."""
    identity = message.headers.get(ID_HEADER)
    if identity is None:
        raise WebhookError(UNCLEAR, f"message {message.id} came from no inbox: it has no header {ID_HEADER}")
    return identity


def _headers(source: str, identity: str, signed_at: datetime) -> dict[str, str]:
    return {SOURCE_HEADER: source, ID_HEADER: identity, SIGNED_HEADER: str(int(signed_at.timestamp()))}


def _age(row: Any) -> tuple[datetime, str]:
    return row["received_at"], row["id"]


def _require_choice(ids: Sequence[str] | None, since: datetime | None) -> None:
    if ids is None and since is None:
        raise WebhookError(UNCLEAR, "say which events: their ids, or since when they came")

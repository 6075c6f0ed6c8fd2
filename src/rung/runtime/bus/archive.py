"""The archive of a bus on Postgres: reading it, and putting what it holds once more.

As on EventBridge, a replayed event has a `replay-name`, goes through the rules that there are now, to all of them
or to those that are named, and is not kept a second time.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec

from rung.runtime.bus import sql
from rung.runtime.bus.postgres import LANE, PostgresBus
from rung.runtime.bus.router import ONLY_HEADER, REPLAY_HEADER
from rung.runtime.queue.message import Sendable

PAGE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Archived:
    """An event as it was put, and when the bus took it."""

    at: datetime
    headers: dict[str, str]
    body: bytes


class Archive:
    """The events that a bus has kept. Uses the bus's own connections."""

    def __init__(self, bus: PostgresBus) -> None:
        self._bus = bus

    async def count(self, start: datetime, end: datetime) -> int:
        """How many events the bus took from `start` to before `end`."""
        ((count,),) = await self._bus.query(sql.COUNT, self._bus.name, start, end)
        return int(count)

    async def newest(self, limit: int) -> list[Archived]:
        """The latest events, the oldest of them first."""
        rows = await self._bus.query(sql.NEWEST, self._bus.name, limit)
        return [_archived(row) for row in reversed(rows)]

    async def pages(self, start: datetime, end: datetime) -> AsyncIterator[list[Archived]]:
        """The events from `start` to before `end`, in the order in which the bus took them."""
        at, identity = datetime.min.replace(tzinfo=UTC), 0
        while rows := await self._bus.query(sql.PAGE, self._bus.name, start, end, at, identity, PAGE):
            yield [_archived(row) for row in rows]
            at, identity = rows[-1]["at"], rows[-1]["id"]

    async def replay(
        self, name: str, start: datetime, end: datetime, rules: Sequence[str] = ()
    ) -> AsyncIterator[int]:
        """Put the events of that time once more, for `rules` or for all; after each page, how many it was."""
        told = {REPLAY_HEADER: name} | ({ONLY_HEADER: ",".join(rules)} if rules else {})
        async for page in self.pages(start, end):
            await self._bus.put_again([_sendable(each, told) for each in page])
            yield len(page)


def _archived(row: Any) -> Archived:
    headers = msgspec.json.decode(row["headers"], type=dict[str, str])
    return Archived(at=row["at"], headers=headers, body=row["body"])


def _sendable(each: Archived, told: dict[str, str]) -> Sendable:
    headers = {**each.headers, **told}
    return Sendable(body=each.body, lane=LANE, delay_seconds=0.0, deduplication_id=None, headers=headers)

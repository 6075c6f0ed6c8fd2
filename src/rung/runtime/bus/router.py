"""From events to the targets of the rules that take them, in one transaction for a batch of events.

The transaction takes events away, keeps them in the archive, and writes what each rule sends: straight into
queues of the same database, and for every other target into the queue of deliveries (`deliveries.py`). A router
that dies in the middle has done nothing: the events are there, and the next one takes them. One router at a time
has its turn, so the order of events stays; others wait to take over.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec

from rung.runtime import metrics
from rung.runtime.bindings import BusBinding, PostgresBinding
from rung.runtime.bus import sql
from rung.runtime.bus.postgres import LANE, events_of, events_queue
from rung.runtime.bus.rules import QueueTarget, Rule, RuleBook, event_of
from rung.runtime.bus.undelivered import Undelivered, undelivered_headers
from rung.runtime.database.database import Database
from rung.runtime.log import logger
from rung.runtime.queue.message import Sendable, origin_of_this_process
from rung.runtime.queue.postgres import PostgresQueue
from rung.runtime.queue.postgres.pool import QueueLimits
from rung.transforms.rendering import TransformError

BATCH = 500
#: How often the router looks by itself; an announcement of a producer wakes it earlier.
POLL_SECONDS = 0.5
PAUSE_SECONDS = 1.0
TIDY_SECONDS = 60.0
FORGET_BATCH = 1000
#: A replayed event says which replay it is of, and goes only to the rules that the replay names.
REPLAY_HEADER, ONLY_HEADER = "x-rung-replay", "x-rung-only"

log = logger(__name__)


@dataclass(slots=True, kw_only=True)
class _Batch:
    """What one transaction writes."""

    sends: dict[str, list[Sendable]] = field(default_factory=dict)
    deliveries: list[Sendable] = field(default_factory=list)
    buried: list[Undelivered] = field(default_factory=list)
    counts: dict[tuple[str, str], int] = field(default_factory=dict)

    def count(self, rule: str, outcome: str) -> None:
        key = (rule, outcome)
        self.counts[key] = self.counts.get(key, 0) + 1


class Router:
    """Routes one bus. `near` are the queues in the bus's own database, by name; `deliveries` takes the rest."""

    def __init__(
        self, name: str, binding: BusBinding, book: RuleBook, near: Mapping[str, PostgresQueue],
        deliveries: PostgresQueue, *, batch: int = BATCH, poll_seconds: float = POLL_SECONDS,
    ) -> None:  # fmt: skip
        self.name = name
        self._binding = binding
        self._book = book
        self._near = near
        self._deliveries = deliveries
        self._batch = batch
        self._poll_seconds = poll_seconds
        self._events = events_queue(name, binding, pool_size=1)
        place = PostgresBinding(url=binding.url, credentials_secret=binding.credentials_secret, pool_size=1)
        self._database = Database(place, name=f"bus {name}", limits=QueueLimits())
        self._stopping = False
        self._looked_at = 0.0

    async def run(self) -> None:
        """Route until `stop`, through outages of the database."""
        loop = asyncio.get_running_loop()
        metrics.bus_routed_age_seconds.labels(self.name).set_function(lambda: loop.time() - self._looked_at)
        tidy_at = 0.0
        while not self._stopping:
            try:
                routed = await self.route()
                self._looked_at = loop.time()
                if loop.time() >= tidy_at:
                    await self.tidy()
                    tidy_at = loop.time() + TIDY_SECONDS
                if not routed:
                    await self._events.wait_for_messages(self._poll_seconds)
            except Exception as error:  # noqa: BLE001 - a router that gives up needs a person, one that retries does not
                log.warning("events are not routed", bus=self.name, error=_said(error))
                await asyncio.sleep(PAUSE_SECONDS)

    def stop(self) -> None:
        """End after the batch that is under way."""
        self._stopping = True
        self._events.wake()

    async def oldest_seconds(self) -> float:
        """How long the oldest event has waited; 0: none does."""
        return (await self._events.statistics()).oldest_age_seconds or 0.0

    async def route(self) -> int:
        """Route one batch; how many events it was. 0: nothing is there, or another router has its turn."""
        async with self._database.transaction() as connection:
            if not await connection.fetchval(sql.TAKE_TURN, events_of(self.name)):
                return 0
            rows = await connection.fetch(sql.TAKE, events_of(self.name), LANE, self._batch)
            if not rows:
                return 0
            rows.sort(key=lambda row: (row["run_at"], row["id"]))
            batch = self._routed(rows)
            await self._write(connection, rows, batch)
        metrics.bus_events.labels(self.name).inc(len(rows))
        for (rule, outcome), count in batch.counts.items():
            metrics.bus_deliveries.labels(self.name, rule, outcome).inc(count)
        return len(rows)

    def _routed(self, rows: Sequence[Any]) -> _Batch:
        batch = _Batch()
        ingestion = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        for row in rows:
            headers = msgspec.json.decode(row["headers"], type=dict[str, str])
            try:
                self._route_one(row["body"], headers, ingestion, batch)
            except Exception as error:  # noqa: BLE001 - whatever it is, the events behind it go on
                batch.buried.append(Undelivered(lane=LANE, body=row["body"], headers=headers, reason=_said(error)))
        return batch

    def _route_one(self, body: bytes, headers: dict[str, str], ingestion: str, batch: _Batch) -> None:
        event = event_of(body)
        replay, only = headers.pop(REPLAY_HEADER, None), headers.pop(ONLY_HEADER, None)
        if replay is not None:
            event["replay-name"] = replay
            body = json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()
        chosen = None if only is None else frozenset(only.split(","))
        for rule in self._book.taking(event):
            if chosen is None or rule.name in chosen:
                self._send(rule, event, body, headers, ingestion, batch)

    def _send(
        self, rule: Rule, event: Mapping[str, Any], body: bytes, headers: dict[str, str], ingestion: str,
        batch: _Batch,
    ) -> None:  # fmt: skip
        near = self._near.get(rule.target.name) if isinstance(rule.target, QueueTarget) else None
        if near is None:
            batch.deliveries.append(_sendable(body, headers, rule.name))
            batch.count(rule.name, "accepted")
            return
        try:
            made = self._book.input_of(rule, event, body, ingestion)
        except TransformError as error:
            self._give_up(rule, body, headers, str(error), batch)
            return
        batch.sends.setdefault(near.name, []).append(_sendable(made, headers, near.lanes[0]))
        batch.count(rule.name, "delivered")

    def _give_up(self, rule: Rule, body: bytes, headers: dict[str, str], reason: str, batch: _Batch) -> None:
        """No attempt can succeed: to the rule's dead-letter queue, in the same transaction where that is near."""
        batch.count(rule.name, "dead")
        told = undelivered_headers(rule.name, code="INVALID_JSON", message=reason, attempts=0)
        near = self._near.get(rule.dead_letter or "")
        if near is not None:
            batch.sends.setdefault(near.name, []).append(_sendable(body, {**headers, **told}, near.lanes[0]))
        elif rule.dead_letter is not None:
            batch.deliveries.append(
                _sendable(body, headers, rule.name)
            )  # fails there again, and goes on from there
        else:
            batch.buried.append(Undelivered(lane=rule.name, body=body, headers=headers, reason=reason))

    async def _write(self, connection: Any, rows: Sequence[Any], batch: _Batch) -> None:
        if self._binding.archive_days is not None:
            await self._keep(connection, rows)
        for name, sendables in batch.sends.items():
            await self._near[name].store(sendables, connection)
        if batch.deliveries:
            await self._deliveries.store(batch.deliveries, connection)
        for each in batch.buried:
            headers = msgspec.json.encode(each.headers).decode()
            place = (self._deliveries.name, each.lane, headers, each.body)
            await connection.fetch(sql.BURY, *place, each.reason, origin_of_this_process(), 0)

    async def _keep(self, connection: Any, rows: Sequence[Any]) -> None:
        """What was replayed is in the archive already."""
        kept = [row for row in rows if REPLAY_HEADER not in row["headers"]]
        columns = [[row[name] for row in kept] for name in ("id", "headers", "body")]
        await connection.fetch(sql.KEEP, self.name, *columns)

    async def tidy(self) -> None:
        """Delete what the archive has kept for long enough, 1,000 events at a time."""
        while self._binding.archive_days and not self._stopping:
            tag = await self._database.execute(sql.FORGET, self.name, self._binding.archive_days, FORGET_BATCH)
            if tag != f"DELETE {FORGET_BATCH}":
                return

    async def close(self) -> None:
        """Close connections."""
        await self._database.close()
        await self._events.close()


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def _sendable(body: bytes, headers: Mapping[str, str], lane: str) -> Sendable:
    return Sendable(body=body, lane=lane, delay_seconds=0.0, deduplication_id=None, headers=headers)

"""The queue in memory: a complete fake, with every behaviour of the port. Public through `rung.testing`."""

from __future__ import annotations

import itertools
import random
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from rung.runtime.clock import SYSTEM_CLOCK, Clock
from rung.runtime.context import TENANT_HEADER
from rung.runtime.errors import MessageError
from rung.runtime.queue.backoff import Backoff
from rung.runtime.queue.lanes import LaneOrder
from rung.runtime.queue.message import (
    REASON_WORKER_LOST,
    DeadLetter,
    LaneStatistics,
    Message,
    QueueStatistics,
    Sendable,
    SendResult,
)
from rung.runtime.queue.port import Capabilities, Connection
from rung.runtime.queue.sending import Sending

POLL_SECONDS = 0.02
NO_TRANSACTIONS = "R0508"

_CAPABILITIES = Capabilities(ordered=True, shared=False, durable=False, takes_turns=True)


@dataclass(slots=True)
class _Row:
    """A live message. Times are seconds of the clock's monotonic time."""

    id: int
    sendable: Sendable
    sent_at: datetime
    run_at: float
    leased_until: float | None = None
    fence: int = 0
    receive_count: int = 0
    last_error: str = ""


class MemoryBroker:
    """What several `MemoryQueue`s share, as processes share a broker. Safe between threads."""

    def __init__(self, clock: Clock = SYSTEM_CLOCK) -> None:
        self.clock = clock
        self.lock = threading.RLock()
        self.rows: dict[str, dict[int, _Row]] = {}
        self.dead: dict[str, dict[int, tuple[_Row, DeadLetter]]] = {}
        self.known: dict[tuple[str, str], tuple[int, float]] = {}
        #: Of a fair queue's lanes: whose turn was last.
        self.turns: dict[tuple[str, str], str] = {}
        self.ids = itertools.count(1)


class MemoryQueue(Sending):
    """A queue in this process. Give two of them one broker and they are one queue."""

    def __init__(
        self,
        name: str = "queue",
        *,
        lanes: Sequence[str] = ("default",),
        visibility_timeout_seconds: float = 30.0,
        max_receive_count: int = 5,
        backoff: Backoff | None = None,
        deduplication_window_seconds: float = 300.0,
        delay_seconds: float = 0.0,
        fair: bool = False,
        randomness: random.Random | None = None,
        broker: MemoryBroker | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self.name = name
        self.lanes: Sequence[str] = tuple(lanes)
        self.delay_seconds = delay_seconds
        self.visibility_timeout_seconds = visibility_timeout_seconds
        self.max_receive_count = max_receive_count
        self.capabilities = _CAPABILITIES
        self._backoff = backoff or Backoff()
        self._window_seconds = deduplication_window_seconds
        self._random = randomness or random.Random()
        self._broker = broker or MemoryBroker(clock)
        self._order = LaneOrder(self.lanes)
        self._fair = fair
        self._rows = self._broker.rows.setdefault(name, {})
        self._dead = self._broker.dead.setdefault(name, {})

    def _now(self) -> float:
        return self._broker.clock.monotonic()

    # Sending

    async def store(self, sendables: Sequence[Sendable], transaction: Connection | None) -> list[SendResult]:
        """See `Sending.store`. Refuses a transaction: memory has none."""
        _refuse(transaction)
        return [self._put(sendable) for sendable in sendables]

    def _put(self, sendable: Sendable) -> SendResult:
        with self._broker.lock:
            now, key = self._now(), (self.name, sendable.deduplication_id or "")
            first, expires_at = self._broker.known.get(key, (0, now))
            if sendable.deduplication_id is not None and expires_at > now:
                return SendResult(id=str(first), duplicate=True)
            row = _Row(next(self._broker.ids), sendable, self._broker.clock.now(), now + sendable.delay_seconds)
            self._rows[row.id] = row
            if sendable.deduplication_id is not None:
                self._broker.known[key] = (row.id, now + self._window_seconds)
            return SendResult(id=str(row.id))

    # Receiving

    async def receive(
        self, *, max_messages: int = 1, wait_seconds: float = 0.0, lanes: Sequence[str] | None = None
    ) -> list[Message]:
        """See `Queue.receive`. Waits on the broker's clock."""
        until = self._now() + wait_seconds
        while True:
            if messages := self._claim(max_messages, lanes):
                return messages
            remaining = until - self._now()
            if remaining <= 0:
                return []
            await self._broker.clock.sleep(min(POLL_SECONDS, remaining))

    def _claim(self, max_messages: int, chosen: Sequence[str] | None) -> list[Message]:
        with self._broker.lock:
            now = self._now()
            lanes = [lane for lane in self._order.next() if chosen is None or lane in chosen]
            claimed: list[Message] = []
            for row in itertools.islice(self._due(lanes, now), max_messages):
                message = self._lease(row, now)
                if message.receive_count > self.max_receive_count:
                    self._bury(row, REASON_WORKER_LOST, row.last_error, self.max_receive_count)
                else:
                    claimed.append(message)
            return claimed

    def _due(self, lanes: Sequence[str], now: float) -> Iterator[_Row]:
        for lane in lanes:
            rows = (row for row in self._rows.values() if row.sendable.lane == lane and _is_ready(row, now))
            in_line = sorted(rows, key=lambda row: (row.run_at, row.id))
            yield from self._in_turn(lane, in_line) if self._fair else in_line

    def _in_turn(self, lane: str, in_line: Sequence[_Row]) -> Iterator[_Row]:
        """One of each tenant, then the next, from the one behind the last served on."""
        waiting: dict[str, deque[_Row]] = {}
        for row in in_line:
            waiting.setdefault(row.sendable.headers.get(TENANT_HEADER, ""), deque()).append(row)
        last = self._broker.turns.get((self.name, lane), "")
        order = sorted(waiting, key=lambda tenant: (tenant <= last, tenant))
        while order:
            for tenant in order:
                self._broker.turns[self.name, lane] = tenant
                yield waiting[tenant].popleft()
            order = [tenant for tenant in order if waiting[tenant]]

    def _lease(self, row: _Row, now: float) -> Message:
        after_loss = row.leased_until is not None
        row.leased_until = now + self.visibility_timeout_seconds
        row.fence += 1
        row.receive_count += 1
        return Message(
            id=str(row.id),
            queue=self.name,
            lane=row.sendable.lane,
            body=row.sendable.body,
            headers=dict(row.sendable.headers),
            receive_count=row.receive_count,
            sent_at=row.sent_at,
            receipt=row.fence,
            after_loss=after_loss,
        )

    # Ending a lease

    async def acknowledge(self, messages: Sequence[Message]) -> list[bool]:
        """See `Queue.acknowledge`."""
        return [self._with(message, lambda row: self._rows.pop(row.id)) for message in messages]

    async def extend(self, messages: Sequence[Message], *, seconds: float) -> list[bool]:
        """See `Queue.extend`."""

        def keep(row: _Row) -> None:
            row.leased_until = self._now() + seconds

        return [self._with(message, keep) for message in messages]

    async def release(self, messages: Sequence[Message]) -> list[bool]:
        """See `Queue.release`."""

        def free(row: _Row, after_loss: bool) -> None:
            row.leased_until = self._now() if after_loss else None
            row.fence, row.receive_count = row.fence + 1, row.receive_count - 1

        return [self._with(message, partial(free, after_loss=message.after_loss)) for message in messages]

    async def retry(
        self, message: Message, *, reason: str, delay_seconds: float | None = None, traceback: str = ""
    ) -> bool:
        """See `Queue.retry`."""
        if message.receive_count >= self.max_receive_count:
            return await self.dead_letter(message, reason=reason, traceback=traceback)
        if delay_seconds is None:
            delay_seconds = self._backoff.delay_seconds(message.receive_count, self._random)

        def put_off(row: _Row) -> None:
            row.leased_until, row.fence = None, row.fence + 1
            row.run_at = self._now() + delay_seconds
            row.last_error = f"{reason}\n{traceback}" if traceback else reason

        return self._with(message, put_off)

    async def dead_letter(self, message: Message, *, reason: str, traceback: str = "") -> bool:
        """See `Queue.dead_letter`."""
        return self._with(message, lambda row: self._bury(row, reason, traceback, row.receive_count))

    async def finished_in(self, message: Message, transaction: Connection) -> bool:
        """Refused: memory has no transactions."""
        _refuse(transaction)
        return False

    def _with(self, message: Message, act: Callable[[_Row], object]) -> bool:
        """Do something to the row of a lease that is still ours."""
        with self._broker.lock:
            row = self._rows.get(int(message.id))
            if row is None or row.fence != message.receipt:
                return False
            act(row)
            return True

    def _bury(self, row: _Row, reason: str, traceback: str, attempts: int) -> None:
        del self._rows[row.id]
        letter = DeadLetter(
            id=str(row.id),
            queue=self.name,
            lane=row.sendable.lane,
            body=row.sendable.body,
            headers=row.sendable.headers,
            sent_at=row.sent_at,
            died_at=self._broker.clock.now(),
            attempts=attempts,
            reason=reason,
            traceback=traceback,
            origin="memory",
        )
        self._dead[row.id] = (row, letter)

    # Looking after it

    async def statistics(self) -> QueueStatistics:
        """See `Queue.statistics`."""
        with self._broker.lock:
            return QueueStatistics(lanes={lane: self._count(lane) for lane in self.lanes})

    def _count(self, lane: str) -> LaneStatistics:
        now = self._now()
        rows = [row for row in self._rows.values() if row.sendable.lane == lane]
        ready = [row for row in rows if _is_ready(row, now)]
        in_flight = sum(_is_leased(row, now) for row in rows)
        return LaneStatistics(
            ready=len(ready),
            in_flight=in_flight,
            delayed=len(rows) - len(ready) - in_flight,
            dead=sum(letter.lane == lane for _, letter in self._dead.values()),
            oldest_age_seconds=max((now - row.run_at for row in ready), default=0.0),
        )

    async def dead_letters(self, *, limit: int = 100) -> list[DeadLetter]:
        """See `Queue.dead_letters`."""
        with self._broker.lock:
            letters = [letter for _, letter in reversed(self._dead.values())]
        return letters[:limit]

    async def redrive(self, ids: Sequence[str] | None = None) -> int:
        """See `Queue.redrive`."""
        with self._broker.lock:
            chosen = [identity for identity in self._dead if ids is None or str(identity) in ids]
            for identity in chosen:
                row, _ = self._dead.pop(identity)
                row.run_at = self._now()
                row.leased_until, row.fence, row.receive_count, row.last_error = None, row.fence + 1, 0, ""
                self._rows[identity] = row
            return len(chosen)

    async def close(self) -> None:
        """Nothing to close."""


def _is_leased(row: _Row, now: float) -> bool:
    return row.leased_until is not None and row.leased_until > now


def _is_ready(row: _Row, now: float) -> bool:
    return row.run_at <= now and not _is_leased(row, now)


def _refuse(transaction: Connection | None) -> None:
    if transaction is not None:
        raise MessageError(f"{NO_TRANSACTIONS}: a queue in memory has no transactions to join")

"""The queue on Postgres: one table, claimed with SKIP LOCKED, fenced by (id, receipt)."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from rung.runtime.bindings import QueueBinding
from rung.runtime.clock import SYSTEM_CLOCK, Clock
from rung.runtime.errors import UnavailableError
from rung.runtime.queue.backoff import Backoff
from rung.runtime.queue.delivery import mark_finished
from rung.runtime.queue.lanes import LaneOrder
from rung.runtime.queue.message import (
    REASON_EXPIRED,
    REASON_WORKER_LOST,
    DeadLetter,
    LaneStatistics,
    Message,
    QueueStatistics,
    Sendable,
    SendResult,
    origin_of_this_process,
)
from rung.runtime.queue.port import Capabilities, Clause, Connection
from rung.runtime.queue.postgres import sql
from rung.runtime.queue.postgres.announcements import RELEASED, Announcements
from rung.runtime.queue.postgres.fair import Turns
from rung.runtime.queue.postgres.floors import LATE_COMMIT_SECONDS, Floor, Floors
from rung.runtime.queue.postgres.pool import Pool
from rung.runtime.queue.postgres.same_database import require_same_database
from rung.runtime.queue.sending import Sending
from rung.runtime.text import storable

#: How often a waiting receiver looks by itself; an announcement wakes it earlier.
POLL_SECONDS = 0.5
REDRIVE_BATCH = 1000
#: An id may be forgotten between the look that found it and the look at what was sent under it.
SEND_ONCE_ATTEMPTS = 3
#: Ids that are forgotten in one statement, and statements in one `tidy`: what comes in has to be able to go.
FORGET_BATCH, FORGET_ROUNDS = 1000, 1000
#: The same as SQS FIFO.
DEDUPLICATION_WINDOW_SECONDS = 300.0

_CAPABILITIES = Capabilities(
    transactional_send=True, transactional_acknowledge=True, ordered=True, takes_turns=True
)


class PostgresQueue(Sending):
    """A queue in the application's own database. Opens its connections on first use, in the running loop."""

    def __init__(
        self,
        name: str,
        binding: QueueBinding,
        *,
        pool_size: int = 4,
        registered: bool = False,
        backoff: Backoff | None = None,
        deduplication_window_seconds: float = DEDUPLICATION_WINDOW_SECONDS,
        poll_seconds: float = POLL_SECONDS,
        randomness: random.Random | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self.name = name
        self.lanes: Sequence[str] = binding.lanes
        self.delay_seconds = binding.delay_seconds
        self.visibility_timeout_seconds = binding.visibility_timeout_seconds
        self.max_receive_count = binding.max_receive_count
        self.capabilities = _CAPABILITIES
        self._retention_seconds = binding.retention_seconds
        self._backoff = backoff or Backoff.of(binding)
        self._deduplication_window_seconds = deduplication_window_seconds
        self._poll_seconds = poll_seconds
        self._random = randomness or random.Random()
        self._clock = clock
        self._order = LaneOrder(binding.lanes)
        self._floors = Floors()
        self._turns = Turns() if binding.fair else None
        self._pool = Pool(binding.url, name, size=pool_size, credentials_secret=binding.credentials_secret)
        if registered:
            self._pool.on_close(self.close)
        self._url, self._secret = binding.url, binding.credentials_secret
        self._announcer: Announcements | None = None

    # Sending

    def wake(self) -> None:
        """End the wait of this process's own `wait_for_messages`."""
        self._announcements.wake()

    async def query(self, sql: str, *arguments: Any) -> list[Any]:
        """Rows of one statement, on the queue's own connections: for what stands in the same tables."""
        return await self._pool.fetch(sql, *arguments)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Any]:
        """A connection of the queue's own, in a transaction: as `query`, for several statements."""
        async with self._pool.connection() as connection, connection.transaction():
            yield connection

    async def store(self, sendables: Sequence[Sendable], transaction: Connection | None) -> list[SendResult]:
        """One INSERT for all messages without a deduplication id; inside `transaction`, on that connection.

        Raises MessageError when that is in another database: nobody would receive them there.
        """
        if transaction is not None:
            require_same_database(transaction, self._url, f"queue {self.name!r}")
        results: list[SendResult | None] = [None] * len(sendables)
        plain: list[tuple[int, Sendable]] = []
        for position, sendable in enumerate(sendables):
            if sendable.deduplication_id is None and len(sendables) > 1:
                plain.append((position, sendable))
            else:
                results[position] = await self._send_one(sendable, transaction)
        if plain:
            ids = await self._insert([sendable for _, sendable in plain], transaction)
            for (position, _), identity in zip(plain, ids, strict=True):
                results[position] = SendResult(id=identity)
        self._announce(transaction)
        return [result for result in results if result is not None]

    async def clause_of(self, sendable: Sendable, first_parameter: int) -> Clause:
        """See `Queue.clause`."""
        await self._pool.ensure_installed()
        headers = _encode_headers([sendable])[0]
        return Clause(
            sql=sql.send_clause(first_parameter),
            arguments=(self.name, sendable.lane, headers, sendable.body, sendable.delay_seconds),
            announce=self._announcements.announce,
        )

    async def _send_one(self, sendable: Sendable, transaction: Connection | None) -> SendResult:
        headers = _encode_headers([sendable])[0]
        values = (self.name, sendable.lane, sendable.delay_seconds, headers, sendable.body)
        if sendable.deduplication_id is None:
            return SendResult(id=str(await self._value(transaction, sql.SEND, *values)))
        key = sendable.deduplication_id
        for _ in range(SEND_ONCE_ATTEMPTS):
            sent = await self._value(transaction, sql.SEND_ONCE, *values, key, self._deduplication_window_seconds)
            if sent is not None:
                return SendResult(id=str(sent))
            first = await self._value(transaction, sql.DUPLICATE_OF, self.name, key)
            if first is not None:
                return SendResult(id=str(first), duplicate=True)
        raise UnavailableError(f"queue {self.name!r} forgets a deduplication id whenever it is asked for it")

    async def _insert(self, sendables: Sequence[Sendable], transaction: Connection | None) -> list[str]:
        query, columns = _as_columns(sendables)
        if transaction is not None:
            await self._pool.ensure_installed()
            rows = await transaction.fetch(query, self.name, *columns)
        else:
            rows = await self._pool.fetch(query, self.name, *columns)
        return [str(row[0]) for row in rows]

    async def _value(self, transaction: Connection | None, query: str, *arguments: Any) -> Any:
        if transaction is not None:
            await self._pool.ensure_installed()
            return await transaction.fetchval(query, *arguments)
        return await self._pool.value(query, *arguments)

    def _announce(self, transaction: Connection | None) -> None:
        if transaction is None:
            self._announcements.announce()
        else:
            self._announcements.announce_after(transaction)

    # Receiving

    async def receive(
        self, *, max_messages: int = 1, wait_seconds: float = 0.0, lanes: Sequence[str] | None = None
    ) -> list[Message]:
        """See `Queue.receive`."""
        until = self._clock.monotonic() + wait_seconds
        while True:
            if messages := await self._claim(max_messages, lanes):
                return messages
            remaining = until - self._clock.monotonic()
            if remaining <= 0:
                return []
            await self.wait_for_messages(min(remaining, self._poll_seconds))

    async def wait_for_messages(self, seconds: float) -> None:
        """Return when something was sent to this queue, by whatever process, or after `seconds`."""
        await self._announcements.listen()
        await self._announcements.wait(seconds)

    async def _claim(self, max_messages: int, chosen: Sequence[str] | None) -> list[Message]:
        order = self._order.next()
        lanes = order if chosen is None else [lane for lane in order if lane in chosen]
        if self._turns is not None:
            fair = await self._turns.claim(
                self._pool, self.name, lanes, max_messages, self.visibility_timeout_seconds
            )
            return [message for row in fair if (message := await self._delivered(row)) is not None]
        floors = self._floors.begin(lanes, self._clock.monotonic())
        rows = await self._pool.fetch(
            sql.CLAIM,
            self.name,
            lanes,
            [floor.at for floor in floors],
            [floor.id for floor in floors],
            max_messages,
            self.visibility_timeout_seconds,
            LATE_COMMIT_SECONDS,
        )
        position = {lane: index for index, lane in enumerate(lanes)}
        rows.sort(key=lambda row: (position[row["lane"]], row["run_at"], row["id"]))
        claimed = {row["lane"]: Floor(row["run_at"], row["id"]) for row in rows}
        self._floors.end(lanes, claimed, full=len(rows) == max_messages)
        return [message for row in rows if (message := await self._delivered(row)) is not None]

    async def _delivered(self, row: Any) -> Message | None:
        """The message of a claimed row; None when its attempts were used up by workers that were lost."""
        message = Message(
            id=str(row["id"]),
            queue=self.name,
            lane=row["lane"],
            body=row["body"],
            headers=msgspec.json.decode(row["headers"]),
            receive_count=row["receive_count"],
            sent_at=row["sent_at"],
            receipt=row["fence"],
            after_loss=row["after_loss"],
        )
        if message.receive_count <= self.max_receive_count:
            return message
        await self._bury(message, REASON_WORKER_LOST, row["last_error"] or "", self.max_receive_count)
        return None

    # Ending a lease

    async def acknowledge(self, messages: Sequence[Message]) -> list[bool]:
        """See `Queue.acknowledge`. One DELETE for all."""
        return await self._for_each(sql.ACKNOWLEDGE, messages)

    async def extend(self, messages: Sequence[Message], *, seconds: float) -> list[bool]:
        """See `Queue.extend`. Touches no index."""
        return await self._for_each(sql.EXTEND, messages, seconds)

    async def release(self, messages: Sequence[Message]) -> list[bool]:
        """See `Queue.release`. Other processes are told at once."""
        released = await self._for_each(sql.RELEASE, messages, [message.after_loss for message in messages])
        self._floors.reset()
        self._announcements.announce(RELEASED)
        return released

    async def retry(
        self, message: Message, *, reason: str, delay_seconds: float | None = None, traceback: str = ""
    ) -> bool:
        """See `Queue.retry`."""
        if message.receive_count >= self.max_receive_count:
            return await self.dead_letter(message, reason=reason, traceback=traceback)
        if delay_seconds is None:
            delay_seconds = self._backoff.delay_seconds(message.receive_count, self._random)
        error = storable(f"{reason}\n{traceback}" if traceback else reason)
        return bool(await self._pool.fetch(sql.RETRY, *_lease(message), delay_seconds, error))

    async def dead_letter(self, message: Message, *, reason: str, traceback: str = "") -> bool:
        """See `Queue.dead_letter`."""
        return await self._bury(message, reason, traceback, message.receive_count)

    async def finished_in(self, message: Message, transaction: Connection) -> bool:
        """See `Queue.finished_in`."""
        require_same_database(transaction, self._url, f"queue {self.name!r}")
        finished = await transaction.fetchval(sql.ACKNOWLEDGE_ONE, *_lease(message)) is not None
        if finished:
            mark_finished()
        return finished

    async def _bury(self, message: Message, reason: str, traceback: str, attempts: int) -> bool:
        texts = (storable(reason), storable(traceback), origin_of_this_process())
        return bool(await self._pool.fetch(sql.DEAD_LETTER, *_lease(message), attempts, *texts))

    async def _for_each(self, query: str, messages: Sequence[Message], *arguments: Any) -> list[bool]:
        if not messages:
            return []
        leases = [_lease(message) for message in messages]
        ids, fences = [lease[0] for lease in leases], [lease[1] for lease in leases]
        rows = await self._pool.fetch(query, ids, fences, *arguments)
        held = {(row[0], row[1]) for row in rows}
        return [lease in held for lease in leases]

    @property
    def _announcements(self) -> Announcements:
        """Those of the running loop: their connection, timer and locks belong to one."""
        if self._announcer is None or self._announcer.loop is not asyncio.get_running_loop():
            self._announcer = Announcements(
                self._url,
                self.name,
                self._floors.reset,
                credentials_secret=self._secret,
                randomness=self._random,
            )
        return self._announcer

    # Looking after it

    async def statistics(self) -> QueueStatistics:
        """See `Queue.statistics`. Counts every row of the queue: about 20 ms for 100,000."""
        live = {row["lane"]: row for row in await self._pool.fetch(sql.STATISTICS, self.name)}
        dead = {row["lane"]: row["dead"] for row in await self._pool.fetch(sql.STATISTICS_DEAD, self.name)}
        lanes = dict.fromkeys((*self.lanes, *sorted({*live, *dead})))
        return QueueStatistics(lanes={lane: _lane_statistics(live.get(lane), dead.get(lane, 0)) for lane in lanes})

    async def dead_letters(self, *, limit: int = 100) -> list[DeadLetter]:
        """See `Queue.dead_letters`."""
        rows = await self._pool.fetch(sql.DEAD_LETTERS, self.name, limit)
        return [
            DeadLetter(
                **{**row, "id": str(row["id"]), "headers": msgspec.json.decode(row["headers"])}, queue=self.name
            )
            for row in rows
        ]

    async def redrive(self, ids: Sequence[str] | None = None) -> int:
        """See `Queue.redrive`. In batches, so that it can be stopped and resumed."""
        chosen = None if ids is None else [int(identity) for identity in ids if identity.isdecimal()]
        # What dies again meanwhile stays dead, or a worker that rejects it would keep us for ever.
        began, total = await self._pool.value(sql.NOW), 0
        while moved := len(await self._pool.fetch(sql.REDRIVE, self.name, chosen, REDRIVE_BATCH, began)):
            total += moved
            self._announcements.announce()
        return total

    async def tidy(self) -> int:
        """Dead-letter what was due for longer than the retention period and forget old deduplication ids.

        Workers do it once a minute, at most 1,000 messages at a time, and all ids. Returns the number of expired
        messages.
        """
        expired = await self._pool.fetch(
            sql.EXPIRE,
            self.name,
            list(self.lanes),
            self._retention_seconds,
            REASON_EXPIRED,
            origin_of_this_process(),
        )
        for _ in range(FORGET_ROUNDS):
            if len(await self._pool.fetch(sql.FORGET_DEDUPLICATION, FORGET_BATCH)) < FORGET_BATCH:
                break
        return len(expired)

    async def close(self) -> None:
        """See `Queue.close`."""
        await self._announcements.close()
        await self._pool.close()


def _lease(message: Message) -> tuple[int, int]:
    assert isinstance(message.receipt, int)
    return int(message.id), message.receipt


def _as_columns(sendables: Sequence[Sendable]) -> tuple[str, tuple[Any, ...]]:
    """The statement that inserts these, and what it takes. Mostly only the bodies differ."""
    bodies = [sendable.body for sendable in sendables]
    first = sendables[0]
    lane, delay, headers = first.lane, first.delay_seconds, first.headers
    if all(each.headers is headers and each.lane == lane and each.delay_seconds == delay for each in sendables):
        return sql.SEND_ALIKE, (lane, delay, _encode_headers([first])[0], bodies)
    lanes = [sendable.lane for sendable in sendables]
    delays = [sendable.delay_seconds for sendable in sendables]
    return sql.SEND_BATCH, (lanes, delays, _encode_headers(sendables), bodies)


def _encode_headers(sendables: Sequence[Sendable]) -> list[str]:
    """Each one's headers as JSON; entries without headers of their own share one mapping, encoded once."""
    last: Mapping[str, str] | None = None
    text, texts = "", []
    for sendable in sendables:
        if sendable.headers is not last:
            last = sendable.headers
            text = msgspec.json.encode(last).decode()
        texts.append(text)
    return texts


def _lane_statistics(row: Any, dead: int) -> LaneStatistics:
    if row is None:
        return LaneStatistics(dead=dead)
    counts: Iterable[str] = ("ready", "in_flight", "delayed", "oldest_age_seconds")
    return LaneStatistics(dead=dead, **{name: row[name] for name in counts})

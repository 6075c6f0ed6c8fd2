"""The queue on Redis or Valkey. Why sorted sets and scripts, and not streams: docs/adr/0016-queue-on-redis.md."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import msgspec
from redis.exceptions import MovedError, NoPermissionError, OutOfMemoryError, ReadOnlyError, ResponseError

from rung.runtime import lifespan
from rung.runtime.bindings import CacheBinding, QueueBinding
from rung.runtime.cache.connection import Argument, RedisConnection, Script
from rung.runtime.cache.credentials import credentials_of
from rung.runtime.clock import SYSTEM_CLOCK, Clock
from rung.runtime.errors import BindingError, OverloadedError, UnavailableError
from rung.runtime.log import logger
from rung.runtime.queue.backoff import Backoff
from rung.runtime.queue.lanes import LaneOrder
from rung.runtime.queue.message import (
    REASON_WORKER_LOST,
    DeadLetter,
    Message,
    QueueStatistics,
    Sendable,
    SendResult,
    origin_of_this_process,
)
from rung.runtime.queue.outbox import OutboxSending, Refusal
from rung.runtime.queue.port import Capabilities
from rung.runtime.queue.redis import scripts, server
from rung.runtime.queue.redis.keeping import Keeping
from rung.runtime.queue.redis.keys import Keys
from rung.runtime.queue.redis.records import (
    Letter,
    Receipt,
    new_id,
    read_payload,
    read_state,
    receipt_of,
    tenant_of,
    write_payload,
)
from rung.runtime.queue.redis.wakeups import HEARD_SECONDS, Wakeups

#: One call in all: waiting for a connection, connecting, and the answer.
CALL_SECONDS = 2.0
CONNECTIONS = 8
#: What one script moves: Lua takes 8,000 values, and nobody else is served meanwhile.
BATCH = 500
BATCH_BYTES = 1024 * 1024
#: The same as SQS FIFO.
DEDUPLICATION_WINDOW_SECONDS = 300.0
#: A relay that died comes again, or another one in its place, within seconds: until then its ids are known.
RELAYED_WINDOW_SECONDS = 60.0
SHORTEST_WAIT_SECONDS = 0.001
MICROSECONDS = 1_000_000

log = logger(__name__)

_CAPABILITIES = Capabilities(ordered=True, durable=False, takes_turns=True)

#: One message for the script: lane, id, delay, sent (0: now), deduplication id, payload, tenant.
_Row = tuple[str, str, int, int, str, bytes, str]


def _signing_in(binding: QueueBinding) -> CacheBinding:
    """As whom, in the words of a cache."""
    return CacheBinding(
        url=binding.url,
        credentials_secret=binding.credentials_secret,
        user=binding.user,
        replication_group=binding.replication_group,
        region=binding.region,
    )


class RedisQueue(OutboxSending):
    """A queue on one Redis. Connects on first use; any event loop. `clock_offset` is for tests, in seconds."""

    broker = "Redis"

    def __init__(
        self,
        name: str,
        binding: QueueBinding,
        *,
        registered: bool = False,
        backoff: Backoff | None = None,
        deduplication_window_seconds: float = DEDUPLICATION_WINDOW_SECONDS,
        randomness: random.Random | None = None,
        clock: Clock = SYSTEM_CLOCK,
        clock_offset: Callable[[], float] = lambda: 0.0,
    ) -> None:
        self.name = name
        self.lanes: Sequence[str] = binding.lanes
        self.delay_seconds = binding.delay_seconds
        self.visibility_timeout_seconds = binding.visibility_timeout_seconds
        self.max_receive_count = binding.max_receive_count
        self.keys = Keys(name, binding.workload)
        self.fair = binding.fair
        self._url = binding.url
        self._backoff = backoff or Backoff.of(binding)
        self._window_seconds = deduplication_window_seconds
        self._random = randomness or random.Random()
        self._clock = clock
        self._clock_offset = clock_offset
        self._order = LaneOrder(binding.lanes)
        self._connection = RedisConnection(
            binding.url,
            name=f"queue {name}",
            what="Redis of",
            timeout_seconds=CALL_SECONDS,
            max_connections=CONNECTIONS,
            credentials=credentials_of(_signing_in(binding)),
        )
        self._connection.on_recovery(self._look_again)
        self._looked = False
        self._keeping = Keeping(self, self.run, retention_seconds=binding.retention_seconds)
        self._wakeups: Wakeups | None = None
        self.open_outbox(binding)
        self._forget: Callable[[], None] = lambda: None
        if registered:
            self._forget = lifespan.register(f"queue {name}", close=self.close, check=self._connection.check)

    @property
    def capabilities(self) -> Capabilities:
        """See `Queue.capabilities`. `durable` is what the server said when it was last asked: at first nothing."""
        beside = self.outbox is not None
        return replace(
            _CAPABILITIES,
            transactional_send=beside,
            transactional_acknowledge=beside,
            durable=server.KNOWN.get(self._url, server.Server()).durable,
        )

    async def concerns(self) -> list[str]:
        """What this queue's server should not be kept with: codes, and what they mean."""
        return (await server.look(self._connection, self._url)).concerns()

    async def _look(self) -> None:
        """Ask the server what it keeps, once: for who sends or receives."""
        if self._looked:
            return
        self._looked = True
        try:
            concerns = await self.concerns()
        except UnavailableError as error:
            # Who may not ask can send all the same; a server that is away is asked when it is back.
            self._looked = isinstance(error.__cause__, ResponseError)
            concerns = [str(error)]
        for concern in concerns:
            log.warning("the queue's server is not made for a queue", queue=self.name, reason=concern)

    async def _look_again(self, _run: object) -> None:
        self._looked = False

    async def run(self, script: Script, keys: Sequence[str], *arguments: Argument) -> Any:
        """Run a script by this queue's clock. Raises UnavailableError, OverloadedError, BindingError."""
        offset = round(self._clock_offset() * MICROSECONDS)
        try:
            return await self._connection.run_script(script, keys, offset, *arguments)
        except OutOfMemoryError as error:
            raise OverloadedError(f"{server.FULL}: the Redis of queue {self.name!r} is full") from error
        except ReadOnlyError as error:
            raise UnavailableError(f"the Redis of queue {self.name!r} is a replica now") from error
        except MovedError as error:
            raise BindingError(
                f"{server.ELSEWHERE}: another node of this Redis Cluster keeps queue {self.name!r} ({error}): "
                "name the one that has its slot, or a server that is no cluster"
            ) from error
        except NoPermissionError as error:
            raise BindingError(f"the user of queue {self.name!r} may not do this in Redis: {error}") from error

    # Sending

    async def deliver(self, sendables: Sequence[Sendable]) -> list[SendResult]:
        """See `OutboxSending.deliver`."""
        if len(sendables) == 1 and sendables[0].deduplication_id is None and not self.fair:
            return [await self._send_one(sendables[0])]
        rows = [
            (
                each.lane, new_id(), round(each.delay_seconds * MICROSECONDS), 0, each.deduplication_id or "",
                write_payload(each.headers, each.body), tenant_of(each.headers),
            )
            for each in sendables
        ]  # fmt: skip
        firsts = await self._put(rows, self._window_seconds)
        return [
            SendResult(id=first, duplicate=True) if first else SendResult(id=row[1])
            for row, first in zip(rows, firsts, strict=True)
        ]

    async def _send_one(self, sendable: Sendable) -> SendResult:
        """The same with half of the work, on both sides."""
        await self._look()
        keys, identity, lane = self.keys, new_id(), sendable.lane
        await self.run(
            scripts.SEND_ONE,
            (keys.state, keys.payload, keys.lanes, keys.due(lane)),
            keys.channel,
            lane,
            identity,
            round(sendable.delay_seconds * MICROSECONDS),
            write_payload(sendable.headers, sendable.body),
        )
        return SendResult(id=identity)

    async def forward(self, messages: Sequence[Message]) -> list[Refusal]:
        """See `OutboxSending.forward`. What a relay before has sent already is not sent again."""
        rows = [
            (
                each.lane, each.id, 0, round(each.sent_at.timestamp() * MICROSECONDS), f"outbox/{each.id}",
                write_payload(each.headers, each.body), tenant_of(each.headers),
            )
            for each in messages
        ]  # fmt: skip
        await self._put(rows, RELAYED_WINDOW_SECONDS)
        return [None] * len(messages)

    async def _put(self, rows: Sequence[_Row], window_seconds: float) -> list[str]:
        await self._look()
        keys, answers = self.keys, []
        script, size = (scripts.SEND_IN_TURN, 7) if self.fair else (scripts.SEND, 6)
        for some in _batches(rows):
            lanes = list(dict.fromkeys(row[0] for row in some))
            position = {lane: str(index) for index, lane in enumerate(lanes, 1)}
            arguments = [value for row in some for value in (position[row[0]], *row[1:size])]
            places = [name for lane in lanes for name in (keys.turns(lane), keys.later(lane))] if self.fair else ()
            answers += await self.run(
                script,
                (keys.state, keys.payload, keys.once, keys.once_until, keys.lanes, *map(keys.due, lanes), *places),
                keys.channel,
                round(window_seconds * MICROSECONDS),
                len(lanes),
                *lanes,
                *arguments,
            )
        return [answer.decode() for answer in answers]

    # Receiving

    async def receive(
        self, *, max_messages: int = 1, wait_seconds: float = 0.0, lanes: Sequence[str] | None = None
    ) -> list[Message]:
        """See `Queue.receive`."""
        self.start_relay()
        until = self._clock.monotonic() + wait_seconds
        while True:
            wakeups = self._running_wakeups()
            wakeups.clear()
            messages, next_seconds = await self._claim(max_messages, lanes)
            remaining = until - self._clock.monotonic()
            if messages or remaining <= 0:
                return messages
            await wakeups.wait(min(remaining, max(SHORTEST_WAIT_SECONDS, next_seconds)))

    def _running_wakeups(self) -> Wakeups:
        if self._wakeups is None or self._wakeups.loop is not asyncio.get_running_loop():
            self._wakeups = Wakeups(self._connection, self.keys.channel)
        return self._wakeups

    async def _claim(self, max_messages: int, chosen: Sequence[str] | None) -> tuple[list[Message], float]:
        """What was leased, and in how many seconds there may be something."""
        await self._look()
        keys = self.keys
        lanes = [lane for lane in self._order.next() if chosen is None or lane in chosen]
        script, names = (scripts.CLAIM_IN_TURN, keys.fives) if self.fair else (scripts.CLAIM, keys.pairs)
        nearest, *groups = await self.run(
            script,
            (keys.state, keys.payload, keys.error, *names(lanes)),
            min(max_messages, BATCH),
            round(self.visibility_timeout_seconds * MICROSECONDS),
        )
        messages = [message for group in groups for message in self._delivered(lanes[group[0]], group)]
        ready = await self.without_finished(messages)
        exhausted = [message for message in ready if message.receive_count > self.max_receive_count]
        for message in exhausted:
            await self._bury(message, REASON_WORKER_LOST, receipt_of(message).error, self.max_receive_count)
        left = [message for message in ready if message.receive_count <= self.max_receive_count]
        if messages and not left:
            return [], 0.0
        return left, HEARD_SECONDS if nearest < 0 else nearest / MICROSECONDS

    def _delivered(self, lane: str, group: Sequence[Any]) -> Iterator[Message]:
        _, ids, states, payloads, errors = group
        for identity, packed, payload, error in zip(ids, states, payloads, errors, strict=True):
            state, (headers, body) = read_state(packed), read_payload(payload)
            yield Message(
                id=identity.decode(),
                queue=self.name,
                lane=lane,
                body=body,
                headers=headers,
                receive_count=state.received,
                sent_at=datetime.fromtimestamp(state.sent / MICROSECONDS, UTC),
                receipt=Receipt(int(state.fence), error.decode()),
                after_loss=bool(state.lost),
            )

    # Ending a lease

    async def acknowledge(self, messages: Sequence[Message]) -> list[bool]:
        """See `Queue.acknowledge`. One script for all."""
        keys, lanes = self.keys, _lanes_of(messages)
        names = (keys.state, keys.payload, keys.error, *map(keys.leased, lanes))
        return await self._for_each(scripts.ACKNOWLEDGE, names, messages, lanes)

    async def extend(self, messages: Sequence[Message], *, seconds: float) -> list[bool]:
        """See `Queue.extend`."""
        keys, lanes = self.keys, _lanes_of(messages)
        names = (keys.state, *map(keys.leased, lanes))
        return await self._for_each(scripts.EXTEND, names, messages, lanes, round(seconds * MICROSECONDS))

    async def release(self, messages: Sequence[Message]) -> list[bool]:
        """See `Queue.release`. Back to where it was in its lane."""
        keys, lanes = self.keys, _lanes_of(messages)
        names, size = (keys.triples(lanes), 3) if self.fair else (keys.pairs(lanes), 2)
        return await self._for_each(scripts.RELEASE, (keys.state, *names), messages, lanes, keys.channel, size)

    async def retry(
        self, message: Message, *, reason: str, delay_seconds: float | None = None, traceback: str = ""
    ) -> bool:
        """See `Queue.retry`."""
        if message.receive_count >= self.max_receive_count:
            return await self.dead_letter(message, reason=reason, traceback=traceback)
        if delay_seconds is None:
            delay_seconds = self._backoff.delay_seconds(message.receive_count, self._random)
        keys, lane = self.keys, message.lane
        later = (keys.later(lane),) if self.fair else ()
        error = f"{reason}\n{traceback}" if traceback else reason
        (answer,) = await self._for_each(
            scripts.RETRY,
            (keys.state, keys.error, keys.due(lane), keys.leased(lane), *later),
            [message],
            [lane],
            keys.channel,
            round(delay_seconds * MICROSECONDS),
            error,
        )
        return answer

    async def dead_letter(self, message: Message, *, reason: str, traceback: str = "") -> bool:
        """See `Queue.dead_letter`."""
        return await self._bury(message, reason, traceback, message.receive_count)

    async def _bury(self, message: Message, reason: str, traceback: str, attempts: int) -> bool:
        keys, origin = self.keys, origin_of_this_process()
        letter = Letter(attempts=attempts, reason=reason, traceback=traceback, origin=origin)
        (answer,) = await self._for_each(
            scripts.BURY,
            (keys.state, keys.error, keys.letter, keys.leased(message.lane), keys.dead(message.lane)),
            [message],
            [message.lane],
            msgspec.json.encode(letter),
        )
        return answer

    async def is_held(self, message: Message) -> bool:
        """See `OutboxSending.is_held`. Asks the server."""
        keys = self.keys
        names = (keys.state, keys.leased(message.lane))
        (answer,) = await self._for_each(scripts.IS_HELD, names, [message], [message.lane])
        return answer

    async def _for_each(
        self,
        script: Script,
        keys: Sequence[str],
        messages: Sequence[Message],
        lanes: Sequence[str],
        *arguments: Argument,
    ) -> list[bool]:
        """Run a script on leases; for each whether it was still ours."""
        position = {lane: index for index, lane in enumerate(lanes, 1)}
        answers: list[bool] = []
        for begin in range(0, len(messages), BATCH):
            some = messages[begin : begin + BATCH]
            leases = [value for each in some for value in (position[each.lane], each.id, receipt_of(each).fence)]
            answers += map(bool, await self.run(script, keys, *arguments, *leases))
        return answers

    # Looking after it

    async def statistics(self) -> QueueStatistics:
        """See `Queue.statistics`. Counts are kept by the server: as quick for a million."""
        return await self._keeping.statistics()

    async def dead_letters(self, *, limit: int = 100) -> list[DeadLetter]:
        """See `Queue.dead_letters`."""
        return await self._keeping.dead_letters(limit)

    async def redrive(self, ids: Sequence[str] | None = None) -> int:
        """See `Queue.redrive`. In batches, so that it can be stopped and resumed."""
        return await self._keeping.redrive(ids)

    async def tidy(self) -> int:
        """Dead-letter what was due for longer than the retention period and forget old deduplication ids.

        Workers do it once a minute, at most 500 messages of each lane at a time, and all ids. Returns how many
        messages expired.
        """
        await OutboxSending.tidy(self)
        return await self._keeping.tidy()

    async def close(self) -> None:
        """See `Queue.close`."""
        self._forget()
        wakeups, self._wakeups = self._wakeups, None
        await self.close_outbox()
        if wakeups is not None and wakeups.loop is asyncio.get_running_loop():
            await wakeups.close()
        await self._connection.close()


def _lanes_of(messages: Sequence[Message]) -> list[str]:
    return list(dict.fromkeys(message.lane for message in messages))


def _batches(rows: Sequence[_Row]) -> Iterator[list[_Row]]:
    """At most `BATCH` messages or about `BATCH_BYTES` for one script."""
    some: list[_Row] = []
    size = 0
    for row in rows:
        if some and (len(some) == BATCH or size + len(row[5]) > BATCH_BYTES):
            yield some
            some, size = [], 0
        some.append(row)
        size += len(row[5])
    if some:
        yield some

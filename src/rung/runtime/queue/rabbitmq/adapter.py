"""The queue on RabbitMQ. What it adds to RabbitMQ, and why it is done so: docs/adr/0017-queue-on-rabbitmq.md.

A message that is handed back (retry, release, a delay that goes on, a dead letter) is published again as a copy,
and when that is confirmed the original is acknowledged: what is returned counts as delivered, and only a copy can
carry the attempts that were used and the reason. A process that dies between the two leaves both, which
at-least-once delivery allows. A lease that runs out is the exception: RabbitMQ takes the message back, and counts.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from rung.runtime import lifespan
from rung.runtime.bindings import QueueBinding
from rung.runtime.clock import SYSTEM_CLOCK, Clock
from rung.runtime.errors import MessageError
from rung.runtime.queue.backoff import Backoff
from rung.runtime.queue.envelope import Envelope
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
from rung.runtime.queue.outbox import OutboxSending
from rung.runtime.queue.port import Capabilities
from rung.runtime.queue.rabbitmq import publishing
from rung.runtime.queue.rabbitmq.background import Background
from rung.runtime.queue.rabbitmq.consumers import Delivery
from rung.runtime.queue.rabbitmq.counting import Counting
from rung.runtime.queue.rabbitmq.envelope import Outgoing, decoded, encoded, new_id, returns_of, tag_of
from rung.runtime.queue.rabbitmq.lease import Lease
from rung.runtime.queue.rabbitmq.letters import DeadLetters
from rung.runtime.queue.rabbitmq.link import Link
from rung.runtime.queue.rabbitmq.session import PUBLISHING, RECEIVING, Session, lease_of
from rung.runtime.queue.rabbitmq.topology import DELAY_SECONDS_MAX, SETTLE_SECONDS, Topology

#: A delay of several climbs goes on when this much of it is left: clocks of two machines differ by less.
EARLY_SECONDS = 1.0
NO_DEDUPLICATION = "R0509"

_CAPABILITIES = Capabilities(deduplicates=False, tells_oldest_age=False, ordered=False)
_WITH_OUTBOX = replace(_CAPABILITIES, deduplicates=True, transactional_send=True, transactional_acknowledge=True)


class RabbitQueue(OutboxSending):
    """A queue on RabbitMQ. Connects on first use; any event loop. Receives in a thread of its own."""

    broker = "RabbitMQ"

    def __init__(
        self,
        name: str,
        binding: QueueBinding,
        *,
        registered: bool = False,
        backoff: Backoff | None = None,
        randomness: random.Random | None = None,
        clock: Clock = SYSTEM_CLOCK,
        settle_seconds: float = SETTLE_SECONDS,
    ) -> None:
        self.name = name
        self.lanes: Sequence[str] = binding.lanes
        self.delay_seconds = binding.delay_seconds
        self.visibility_timeout_seconds = binding.visibility_timeout_seconds
        self.max_receive_count = binding.max_receive_count
        self.topology = Topology(
            name, self.lanes, binding.retention_seconds, workload=binding.workload, settle_seconds=settle_seconds
        )
        self._binding = binding
        self._backoff = backoff or Backoff.of(binding)
        self._random = randomness or random.Random()
        self._clock = clock
        self._order = LaneOrder(self.lanes)
        self._links: tuple[Link, Counting] | None = None
        self._background = Background(f"queue {name}")
        self._session: Session | None = None
        self._opening: asyncio.Lock | None = None
        self.open_outbox(binding)
        self.capabilities = _CAPABILITIES if self.outbox is None else _WITH_OUTBOX
        self._forget: Callable[[], None] = lambda: None
        if registered:
            self._forget = lifespan.register(f"queue {name}", close=self.close, check=self._check)

    def _new_link(self, *, receives: bool = False) -> Link:
        # The server ends a connection that was silent for twice as long: within the lease, so that the messages of
        # a machine that vanished come back when those of any other would.
        heartbeat = min(30, max(2, int(self.visibility_timeout_seconds / 3)))
        secret = self._binding.credentials_secret
        return Link(
            self._binding.url,
            self.topology,
            credentials_secret=secret,
            heartbeat_seconds=heartbeat,
            receives=receives,
        )

    def _link(self) -> tuple[Link, Counting]:
        """What sends and counts, in the running loop. What a loop that has ended left is dropped."""
        if self._links is None or self._links[0].loop is not asyncio.get_running_loop():
            link = self._new_link()
            self._links = link, Counting(link)
        return self._links

    # Sending

    async def deliver(self, sendables: Sequence[Sendable]) -> list[SendResult]:
        """See `OutboxSending.deliver`."""
        if any(sendable.delay_seconds > 0 for sendable in sendables):
            await self._have_ladders()
        if len(sendables) == 1 and sendables[0].deduplication_id is None:
            identity, copy = self._prepared(sendables[0])
            await self._publish([copy])
            return [SendResult(id=identity)]
        results: list[SendResult | None] = [None] * len(sendables)
        good: list[tuple[int, str, Outgoing]] = []
        for position, sendable in enumerate(sendables):
            if sendable.deduplication_id is None:
                good.append((position, *self._prepared(sendable)))
            elif len(sendables) == 1:
                raise MessageError(self._no_deduplication())
            else:
                results[position] = SendResult(error=self._no_deduplication())
        refusals = await self._publish([each for _, _, each in good])
        for (position, identity, _), refusal in zip(good, refusals, strict=True):
            results[position] = SendResult(id=identity) if refusal is None else SendResult(error=refusal)
        return [result for result in results if result is not None]

    async def forward(self, messages: Sequence[Message]) -> list[publishing.Refusal]:
        """See `OutboxSending.forward`."""
        copies = [
            Outgoing("", self.topology.queue(message.lane), encoded(message.body, _envelope(message)))
            for message in messages
        ]
        return await self._publish(copies)

    def _prepared(self, sendable: Sendable) -> tuple[str, Outgoing]:
        now, delay = self._clock.now().timestamp(), sendable.delay_seconds
        envelope = Envelope(
            id=new_id(), sent_at=now, headers=sendable.headers, due=now + delay if delay > 0 else 0.0
        )
        exchange, key = self.topology.route(sendable.lane, delay)
        return envelope.id, Outgoing(exchange, key, encoded(sendable.body, envelope))

    def _no_deduplication(self) -> str:
        return (
            f"{NO_DEDUPLICATION}: queue {self.name!r} is on RabbitMQ, which keeps no deduplication ids: make the "
            'handler repeatable, or let Postgres carry the queue (broker="postgres")'
        )

    async def _have_ladders(self) -> None:
        """Before the end of a delay is worked out: the first time this takes a moment."""
        if not self.topology.has_ladders:
            await self._link()[0].call("declaring", self.topology.declare_ladders)

    async def _publish(self, messages: Sequence[Outgoing]) -> list[publishing.Refusal]:
        if not messages:
            return []
        link, _ = self._link()
        channel = await link.channel(PUBLISHING, confirms=True)
        try:
            return await publishing.publish(link.wire, channel, messages)
        except publishing.UnroutableError:
            await link.abandon()  # somebody deleted a queue: the next connection declares it
            raise

    # Receiving

    async def receive(
        self, *, max_messages: int = 1, wait_seconds: float = 0.0, lanes: Sequence[str] | None = None
    ) -> list[Message]:
        """See `Queue.receive`. While it waits, and for a second after, RabbitMQ pushes what comes."""
        order = [lane for lane in self._order.next() if lanes is None or lane in lanes]
        self.start_relay()
        found = await self._background.call_or(self._receive(order, max_messages, wait_seconds), self._hand_back)
        if not found:
            return found
        found = await self._without_early(found)
        found = await self.without_finished(found)
        return await self._without_lost(found)

    async def _receive(self, order: Sequence[str], count: int, wait_seconds: float) -> list[Message]:
        session = await self._running_session()
        return await session.receive(order, count, wait_seconds)

    async def _hand_back(self, messages: Sequence[Message]) -> None:
        if messages:
            await lease_of(messages[0]).session.hand_back(messages)

    async def _running_session(self) -> Session:
        """In the background: the session that there is, or a new one."""
        if self._opening is None:
            self._opening = asyncio.Lock()
        async with self._opening:
            if self._session is None or not self._session.is_alive:
                link = self._new_link(receives=True)
                channel = await link.channel(RECEIVING)
                session = Session(
                    link,
                    channel,
                    self._background,
                    clock=self._clock,
                    lease_seconds=self.visibility_timeout_seconds,
                    to_message=self._delivered,
                    unused=self._unused,
                )
                await session.start()
                self._session = session
            return self._session

    def _delivered(self, delivery: Delivery, session: Session) -> Message:
        body, envelope = decoded(delivery.message)
        returns = returns_of(delivery.message)
        tag = tag_of(delivery.message)
        lease = Lease(
            session,
            delivery.lane,
            tag,
            delivery.consumer,
            error=envelope.error,
            due=envelope.due,
            redriven=envelope.redriven,
        )
        return Message(
            id=envelope.id,
            queue=self.name,
            lane=delivery.lane,
            body=body,
            headers=envelope.headers,
            receive_count=envelope.attempts + returns + 1,
            sent_at=datetime.fromtimestamp(envelope.sent_at, UTC),
            receipt=lease,
            after_loss=envelope.lost or returns > 0,
        )

    async def _without_early(self, messages: Sequence[Message]) -> list[Message]:
        """A delay of more than one climb goes on, before any worker sees the message."""
        now = self._clock.now().timestamp()
        early = [message for message in messages if lease_of(message).due > now + EARLY_SECONDS]
        if early:
            await self._have_ladders()
            await self._replace(
                [(each, self._unused(each, delay_seconds=lease_of(each).due - now)) for each in early]
            )
        return [message for message in messages if message not in early]

    async def _without_lost(self, messages: Sequence[Message]) -> list[Message]:
        lost = [message for message in messages if message.receive_count > self.max_receive_count]
        for message in lost:
            await self._bury(message, REASON_WORKER_LOST, lease_of(message).error, self.max_receive_count)
        return [message for message in messages if message.receive_count <= self.max_receive_count]

    def may_come_again(self, message: Message) -> bool:
        """See `OutboxSending.may_come_again`. A redrive that died left two of one id."""
        return message.receive_count > 1 or lease_of(message).redriven

    # Ending a lease

    async def acknowledge(self, messages: Sequence[Message]) -> list[bool]:
        """See `Queue.acknowledge`. True when the server has heard it."""
        answers: dict[int, bool] = {}
        for session, chosen in _by_session(messages):
            leases = [lease_of(message) for message in chosen]
            done = await session.call(session.acknowledge(leases)) if session.is_alive else [False] * len(leases)
            answers.update(zip(map(id, chosen), done, strict=True))
        return [answers[id(message)] for message in messages]

    async def extend(self, messages: Sequence[Message], *, seconds: float) -> list[bool]:
        """See `Queue.extend`. A word within this process: RabbitMQ keeps a delivery as long as its connection."""
        now = self._clock.monotonic()
        held = [lease_of(message).is_held(now) for message in messages]
        for message, ours in zip(messages, held, strict=True):
            if ours:
                lease_of(message).until = now + seconds
        return held

    async def is_held(self, message: Message) -> bool:
        """See `OutboxSending.is_held`."""
        return lease_of(message).is_held(self._clock.monotonic())

    async def release(self, messages: Sequence[Message]) -> list[bool]:
        """See `Queue.release`. A copy that has used one attempt less; returning the original would count."""
        return await self._replace([(message, self._unused(message)) for message in messages])

    def _unused(self, message: Message, *, delay_seconds: float = 0.0) -> Outgoing:
        lease = lease_of(message)
        envelope = _envelope(
            message,
            attempts=message.receive_count - 1,
            lost=message.after_loss,
            due=lease.due,
            error=lease.error,
            redriven=lease.redriven,
        )
        return self._copy(message, envelope, delay_seconds)

    def _copy(self, message: Message, envelope: Envelope, delay_seconds: float = 0.0) -> Outgoing:
        exchange, key = self.topology.route(message.lane, min(delay_seconds, DELAY_SECONDS_MAX))
        return Outgoing(exchange, key, encoded(message.body, envelope))

    async def retry(
        self, message: Message, *, reason: str, delay_seconds: float | None = None, traceback: str = ""
    ) -> bool:
        """See `Queue.retry`."""
        if message.receive_count >= self.max_receive_count:
            return await self.dead_letter(message, reason=reason, traceback=traceback)
        if delay_seconds is None:
            delay_seconds = self._backoff.delay_seconds(message.receive_count, self._random)
        if delay_seconds > 0:
            await self._have_ladders()
        due = self._clock.now().timestamp() + delay_seconds if delay_seconds > 0 else 0.0
        error = f"{reason}\n{traceback}" if traceback else reason
        envelope = _envelope(message, attempts=message.receive_count, due=due, error=error)
        copy = self._copy(message, envelope, delay_seconds)
        (answer,) = await self._replace([(message, copy)])
        return answer

    async def dead_letter(self, message: Message, *, reason: str, traceback: str = "") -> bool:
        """See `Queue.dead_letter`."""
        return await self._bury(message, reason, traceback, message.receive_count)

    async def _bury(self, message: Message, reason: str, traceback: str, attempts: int) -> bool:
        died_at = self._clock.now().timestamp()
        texts = {"reason": reason, "traceback": traceback, "origin": origin_of_this_process()}
        envelope = _envelope(message, attempts=attempts, died_at=died_at, **texts)
        copy = Outgoing("", self.topology.dead(message.lane), encoded(message.body, envelope))
        (answer,) = await self._replace([(message, copy)])
        return answer

    async def _replace(self, copies: Sequence[tuple[Message, Outgoing]]) -> list[bool]:
        answers: dict[int, bool] = {}
        copy_of = {id(message): copy for message, copy in copies}
        for session, chosen in _by_session([message for message, _ in copies]):
            pairs = [(lease_of(message), copy_of[id(message)]) for message in chosen]
            done = [False] * len(pairs)
            if session.is_alive:
                done = await session.call(session.replace(pairs))
            answers.update(zip(map(id, chosen), done, strict=True))
        return [answers[id(message)] for message, _ in copies]

    # Looking after it

    async def statistics(self) -> QueueStatistics:
        """See `Queue.statistics`. What is in flight is what those who hold it say: see `counting`."""
        _, counting = self._link()
        return QueueStatistics(lanes=await counting.count())

    async def dead_letters(self, *, limit: int = 100) -> list[DeadLetter]:
        """See `Queue.dead_letters`."""
        return await DeadLetters(self._link()[0]).newest(limit)

    async def redrive(self, ids: Sequence[str] | None = None) -> int:
        """See `Queue.redrive`."""
        return await DeadLetters(self._link()[0]).redrive(ids)

    async def end_leases(self) -> None:
        """Give back now what is over by the clock; a thread does it by itself, but sees no clock moved by hand."""
        if self._session is not None and self._session.is_alive:
            await self._session.call(self._session.expire())

    async def _check(self) -> None:
        await self._link()[0].call("checking", lambda channel: channel.flow(active=True))

    async def close(self) -> None:
        """See `Queue.close`. Ends the connection: RabbitMQ gives what is still held to others."""
        self._forget()
        await self.close_outbox()
        session, self._session = self._session, None
        if session is not None:
            await session.call(session.close())
        await self._background.close()
        self._opening = None
        links, self._links = self._links, None
        if links is not None and links[0].loop is asyncio.get_running_loop():
            await links[0].close()


def _by_session(messages: Sequence[Message]) -> list[tuple[Session, list[Message]]]:
    found: dict[Session, list[Message]] = {}
    for message in messages:
        found.setdefault(lease_of(message).session, []).append(message)
    return list(found.items())


def _envelope(message: Message, **changes: Any) -> Envelope:
    return Envelope(id=message.id, sent_at=message.sent_at.timestamp(), headers=message.headers, **changes)

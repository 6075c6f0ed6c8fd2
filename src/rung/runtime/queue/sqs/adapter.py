"""The queue on Amazon SQS. What it adds to SQS, and why each thing is done so: docs/adr/0012-queue-on-sqs.md.

A message that is handed back (retry, release, a delay that goes on, a dead letter) is sent again as a copy, and
then the original is deleted: SQS counts receipts and nothing else, so only a copy can carry the attempts that were
used and the reason. A process that dies between the two leaves both, which at-least-once delivery allows.
"""

from __future__ import annotations

import asyncio
import random
import uuid
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from rung.runtime import lifespan
from rung.runtime.aws.client import LONG_POLL, Caller
from rung.runtime.bindings import QueueBinding
from rung.runtime.clock import SYSTEM_CLOCK, Clock
from rung.runtime.errors import BindingError, MessageError, UnavailableError
from rung.runtime.log import logger
from rung.runtime.queue.backoff import Backoff
from rung.runtime.queue.envelope import Envelope
from rung.runtime.queue.lanes import LaneOrder
from rung.runtime.queue.message import (
    REASON_WORKER_LOST,
    DeadLetter,
    LaneStatistics,
    Message,
    QueueStatistics,
    Sendable,
    SendResult,
    origin_of_this_process,
)
from rung.runtime.queue.outbox import OutboxSending
from rung.runtime.queue.port import Capabilities
from rung.runtime.queue.sqs import batches
from rung.runtime.queue.sqs.dead_letters import DeadLetters
from rung.runtime.queue.sqs.envelope import (
    SQS_DELAY_SECONDS_MAX,
    Outgoing,
    TooLargeError,
    first_delay,
    incoming,
    outgoing,
)
from rung.runtime.queue.sqs.lease import LEASE_SECONDS_MAX, Lease
from rung.runtime.queue.sqs.polling import Polls

THREADS = 16
#: A poll that took this much longer than it was to wait: the process was paused, and the lease began unseen.
PAUSE_SECONDS = 1.0
#: Kept free when a message is sent, for what a copy says more.
RESERVED_BYTES = 2048
NO_DEDUPLICATION = "R0509"

_CAPABILITIES = Capabilities(
    deduplicates=False, tells_oldest_age=False, ordered=False, lease_seconds_max=LEASE_SECONDS_MAX
)
_WITH_OUTBOX = replace(_CAPABILITIES, deduplicates=True, transactional_send=True, transactional_acknowledge=True)
_COUNTS = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
_DELAYED = "ApproximateNumberOfMessagesDelayed"

log = logger(__name__)


class SqsQueue(OutboxSending):
    """A queue on SQS: per lane one queue and one dead-letter queue. Connects on first use; any event loop."""

    broker = "SQS"

    def __init__(
        self,
        name: str,
        binding: QueueBinding,
        *,
        registered: bool = False,
        backoff: Backoff | None = None,
        randomness: random.Random | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self.name = name
        #: A worker of some lanes is given the urls of these.
        self.lanes: Sequence[str] = tuple(lane for lane in binding.lanes if lane in binding.urls)
        self.delay_seconds = binding.delay_seconds
        #: SQS counts whole seconds.
        self.visibility_timeout_seconds = float(max(1, -int(-binding.visibility_timeout_seconds // 1)))
        self.max_receive_count = binding.max_receive_count
        if not self.lanes:
            raise BindingError(f"the binding of queue {name!r} has no urls for its lanes")
        #: Tenants take turns: everything that goes to a lane says whose it is, copies too.
        self.fair = binding.fair
        self._urls = binding.urls
        self._dead_urls = binding.dead_letter_urls
        self._long_poll_seconds = binding.long_poll_seconds
        self._backoff = backoff or Backoff.of(binding)
        self._random = randomness or random.Random()
        self._clock = clock
        self._order = LaneOrder(self.lanes)
        self._caller = Caller("sqs", binding.region, threads=THREADS)
        self._waiting = Caller("sqs", binding.region, threads=len(self.lanes), pace=LONG_POLL)
        self._dead = DeadLetters(self._caller, self)
        self.open_outbox(binding)
        self.capabilities = _CAPABILITIES if self.outbox is None else _WITH_OUTBOX
        self._polls: Polls | None = None
        self._forget: Callable[[], None] = lambda: None
        if registered:
            self._forget = lifespan.register(f"queue {name}", close=self.close, check=self._check)

    def url(self, lane: str) -> str:
        """The queue of a lane."""
        return self._urls[lane]

    def dead_letter_url(self, lane: str) -> str | None:
        """The dead-letter queue of a lane, where it has one."""
        return self._dead_urls.get(lane)

    # Sending

    async def deliver(self, sendables: Sequence[Sendable]) -> list[SendResult]:
        """See `OutboxSending.deliver`."""
        results: list[SendResult | None] = [None] * len(sendables)
        good: list[tuple[int, str, Outgoing]] = []
        for position, sendable in enumerate(sendables):
            try:
                good.append((position, *self._prepared(sendable)))
            except MessageError as error:
                results[position] = SendResult(error=str(error))
        refusals = await self._send(
            [message for _, _, message in good], [self.url(sendables[position].lane) for position, _, _ in good]
        )
        for (position, identity, _), refusal in zip(good, refusals, strict=True):
            results[position] = SendResult(id=identity) if refusal is None else SendResult(error=refusal)
        return [result for result in results if result is not None]

    async def forward(self, messages: Sequence[Message]) -> list[batches.Refusal]:
        """See `OutboxSending.forward`."""
        copies = [outgoing(message.body, _envelope(message), fair=self.fair) for message in messages]
        return await self._send(copies, [self.url(message.lane) for message in messages])

    def _prepared(self, sendable: Sendable) -> tuple[str, Outgoing]:
        if sendable.deduplication_id is not None:
            raise MessageError(
                f"{NO_DEDUPLICATION}: queue {self.name!r} is on SQS, which keeps no deduplication ids: make the "
                'handler repeatable, or let Postgres carry the queue (broker="postgres")'
            )
        now, delay = self._clock.now().timestamp(), sendable.delay_seconds
        envelope = Envelope(
            id=uuid.uuid4().hex,
            sent_at=now,
            headers=sendable.headers,
            due=now + delay if delay > SQS_DELAY_SECONDS_MAX else 0.0,
        )
        try:
            return envelope.id, outgoing(
                sendable.body, envelope, first_delay(delay), reserved_bytes=RESERVED_BYTES, fair=self.fair
            )
        except TooLargeError as error:
            raise MessageError(
                f"R0501: the message is {error.size_bytes} bytes with what names its headers; SQS takes 262144: "
                "store the content in a bucket or a table and send its key"
            ) from error

    async def _send(self, messages: Sequence[Outgoing], urls: Sequence[str]) -> list[batches.Refusal]:
        """Send each to its queue. Raises when the only one, or every one, failed to be sent."""
        if len(messages) == 1:
            await self._caller.call("SendMessage", urls[0], QueueUrl=urls[0], **messages[0].parameters)
            return [None]
        refusals: list[batches.Refusal] = [None] * len(messages)

        async def to(url: str, positions: list[int]) -> None:
            answers = await batches.send(self._caller, url, [messages[position] for position in positions])
            for position, answer in zip(positions, answers, strict=True):
                refusals[position] = answer

        await asyncio.gather(*(to(url, where) for url, where in batches.by(str, urls).items()))
        return refusals

    # Receiving

    async def receive(
        self, *, max_messages: int = 1, wait_seconds: float = 0.0, lanes: Sequence[str] | None = None
    ) -> list[Message]:
        """See `Queue.receive`. Waiting is a long poll per lane, which goes on when this returns."""
        order = [lane for lane in self._order.next() if lanes is None or lane in lanes]
        self.start_relay()
        return await self._running_polls().receive(order, max_messages, wait_seconds)

    def _running_polls(self) -> Polls:
        if self._polls is None or self._polls.loop is not asyncio.get_running_loop():
            self._polls = Polls(self._fetch, self.release, long_poll_seconds=self._long_poll_seconds)
        return self._polls

    async def _fetch(self, lane: str, count: int, wait_seconds: int) -> list[Message]:
        caller, url = (self._waiting if wait_seconds else self._caller), self.url(lane)
        asked_at = self._clock.monotonic()
        answer = await caller.call(
            "ReceiveMessage",
            url,
            QueueUrl=url,
            MaxNumberOfMessages=count,
            WaitTimeSeconds=wait_seconds,
            VisibilityTimeout=int(self.visibility_timeout_seconds),
            MessageAttributeNames=["All"],
            MessageSystemAttributeNames=["ApproximateReceiveCount", "SentTimestamp"],
        )
        now = self._clock.monotonic()
        received_at = asked_at if now - asked_at > wait_seconds + PAUSE_SECONDS else now
        return await self.admitted(lane, answer.get("Messages") or [], received_at)

    async def admitted(self, lane: str, raws: Sequence[dict[str, Any]], received_at: float) -> list[Message]:
        """Those of what SQS delivered that a handler may have now: the rest is put off, finished, or buried.

        `received_at`: monotonic seconds, when SQS hid them. Whoever is handed messages instead of asking calls it.
        """
        found = [self._delivered(lane, raw, received_at) for raw in raws]
        await self._put_off([(message, due) for message, due in found if due > self._clock.now().timestamp()])
        ready = [message for message, due in found if due <= self._clock.now().timestamp()]
        ready = await self.without_finished(ready)
        await self._bury_lost([message for message in ready if message.receive_count > self.max_receive_count])
        return [message for message in ready if message.receive_count <= self.max_receive_count]

    def _delivered(self, lane: str, raw: dict[str, Any], received_at: float) -> tuple[Message, float]:
        body, envelope = incoming(raw)
        received = int(raw["Attributes"]["ApproximateReceiveCount"])
        until = received_at + self.visibility_timeout_seconds
        message = Message(
            id=envelope.id,
            queue=self.name,
            lane=lane,
            body=body,
            headers=envelope.headers,
            receive_count=envelope.attempts + received,
            sent_at=datetime.fromtimestamp(envelope.sent_at, UTC),
            receipt=Lease(raw["ReceiptHandle"], received_at, until, envelope.error, envelope.redriven),
            after_loss=envelope.lost or received > 1,
        )
        return message, envelope.due

    async def _put_off(self, early: Sequence[tuple[Message, float]]) -> None:
        """A delay that is longer than one of SQS goes on, before any worker sees the message."""
        now, due_of = self._clock.now().timestamp(), {id(message): due for message, due in early}

        def again(message: Message) -> Outgoing:
            due, used = due_of[id(message)], message.receive_count - 1
            envelope = _envelope(message, attempts=used, due=due)
            return outgoing(message.body, envelope, first_delay(due - now), fair=self.fair)

        await self._replace([message for message, _ in early], again, lambda message: self.url(message.lane))

    async def _bury_lost(self, messages: Sequence[Message]) -> None:
        for message in messages:
            error = lease_of(message).error
            await self._bury(message, REASON_WORKER_LOST, error, self.max_receive_count)

    def may_come_again(self, message: Message) -> bool:
        """See `OutboxSending.may_come_again`. A redrive that died left two of one id."""
        return message.receive_count > 1 or lease_of(message).redriven

    # Ending a lease

    async def acknowledge(self, messages: Sequence[Message]) -> list[bool]:
        """See `Queue.acknowledge`. Ten per request, several requests at once."""
        now = self._clock.monotonic()
        held = [message for message in messages if lease_of(message).is_held(now)]
        for message in await self._delete(held):
            lease_of(message).done = True
        return [lease_of(message).done for message in messages]

    async def extend(self, messages: Sequence[Message], *, seconds: float) -> list[bool]:
        """See `Queue.extend`. False also when SQS's twelve hours for one delivery are over."""
        now = self._clock.monotonic()
        asked = [(message, lease_of(message).extension(seconds, now)) for message in messages]
        held = [(message, wanted) for message, wanted in asked if wanted and lease_of(message).is_held(now)]
        extended: set[int] = set()
        for url, positions in batches.by(lambda pair: self.url(pair[0].lane), held).items():
            chosen = [held[position] for position in positions]
            refusals = await batches.change_visibility(
                self._caller, url, [lease_of(each).handle for each, _ in chosen], [wanted for _, wanted in chosen]
            )
            for (message, wanted), refusal in zip(chosen, refusals, strict=True):
                if refusal is None:
                    lease_of(message).until = now + wanted
                    extended.add(id(message))
                elif not _is_of_aws(refusal):
                    lease_of(message).gone = True
        return [id(message) in extended for message in messages]

    async def release(self, messages: Sequence[Message]) -> list[bool]:
        """See `Queue.release`. A copy that has used one attempt less; making the original visible would count."""

        def unused(message: Message) -> Outgoing:
            envelope = _envelope(
                message,
                attempts=message.receive_count - 1,
                lost=message.after_loss,
                redriven=lease_of(message).redriven,
            )
            return outgoing(message.body, envelope, fair=self.fair)

        return await self._replace(messages, unused, lambda message: self.url(message.lane))

    async def retry(
        self, message: Message, *, reason: str, delay_seconds: float | None = None, traceback: str = ""
    ) -> bool:
        """See `Queue.retry`."""
        if message.receive_count >= self.max_receive_count:
            return await self.dead_letter(message, reason=reason, traceback=traceback)
        if delay_seconds is None:
            delay_seconds = self._backoff.delay_seconds(message.receive_count, self._random)
        due = self._clock.now().timestamp() + delay_seconds if delay_seconds > SQS_DELAY_SECONDS_MAX else 0.0
        error = f"{reason}\n{traceback}" if traceback else reason

        def again(message: Message) -> Outgoing:
            envelope = _envelope(message, attempts=message.receive_count, due=due, error=error)
            return outgoing(message.body, envelope, first_delay(delay_seconds), fair=self.fair)

        (answer,) = await self._replace([message], again, lambda message: self.url(message.lane))
        return answer

    async def dead_letter(self, message: Message, *, reason: str, traceback: str = "") -> bool:
        """See `Queue.dead_letter`. In a lane without a dead-letter queue the message is dropped, and logged."""
        return await self._bury(message, reason, traceback, message.receive_count)

    async def _bury(self, message: Message, reason: str, traceback: str, attempts: int) -> bool:
        url = self.dead_letter_url(message.lane)
        if url is None:
            log.error("a message was dropped: its lane has no dead-letter queue", id=message.id, reason=reason)
            (answer,) = await self.acknowledge([message])
            return answer

        def dead(message: Message) -> Outgoing:
            died_at = self._clock.now().timestamp()
            texts = {"reason": reason, "traceback": traceback, "origin": origin_of_this_process()}
            return outgoing(message.body, _envelope(message, attempts=attempts, died_at=died_at, **texts))

        (answer,) = await self._replace([message], dead, lambda _: url)
        return answer

    async def is_held(self, message: Message) -> bool:
        """See `OutboxSending.is_held`."""
        return lease_of(message).is_held(self._clock.monotonic())

    async def _replace(
        self, messages: Sequence[Message], copy: Callable[[Message], Outgoing], to: Callable[[Message], str]
    ) -> list[bool]:
        """Send a copy of what is still held, then delete the original. Raises when SQS did not take a copy.

        Safe to call again after that: a copy that was taken is not sent twice.
        """
        now = self._clock.monotonic()
        held = [message for message in messages if lease_of(message).is_held(now)]
        new = [message for message in held if not lease_of(message).copied]
        if new:
            refusals = await self._send([copy(message) for message in new], [to(message) for message in new])
            for message, refusal in zip(new, refusals, strict=True):
                lease_of(message).copied = refusal is None
            refused = [refusal for refusal in refusals if refusal is not None]
            if refused:
                raise UnavailableError(f"SQS did not take {len(refused)} of {len(new)} messages: {refused[0]}")
        for message in await self._delete(held):
            lease_of(message).gone = True
        handed_on = {id(message) for message in held}
        return [id(message) in handed_on for message in messages]

    async def _delete(self, messages: Sequence[Message]) -> list[Message]:
        """Those that are gone now. Raises when SQS did not answer for one of them."""
        gone: list[Message] = []
        failures: list[str] = []
        for url, positions in batches.by(lambda message: self.url(message.lane), messages).items():
            chosen = [messages[position] for position in positions]
            refusals = await batches.delete(self._caller, url, [lease_of(each).handle for each in chosen])
            for message, refusal in zip(chosen, refusals, strict=True):
                if refusal is None:
                    gone.append(message)
                elif _is_of_aws(refusal):
                    failures.append(refusal)
                else:
                    lease_of(message).gone = True
        if failures:
            raise UnavailableError(f"SQS did not delete {len(failures)} messages: {failures[0]}")
        return gone

    # Looking after it

    async def statistics(self) -> QueueStatistics:
        """See `Queue.statistics`. SQS's own estimates, of up to a minute ago; it does not tell an age."""
        counted = await asyncio.gather(*(self._count(lane) for lane in self.lanes))
        return QueueStatistics(lanes=dict(zip(self.lanes, counted, strict=True)))

    async def _count(self, lane: str) -> LaneStatistics:
        dead_url = self.dead_letter_url(lane)
        live = await self._attributes(self.url(lane), (*_COUNTS, _DELAYED))
        dead = {} if dead_url is None else await self._attributes(dead_url, _COUNTS)
        return LaneStatistics(
            ready=live[_COUNTS[0]],
            in_flight=live[_COUNTS[1]],
            delayed=live[_DELAYED],
            dead=sum(dead.values()),
            oldest_age_seconds=None,
        )

    async def _attributes(self, url: str, names: Sequence[str]) -> dict[str, int]:
        answer = await self._caller.call("GetQueueAttributes", url, QueueUrl=url, AttributeNames=list(names))
        return {name: int(answer["Attributes"][name]) for name in names}

    async def dead_letters(self, *, limit: int = 100) -> list[DeadLetter]:
        """See `Queue.dead_letters`. Of what SQS shows of them: it does not list, it lends."""
        return await self._dead.newest(limit)

    async def redrive(self, ids: Sequence[str] | None = None) -> int:
        """See `Queue.redrive`."""
        return await self._dead.redrive(ids)

    async def _check(self) -> None:
        await self._attributes(self.url(self.lanes[0]), _COUNTS[:1])

    async def close(self) -> None:
        """See `Queue.close`. Waits for long polls that are open, and hands back what they bring."""
        self._forget()
        polls, self._polls = self._polls, None
        if polls is not None and polls.loop is asyncio.get_running_loop():
            await polls.close()
        await self.close_outbox()
        self._caller.close()
        self._waiting.close()


def lease_of(message: Message) -> Lease:
    """The receipt of a message that this adapter delivered."""
    assert isinstance(message.receipt, Lease)
    return message.receipt


def _envelope(message: Message, **changes: Any) -> Envelope:
    return Envelope(id=message.id, sent_at=message.sent_at.timestamp(), headers=message.headers, **changes)


def _is_of_aws(refusal: str) -> bool:
    """Whether an entry failed through SQS and not because its lease is over."""
    return not refusal.startswith(
        ("ReceiptHandleIsInvalid", "InvalidParameterValue", "MessageNotInflight", "AWS.")
    )

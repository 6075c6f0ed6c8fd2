"""The receiving half of a queue: one connection, what it holds, and until when. Lives in a thread of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import TypeVar

from aiormq.abc import ChannelFrame
from aiormq.channel import Channel
from pamqp.commands import Basic

from rung.runtime.clock import Clock
from rung.runtime.errors import UnavailableError
from rung.runtime.log import logger
from rung.runtime.queue.message import Message
from rung.runtime.queue.rabbitmq import publishing
from rung.runtime.queue.rabbitmq.background import Background
from rung.runtime.queue.rabbitmq.consumers import Consumers, Delivery
from rung.runtime.queue.rabbitmq.counting import Holder
from rung.runtime.queue.rabbitmq.envelope import Outgoing
from rung.runtime.queue.rabbitmq.lease import Lease
from rung.runtime.queue.rabbitmq.link import CALL_SECONDS, FAILURES, Link, unavailable

#: After so long without a receiver, what was pushed and not asked for goes back.
KEEP_SECONDS = 1.0
_TIMED_OUT = "R0516"
RECEIVING, PUBLISHING = "receiving", "publishing"

Result = TypeVar("Result")
#: The message of a delivery, with its lease.
Decode = Callable[[Delivery, "Session"], Message]
#: As a copy that has used no attempt.
Unused = Callable[[Message], Outgoing]

log = logger(__name__)


class Session:
    """One connection that receives. When it breaks, its leases are lost, and another session takes its place."""

    def __init__(
        self,
        link: Link,
        channel: Channel,
        background: Background,
        *,
        clock: Clock,
        lease_seconds: float,
        to_message: Decode,
        unused: Unused,
    ) -> None:
        #: Runs one of this session's coroutines, from whatever loop.
        self.call = background.call
        self.is_alive = True
        self._link = link
        self._channel = channel
        self._clock = clock
        self._lease_seconds = lease_seconds
        self._to_message = to_message
        self._unused = unused
        self._held: set[Lease] = set()
        self._acknowledging = asyncio.Lock()
        self._arrived = asyncio.Event()
        self._consumers = Consumers(channel, link.topology, self._arrived.set)
        self._holder = Holder(link, self.counts)
        self._asked_at = link.loop.time()
        self._receivers = 0
        self._watching = link.loop.create_task(self._watch())

    async def start(self) -> None:
        """Tell the server that this process may hold messages."""
        await self._within(self._holder.start())

    def counts(self) -> dict[str, tuple[int, int]]:
        """Per lane: leases, and what is here without one."""
        held = dict.fromkeys(self._link.topology.lanes, 0)
        for lease in self._held:
            held[lease.lane] += not lease.ended
        return {lane: (count, self._consumers.buffered(lane)) for lane, count in held.items()}

    # Receiving

    async def receive(self, lanes: Sequence[str], count: int, wait_seconds: float) -> list[Message]:
        """Lease messages of these lanes, in this order, waiting for the first."""
        self._receivers += 1
        try:
            if wait_seconds <= 0:
                return self._lease(await self._within(self._now(lanes, count)))
            return self._lease(await self._waited(lanes, count, self._link.loop.time() + wait_seconds))
        finally:
            self._receivers -= 1
            self._asked_at = self._link.loop.time()

    async def _now(self, lanes: Sequence[str], count: int) -> list[Delivery]:
        found: list[Delivery] = []
        for lane in lanes:
            found += self._consumers.take(lane, count - len(found))
            if len(found) < count:
                found += await self._consumers.get(lane, count - len(found))
        return found

    async def _waited(self, lanes: Sequence[str], count: int, until: float) -> list[Delivery]:
        await self._give_back(self._consumers.hoarded(count))
        while True:
            self._arrived.clear()
            found = await self._within(self._consumers.sweep(lanes, count))
            remaining = until - self._link.loop.time()
            if found:
                return found
            if remaining <= 0:
                await self._within(self._channel.flow(active=True))  # it is there, and has nothing
                return found
            with suppress(TimeoutError):
                async with asyncio.timeout(remaining):
                    await self._arrived.wait()
            if not self.is_alive:
                raise UnavailableError("the connection to RabbitMQ broke")

    def _lease(self, found: Sequence[Delivery]) -> list[Message]:
        until = self._clock.monotonic() + self._lease_seconds
        messages = []
        for delivery in found:
            message = self._to_message(delivery, self)
            lease = lease_of(message)
            lease.until = until
            self._held.add(lease)
            self._consumers.unleased.discard(lease.tag)
            messages.append(message)
        return messages

    # Ending leases

    async def acknowledge(self, leases: Sequence[Lease]) -> list[bool]:
        """Per lease whether the server heard that it is done. Raises UnavailableError when it does not answer."""
        now = self._clock.monotonic()
        held = [lease for lease in leases if lease.is_held(now)]
        await self._end(held)
        return [lease in held and self.is_alive for lease in leases]

    async def _end(self, leases: Sequence[Lease]) -> None:
        """Acknowledge, and wait until the server has heard it."""
        if not leases:
            return
        for lease in leases:
            lease.ended = True
        try:
            async with asyncio.timeout(CALL_SECONDS):
                async with self._acknowledging:
                    await self._write_acknowledgements(leases)
                await self._channel.flow(active=True)
        except FAILURES:
            await self.end()

    async def _write_acknowledgements(self, leases: Sequence[Lease]) -> None:
        """One after the other: each may speak for all that came before it, and none may be named twice."""
        for lease in leases:
            self._forget(lease)
        frames = self._acknowledgements([lease.tag for lease in leases])
        packed = ChannelFrame.marshall(channel_number=self._channel.number, frames=frames)
        await self._channel.write_queue.put(packed)

    def _acknowledgements(self, tags: Sequence[int]) -> list[Basic.Ack]:
        """One for all that come before whatever stays: to the queue that is one command and not many."""
        staying = {lease.tag for lease in self._held} | self._consumers.unleased
        first = min(staying, default=max(tags) + 1)
        before = [tag for tag in tags if tag < first]
        together = [Basic.Ack(delivery_tag=max(before), multiple=True)] if before else []
        return together + [Basic.Ack(delivery_tag=tag) for tag in tags if tag > first]

    def _forget(self, lease: Lease) -> None:
        lease.ended = True
        self._held.discard(lease)
        if lease.consumer is not None:
            lease.consumer.outstanding -= 1

    async def replace(self, pairs: Sequence[tuple[Lease, Outgoing]]) -> list[bool]:
        """Send a copy of what is still held, and when the server has it, end the original.

        Raises UnavailableError when the server did not take a copy. Safe to call again after that.
        """
        now = self._clock.monotonic()
        held = [(lease, copy) for lease, copy in pairs if lease.is_held(now)]
        new = [(lease, copy) for lease, copy in held if not lease.copied]
        if new:
            channel = await self._link.channel(PUBLISHING, confirms=True)
            refusals = await publishing.publish(self._link.wire, channel, [copy for _, copy in new])
            for (lease, _), refusal in zip(new, refusals, strict=True):
                lease.copied = refusal is None
            refused = [refusal for refusal in refusals if refusal is not None]
            if refused:
                raise UnavailableError(f"RabbitMQ took {len(new) - len(refused)} of {len(new)}: {refused[0]}")
        await self._end([lease for lease, _ in held if not lease.ended])
        return [lease.copied for lease, _ in pairs]

    # Time

    async def _watch(self) -> None:
        """Give back what is over, and what nobody asks for; and notice a connection that is dead."""
        pause = min(0.5, max(0.05, self._lease_seconds / 20))
        checked_at = self._link.loop.time()
        while self.is_alive:
            await asyncio.sleep(pause)
            if not self._link.is_open or self._channel.is_closed:
                self._tell_why()
                await self.end()
                return
            with suppress(UnavailableError):
                await self.expire()
                await self._return_unwanted()
                if self._link.loop.time() - checked_at > self._lease_seconds / 3:
                    checked_at = self._link.loop.time()
                    await self._within(self._channel.flow(active=True))

    def _tell_why(self) -> None:
        closing = self._channel.closing
        error = closing.exception() if closing.done() and not closing.cancelled() else None
        if "delivery acknowledgement" in str(error) and "timed out" in str(error):
            log.error(
                "RabbitMQ took all messages away: its consumer_timeout is shorter than a handler",
                code=_TIMED_OUT,
                queue=self._link.topology.name,
                said=str(error),
            )
        else:
            log.warning("the connection to RabbitMQ broke; all leases are lost", error=str(error or ""))

    async def expire(self) -> None:
        """Give back the messages whose lease is over: the queue counts that they came back."""
        now = self._clock.monotonic()
        over = [lease for lease in self._held if lease.until <= now and not lease.ended]
        for lease in over:
            self._forget(lease)
            self._consumers.unleased.add(lease.tag)  # until it is returned, nothing acknowledges it in passing
            await self._within(self._channel.basic_reject(lease.tag, requeue=True, wait=False))
            self._consumers.unleased.discard(lease.tag)
        if over:
            await self._within(self._channel.flow(active=True))
            log.warning("leases ended: the messages go to others", queue=self._link.topology.name, count=len(over))

    async def _return_unwanted(self) -> None:
        if not self._receivers and self._link.loop.time() - self._asked_at > KEEP_SECONDS:
            await self._give_back(self._link.topology.lanes)

    async def _give_back(self, lanes: Sequence[str]) -> None:
        """Stop the consumers of these lanes; what they brought goes back, without an attempt used."""
        if lanes:
            unwanted = self._lease(await self._within(self._consumers.stop(lanes)))
            await self.hand_back(unwanted)

    async def hand_back(self, messages: Sequence[Message]) -> None:
        """What was leased and not begun goes back, without an attempt used."""
        await self.replace([(lease_of(message), self._unused(message)) for message in messages])

    async def _within(self, work: Awaitable[Result]) -> Result:
        """Do it within `CALL_SECONDS`. A call that is not answered breaks the channel, and with it the session."""
        try:
            async with asyncio.timeout(CALL_SECONDS):
                return await work
        except FAILURES as error:
            await self.end()
            raise unavailable("receiving", error) from error

    async def end(self) -> None:
        """The connection is of no use any more: every lease is lost, and receivers hear of it."""
        if self.is_alive:
            self.is_alive = False
            self._held.clear()
            self._arrived.set()
            await self._link.abandon()

    async def close(self) -> None:
        """Give back what was not asked for, and end the connection: the server gives what we hold to others."""
        if self.is_alive:
            with suppress(UnavailableError):
                await self._give_back(self._link.topology.lanes)
            self.is_alive = False
            self._arrived.set()
            await self._link.close()
        self._watching.cancel()


def lease_of(message: Message) -> Lease:
    """The receipt of a message that this adapter delivered."""
    assert isinstance(message.receipt, Lease)
    return message.receipt

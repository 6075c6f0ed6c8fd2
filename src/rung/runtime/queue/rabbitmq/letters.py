"""Reading and emptying the queues of dead letters: RabbitMQ does not list, it lends until a channel closes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine, Sequence
from contextlib import aclosing, asynccontextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from typing import Any

from aiormq.abc import ChannelFrame, DeliveredMessage
from aiormq.channel import Channel
from pamqp.commands import Basic

from rung.runtime.errors import UnavailableError
from rung.runtime.queue.envelope import Envelope
from rung.runtime.queue.message import REASON_EXPIRED, DeadLetter
from rung.runtime.queue.rabbitmq import publishing
from rung.runtime.queue.rabbitmq.counting import depth
from rung.runtime.queue.rabbitmq.envelope import Outgoing, decoded, encoded, expired_at, tag_of
from rung.runtime.queue.rabbitmq.link import FAILURES, Link, unavailable

#: How many of a lane are looked at: the largest prefetch of AMQP.
BORROWED_MAX = 65_535
ROUND = 200
#: When nothing came for so long, somebody else has the rest.
SILENCE_SECONDS = 1.0


class DeadLetters:
    """The dead letters of one queue's lanes, over one connection."""

    def __init__(self, link: Link) -> None:
        self._link = link

    async def newest(self, limit: int) -> list[DeadLetter]:
        """The newest; all go back unharmed."""
        letters: list[DeadLetter] = []
        for lane in self._link.topology.lanes:
            count = 0
            async with aclosing(self._borrow(lane)) as rounds:
                async for _, borrowed in rounds:
                    count += len(borrowed)
                    letters += [self._letter(lane, each) for each in borrowed]
                    letters = sorted(letters, key=lambda letter: letter.died_at, reverse=True)[:limit]
            await self._link.call("borrowing", partial(self._given_back, lane, count))
        return letters

    async def _given_back(self, lane: str, count: int, channel: Channel) -> None:
        """Return when what was borrowed can be had again, which takes a moment, or somebody else has it."""
        with suppress(TimeoutError):
            async with asyncio.timeout(SILENCE_SECONDS):
                while await depth(channel, self._link.topology.dead(lane)) < count:  # noqa: ASYNC110 - the node acts
                    await asyncio.sleep(0.01)

    async def redrive(self, ids: Sequence[str] | None) -> int:
        """Send all, or those with these ids, back to their lanes: copied and confirmed before they are deleted.

        Who is cancelled meanwhile is cancelled after a round, so that no copy stays beside its original. Who dies
        between the confirms and the deletion, or loses its connection, leaves both: with an outbox, the first that
        a handler finishes in its transaction is the only one.
        """
        wanted = None if ids is None else set(ids)
        return sum([await self._redrive_lane(lane, wanted) for lane in self._link.topology.lanes])

    async def _redrive_lane(self, lane: str, wanted: set[str] | None) -> int:
        moved = kept = 0
        async with aclosing(self._borrow(lane)) as rounds:
            async for channel, borrowed in rounds:
                opened = [(each, *decoded(each)) for each in borrowed]
                chosen = [each for each in opened if wanted is None or each[2].id in wanted]
                moved += await _whole(self._send_back(channel, lane, chosen))
                kept += len(borrowed) - len(chosen)
        if kept:
            await self._link.call("borrowing", partial(self._given_back, lane, kept))
        return moved

    async def _send_back(
        self, channel: Channel, lane: str, chosen: Sequence[tuple[DeliveredMessage, bytes, Envelope]]
    ) -> int:
        if not chosen:
            return 0
        queue = self._link.topology.queue(lane)
        copies = [Outgoing("", queue, encoded(body, _renewed(envelope))) for _, body, envelope in chosen]
        sending = await self._link.channel("redriving", confirms=True)
        refusals = await publishing.publish(self._link.wire, sending, copies)
        sent = [each for (each, _, _), refusal in zip(chosen, refusals, strict=True) if refusal is None]
        frames = [Basic.Ack(delivery_tag=tag_of(each)) for each in sent]
        await channel.write_queue.put(ChannelFrame.marshall(channel_number=channel.number, frames=frames))
        if len(sent) < len(chosen):
            refused = next(refusal for refusal in refusals if refusal)
            raise UnavailableError(f"RabbitMQ took {len(sent)} of {len(chosen)}: {refused}")
        return len(sent)

    async def _borrow(self, lane: str) -> AsyncGenerator[tuple[Channel, list[DeliveredMessage]], None]:
        """Everything that is there now, in rounds. What is not acknowledged goes back at the end."""
        arrived: asyncio.Queue[DeliveredMessage] = asyncio.Queue()
        async with self._channel() as channel:
            queue = self._link.topology.dead(lane)
            left = await depth(channel, queue)
            if left:
                await channel.basic_qos(prefetch_count=min(left, BORROWED_MAX))
                await channel.basic_consume(queue, arrived.put)
            while left > 0:
                borrowed = await _round(arrived, min(left, ROUND))
                left = left - len(borrowed) if borrowed else 0
                if borrowed:
                    yield channel, borrowed
            await channel.flow(active=True)  # what was acknowledged is heard

    @asynccontextmanager
    async def _channel(self) -> AsyncIterator[Channel]:
        channel = await self._link.channel("borrowing")
        try:
            yield channel
        except FAILURES as error:
            raise unavailable("reading dead letters", error) from error
        finally:
            with suppress(*FAILURES):
                await channel.close()

    def _letter(self, lane: str, borrowed: DeliveredMessage) -> DeadLetter:
        body, envelope = decoded(borrowed)
        died_at = envelope.died_at or expired_at(borrowed) or envelope.sent_at
        return DeadLetter(
            id=envelope.id,
            queue=self._link.topology.name,
            lane=lane,
            body=body,
            headers=envelope.headers,
            sent_at=datetime.fromtimestamp(envelope.sent_at, UTC),
            died_at=datetime.fromtimestamp(died_at, UTC),
            attempts=envelope.attempts,
            reason=envelope.reason or REASON_EXPIRED,
            traceback=envelope.traceback or envelope.error,
            origin=envelope.origin or "rabbitmq",
        )


async def _whole(work: Coroutine[Any, Any, int]) -> int:
    """Its result. Who is cancelled while it runs is cancelled when it has ended."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.gather(task, return_exceptions=True)
        raise


async def _round(arrived: asyncio.Queue[DeliveredMessage], count: int) -> list[DeliveredMessage]:
    """Up to `count`; fewer when nothing more came for `SILENCE_SECONDS`."""
    got: list[DeliveredMessage] = []
    with suppress(TimeoutError):
        while len(got) < count:
            async with asyncio.timeout(SILENCE_SECONDS):
                got.append(await arrived.get())
    return got


def _renewed(envelope: Envelope) -> Envelope:
    """As it was first sent. Who receives it asks whether another copy was finished already: see `redrive`."""
    return Envelope(id=envelope.id, sent_at=envelope.sent_at, headers=envelope.headers, redriven=True)

"""How many messages are held: RabbitMQ tells no client, so those who hold them are asked.

Every process that receives listens on an exchange for the question and answers it, from the thread that nothing
blocks. How many answers to expect says a queue that all of them consume and that is always empty. Who does not
answer in time (it is paused, or cut off) is not counted.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from functools import partial

import msgspec
from aiormq.abc import DeliveredMessage
from aiormq.channel import Channel
from pamqp.commands import Basic

from rung.runtime.queue.message import LaneStatistics
from rung.runtime.queue.rabbitmq.link import Link
from rung.runtime.queue.rabbitmq.topology import LEVELS, Topology

ANSWER_SECONDS = 0.5
REPLIES = "amq.rabbitmq.reply-to"

#: Per lane: leased, and here without a lease.
Counts = Mapping[str, tuple[int, int]]
_decoder = msgspec.msgpack.Decoder(dict[str, tuple[int, int]])


class Holder:
    """Answers for one connection."""

    def __init__(self, link: Link, counts: Callable[[], Counts]) -> None:
        self._link = link
        self._counts = counts

    async def start(self) -> None:
        """Listen, as long as the connection lives."""
        channel = await self._link.channel("answering")
        topology = self._link.topology
        own = await channel.queue_declare(exclusive=True, auto_delete=True)
        await channel.queue_bind(str(own.queue), topology.questions)
        await channel.basic_consume(str(own.queue), partial(self._answer, channel), no_ack=True)
        await channel.basic_consume(topology.holders, partial(self._answer, channel), no_ack=True)

    async def _answer(self, channel: Channel, question: DeliveredMessage) -> None:
        asked = question.header.properties
        if asked.reply_to:
            answer = msgspec.msgpack.encode(self._counts())
            properties = Basic.Properties(correlation_id=asked.correlation_id)
            await channel.basic_publish(answer, routing_key=asked.reply_to, properties=properties)


class Counting:
    """Asks, for one connection."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._asking = asyncio.Lock()
        self._number = 0
        self._answers: list[Counts] = []
        self._answered = asyncio.Event()
        self._listening: Channel | None = None

    async def count(self) -> dict[str, LaneStatistics]:
        """Every lane as it is now. Raises UnavailableError."""
        async with self._asking:
            return await self._link.call("counting", self._count)

    async def _count(self, channel: Channel) -> dict[str, LaneStatistics]:
        topology = self._link.topology
        # Counted before and after the question: what changes hands meanwhile may count twice, and is never missed.
        before = {lane: await depth(channel, topology.queue(lane)) for lane in topology.lanes}
        held = _sum(await self._ask(channel), topology)
        waits = await depth(channel, topology.ladder_mark) > 0
        return {lane: await self._lane(channel, lane, before[lane], held[lane], waits=waits) for lane in before}

    async def _lane(
        self, channel: Channel, lane: str, before: int, held: tuple[int, int], *, waits: bool
    ) -> LaneStatistics:
        topology, (leased, buffered) = self._link.topology, held
        delayed = 0
        for level in range(LEVELS) if waits else ():
            delayed += await depth(channel, topology.waiting(lane, level))
        return LaneStatistics(
            ready=buffered + max(before, await depth(channel, topology.queue(lane))),
            in_flight=leased,
            delayed=delayed,
            dead=await depth(channel, topology.dead(lane)),
            oldest_age_seconds=None,
        )

    async def _ask(self, channel: Channel) -> list[Counts]:
        if self._listening is not channel:
            await channel.basic_consume(REPLIES, self._on_answer, no_ack=True)
            self._listening = channel
        expected = (await channel.queue_declare(self._link.topology.holders, passive=True)).consumer_count or 0
        self._number += 1
        self._answers = []
        if expected:
            properties = Basic.Properties(reply_to=REPLIES, correlation_id=str(self._number))
            await channel.basic_publish(b"", exchange=self._link.topology.questions, properties=properties)
            await self._wait(expected)
        return self._answers

    async def _wait(self, expected: int) -> None:
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                while len(self._answers) < expected:
                    self._answered.clear()
                    await self._answered.wait()
        except TimeoutError:
            return

    async def _on_answer(self, message: DeliveredMessage) -> None:
        if message.header.properties.correlation_id == str(self._number):
            self._answers.append(_decoder.decode(message.body))
            self._answered.set()


async def depth(channel: Channel, queue: str) -> int:
    """How many messages of a queue nobody holds."""
    return (await channel.queue_declare(queue, passive=True)).message_count or 0


def _sum(answers: list[Counts], topology: Topology) -> dict[str, tuple[int, int]]:
    return {
        lane: (
            sum(answer.get(lane, (0, 0))[0] for answer in answers),
            sum(answer.get(lane, (0, 0))[1] for answer in answers),
        )
        for lane in topology.lanes
    }

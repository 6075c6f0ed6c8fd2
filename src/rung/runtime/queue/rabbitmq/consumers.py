"""What RabbitMQ pushes to us, lane by lane, and no more of it than was asked for.

A consumer's credit (AMQP's prefetch) is what a receiver asked for when it was opened; what is acknowledged gives
credit back, so while there is work the next messages come before they are asked for. A consumer with credit left
and nothing in its buffer says that its lane is empty: lower lanes need not wait for it.
"""

from __future__ import annotations

import asyncio
import itertools
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from aiormq.abc import DeliveredMessage
from aiormq.channel import Channel
from pamqp.commands import Basic

from rung.runtime.queue.rabbitmq.envelope import tag_of
from rung.runtime.queue.rabbitmq.topology import Topology


@dataclass(slots=True, eq=False)
class Consumer:
    """One `basic.consume`. `outstanding`: pushed through it and not ended."""

    tag: str
    credit: int
    outstanding: int = 0

    @property
    def is_exhausted(self) -> bool:
        """RabbitMQ pushes nothing more before something is ended."""
        return self.outstanding >= self.credit


@dataclass(slots=True, eq=False)
class Delivery:
    """What came and is not handed out yet."""

    lane: str
    message: DeliveredMessage
    consumer: Consumer | None


@dataclass(slots=True)
class _Lane:
    consumer: Consumer | None = None
    arrived: deque[Delivery] = field(default_factory=deque)


class Consumers:
    """The consumers of one channel. `wake` is called when something has come."""

    def __init__(self, channel: Channel, topology: Topology, wake: Callable[[], None]) -> None:
        self._channel = channel
        self._topology = topology
        self._wake = wake
        self._lanes = {lane: _Lane() for lane in topology.lanes}
        self._numbers = itertools.count(1)
        #: The server's numbers of what is here without a lease, wherever it is on its way.
        self.unleased: set[int] = set()
        self._opening = asyncio.Lock()

    def buffered(self, lane: str) -> int:
        """How many messages of a lane are here and not handed out."""
        return len(self._lanes[lane].arrived)

    def take(self, lane: str, count: int) -> list[Delivery]:
        """Up to `count` of what has come."""
        arrived = self._lanes[lane].arrived
        return [arrived.popleft() for _ in range(min(count, len(arrived)))]

    async def get(self, lane: str, count: int) -> list[Delivery]:
        """Up to `count` of what is in the lane now, asked for one by one: leaves no consumer behind."""
        got: list[Delivery] = []
        while len(got) < count:
            message = await self._channel.basic_get(self._topology.queue(lane))
            if isinstance(message.delivery, Basic.GetEmpty):
                break
            self.unleased.add(tag_of(message))
            got.append(Delivery(lane, message, None))
        return got

    async def sweep(self, lanes: Sequence[str], count: int) -> list[Delivery]:
        """What is in the lanes now, the first one until it is empty; and what comes to them is pushed from now."""
        swept: list[Delivery] = []
        for lane in lanes:
            swept += self.take(lane, count - len(swept))
            consumer = self._lanes[lane].consumer
            if len(swept) < count and (consumer is None or consumer.is_exhausted):
                await self._open(lane, count - len(swept))
                swept += self.take(lane, count - len(swept))
            if len(swept) >= count:
                break
        return swept

    async def _open(self, lane: str, credit: int) -> None:
        """A new consumer instead of the one that there was. Returns when what was in the lane is here."""
        async with self._opening:
            state, queue = self._lanes[lane], self._topology.queue(lane)
            consumer = Consumer(f"{lane}.{next(self._numbers)}", credit)
            former, state.consumer = state.consumer, consumer
            if former is not None:
                await self._stop(former)
            await self._channel.basic_qos(prefetch_count=credit)
            await self._channel.basic_consume(queue, partial(self._on, lane, consumer), consumer_tag=consumer.tag)
            await self.settle(lane)
            if former is not None:
                self._channel.consumers.pop(former.tag, None)

    async def _stop(self, consumer: Consumer) -> None:
        # The client forgets a consumer when it hears that it is cancelled, and drops what comes for it after that,
        # for ever unacknowledged. So the server is not asked to confirm, and we forget when nothing can come.
        await self._channel.rpc(Basic.Cancel(consumer_tag=consumer.tag, nowait=True))

    async def settle(self, lane: str) -> None:
        """Return when all that the lane's queue has pushed until now is here.

        The queue answers the first question after its pushes have left for the channel, and the channel the second
        one after it has sent them on.
        """
        await self._channel.queue_declare(self._topology.queue(lane), passive=True)
        await self._channel.flow(active=True)

    async def _on(self, lane: str, consumer: Consumer, message: DeliveredMessage) -> None:
        consumer.outstanding += 1
        self.unleased.add(tag_of(message))
        self._lanes[lane].arrived.append(Delivery(lane, message, consumer))
        self._wake()

    async def stop(self, lanes: Sequence[str]) -> list[Delivery]:
        """Have nothing more pushed; what has come and was not asked for."""
        async with self._opening:
            for lane in lanes:
                state = self._lanes[lane]
                if state.consumer is not None:
                    former, state.consumer = state.consumer, None
                    await self._stop(former)
                    await self.settle(lane)
                    self._channel.consumers.pop(former.tag, None)
        return [each for lane in lanes for each in self.take(lane, len(self._lanes[lane].arrived))]

    def hoarded(self, asked: int) -> list[str]:
        """Lanes of which far more is here than somebody asks for: others may have use for it."""
        return [lane for lane, state in self._lanes.items() if len(state.arrived) > 2 * asked + 10]

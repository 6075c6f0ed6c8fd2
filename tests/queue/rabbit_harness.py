"""A queue on a real RabbitMQ for the shipped suites: its own names, its own time, and a proxy that can fail."""

from __future__ import annotations

import asyncio
import random
import secrets
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import aiormq
import asyncpg
import pytest
from aiormq.abc import AbstractChannel
from pamqp.commands import Basic
from tests.queue.test_conformance import AGE_DEDUPLICATION
from tests.queue.transactions import transaction_at

from rung.local.rabbitmq import RabbitServer
from rung.runtime.bindings import QueueBinding
from rung.runtime.queue import Backoff
from rung.runtime.queue.rabbitmq import RabbitQueue
from rung.runtime.queue.rabbitmq.envelope import decoded
from rung.runtime.queue.rabbitmq.topology import LEVELS, SETTLE_SECONDS
from rung.testing import FaultProxy, ShiftedClock
from rung.testing.queue_harness import LANES


class RabbitHarness:
    """Queues of one test's own, on a server that may be killed."""

    def __init__(self, server: RabbitServer, outbox_url: str = "") -> None:
        self._server = server
        self._outbox_url = outbox_url
        self._proxy: FaultProxy | None = None
        self._clock = ShiftedClock()
        self.name = f"orders-{secrets.token_hex(4)}"
        self.workload = "shop"
        self.queues: list[RabbitQueue] = []

    def open(
        self,
        *,
        lanes: tuple[str, ...] = LANES,
        visibility_timeout_seconds: float = 30.0,
        max_receive_count: int = 3,
        backoff: Backoff | None = None,
        deduplication_window_seconds: float = 300.0,
        delay_seconds: float = 0.0,
        fair: bool = False,
    ) -> RabbitQueue:
        port = self._server.port if self._proxy is None else self._proxy.port
        binding = QueueBinding(
            adapter="rabbitmq",
            url=self._server.url.replace(f":{self._server.port}/", f":{port}/"),
            outbox_url=self._outbox_url,
            workload=self.workload,
            lanes=lanes,
            fair=fair,
            delay_seconds=delay_seconds,
            visibility_timeout_seconds=visibility_timeout_seconds,
            max_receive_count=max_receive_count,
        )
        queue = RabbitQueue(
            self.name,
            binding,
            backoff=backoff,
            randomness=random.Random(7),
            clock=self._clock,
            settle_seconds=0.0,  # see crash_broker
        )
        self.queues.append(queue)
        return queue

    async def advance(self, seconds: float) -> None:
        """The server's clock cannot be moved. What waits there is placed anew, by the adapter's own rule, as it
        would be at the moment that the queue's clock now shows. That waiting takes its time is tested elsewhere.
        """
        self._clock.shift_seconds += seconds
        if self._outbox_url:
            connection = await asyncpg.connect(self._outbox_url)
            await connection.execute(AGE_DEDUPLICATION.replace("$1", repr(float(seconds))))
            await connection.close()
        if any(queue.topology.has_ladders for queue in self.queues):
            async with self._channel() as channel:
                await self._place_anew(channel)
        for queue in self.queues:
            await queue.end_leases()

    async def _place_anew(self, channel: AbstractChannel) -> None:
        topology, now = self.queues[0].topology, self._clock.now().timestamp()
        for lane in topology.lanes:
            waiting = [
                message
                for level in range(LEVELS)
                for message in await take_all(channel, topology.waiting(lane, level))
            ]
            for message in waiting:
                _, envelope = decoded(message)
                exchange, key = topology.route(lane, min(2000.0, envelope.due - now))
                await channel.basic_publish(
                    message.body, exchange=exchange, routing_key=key, properties=message.header.properties
                )

    @asynccontextmanager
    async def _channel(self) -> AsyncIterator[AbstractChannel]:
        connection = await aiormq.connect(self._server.url)
        try:
            yield await connection.channel()
        finally:
            await connection.close()

    def transaction(self) -> AbstractAsyncContextManager[Any]:
        return transaction_at(self._outbox_url)

    async def crash_broker(self) -> None:
        # The adapter waits as long before it sends to a new queue; for one test alone that is enough.
        await asyncio.sleep(SETTLE_SECONDS)
        self._server.kill()
        self._server.restart()

    async def divert(self) -> None:
        self._proxy = await FaultProxy("127.0.0.1", self._server.port).__aenter__()

    @asynccontextmanager
    async def cut_off(self) -> AsyncIterator[None]:
        if self._proxy is None:
            pytest.fail("nothing was diverted")
        self._proxy.blackhole()
        yield
        self._proxy.heal()

    async def delete_queue(self, name: str) -> None:
        """What an operator may do."""
        async with self._channel() as channel:
            await channel.queue_delete(name)

    async def close(self) -> None:
        """Close what was opened, and leave nothing on the server."""
        for queue in self.queues:
            await queue.close()
        if self._proxy is not None:
            await self._proxy.__aexit__(None, None, None)
        if self.queues:
            async with self._channel() as channel:
                await delete(channel, self.queues[0])


async def take_all(channel: AbstractChannel, queue: str) -> list[Any]:
    """Everything that is in a queue, for good."""
    taken = []
    while not isinstance((message := await channel.basic_get(queue, no_ack=True)).delivery, Basic.GetEmpty):
        taken.append(message)
    return taken


async def delete(channel: AbstractChannel, queue: RabbitQueue) -> None:
    """Remove what a queue is on the server."""
    topology = queue.topology
    names = [topology.holders, topology.mark, topology.ladder_mark]
    for lane in topology.lanes:
        names += [topology.queue(lane), topology.dead(lane)]
        names += [topology.waiting(lane, level) for level in range(LEVELS) if topology.has_ladders]
    for name in names:
        await channel.queue_delete(name)
    await channel.exchange_delete(topology.questions)

"""A database with the tables, its queue, and a receiver on this machine."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from ipaddress import ip_network
from random import Random

import pytest
from aiohttp import web

from rung.runtime.bindings import QueueBinding
from rung.runtime.database.database import Database
from rung.runtime.queue import Message, PostgresQueue
from rung.runtime.webhooks import Deliverer, Deliveries, Delivery, Policy
from rung.testing.clock import ShiftedClock

#: The only part of this machine that tests may deliver to.
SINK_NETWORK = ip_network("127.0.0.1/32")
SINK_POLICY = Policy(ports=(), schemes=("http", "https"), allowed=(SINK_NETWORK,))
DAY = 86_400.0


@pytest.fixture
async def database(postgres_url: str) -> AsyncIterator[Database]:
    opened = Database.from_url(postgres_url, pool_size=4)
    yield opened
    await opened.close()


@pytest.fixture
async def queue(postgres_url: str) -> AsyncIterator[PostgresQueue]:
    opened = PostgresQueue("hooks", QueueBinding(url=postgres_url))
    yield opened
    await opened.close()


Respond = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Sink:
    """A receiver: what came, and what it answers (a status, or a function)."""

    url: str = ""
    answer: int | Respond = 200
    requests: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    def events(self) -> list[str]:
        """The types of what came."""
        return [json.loads(body)["type"] for _, body in self.requests]

    async def take(self, request: web.Request) -> web.StreamResponse:
        """One request."""
        self.requests.append(
            ({name.lower(): value for name, value in request.headers.items()}, await request.read())
        )
        if callable(self.answer):
            return await self.answer(request)
        return web.Response(status=self.answer, text="x" * 3000)


@pytest.fixture
async def sink() -> AsyncIterator[Sink]:
    found = Sink()
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", found.take)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    assert site._server is not None
    port = site._server.sockets[0].getsockname()[1]  # type: ignore[attr-defined]
    found.url = f"http://127.0.0.1:{port}/hook"
    yield found
    await runner.cleanup()


async def received(queue: PostgresQueue) -> list[Message]:
    """Everything that is ready, acknowledged."""
    messages = await queue.receive(max_messages=100)
    await queue.acknowledge(messages)
    return messages


class Bench:
    """Deliveries and their deliverer, on one clock that a test moves."""

    def __init__(self, database: Database, queue: PostgresQueue) -> None:
        self.clock = ShiftedClock()
        self.database, self.queue = database, queue
        self.deliveries = Deliveries(database, queue, policy=SINK_POLICY, clock=self.clock)
        self.deliverer = Deliverer(
            database, queue, policy=SINK_POLICY, clock=self.clock, randomness=Random(7), timeout_seconds=5.0
        )

    async def work(self) -> int:
        """Deliver everything that is due by the queue's own clock; how many messages."""
        count = 0
        while messages := await self.queue.receive(max_messages=50):
            await asyncio.gather(*(self.deliverer.deliver(message) for message in messages))
            await self.queue.acknowledge(messages)
            count += len(messages)
        return count

    async def delays(self) -> list[float]:
        """Seconds until each waiting message is due."""
        rows = await self.database.fetch(
            "select extract(epoch from run_at - clock_timestamp())::float8 as s from rung.message order by run_at"
        )
        return [row["s"] for row in rows]

    async def next_try(self, days: float = 0.0) -> int:
        """Let all delays pass, and `days` of the wall clock; then deliver."""
        self.clock.shift_seconds += days * DAY
        await self.database.execute("update rung.message set run_at = now() where run_at > now()")
        self.queue._floors.reset()
        return await self.work()


@pytest.fixture
async def bench(database: Database, queue: PostgresQueue) -> AsyncIterator[Bench]:
    found = Bench(database, queue)
    yield found
    await found.deliverer.close()


async def only_delivery(bench: Bench, endpoint: object) -> Delivery:
    """The one delivery to an endpoint, with its attempts."""
    (delivery,) = await bench.deliveries.log(endpoint)  # type: ignore[arg-type]
    return delivery

"""A database with the tables, its queue, and a receiver on this machine."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from ipaddress import ip_network

import pytest
from aiohttp import web

from rung.runtime.bindings import QueueBinding
from rung.runtime.database.database import Database
from rung.runtime.queue import Message, PostgresQueue
from rung.runtime.webhooks import Policy

#: The only part of this machine that tests may deliver to.
SINK_NETWORK = ip_network("127.0.0.1/32")
SINK_POLICY = Policy(ports=(), schemes=("http", "https"), allowed=(SINK_NETWORK,))


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

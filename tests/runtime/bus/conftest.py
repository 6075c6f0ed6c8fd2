"""A bus on Postgres with its router in this process, and a service that fails as often as it is told to."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from rung.runtime.bindings import BusBinding, QueueBinding, ServiceBinding, encode, variable_name
from rung.runtime.bus.archive import Archive
from rung.runtime.bus.postgres import PostgresBus
from rung.runtime.bus.rules import Rule
from rung.runtime.bus.schema import install_bus
from rung.runtime.bus.service import BusService
from rung.runtime.queue.backoff import Backoff
from rung.runtime.queue.registry import open_queue
from rung.testing.bus_harness import HarnessCan, Received

LEFT_OVER = """
select (select count(*) from rung.message where queue like 'events@%')
     + (select count(*) from rung.dead_letter where queue like 'events@%')
"""


class Service:
    """Answers 503 so many times, then 204, and keeps what it took."""

    def __init__(self, failures: int) -> None:
        self.failures = failures
        self.status = 503
        self.taken: list[Received] = []
        self.url = ""

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
        body = json.loads(await reader.readexactly(int(headers["content-length"])))
        status = f"{self.status} Not now" if self.failures > 0 else "204 No Content"
        if self.failures <= 0:
            self.taken.append(Received(body=body, headers=headers))
        self.failures -= 1
        writer.write(f"HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n".encode())
        await writer.drain()
        writer.close()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        server = await asyncio.start_server(self.answer, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with server:
            yield


class PostgresBusHarness:
    """Everything in one fresh database."""

    can = HarnessCan()

    def __init__(self, url: str) -> None:
        self.url = url
        self.environment = {
            variable_name(name): encode(QueueBinding(url=url)) for name in ("mails", "audit", "undelivered")
        }
        self.service: BusService | None = None
        self.api: Service | None = None
        self._bus: PostgresBus | None = None

    async def open(self, rules: Sequence[Rule], *, archive_days: int | None = None) -> PostgresBus:
        connection = await asyncpg.connect(self.url)
        await install_bus(connection)
        await connection.close()
        binding = BusBinding(url=self.url, archive_days=archive_days)
        self._bus = PostgresBus("events", binding)
        self.service = BusService(
            "events", binding, rules, environment=self.environment, poll_seconds=0.02,
            backoff=Backoff(base_seconds=0.01, cap_seconds=0.02),
        )  # fmt: skip
        return self._bus

    async def settle(self) -> None:
        assert self.service is not None
        deliverer = self.service.deliverer
        async with asyncio.timeout(20):
            while await self._value("select count(*) from rung.message where queue like 'events@%'"):
                await self.service.router.route()
                lanes = list(deliverer.lanes)
                if lanes and (tasks := await deliverer.deliver(lanes, wait_seconds=0.02)):
                    await asyncio.wait(tasks)

    async def _value(self, query: str) -> Any:
        connection = await asyncpg.connect(self.url)
        try:
            return await connection.fetchval(query)
        finally:
            await connection.close()

    async def received(self, queue: str) -> list[Received]:
        opened = open_queue(queue, QueueBinding(url=self.url))
        messages = await opened.receive(max_messages=200)
        await opened.acknowledge(messages)
        await opened.close()
        return [Received(body=each.json(), headers=each.headers) for each in messages]

    async def left_over(self) -> int:
        return int(await self._value(LEFT_OVER))

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Any]:
        connection = await asyncpg.connect(self.url)
        try:
            async with connection.transaction():
                yield connection
        finally:
            await connection.close()

    @asynccontextmanager
    async def failing(self, times: int) -> AsyncIterator[str]:
        self.api = Service(times)
        async with self.api.running():
            self.environment[variable_name("api")] = encode(ServiceBinding(url=self.api.url))
            yield "api"

    async def calls(self) -> list[Received]:
        assert self.api is not None
        return self.api.taken

    async def replay(self, *, rules: Sequence[str] = ()) -> int:
        assert self._bus is not None
        now = datetime.now(UTC)
        span = (now - timedelta(hours=1), now + timedelta(hours=1))
        return sum([count async for count in Archive(self._bus).replay("again", *span, rules)])

    async def close(self) -> None:
        if self._bus is not None:
            await self._bus.close()
        if self.service is not None:
            await self.service.close()


@pytest.fixture
async def postgres_bus(postgres_url: str) -> AsyncIterator[PostgresBusHarness]:
    harness = PostgresBusHarness(postgres_url)
    yield harness
    await harness.close()

"""The worker that delivers, as it runs in production: a process, and one that is killed while it delivers."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys

from aiohttp import web
from tests.runtime.webhooks.conftest import SINK_POLICY, Sink

from rung.runtime.bindings import PostgresBinding, QueueBinding, encode, variable_name
from rung.runtime.database.database import Database
from rung.runtime.queue import PostgresQueue
from rung.runtime.webhooks import Deliveries, StandardSignature


def _start(postgres_url: str, queue: QueueBinding) -> subprocess.Popen[bytes]:
    environment = {
        **os.environ,
        "RUNG_ENVIRONMENT": "local",
        variable_name("database"): encode(PostgresBinding(url=postgres_url)),
        variable_name("hooks"): encode(queue),
    }
    command = [sys.executable, "-m", "rung.runtime.worker", "--name", "deliver", "--queue", "hooks"]
    command += ["--handler", "rung.runtime.webhooks.deliver:deliver", "--concurrency", "20"]
    return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)


async def _until(condition: object, seconds: float = 30.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # type: ignore[operator]  # noqa: ASYNC110 - a real process acts
            await asyncio.sleep(0.02)


async def test_killed_while_it_delivers(postgres_url: str, database: Database, sink: Sink) -> None:
    """The next worker sends it again under the same id, once the lease has run out; the log shows one attempt."""
    binding = QueueBinding(url=postgres_url, visibility_timeout_seconds=2.0)
    queue = PostgresQueue("hooks", binding)
    deliveries = Deliveries(database, queue, policy=SINK_POLICY)
    hang = asyncio.Event()

    async def hanging(request: web.Request) -> web.Response:
        await asyncio.wait_for(hang.wait(), 30)
        return web.Response()

    sink.answer = hanging
    endpoint = await deliveries.register("acme", sink.url)
    identity = await deliveries.publish("acme", "member.invited", {"id": "m1"})
    first = await asyncio.to_thread(_start, postgres_url, binding)
    try:
        await _until(lambda: sink.requests)
        first.kill()
        sink.answer = 200
        hang.set()
        second = await asyncio.to_thread(_start, postgres_url, binding)
        try:
            await _until(lambda: len(sink.requests) == 2)
            async with asyncio.timeout(10):
                while (await deliveries.log(endpoint))[0].status != "succeeded":  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
        finally:
            second.terminate()
            await asyncio.to_thread(second.wait, 30)
    finally:
        first.kill()
        await asyncio.to_thread(first.wait, 30)
        await queue.close()
    assert {headers["webhook-id"] for headers, _ in sink.requests} == {identity}
    headers, body = sink.requests[-1]
    assert StandardSignature(endpoint.secret).verify(body, headers).id == identity
    assert second.returncode == 0

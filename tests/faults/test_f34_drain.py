"""F34: SIGTERM under load, while long requests run.

Proves: readiness turns false first, no request fails, the long requests finish, exit status 0 within 30 s. Also
for clients that open a connection for each request and never stop: a connection is refused before anything was
sent on it, or its request is answered.
"""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from pathlib import Path

import aiohttp
import pytest
from tests.faults.http_kit import served, steady
from tests.faults.soak import share_of

SOURCE = """
import asyncio

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        while (await receive())["type"] != "lifespan.shutdown":
            await send({"type": "lifespan.startup.complete"})
        open("shut-down", "w").close()
        await send({"type": "lifespan.shutdown.complete"})
        return
    if scope["path"].startswith("/long/"):
        await asyncio.sleep(float(scope["path"].rpartition("/")[2]))
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})
"""


@pytest.mark.fault
@pytest.mark.parametrize("long_seconds", [3.0, pytest.param(24.0, marks=pytest.mark.soak)])
async def test_a_drain_loses_nothing(tmp_path: Path, long_seconds: float) -> None:
    """The client is a load balancer: it asks /ready every 50 ms and stops sending when that says no."""
    with served(tmp_path, SOURCE, workers=2) as server:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30)) as session:

            async def get(_: int) -> None:
                async with session.get(server.url) as response:
                    assert response.status == 200

            async def run_long() -> float:
                async with session.get(f"{server.url}/long/{long_seconds}") as response:
                    assert response.status == 200
                return time.monotonic()

            turned = asyncio.Event()
            readiness = asyncio.create_task(_watch_readiness(server.url, turned))
            long_ones = [asyncio.create_task(run_long()) for _ in range(10)]
            load = asyncio.create_task(steady(get, per_second=200, seconds=20, until=turned))
            await asyncio.sleep(1.0)
            began = time.monotonic()
            server.process.send_signal(signal.SIGTERM)
            outcomes = await load
            finished = await asyncio.gather(*long_ones)
            turned_at, live = await readiness
        status = await asyncio.to_thread(server.process.wait, 30)
        ended = time.monotonic()
    assert outcomes.failures == []
    assert len(outcomes.latencies) > 150
    assert live, "liveness must stay true: a restart in the middle of a drain loses requests"
    assert turned_at - began < 0.5
    assert turned_at < min(finished), "readiness must turn before the work is done"
    assert status == 0
    assert ended - began <= 30
    assert (tmp_path / "shut-down").exists(), "the application was not told"


@pytest.mark.fault
@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the kernel resets what a closing port has queued")
@pytest.mark.parametrize("drains", [2, pytest.param(share_of(50), marks=pytest.mark.soak)])
async def test_a_connection_is_refused_or_served(tmp_path: Path, drains: int) -> None:
    """Callers that ask no load balancer, each with a new connection per request, until the port is closed."""
    for _ in range(drains):
        answers: list[bytes] = []
        with served(tmp_path, SOURCE, workers=2) as server:
            callers = [asyncio.create_task(_call_until_refused(server.port, answers)) for _ in range(30)]
            async with asyncio.timeout(10):
                while len(answers) < 200:  # noqa: ASYNC110 - a real server answers in its own time
                    await asyncio.sleep(0.01)
            began = time.monotonic()
            server.process.send_signal(signal.SIGTERM)
            before = len(answers)
            lost = await asyncio.gather(*callers)
            status = await asyncio.to_thread(server.process.wait, 30)
            ended = time.monotonic()
        assert [each for each in lost if each is not None] == []
        assert {answer[:12] for answer in answers} == {b"HTTP/1.1 200"}
        assert len(answers) > before, "it must serve while load balancers still send"
        assert status == 0
        assert ended - began <= 5, "load that never ends must not hold up the drain"


async def _call_until_refused(port: int, answers: list[bytes]) -> str | None:
    """What went wrong after a connection was made; None when all was well until the port was closed."""
    while True:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
        except ConnectionRefusedError:
            return None
        try:
            writer.write(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
            answer = await asyncio.wait_for(reader.read(), 10)
        except OSError as error:
            return repr(error)
        finally:
            writer.transport.abort()
        if not answer:
            return "closed without an answer"
        answers.append(answer)


async def _watch_readiness(url: str, turned: asyncio.Event) -> tuple[float, bool]:
    """When /ready first said no, and whether /health still said yes then."""
    async with aiohttp.ClientSession() as session:
        while True:
            async with session.get(url + "/ready") as response:
                if response.status == 503:
                    turned.set()
                    async with session.get(url + "/health") as health:
                        return time.monotonic(), health.status == 200
            await asyncio.sleep(0.05)

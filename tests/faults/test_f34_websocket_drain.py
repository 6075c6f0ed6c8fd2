"""F34 for WebSockets: SIGTERM for a service, Ctrl-C on `rung dev`.

Proves: every client is told to come back (1012) within seconds; what the application had received by then is
answered first, also while it takes its time, and while others go on sending; a client that does not answer the
close does not hold up the drain; exit status 0. Through the gateway's proxy the same.
"""

from __future__ import annotations

import asyncio
import signal
import time
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest
from tests.faults.http_kit import served
from tests.local.dev import running

pytestmark = pytest.mark.fault

SERVICE = """
import asyncio

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        while (await receive())["type"] != "lifespan.shutdown":
            await send({"type": "lifespan.startup.complete"})
        await send({"type": "lifespan.shutdown.complete"})
        return
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})
        return
    await receive()
    await send({"type": "websocket.accept"})
    if scope["path"].endswith("/news"):
        while True:  # it never receives: it cannot know that the client is gone
            await send({"type": "websocket.send", "text": "news"})
            await asyncio.sleep(0.1)
    while (message := await receive())["type"] != "websocket.disconnect":
        if message["text"].startswith("slow"):
            await asyncio.sleep(2.0)
        await send({"type": "websocket.send", "text": "to " + message["text"]})
"""
WORKLOAD = """
from rung import Workload

chat = Workload("chat")
direct = chat.service("direct", app="service:app", health="/direct/health")
command = "python -m granian --interface asgi service:app --port {port}"
proxied = chat.service("proxied", command=command, port=8099, health="/proxied/health")
chat.route("/direct/*", direct)
chat.route("/proxied/*", proxied)
"""
KINDS = ("idle", "slow", "talks", "listens")
#: From the signal to the last close: the notice of half a second, the slow answer, and this machine's own time.
CLOSED_SECONDS = 6.0


@dataclass
class Client:
    """One WebSocket client: what it sent, what it heard, how it was told to go."""

    kind: str
    sent: list[str] = field(default_factory=list)
    heard: list[str] = field(default_factory=list)
    close_code: int | None = None
    closed_at: float = 0.0
    connected: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self, session: aiohttp.ClientSession, url: str) -> None:
        """Talk as its kind does, until the server closes."""
        async with session.ws_connect(url + ("/news" if self.kind == "listens" else "/chat")) as socket:
            await self._say(socket, "hello")
            self.heard.append((await socket.receive(10)).data)
            if self.kind == "slow":
                await self._say(socket, "slow question")
            self.connected.set()
            talking = asyncio.create_task(self._talk(socket)) if self.kind == "talks" else None
            async for message in socket:
                self.heard.append(message.data)
            self.close_code, self.closed_at = socket.close_code, time.monotonic()
            if talking is not None:
                talking.cancel()
                await asyncio.gather(talking, return_exceptions=True)

    async def _talk(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        for number in range(10_000):
            await self._say(socket, f"word {number}")
            await asyncio.sleep(0.3)

    async def _say(self, socket: aiohttp.ClientWebSocketResponse, text: str) -> None:
        if self.kind != "listens":
            self.sent.append(text)
            await socket.send_str(text)

    def unanswered(self) -> list[str]:
        """What it sent and got no answer to."""
        return [text for text in self.sent if f"to {text}" not in self.heard]


async def _connect(session: aiohttp.ClientSession, url: str) -> tuple[list[Client], list[asyncio.Task[None]]]:
    clients = [Client(kind) for kind in KINDS for _ in range(5)]
    tasks = [asyncio.create_task(client.run(session, url)) for client in clients]
    async with asyncio.timeout(20):
        for client in clients:
            await client.connected.wait()
    return clients, tasks


def _check(clients: list[Client], began: float) -> None:
    print("F34 the last was closed after", max(client.closed_at for client in clients) - began)
    assert {(client.kind, client.close_code) for client in clients} == {(kind, 1012) for kind in KINDS}
    assert max(client.closed_at for client in clients) - began <= CLOSED_SECONDS
    for client in clients:
        # A word that was sent while the close was on its way to the client has crossed it.
        assert len(client.unanswered()) <= (client.kind == "talks"), (client.kind, client.unanswered())
        assert client.unanswered() in ([], client.sent[-1:])


async def test_a_service_answers_and_then_says_come_back(tmp_path: Path) -> None:
    with served(tmp_path, SERVICE, workers=2) as server:
        async with aiohttp.ClientSession() as session:
            clients, tasks = await _connect(session, f"ws://127.0.0.1:{server.port}")
            began = time.monotonic()
            server.process.send_signal(signal.SIGTERM)
            async with asyncio.timeout(30):
                await asyncio.gather(*tasks)
            status = await asyncio.to_thread(server.process.wait, 30)
            ended = time.monotonic()
    _check(clients, began)
    assert status == 0
    assert ended - began <= 10


async def test_a_client_that_never_answers_the_close_does_not_hold_up_the_drain(tmp_path: Path) -> None:
    handshake = (
        b"GET /chat HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\nconnection: upgrade\r\n"
        b"sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    with served(tmp_path, SERVICE) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(handshake)
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101")
        began = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        frame = await asyncio.wait_for(reader.readexactly(4), 10)
        status = await asyncio.to_thread(server.process.wait, 30)
        ended = time.monotonic()
        writer.close()
    assert frame[0] == 0x88, "a close frame"
    assert int.from_bytes(frame[2:4], "big") == 1012
    assert status == 0
    assert ended - began <= 8


@pytest.mark.timeout(90)
@pytest.mark.xdist_group("rung-dev")
@pytest.mark.parametrize("service", ["direct", "proxied"])
async def test_ctrl_c_on_rung_dev_says_come_back(tmp_path: Path, service: str) -> None:
    (tmp_path / "service.py").write_text(SERVICE)
    (tmp_path / "workload.py").write_text(WORKLOAD)
    with running(tmp_path / "workload.py", "--no-reload") as dev:
        async with aiohttp.ClientSession() as session:
            clients, tasks = await _connect(session, f"ws://127.0.0.1:{dev.port}/{service}")
            began = time.monotonic()
            dev.process.send_signal(signal.SIGINT)
            async with asyncio.timeout(40):
                await asyncio.gather(*tasks)
        status = await asyncio.to_thread(dev.process.wait, 40)
        dev.stop()
    _check(clients, began)
    assert status == 0, dev.said()

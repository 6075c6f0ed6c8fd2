"""A real gateway process: services in it, sites, a program behind it, WebSockets through both, and its errors."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from rung.local.process import free_port

SOURCE = """
import asyncio

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        await receive()
        scope["state"]["greeting"] = b"hello from the lifespan"
        await send({"type": "lifespan.startup.complete"})
        await receive()
        open("stopped", "w").close()
        await send({"type": "lifespan.shutdown.complete"})
    elif scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        while (message := await receive())["type"] != "websocket.disconnect":
            await send({"type": "websocket.send", "text": "asgi " + message["text"]})
    else:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": scope["state"]["greeting"]})
"""


@contextmanager
def gateway(directory: Path, routes: dict[str, Any]) -> Iterator[str]:
    """A running gateway's address."""
    (directory / "application.py").write_text(SOURCE)
    (directory / "routes.json").write_text(json.dumps(routes))
    port, output = free_port(), directory / "gateway.log"
    with output.open("wb") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "rung.local.gateway", "--routes", "routes.json", "--port", str(port)],
            cwd=directory,
            stdout=stream,
            stderr=stream,
        )
    try:
        deadline = time.monotonic() + 15
        while b'"ready"' not in output.read_bytes():
            assert process.poll() is None, output.read_text()
            assert time.monotonic() < deadline, output.read_text()
            time.sleep(0.02)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0


@contextmanager
def refused(directory: Path, routes: dict[str, Any]) -> Iterator[str]:
    """What a gateway says that cannot start."""
    (directory / "routes.json").write_text(json.dumps(routes))
    command = [sys.executable, "-m", "rung.local.gateway", "--routes", "routes.json", "--port", str(free_port())]
    ended = subprocess.run(command, cwd=directory, capture_output=True, text=True, timeout=20, check=False)
    assert ended.returncode == 1
    yield ended.stderr


async def upstream() -> tuple[web.AppRunner, str]:
    """A program of its own, in another framework."""

    async def echo(request: web.Request) -> web.StreamResponse:
        body = await request.read()
        return web.json_response(
            {
                "body": body.decode(),
                "path": request.path_qs,
                "headers": {k.lower(): v for k, v in request.headers.items()},
            }
        )

    async def stream(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for part in (b"one ", b"two "):
            await response.write(part)
            await asyncio.sleep(0.3)
        return response

    async def socket(request: web.Request) -> web.StreamResponse:
        answers = web.WebSocketResponse()
        await answers.prepare(request)
        async for message in answers:
            await answers.send_str("proxied " + message.data)
        return answers

    application = web.Application()
    application.router.add_get("/cmd/stream", stream)
    application.router.add_get("/cmd/ws", socket)
    application.router.add_route("*", "/cmd/{rest:.*}", echo)
    runner = web.AppRunner(application)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    return runner, f"http://127.0.0.1:{port}"


async def test_one_port_serves_everything(tmp_path: Path) -> None:
    """ASGI in process with its lifespan, a proxied program, a site, WebSockets, and 502 when a program is away."""
    (tmp_path / "dist").mkdir()
    (tmp_path / "dist" / "index.html").write_text("<h1>home</h1>")
    runner, address = await upstream()
    routes = {
        "services": [
            {"name": "api", "kind": "asgi", "app": "application:app", "upstream": None, "health": "/health"},
            {"name": "cmd", "kind": "proxy", "app": None, "upstream": address, "health": "/"},
        ],
        "sites": [{"name": "web", "directory": "dist", "spa": True}],
        "routes": [
            {"path": "/*", "host": None, "target": "web", "sticky": False},
            {"path": "/api/*", "host": None, "target": "api", "sticky": False},
            {"path": "/cmd/*", "host": None, "target": "cmd", "sticky": False},
        ],
    }
    with gateway(tmp_path, routes) as url:
        async with aiohttp.ClientSession(base_url=url, timeout=aiohttp.ClientTimeout(total=10)) as session:
            await _check_in_process(session)
            await _check_proxied(session)
            await runner.cleanup()
            async with session.get("/cmd/away", headers={"x-correlation-id": "c9"}) as response:
                problem = await response.json(content_type="application/problem+json")
                assert (response.status, problem["code"], problem["correlation_id"]) == (502, "upstream", "c9")
    assert (tmp_path / "stopped").exists(), "the lifespan was not ended"


async def _check_in_process(session: aiohttp.ClientSession) -> None:
    async with session.get("/api/x") as response:
        assert await response.text() == "hello from the lifespan"
    async with session.get("/orders/1") as response:
        assert await response.text() == "<h1>home</h1>"
    async with session.get("/ready") as response:
        assert (await response.json())["status"] == "ready"
    async with session.ws_connect("/api/ws") as socket:
        await socket.send_str("a")
        assert (await socket.receive_str()) == "asgi a"


async def _check_proxied(session: aiohttp.ClientSession) -> None:
    headers = {"x-correlation-id": "c1", "connection": "keep-alive, x-private", "x-rung-tenant": "forged"}
    async with session.post("/cmd/a%20b?q=1", data=b"payload", headers=headers) as response:
        seen = await response.json()
        assert response.headers["x-correlation-id"] == "c1"
    assert (seen["body"], seen["path"]) == ("payload", "/cmd/a%20b?q=1")
    assert seen["headers"]["x-correlation-id"] == "c1"
    assert seen["headers"]["x-forwarded-for"] == "127.0.0.1"
    assert int(seen["headers"]["x-deadline-ms"]) <= 30_000
    assert "x-rung-tenant" not in seen["headers"], "the public must not choose a tenant"
    began = time.monotonic()
    async with session.get("/cmd/stream") as response:
        assert await response.content.readexactly(4) == b"one "
        assert time.monotonic() - began < 0.25, "the proxy waited for the end of the stream"
        assert await response.content.read() == b"two "
    async with session.ws_connect("/cmd/ws") as socket:
        await socket.send_str("b")
        assert (await socket.receive_str()) == "proxied b"


def test_an_application_that_cannot_be_imported_is_one_finding(tmp_path: Path) -> None:
    """It names the module, the user's own line, and the line of the workload."""
    (tmp_path / "broken.py").write_text("x = 1\nimport no_such_module\n")
    entry = {"name": "api", "kind": "asgi", "app": "broken:app", "location": "workload.py:14"}
    with refused(tmp_path, {"services": [entry]}) as text:
        assert text.count("error[R0351]") == 1
        for part in ("'broken:app'", "workload.py:14", "no_such_module", "broken.py:2", "import no_such_module"):
            assert part in text, part


def test_an_application_that_refuses_to_start_is_one_finding(tmp_path: Path) -> None:
    """With its own words."""
    (tmp_path / "stubborn.py").write_text(
        "async def app(scope, receive, send):\n"
        "    await send({'type': 'lifespan.startup.failed', 'message': 'no database today'})\n"
    )
    entry = {"name": "api", "kind": "asgi", "app": "stubborn:app", "location": "workload.py:3"}
    with refused(tmp_path, {"services": [entry]}) as text:
        assert "error[R0353]" in text
        assert "no database today" in text


def test_a_port_in_use_is_one_finding(tmp_path: Path) -> None:
    """And not a second server that takes half of the connections."""
    import socket

    (tmp_path / "routes.json").write_text("{}")
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = str(holder.getsockname()[1])
        command = [sys.executable, "-m", "rung.local.gateway", "--routes", "routes.json", "--port", port]
        ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=20, check=False)
    assert ended.returncode == 1
    assert "error[R0350]" in ended.stderr


@pytest.mark.parametrize("cookie", ["rung-upstream=1", ""])
async def test_a_sticky_client_returns_to_its_upstream(cookie: str) -> None:
    """By cookie; without one it is given one."""
    from rung.local.gateway.proxy import Proxy

    proxy = Proxy(("http://a", "http://b"), sticky=True)
    index, header = proxy._choose({"headers": [(b"cookie", cookie.encode())]})
    assert (index == 1 and header is None) if cookie else (header is not None and b"rung-upstream=" in header[1])

"""A small real HTTP server for the tests, which also misbehaves in every way a client must survive."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections import Counter
from collections.abc import AsyncIterator


class MisbehavingServer:
    """Answers by path: see `_answer`. `requests` counts paths, `seen` keeps raw requests."""

    def __init__(self) -> None:
        self.requests: Counter[str] = Counter()
        self.seen: list[str] = []
        self.stall_until = 0.0
        self.port = 0
        self.connections = 0
        self.tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """A connection was opened."""
        self.connections += 1
        task = asyncio.ensure_future(self._serve(reader, writer))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def stop(self) -> None:
        """Close every connection and wait until that is done."""
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await self._serve_one(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError, asyncio.CancelledError):
                await writer.wait_closed()

    async def _serve_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        lengths = [int(line[15:]) for line in head.split("\r\n") if line.startswith("Content-Length:")]
        body = await reader.readexactly(lengths[0] if lengths else 0)
        self.seen.append(head + body.decode())
        path = head.split(" ")[1]
        self.requests[path] += 1
        return await self._answer(path, writer)

    async def _answer(self, path: str, writer: asyncio.StreamWriter) -> bool:
        wait = self.stall_until - time.monotonic()
        if wait > 0:
            await asyncio.sleep(wait)
        if path == "/reset":
            writer.transport.abort()
            return False
        if path == "/hang":
            await asyncio.sleep(3600)
        for piece in _PIECES.get(path, [_response(b"ok")]):
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0.005 if len(_PIECES.get(path, ())) > 1 else 0)
        return path not in ("/close", "/until-close")


def _response(body: bytes, *, status: str = "200 OK", extra: str = "") -> bytes:
    return f"HTTP/1.1 {status}\r\ncontent-length: {len(body)}\r\n{extra}\r\n".encode() + body


_BIG = b"x" * 100_000
_COOKIES = "Set-Cookie: session=s3; Path=/; HttpOnly\r\nset-cookie: old=; Max-Age=0\r\n"
_PIECES: dict[str, list[bytes]] = {
    "/500": [_response(b"no", status="500 Internal Server Error")],
    "/404": [_response(b"no", status="404 Not Found")],
    "/garbage": [b"SSH-2.0-OpenSSH_9.2\r\n\r\n"],
    "/too-much": [_response(b"ok") + b"trailing bytes"],
    "/close": [_response(b"ok", extra="Connection: close\r\n")],
    "/until-close": [b"HTTP/1.1 200 OK\r\n\r\nall there is"],
    "/chunked": [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhe", b"llo\r\n0\r\n", b"\r\n"],
    "/early-hints": [b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n", _response(b"ok")],
    "/split": [b"HTTP/1.1 200 OK\r\nContent-", b"Length: 100000\r\n\r\n" + _BIG[:10], _BIG[10:]],
    "/empty": [b"HTTP/1.1 204 No Content\r\n\r\n"],
    "/json": [_response(json.dumps({"id": 7, "items": [{"id": "a/b"}]}).encode())],
    "/login": [
        _response(b"{}", extra="Set-Cookie: session=s3; Path=/; HttpOnly\r\nset-cookie: old=; Max-Age=0\r\n")
    ],
}


@contextlib.asynccontextmanager
async def misbehaving_server() -> AsyncIterator[MisbehavingServer]:
    """The server on a free port of 127.0.0.1."""
    server = MisbehavingServer()
    listener = await asyncio.start_server(server.accept, "127.0.0.1", 0, backlog=1024)
    server.port = listener.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listener.close()
        await server.stop()
        await listener.wait_closed()

"""Call an ASGI application without a server: one request, one answer."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from rung.runtime.http.asgi import ASGIApp


@dataclass
class Answer:
    """What an application sent."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def json(self) -> Any:
        """The body, decoded."""
        return msgspec.json.decode(self.body)


async def call(
    app: ASGIApp,
    path: str = "/",
    *,
    method: str = "GET",
    headers: Sequence[tuple[str, str]] = (),
    chunks: Sequence[bytes] = (),
    hang_after_chunks: bool = False,
) -> Answer:
    """One request. Without `hang_after_chunks` the body ends with the last chunk."""
    answer = Answer()
    messages = [
        {"type": "http.request", "body": chunk, "more_body": hang_after_chunks or index < len(chunks) - 1}
        for index, chunk in enumerate(chunks)
    ] or [{"type": "http.request", "body": b"", "more_body": hang_after_chunks}]

    async def receive() -> Any:
        if messages:
            return messages.pop(0)
        await asyncio.Event().wait()
        raise AssertionError

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            assert not answer.status, "a second response was started"
            answer.status = message["status"]
            answer.headers = {name.decode(): value.decode() for name, value in message["headers"]}
        else:
            answer.body += message.get("body", b"")

    encoded = [(name.encode(), value.encode()) for name, value in headers]
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": encoded,
        "client": ("127.0.0.1", 50_000),
        "scheme": "http",
    }
    await app(scope, receive, send)
    return answer

"""One HTTP/1.1 POST of which only the status counts: no redirects, no body read, an end in time.

For services of the same workload. Hosts outside are called through the guard of `rung.runtime.webhooks`.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

HEAD_BYTES_MAX = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The status, and how many seconds the server asks to wait (Retry-After), if it does."""

    status: int
    retry_after_seconds: float | None = None


async def post(url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
    """POST `body` and return what the answer begins with. The caller bounds the time.

    Raises OSError (no connection, broken off) and ValueError (no HTTP).
    """
    parts = urlsplit(url)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    request = _request(path, parts.netloc, body, headers)
    secure = parts.scheme == "https"
    reader, writer = await asyncio.open_connection(
        parts.hostname, parts.port or (443 if secure else 80), limit=HEAD_BYTES_MAX,
        ssl=ssl.create_default_context() if secure else None,
    )  # fmt: skip
    try:
        writer.write(request)
        await writer.drain()
        return await _answer(reader)
    finally:
        writer.close()


def _request(path: str, host: str, body: bytes, headers: Mapping[str, str]) -> bytes:
    lines = [f"POST {path} HTTP/1.1", f"host: {host}", "connection: close", f"content-length: {len(body)}"]
    for name, value in headers.items():
        if not value.isprintable():
            raise ValueError(f"the header {name} has characters that HTTP does not take")
        lines.append(f"{name}: {value}")
    return "\r\n".join([*lines, "", ""]).encode() + body


async def _answer(reader: asyncio.StreamReader) -> Answer:
    while True:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError as error:
            raise ConnectionResetError("the connection was closed without an answer") from error
        except asyncio.LimitOverrunError as error:
            raise ValueError("the head of the answer is too long") from error
        first, *rest = head.decode("latin-1").split("\r\n")
        words = first.split(" ", 2)
        if len(words) < 2 or not words[0].startswith("HTTP/1.") or not words[1].isdecimal():
            raise ValueError(f"no HTTP: {first[:60]!r}")
        if int(words[1]) >= 200:
            return Answer(status=int(words[1]), retry_after_seconds=_retry_after(rest))


def _retry_after(lines: list[str]) -> float | None:
    for line in lines:
        name, _, value = line.partition(":")
        if name.strip().lower() == "retry-after" and value.strip().isdecimal():
            return float(value.strip())
    return None

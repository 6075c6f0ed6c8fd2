"""F21: bodies that are too large, in every dress. Proves: 413 before 1 MB is buffered; memory stays."""

from __future__ import annotations

import asyncio
import gzip
from contextlib import suppress
from pathlib import Path

import pytest
from tests.faults.http_kit import Served, served

SOURCE = """
async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    chunks = []
    while True:
        message = await receive()
        chunks.append(message.get("body", b""))
        if not message.get("more_body"):
            break
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": str(sum(map(len, chunks))).encode()})
"""
SIZE = 50_000_000
#: 16 bodies at once, each up to its limit of 1 MB, once in parts and once joined.
ALLOWANCE = 16 * 2_000_000


async def _post(server: Served, head: str, pieces: list[bytes]) -> tuple[bytes, int]:
    """The status line, and how many bytes of the body could be sent until the server had enough."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    sent = 0
    writer.write(f"POST / HTTP/1.1\r\nhost: x\r\n{head}\r\n\r\n".encode())
    answer = asyncio.create_task(reader.readline())
    with suppress(OSError):
        for piece in pieces:
            if answer.done():
                break
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0)  # drain() alone does not let the answer be read
            sent += len(piece)
    line = await asyncio.wait_for(answer, 10)
    writer.close()
    return line, sent


@pytest.mark.fault
async def test_a_body_past_the_limit_is_refused_and_not_kept(tmp_path: Path) -> None:
    """With Content-Length, chunked, and as a zip bomb; the measure is the memory that honest bodies take."""
    block = bytes(65_536)
    chunk = b"10000\r\n" + block + b"\r\n"
    bomb = gzip.compress(bytes(SIZE))
    with served(tmp_path, SOURCE) as server:
        for _ in range(3):
            honest = [
                _post(server, "transfer-encoding: chunked", [chunk] * 13 + [b"0\r\n\r\n"]) for _ in range(16)
            ]
            assert {line[:12] for line, _ in await asyncio.gather(*honest)} == {b"HTTP/1.1 200"}
        before = server.memory_peak_bytes()
        for _ in range(3):
            lengths = [_post(server, f"content-length: {SIZE}", [block] * (SIZE // 65_536)) for _ in range(8)]
            chunked = [_post(server, "transfer-encoding: chunked", [chunk] * (SIZE // 65_536)) for _ in range(8)]
            for line, sent in await asyncio.gather(*lengths, *chunked):
                assert line.startswith(b"HTTP/1.1 413"), line
                assert sent < 10_000_000, "the server read on"  # what the two kernels' buffers hold
            line, _ = await _post(server, f"content-encoding: gzip\r\ncontent-length: {len(bomb)}", [bomb])
            assert line.startswith(b"HTTP/1.1 415"), line
        grown = server.memory_peak_bytes() - before
        assert grown < 0.05 * before + ALLOWANCE, f"memory grew by {grown} bytes"


@pytest.mark.fault
async def test_a_zip_bomb_stops_at_its_ratio(tmp_path: Path) -> None:
    """Where decompression is on: 1,000 to 1 is refused, honest JSON is not."""
    bomb = gzip.compress(bytes(SIZE))
    honest = gzip.compress(b'{"name": "a", "value": 1}' * 100)
    with served(tmp_path, SOURCE, environment={"RUNG_HTTP_DECOMPRESS": "1"}) as server:
        before = server.memory_peak_bytes()
        for _ in range(10):
            head = f"content-encoding: gzip\r\ncontent-length: {len(bomb)}"
            assert (await _post(server, head, [bomb]))[0].startswith(b"HTTP/1.1 413")
        line, _ = await _post(server, f"content-encoding: gzip\r\ncontent-length: {len(honest)}", [honest])
        assert line.startswith(b"HTTP/1.1 200")
        assert server.memory_peak_bytes() - before < 0.05 * before + 8_000_000

"""F23: malformed JSON and UTF-8. Proves: always 4xx with a code, never a trace, each within 50 ms; no 500."""

from __future__ import annotations

import asyncio
import random
import time
from pathlib import Path

import msgspec
import pytest
from tests.faults.http_kit import served
from tests.faults.soak import share_of

SOURCE = """
import msgspec
from rung.runtime.http import json_body

class Line(msgspec.Struct):
    sku: str
    quantity: int
    price: float = 0.0

class Order(msgspec.Struct):
    name: str
    lines: list[Line]
    note: dict[str, object] = {}

async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    order = await json_body(receive, Order)
    body = msgspec.json.encode(order)
    body.decode().encode("utf-8")
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})
"""
HONEST = (
    b'{"name": "Ada", "lines": [{"sku": "a-1", "quantity": 2, "price": 1.5}], "note": {"x": [1, null, "\\u00e9"]}}'
)
NASTY = {
    "invalid UTF-8": b'{"name": "\xff\xfe", "lines": []}',
    "overlong UTF-8": b'{"name": "\xc0\xaf", "lines": []}',
    "a surrogate in UTF-8": b'{"name": "\xed\xa0\x80", "lines": []}',
    "a lone high surrogate": b'{"name": "\\ud800", "lines": []}',
    "a lone low surrogate": b'{"name": "\\udc00x", "lines": []}',
    "surrogates the wrong way round": b'{"name": "\\udc00\\ud800", "lines": []}',
    "depth 100,000": b'{"name": "a", "lines": [], "note": {"x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}}",
    "depth 100,000 in an unknown field": b'{"name": "a", "lines": [], "y": '
    + b"[" * 100_000
    + b"]" * 100_000
    + b"}",
    "unclosed depth": b"[" * 900_000,
    "NaN": b'{"name": "a", "lines": [], "note": {"x": NaN}}',
    "Infinity": b'{"name": "a", "lines": [{"sku": "a", "quantity": 1, "price": -Infinity}]}',
    "an integer of 900,000 digits": b'{"name": "a", "lines": [{"sku": "a", "quantity": ' + b"9" * 900_000 + b"}]}",
    "a float of 900,000 digits": b'{"name": "a", "lines": [], "note": {"x": 0.' + b"1" * 900_000 + b"e99999}}",
    "a huge exponent": b'{"name": "a", "lines": [], "note": {"x": 1e999999}}',
    "NUL in a string": b'{"name": "a\\u0000b", "lines": []}',
    "empty": b"",
    "a byte order mark": b"\xef\xbb\xbf" + HONEST,
    "a wrong type": b'{"name": 1, "lines": []}',
    "trailing bytes": HONEST + b"}",
}


class Connection:
    """A keep-alive connection that sends whatever it is given."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def post(self, body: bytes) -> tuple[int, bytes, float]:
        """Status, body and seconds."""
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = self._streams
        began = time.perf_counter()
        writer.write(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body))
        head = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)).lower()
        if b"content-length: " in head:
            content = await reader.readexactly(int(head.partition(b"content-length: ")[2].split(b"\r\n")[0]))
        else:
            content = await _read_chunks(reader)
        if b"connection: close" in head:
            await self.close()
        return int(head.split()[1]), content, time.perf_counter() - began

    async def close(self) -> None:
        """Close the connection; the next `post` opens another."""
        if self._streams is not None:
            self._streams[1].close()
            await self._streams[1].wait_closed()
            self._streams = None


async def _read_chunks(reader: asyncio.StreamReader) -> bytes:
    content = b""
    while size := int(await reader.readline(), 16):
        content += (await reader.readexactly(size + 2))[:-2]
    await reader.readline()
    return content


def _mutated(chance: random.Random) -> bytes:
    """An honest document with a few bytes changed, cut, doubled or replaced by what hurts."""
    body = bytearray(HONEST)
    for _ in range(chance.randint(1, 4)):
        place = chance.randrange(len(body) + 1)
        match chance.randrange(5):
            case 0:
                body[place : place + 1] = bytes([chance.randrange(256)])
            case 1:
                del body[place : place + chance.randrange(1, 9)]
            case 2:
                body[place:place] = body[: chance.randrange(1, 30)]
            case 3:
                body[place:place] = chance.choice(
                    [b"\\ud83d", b"\\u0000", b"NaN", b"1e309", b"\xff", b"[[[[", b'"', b"\\"]
                )
            case _:
                body[place:place] = chance.randbytes(chance.randrange(1, 6))
    return bytes(body)


@pytest.mark.fault
async def test_each_known_trap_is_refused_quickly(tmp_path: Path) -> None:
    """One request each, twice: the second time nothing is cold."""
    with served(tmp_path, SOURCE) as server:
        connection = Connection(server.port)
        assert (await connection.post(HONEST))[0] == 200
        for name, body in (*NASTY.items(), *NASTY.items()):
            status, content, _ = await connection.post(body)
            problem = msgspec.json.decode(content)
            assert 400 <= status < 500, f"{name}: {status}"
            assert problem["code"], name
            assert b"Traceback" not in content, name
            assert b".py" not in content, name
        slowest = {}
        for name, body in NASTY.items():
            slowest[name] = min([(await connection.post(body))[2] for _ in range(3)])
        assert max(slowest.values()) <= 0.05, slowest
        await connection.close()


@pytest.mark.fault
@pytest.mark.parametrize(
    "inputs", [3_000, pytest.param(share_of(1_000_000), marks=[pytest.mark.soak, pytest.mark.timeout(3_000)])]
)
async def test_no_input_is_answered_with_500(tmp_path: Path, inputs: int) -> None:
    """Seeded mutations of an honest document over real connections."""
    seed = random.randrange(1 << 32)
    print("seed", seed)
    with served(tmp_path, SOURCE) as server:

        async def fuzz(number: int) -> dict[int, int]:
            chance, connection, seen = random.Random(seed + number), Connection(server.port), dict[int, int]()
            for _ in range(inputs // 8):
                body = _mutated(chance)
                status, content, _ = await connection.post(body)
                assert status == 200 or 400 <= status < 500, (status, body)
                assert status == 200 or msgspec.json.decode(content)["code"], body
                seen[status] = seen.get(status, 0) + 1
            await connection.close()
            return seen

        seen = await asyncio.gather(*(fuzz(number) for number in range(8)))
    totals = {status: sum(part.get(status, 0) for part in seen) for status in (200, 400, 422)}
    assert min(totals.values()) > 0, f"the fuzz missed a kind of answer: {totals}"

"""Attackers and patient clients of F22, in a process of their own: `python slow_sockets.py PORT SOCKETS`.

Prints a JSON object when all is over: for each attacker the seconds until the server closed its connection
(`LIMIT_SECONDS` when it did not), by what it stalled in, and how many idle connections were still served.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time

LIMIT_SECONDS = 14.0
STARTS = {
    "header": b"GET / HTTP/1.1\r\nhost: x\r\nx-a",
    "second header": b"GET / HTTP/1.1\r\nhost: x\r\n\r\nGET / HTTP/1.1\r\nhost",
    "body": b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n",
}


async def trickle(port: int, first: bytes) -> float:
    """Send `first`, then a byte every 2 s; the seconds until the server closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    began = time.monotonic()
    writer.write(first)
    closed = asyncio.create_task(_until_closed(reader))
    while time.monotonic() - began < LIMIT_SECONDS and not closed.done():
        await asyncio.wait({closed}, timeout=2.0)
        if not closed.done():
            writer.write(b"a")
    closed.cancel()
    lived = closed.result() - began if closed.done() and not closed.cancelled() else LIMIT_SECONDS
    writer.transport.abort()
    return lived


async def _until_closed(reader: asyncio.StreamReader) -> float:
    try:
        while await reader.read(4096):
            pass
    except ConnectionError:
        pass
    return time.monotonic()


async def idle(port: int, seconds: float, *, ahead: float = 0.0) -> bool:
    """One request, a pause, a second one on the same connection; whether it was still served."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    await asyncio.sleep(ahead)
    for pause in (seconds, 0.0):
        writer.write(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        try:
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
            await reader.readexactly(2)
        except (OSError, EOFError):
            return False
        await asyncio.sleep(pause)
    writer.close()
    return head.startswith(b"HTTP/1.1 200")


async def main(port: int, sockets: int) -> None:
    """A third of the sockets for each of `STARTS`, opened within 1.5 s, beside 40 patient clients."""
    names = [list(STARTS)[index % len(STARTS)] for index in range(sockets)]
    slow = []
    for name in names:
        slow.append(asyncio.create_task(trickle(port, STARTS[name])))
        await asyncio.sleep(1.5 / sockets)
    patient = [asyncio.create_task(idle(port, 11.5)) for _ in range(20)]
    patient += [asyncio.create_task(idle(port, 0.1, ahead=11.0)) for _ in range(20)]
    lived = await asyncio.gather(*slow)
    by_name: dict[str, list[float]] = {name: [] for name in STARTS}
    for name, seconds in zip(names, lived, strict=True):
        by_name[name].append(seconds)
    print(json.dumps({"closed_after_seconds": by_name, "kept": sum(await asyncio.gather(*patient))}))


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2])))

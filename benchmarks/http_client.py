"""A small open-loop HTTP client: requests leave at their intended moment, whatever the server does."""

from __future__ import annotations

import asyncio
import random
import time
from collections import deque
from dataclasses import dataclass, field
from typing import cast

REQUEST = "GET {} HTTP/1.1\r\nhost: localhost\r\n\r\n"


class Connection(asyncio.Protocol):
    """One keep-alive connection with at most one request on its way."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._buffer = b""
        self.transport: asyncio.Transport | None = None
        self.intended = 0.0
        self.path = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ready for the first request."""
        self.transport = cast("asyncio.Transport", transport)
        self._client.free.append(self)

    def send(self, path: str, intended: float) -> None:
        """Send one request."""
        assert self.transport is not None
        self.path, self.intended = path, intended
        self.transport.write(REQUEST.format(path).encode())

    def data_received(self, data: bytes) -> None:
        """Complete when the head and as many bytes as it announces are there."""
        self._buffer += data
        head, found, rest = self._buffer.partition(b"\r\n\r\n")
        if not found:
            return
        _, _, length = head.lower().partition(b"content-length: ")
        if len(rest) >= int(length.split(b"\r\n", 1)[0]):
            self._buffer = b""
            self._client.answered(self, int(head[9:12]))
            self._client.free.append(self)

    def connection_lost(self, error: Exception | None) -> None:
        """The server hung up."""
        self._client.lost += 1


@dataclass
class Client:
    """Connections, and what came back: `(path, status, seconds since the intended moment)`."""

    free: deque[Connection] = field(default_factory=deque)
    answers: list[tuple[str, int, float]] = field(default_factory=list)
    lost: int = 0
    unsent: int = 0

    def answered(self, connection: Connection, status: int) -> None:
        """Note one answer."""
        self.answers.append((connection.path, status, time.monotonic() - connection.intended))

    async def open(self, port: int, connections: int) -> None:
        """Open them, 200 at a time."""
        loop = asyncio.get_running_loop()
        for begin in range(0, connections, 200):
            batch = range(begin, min(begin + 200, connections))
            await asyncio.gather(
                *(loop.create_connection(lambda: Connection(self), "127.0.0.1", port) for _ in batch)
            )

    async def run(self, paths: list[str], *, per_second: float, seconds: float, seed: int = 7) -> None:
        """Poisson arrivals; a request that finds every connection busy counts as unsent."""
        chance = random.Random(seed)
        begin = intended = time.monotonic()
        while intended < begin + seconds:
            intended += chance.expovariate(per_second)
            ahead = intended - time.monotonic()
            if ahead > 0.001:
                await asyncio.sleep(ahead)
            if self.free:
                self.free.popleft().send(chance.choice(paths), intended)
            else:
                self.unsent += 1
                await asyncio.sleep(0)
        await asyncio.sleep(1.0)

    def percentile(self, part: float, *, status: int = 200) -> float:
        """Seconds, of the answers with `status`."""
        times = sorted(seconds for _, found, seconds in self.answers if found == status)
        return times[min(len(times) - 1, int(part * len(times)))] if times else float("nan")

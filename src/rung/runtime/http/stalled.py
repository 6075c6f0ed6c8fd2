"""Closes connections whose request header does not arrive (slowloris), beside a server that cannot.

hyper, and so granian, has one timer for "waiting for the next request" and "waiting for the rest of a header".
We need two: an idle connection must outlive a load balancer's 60 s, a header must arrive within 10 s (F22).
The kernel knows the difference. In TCP_INFO, an idle connection has sent more recently than it received (the
last thing that happened was our response); a connection that received more recently, while none of its
requests is being served, is in the middle of a header. Seen so in `_SAMPLES` samples in a row, it is shut down.
A trickle of bytes does not help the client: only a whole header, or our response, ends the state.

A client that was told `connection: close` while its body was still coming is closed half a second later, so that
it can read the answer: hyper by itself waits for the rest of the body, and a slow one never ends.

Linux only. Elsewhere the one timer of the server decides, after `KEEP_ALIVE_SECONDS`.
"""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import Callable
from contextlib import suppress

from rung.runtime.http.state import ServerState
from rung.runtime.http.tcp import ESTABLISHED, descriptors, socket_of, tcp_info

_SAMPLE_SECONDS = 1.5
#: Between two looks at who was told to leave; each has at least this long to read why.
_LEAVING_SECONDS = 0.5
#: Pending in this many samples in a row is closed: 4.5 to 6 seconds after its first byte.
_SAMPLES = 4
#: Descriptors per slice; between slices requests are served. About 1 ms.
_SLICE = 256

Peer = tuple[str, int]


class StalledConnections:
    """Watches the connections of this process to `port`; `state` knows who is served and who should be gone."""

    def __init__(self, port: int, state: ServerState) -> None:
        self._port = port
        self._state = state
        self._counts: dict[Peer, int] = {}
        self.closed = 0

    async def watch(self) -> None:
        """Sample for ever. Returns at once where the kernel cannot be asked."""
        if sys.platform != "linux":
            return
        while True:
            for _ in range(round(_SAMPLE_SECONDS / _LEAVING_SECONDS)):
                await asyncio.sleep(_LEAVING_SECONDS)
                await self.close_leaving()
            await self.sample()

    async def sample(self) -> int:
        """Look at every connection once; the number that was closed."""
        return self._judge(await _select(_awaits_header))

    async def close_leaving(self) -> int:
        """Close those whose request was answered for good before it had arrived; their number."""
        leaving = self._state.take_leaving(_LEAVING_SECONDS)
        before = self.closed
        for descriptor in await _select(_is_open) if leaving else ():
            connection = socket_of(descriptor, self._port)
            if connection is None:
                continue
            with connection, suppress(OSError):
                if connection.getpeername()[:2] in leaving:
                    connection.shutdown(socket.SHUT_RDWR)
                    self.closed += 1
        return self.closed - before

    def _judge(self, pending: list[int]) -> int:
        served = self._state.peers()
        counts: dict[Peer, int] = {}
        before = self.closed
        for descriptor in pending:
            connection = socket_of(descriptor, self._port)
            if connection is None:
                continue
            with connection, suppress(OSError):
                peer: Peer = connection.getpeername()[:2]
                if peer in served or not _awaits_header(connection.fileno()):
                    continue
                counts[peer] = self._counts.get(peer, 0) + 1
                if counts[peer] >= _SAMPLES:
                    connection.shutdown(socket.SHUT_RDWR)
                    self.closed += 1
        self._counts = counts
        return self.closed - before


async def _select(condition: Callable[[int], bool]) -> list[int]:
    """The descriptors of this process for which it holds; requests are served between slices of them."""
    found: list[int] = []
    numbers = descriptors()
    for begin in range(0, len(numbers), _SLICE):
        found.extend(filter(condition, numbers[begin : begin + _SLICE]))
        await asyncio.sleep(0)
    return found


def _is_open(descriptor: int) -> bool:
    info = tcp_info(descriptor)
    return info is not None and info.state == ESTABLISHED


def _awaits_header(descriptor: int) -> bool:
    """Whether it is a TCP connection that waits for the rest of a request, or for our answer to it."""
    info = tcp_info(descriptor)
    return info is not None and info.state == ESTABLISHED and info.awaits_answer

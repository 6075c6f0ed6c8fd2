"""Closes connections whose request header does not arrive (slowloris), beside a server that cannot.

hyper, and so granian, has one timer for "waiting for the next request" and "waiting for the rest of a header".
We need two: an idle connection must outlive a load balancer's 60 s, a header must arrive within 10 s (F22).
The kernel knows the difference. In TCP_INFO, an idle connection has sent more recently than it received (the
last thing that happened was our response); a connection that received more recently, while none of its
requests is being served, is in the middle of a header. Seen so in `_SAMPLES` samples in a row, it is shut down.
A trickle of bytes does not help the client: only a whole header, or our response, ends the state.

Linux only. Elsewhere the one timer of the server decides, after `KEEP_ALIVE_SECONDS`.
"""

from __future__ import annotations

import asyncio
import os
import socket
import struct
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

_DESCRIPTORS = Path("/proc/self/fd")
_SAMPLE_SECONDS = 2.0
#: Pending in this many samples in a row is closed: 6 to 8 seconds after its first byte.
_SAMPLES = 4
#: Descriptors per slice; between slices requests are served. About 1 ms.
_SLICE = 256
#: Offsets in struct tcp_info (linux/tcp.h; the layout only ever grows at its end).
_STATE, _LAST_SENT, _LAST_RECEIVED, _SEGMENTS_RECEIVED, _SEGMENTS_SENT = 0, 44, 52, 152, 156
_INFO_BYTES = 160
_ESTABLISHED = 1
_UNSIGNED = struct.Struct("=I").unpack_from

Peer = tuple[str, int]


class StalledConnections:
    """Watches the connections of this process to `port`. `peers` are the clients that are being served."""

    def __init__(self, port: int, peers: Callable[[], set[object]]) -> None:
        self._port = port
        self._peers = peers
        self._counts: dict[Peer, int] = {}
        self.closed = 0

    async def watch(self) -> None:
        """Sample for ever. Returns at once where the kernel cannot be asked."""
        if sys.platform != "linux":
            return
        while True:
            await asyncio.sleep(_SAMPLE_SECONDS)
            await self.sample()

    async def sample(self) -> int:
        """Look at every connection once; the number that was closed."""
        pending: list[int] = []
        descriptors = [int(name) for name in os.listdir(_DESCRIPTORS)]  # noqa: PTH208 - iterdir costs ten times more
        for begin in range(0, len(descriptors), _SLICE):
            pending.extend(filter(_awaits_header, descriptors[begin : begin + _SLICE]))
            await asyncio.sleep(0)
        return self._judge(pending)

    def _judge(self, pending: list[int]) -> int:
        served = self._peers()
        counts: dict[Peer, int] = {}
        before = self.closed
        for connection in self._held(pending):
            with connection:
                peer: Peer = connection.getpeername()[:2]
                if peer in served:
                    continue
                counts[peer] = self._counts.get(peer, 0) + 1
                if counts[peer] >= _SAMPLES:
                    connection.shutdown(socket.SHUT_RDWR)
                    self.closed += 1
        self._counts = counts
        return self.closed - before

    def _held(self, descriptors: list[int]) -> Iterator[socket.socket]:
        """Our connections among `descriptors`, duplicated: a number may be closed and reused meanwhile."""
        for descriptor in descriptors:
            with suppress(OSError):
                connection = socket.socket(fileno=os.dup(descriptor))
                if _awaits_header(connection.fileno()) and connection.getsockname()[1] == self._port:
                    yield connection
                else:
                    connection.close()


def _awaits_header(descriptor: int) -> bool:
    """Whether it is a TCP connection that received more recently than it sent, or has never sent."""
    try:
        connection = socket.socket(socket.AF_INET, socket.SOCK_STREAM, 0, fileno=descriptor)
    except OSError:
        return False
    try:
        info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _INFO_BYTES)
    except OSError:
        return False
    finally:
        connection.detach()
    if len(info) < _INFO_BYTES or info[_STATE] != _ESTABLISHED or not _UNSIGNED(info, _SEGMENTS_RECEIVED)[0]:
        return False  # a connection opened ahead of its first request is idle
    sent_ms: int = _UNSIGNED(info, _LAST_SENT)[0]
    received_ms: int = _UNSIGNED(info, _LAST_RECEIVED)[0]
    return received_ms < sent_ms or _UNSIGNED(info, _SEGMENTS_SENT)[0] == 0

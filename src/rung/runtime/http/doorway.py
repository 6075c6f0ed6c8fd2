"""Closing a port so that nobody is cut off: no new connection, then everyone who is inside is answered.

A listening socket that is closed resets the connections in its accept queue, and a server that stops closes
connections whose first request it has not read yet. Both had been told by the kernel that they are connected. So
the kernel is told first to leave further SYNs unanswered: a filter on the listening socket, for which no privilege
is needed. The client's kernel repeats its SYN after a second and then reaches another process, or is refused,
before anything was sent. What was accepted before is served as usual until the queue is empty and no connection
waits for an answer. (The filter: Linux' socket(7), SO_ATTACH_FILTER; Yelp held SYNs back for reloads of HAProxy
likewise, by a queueing discipline, 2015.)

Linux only. Elsewhere the port accepts until the server stops, and a connection that opens at that moment is reset.
"""

from __future__ import annotations

import asyncio
import ctypes
import socket
import struct
import sys
from contextlib import suppress

from rung.runtime.http.tcp import ESTABLISHED, LISTENING, TcpInfo, descriptors, socket_of, tcp_info

_SO_ATTACH_FILTER = 26
#: Classic BPF over the TCP header: drop what has the SYN flag, keep the last step of handshakes that have begun.
_DROP_SYN = b"".join(
    struct.pack("=HBBI", *instruction)
    for instruction in (
        (0x30, 0, 0, 13),  # load the byte of the flags
        (0x45, 0, 1, 0x02),  # SYN?
        (0x06, 0, 0, 0),  # drop
        (0x06, 0, 0, 0xFFFFFFFF),  # keep
    )
)
_INSTRUCTIONS = 4
_POLL_SECONDS = 0.05
#: Descriptors per slice; between slices requests are served. About 1 ms.
_SLICE = 256


class Doorway:
    """The connections of this process to `port`, on their way in and inside."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.closed = False

    def close(self) -> None:
        """Let no new connection begin. Those whose handshake has begun come in."""
        if sys.platform != "linux":
            return
        for descriptor in descriptors():
            info = tcp_info(descriptor)
            if info is None or info.state != LISTENING:
                continue
            listener = socket_of(descriptor, self._port)
            if listener is not None:
                with listener, suppress(OSError):
                    _drop_new_handshakes(listener)
                    self.closed = True

    async def empty(self, timeout_seconds: float) -> bool:
        """Wait until nobody waits for an answer, twice in a row; False when that took too long.

        The queue has to be empty, every connection has to have sent its first request, and every request has to
        be answered. One whose client never sends anything is waited for in vain.
        """
        if not self.closed:
            return True
        quiet, waited = 0, 0.0
        while quiet < 2 and waited < timeout_seconds:
            await asyncio.sleep(_POLL_SECONDS)
            waited += _POLL_SECONDS
            quiet = 0 if await self._somebody_waits() else quiet + 1
        return quiet == 2

    async def _somebody_waits(self) -> bool:
        numbers = descriptors()
        for begin in range(0, len(numbers), _SLICE):
            if any(map(self._waits, numbers[begin : begin + _SLICE])):
                return True
            await asyncio.sleep(0)
        return False

    def _waits(self, descriptor: int) -> bool:
        info = tcp_info(descriptor)
        if info is None or not _is_waiting(info):
            return False
        held = socket_of(descriptor, self._port)
        if held is not None:
            held.close()
        return held is not None


def _is_waiting(info: TcpInfo) -> bool:
    if info.state == LISTENING:
        return info.in_queue > 0
    return info.state == ESTABLISHED and (info.is_untouched or info.awaits_answer)


def _drop_new_handshakes(listener: socket.socket) -> None:
    program = ctypes.create_string_buffer(_DROP_SYN, len(_DROP_SYN))
    listener.setsockopt(
        socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("@HP", _INSTRUCTIONS, ctypes.addressof(program))
    )

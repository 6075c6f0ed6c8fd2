"""What the kernel knows about this process's TCP connections, asked without touching them. Linux only."""

from __future__ import annotations

import os
import socket
import struct
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

_DESCRIPTORS = Path("/proc/self/fd")
#: Of struct tcp_info (linux/tcp.h; the layout only ever grows at its end) the fields of TcpInfo, in its order.
_LAYOUT = struct.Struct("=B23xI16xI4xI96xII")

ESTABLISHED, LISTENING = 1, 10


class TcpInfo(NamedTuple):
    """One socket. Segments are those that carried data; times are milliseconds since the last of them."""

    state: int
    #: Of a listening socket: connections that nobody has accepted yet.
    in_queue: int
    last_sent_ms: int
    last_received_ms: int
    segments_received: int
    segments_sent: int

    @property
    def is_untouched(self) -> bool:
        """Neither side has sent anything."""
        return not self.segments_received and not self.segments_sent

    @property
    def awaits_answer(self) -> bool:
        """It received more recently than it sent, or has never sent."""
        if not self.segments_received:
            return False
        return self.last_received_ms < self.last_sent_ms or not self.segments_sent


def descriptors() -> list[int]:
    """The numbers of all open files of this process."""
    return [int(name) for name in os.listdir(_DESCRIPTORS)]  # noqa: PTH208 - iterdir costs ten times more


def tcp_info(descriptor: int) -> TcpInfo | None:
    """What the kernel says about it; None when it is not a TCP socket (any more)."""
    try:
        connection = socket.socket(socket.AF_INET, socket.SOCK_STREAM, 0, fileno=descriptor)
    except OSError:
        return None
    try:
        info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _LAYOUT.size)
    except OSError:
        return None
    finally:
        connection.detach()
    return TcpInfo._make(_LAYOUT.unpack(info)) if len(info) == _LAYOUT.size else None


def socket_of(descriptor: int, port: int) -> socket.socket | None:
    """A duplicate of it when it is one of `port`'s: a number may be closed and reused meanwhile. Close it."""
    try:
        held = socket.socket(fileno=os.dup(descriptor))
    except OSError:
        return None
    with suppress(OSError):
        if held.getsockname()[1] == port:
            return held
    held.close()
    return None

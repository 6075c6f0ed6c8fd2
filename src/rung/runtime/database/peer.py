"""Whether the other end is still there: socket options that notice a dead peer, and a probe without a login."""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import Any

from rung.runtime.database.limits import Limits

_SSL_REQUEST = struct.pack("!II", 8, 80_877_103)


def watch_the_peer(transport: Any, limits: Limits) -> None:
    """TCP keepalive for the idle, TCP_USER_TIMEOUT for the sending: a dead peer is an error, not a silence.

    macOS has no TCP_USER_TIMEOUT; TCP_RXT_CONNDROPTIME is its like. A local socket needs none of it.
    """
    raw = transport.get_extra_info("socket")
    if raw is None or raw.family not in (socket.AF_INET, socket.AF_INET6):
        return
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    options = {
        "TCP_KEEPIDLE": 10,
        "TCP_KEEPALIVE": 10,  # macOS's name for the same
        "TCP_KEEPINTVL": 3,
        "TCP_KEEPCNT": 3,
        "TCP_USER_TIMEOUT": round(limits.unacknowledged_seconds * 1000),
        "TCP_RXT_CONNDROPTIME": max(1, round(limits.unacknowledged_seconds)),
    }
    for name, value in options.items():
        option = getattr(socket, name, None)
        if option is not None:
            raw.setsockopt(socket.IPPROTO_TCP, option, value)


async def answers(address: tuple[str, int] | str, timeout_seconds: float) -> bool:
    """Whether a Postgres answers at `address` (host and port, or the path of a local socket) in time.

    Asks whether it speaks TLS: any answer will do, no login is needed, and no connection slot is taken.
    Source: PostgreSQL documentation, "SSL Session Encryption".
    """
    writer: asyncio.StreamWriter | None = None
    try:
        async with asyncio.timeout(timeout_seconds):
            if isinstance(address, str):
                reader, writer = await asyncio.open_unix_connection(address)
            else:
                reader, writer = await asyncio.open_connection(*address)
            writer.write(_SSL_REQUEST)
            return await reader.read(1) != b""
    except (OSError, TimeoutError):
        return False
    finally:
        if writer is not None:
            writer.transport.abort()

"""What a server keeps when it crashes, and what is wrong with it for a queue. Asked at the first call."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass

from redis.exceptions import ResponseError

from rung.runtime.cache.connection import RedisConnection
from rung.runtime.errors import UnavailableError

EVICTS = "R0511"
NOT_DURABLE = "R0512"
FULL = "R0513"
ELSEWHERE = "R0514"


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """What a server says of itself. `fsync` is None where a managed server tells nobody (CONFIG is forbidden)."""

    append_only: bool = False
    fsync: str | None = None
    eviction: str = "noeviction"

    @property
    def durable(self) -> bool:
        """Whether a message is on its disk before its sender is told that it is there."""
        return self.append_only and self.fsync == "always"

    def concerns(self) -> list[str]:
        """What a queue should not be kept with: code, and what it means."""
        found = []
        if self.eviction != "noeviction":
            found.append(
                f"{EVICTS}: maxmemory-policy is {self.eviction}: when its memory is full, this Redis throws "
                "messages away and tells nobody; set it to noeviction"
            )
        if not self.append_only:
            found.append(f"{NOT_DURABLE}: this Redis keeps no append-only file: a crash loses every message")
        elif self.fsync is None:
            found.append(
                f"{NOT_DURABLE}: this Redis does not tell when it writes to its disk: a crash may lose messages"
            )
        elif not self.durable:
            found.append(
                f"{NOT_DURABLE}: appendfsync is {self.fsync}: a crash loses what was sent in its last second"
            )
        return found


#: By URL: a process asks each server once, and again after it was away.
KNOWN: dict[str, Server] = {}


async def look(connection: RedisConnection, url: str) -> Server:
    """Ask the server, and remember it under `url`. Raises UnavailableError."""
    information = await _information(connection)
    fsync = None
    with suppress(ResponseError):  # CONFIG is forbidden, or renamed
        answer = await connection.run("CONFIG", "GET", "appendfsync")
        pairs = answer.items() if isinstance(answer, dict) else zip(answer[::2], answer[1::2], strict=True)
        fsync = {name: value.decode() for name, value in pairs}.get(b"appendfsync")
    found = Server(
        append_only=information.get("aof_enabled") == "1",
        fsync=fsync,
        eviction=information.get("maxmemory_policy", "noeviction"),
    )
    KNOWN[url] = found
    return found


async def _information(connection: RedisConnection) -> dict[str, str]:
    try:
        texts = await asyncio.gather(*(connection.run("INFO", section) for section in ("persistence", "memory")))
    except ResponseError as error:
        raise UnavailableError(f"the queue's Redis does not say what it is: {error}") from error
    lines = [line for text in texts for line in text.decode().splitlines() if ":" in line]
    return dict(line.split(":", 1) for line in lines)

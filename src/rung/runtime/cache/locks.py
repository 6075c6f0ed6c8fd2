"""A lock over all processes, with a fencing token for what it protects.

A lock in Redis is a lease: a holder that was paused (GC, VM, SIGSTOP) may still believe in it after it ended.
Only the resource itself can refuse such a latecomer, by the fencing token: it remembers the largest it has seen
and refuses smaller ones (Kleppmann, "How to do distributed locking", 2016). What must never happen twice needs
that token, or a transaction in Postgres; what should merely not happen twice at once needs only the lock.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from redis.exceptions import ResponseError

from rung.runtime.cache.connection import RedisConnection, Script
from rung.runtime.cache.entry import EXTEND
from rung.runtime.errors import OverloadedError, UnavailableError

_POLL_SECONDS = 0.02
_POLL_SECONDS_MAX = 0.2

# KEYS: lock, counter   ARGV: owner, milliseconds   ->  fencing token, 0 when somebody else holds the lock
# Tokens start at the server's microseconds, so that they keep growing when an empty Redis replaces a lost one.
_ACQUIRE = Script("""
if not redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then return 0 end
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local token = math.max(now, tonumber(redis.call('GET', KEYS[2]) or 0) + 1)
redis.call('SET', KEYS[2], string.format('%.0f', token))
return token
""")


@dataclass(slots=True)
class HeldLock:
    """A lock that was acquired. `fencing_token` is larger than that of every holder before."""

    name: str
    fencing_token: int
    #: True as soon as we know that the lock is no longer ours; stop what you do.
    lost: bool = False


@asynccontextmanager
async def lock(
    connection: RedisConnection, name: str, *, ttl_seconds: float = 10.0, wait_seconds: float = 0.0
) -> AsyncIterator[HeldLock]:
    """Hold the lock `name` inside the block, renewed every third of `ttl_seconds`.

    Raises OverloadedError when somebody else holds it for longer than `wait_seconds`, UnavailableError without
    Redis. A holder that dies frees it after `ttl_seconds`.
    """
    owner = secrets.token_hex(12)
    keys = (f"l:{connection.name}:{name}", f"l:{connection.name}:{name}:token")
    held = HeldLock(name, await _acquire(connection, keys, owner, ttl_seconds, wait_seconds, name))
    renewing = asyncio.create_task(_renew(connection, keys[0], owner, ttl_seconds, held), name=f"lock {name}")
    try:
        yield held
    finally:
        renewing.cancel()
        with suppress(UnavailableError, ResponseError):
            await connection.run_script(EXTEND, keys[:1], owner, 0)


async def _acquire(
    connection: RedisConnection,
    keys: tuple[str, str],
    owner: str,
    ttl_seconds: float,
    wait_seconds: float,
    name: str,
) -> int:
    give_up_at = connection.clock.monotonic() + wait_seconds
    pause = _POLL_SECONDS
    while True:
        token = int(await connection.run_script(_ACQUIRE, keys, owner, round(ttl_seconds * 1000)))
        if token:
            return token
        if connection.clock.monotonic() + pause > give_up_at:
            raise OverloadedError(f"somebody else holds the lock {name!r}", retry_after_seconds=ttl_seconds)
        await connection.clock.sleep(pause * connection.random.uniform(0.5, 1.0))
        pause = min(pause * 1.5, _POLL_SECONDS_MAX)


async def _renew(connection: RedisConnection, key: str, owner: str, ttl_seconds: float, held: HeldLock) -> None:
    renewed_at = connection.clock.monotonic()
    while not held.lost:
        await connection.clock.sleep(ttl_seconds / 3)
        try:
            ours = await connection.run_script(EXTEND, (key,), owner, round(ttl_seconds * 1000))
        except (UnavailableError, ResponseError):
            held.lost = connection.clock.monotonic() - renewed_at >= ttl_seconds
        else:
            held.lost = not ours
            renewed_at = connection.clock.monotonic()

"""Messages to whoever listens now: at most once, nothing kept, and the listener comes back by itself.

What is published while a listener is cut off is lost to it (Redis keeps nothing); `on_gap` says when that may
have happened. What must not be lost belongs in a queue.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import Any

from redis.asyncio.client import PubSub
from redis.exceptions import RedisError

from rung.runtime.cache.connection import RedisConnection
from rung.runtime.log import logger

log = logger(__name__)

#: A silent connection is asked for a sign of life after this, and given up after as long again.
HEARTBEAT_SECONDS = 2.0
_RECONNECT_SECONDS = 0.1
_RECONNECT_SECONDS_MAX = 1.0
_READ_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Published:
    """One message."""

    channel: str
    data: bytes


async def publish(connection: RedisConnection, channel: str, data: bytes) -> int:
    """Send to everyone who listens now; returns how many connections that were. Raises UnavailableError."""
    return int(await connection.run("PUBLISH", channel, data))


async def subscribe(
    connection: RedisConnection,
    *channels: str,
    on_listening: Callable[[], None] | None = None,
    on_gap: Callable[[], None] | None = None,
) -> AsyncGenerator[Published]:
    """Messages of `channels`, for as long as the caller iterates; an outage only makes a pause.

    `on_listening` is called each time the subscription stands, `on_gap` each time it was lost.
    A half-open connection is noticed within twice HEARTBEAT_SECONDS.
    """
    pause = _RECONNECT_SECONDS
    while True:
        pubsub = connection.pubsub()
        stood = False
        try:
            async with aclosing(_listen(pubsub, channels, connection)) as events:
                async for event in events:
                    if event is None:
                        stood, pause = True, _RECONNECT_SECONDS
                        if on_listening is not None:
                            on_listening()
                    else:
                        yield event
        except (RedisError, OSError, TimeoutError) as error:
            reason = f"{type(error).__name__}: {error}"
            log.debug("subscription lost", cache=connection.name, reason=reason)
        finally:
            with suppress(RedisError, OSError, TimeoutError):
                await pubsub.aclose()  # type: ignore[no-untyped-call]
        if stood and on_gap is not None:
            on_gap()
        await connection.clock.sleep(pause * connection.random.uniform(0.5, 1.0))
        pause = min(pause * 2, _RECONNECT_SECONDS_MAX)


async def _listen(
    pubsub: PubSub, channels: tuple[str, ...], connection: RedisConnection
) -> AsyncGenerator[Published | None]:
    """None once the subscription stands, then messages; raises when the connection is lost or silent."""
    async with asyncio.timeout(connection.timeout_seconds):
        await pubsub.subscribe(*channels)
    heard_at = connection.clock.monotonic()
    asked = False
    while True:
        message: dict[str, Any] | None = await pubsub.get_message(timeout=_READ_SECONDS)
        now = connection.clock.monotonic()
        if message is None:
            if now - heard_at > 2 * HEARTBEAT_SECONDS:
                raise TimeoutError("no sign of life")
            if now - heard_at > HEARTBEAT_SECONDS and not asked:
                asked = True
                async with asyncio.timeout(connection.timeout_seconds):
                    await pubsub.ping()
            continue
        heard_at, asked = now, False
        if message["type"] == "subscribe":
            yield None
        elif message["type"] == "message":
            yield Published(message["channel"].decode(), message["data"])

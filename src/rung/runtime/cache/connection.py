"""The way to Redis: every call has a bounded total time, and a server that is away is left alone.

redis-py repeats a failed command three times by default, which turns a timeout of 0.5 s into 9.4 s
(measured, with the server stopped). Here nothing is repeated: one attempt, one total time, then the caller's
fallback. After `_FAILURES_TO_OPEN` failures in a row no call is made at all until a PING in the background
is answered, so that an outage costs callers nothing. (Circuit breaker: Nygard, "Release It!", 2007.)
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Sequence
from random import Random
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.exceptions import NoScriptError, RedisError, ResponseError

from rung.runtime import metrics
from rung.runtime.cache.credentials import Credentials
from rung.runtime.cache.pool import Pool
from rung.runtime.cache.tasks import end
from rung.runtime.clock import SYSTEM_CLOCK, Clock
from rung.runtime.errors import UnavailableError
from rung.runtime.log import logger

log = logger(__name__)

Argument = str | bytes | int | float
#: Sends one command, given as a tuple, past the breaker.
Runner = Callable[[tuple[Argument, ...]], Awaitable[Any]]

DEFAULT_TIMEOUT_SECONDS = 0.5
DEFAULT_MAX_CONNECTIONS = 32

_FAILURES_TO_OPEN = 3
_PROBE_SECONDS = 0.1
_PROBE_SECONDS_MAX = 1.0


class Script:
    """A Lua script, sent by its hash and in full only where the server does not know it (after a restart)."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.hash = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


class RedisConnection:
    """A pool of connections to one Redis, opened on first use.

    `timeout_seconds` bounds the total time of a call: waiting for a connection, connecting, and the answer.
    `what` the errors call it.
    """

    def __init__(
        self,
        url: str,
        *,
        name: str = "cache",
        what: str = "cache",
        timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS,
        max_connections: int = DEFAULT_MAX_CONNECTIONS,
        credentials: Credentials | None = None,
        clock: Clock = SYSTEM_CLOCK,
        random: Random | None = None,
    ) -> None:
        self.name = name
        self._what = what
        self.timeout_seconds = timeout_seconds
        self.clock = clock
        self.random = random or Random()
        self._url = url
        self._max_connections = max_connections
        self._credentials = credentials
        self._pool = self._make_pool()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._failures = 0
        self._open = False
        self._probing: asyncio.Task[None] | None = None
        self._on_recovery: list[Callable[[Runner], Awaitable[None]]] = []
        metrics.cache_available.labels(name).set(1)

    @property
    def available(self) -> bool:
        """Whether calls are made at all; False from the third failure in a row until a PING is answered."""
        return not self._open

    def on_recovery(self, action: Callable[[Runner], Awaitable[None]]) -> None:
        """Run `action` when the server answers again, before any other call is let through.

        It is given the way to send commands meanwhile.
        """
        self._on_recovery.append(action)

    async def run(self, *command: Argument) -> Any:
        """Send one command and return its answer. Raises UnavailableError within `timeout_seconds`.

        An error that the server answers (a wrong type, out of memory) is a `redis.exceptions.ResponseError`.
        """
        if self._open:
            self._keep_probing()
            raise UnavailableError(f"the {self._what} {self.name!r} is away")
        return await self._attempt(command)

    async def run_script(self, script: Script, keys: Sequence[str], *arguments: Argument) -> Any:
        """Run a Lua script on `keys`. Raises as `run` does."""
        try:
            return await self.run("EVALSHA", script.hash, len(keys), *keys, *arguments)
        except NoScriptError:
            return await self.run("EVAL", script.text, len(keys), *keys, *arguments)

    async def check(self) -> None:
        """Return when the server answers; raises UnavailableError. For `/ready`."""
        await self._attempt(("PING",))

    def pubsub(self) -> PubSub:
        """A redis-py PubSub on a connection of its own; the caller closes it."""
        return Redis.from_pool(self._running_pool().factory).pubsub()

    async def close(self) -> None:
        """Close all connections. A later call opens them anew."""
        if self._probing is not None:
            await end([self._probing])
            self._probing = None
        self._open, self._failures = False, 0
        await self._running_pool().close()

    async def _attempt(self, command: tuple[Argument, ...]) -> Any:
        try:
            async with asyncio.timeout(self.timeout_seconds):
                answer = await self._running_pool().execute(command)
        except ResponseError:
            self._failures = 0
            raise
        except (RedisError, OSError, TimeoutError) as error:
            self._failed(error)
            raise UnavailableError(
                f"the {self._what} {self.name!r} does not answer: {type(error).__name__}"
            ) from error
        self._failures = 0
        return answer

    def _failed(self, error: Exception) -> None:
        kind = "timeout" if "Timeout" in type(error).__name__ else "connection"
        metrics.cache_errors.labels(self.name, kind).inc()
        self._failures += 1
        if self._failures >= _FAILURES_TO_OPEN and not self._open:
            self._open = True
            metrics.cache_available.labels(self.name).set(0)
            log.warning("cache is away", cache=self.name, reason=f"{type(error).__name__}: {error}")
            self._keep_probing()

    def _keep_probing(self) -> None:
        if self._probing is None or self._probing.done():
            self._probing = asyncio.create_task(self._probe(), name=f"cache {self.name}: probe")

    def _running_pool(self) -> Pool:
        """The pool of the running loop. One left by a loop that has ended (tests, `asyncio.run`) is dropped."""
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            if self._loop is not None:
                self._pool = self._make_pool()
            self._loop = loop
        return self._pool

    def _make_pool(self) -> Pool:
        return Pool(self._url, max_connections=self._max_connections, credentials=self._credentials)

    async def _probe(self) -> None:
        pause = _PROBE_SECONDS
        away_since = self.clock.monotonic()
        while True:
            await self.clock.sleep(pause * self.random.uniform(0.5, 1.0))
            pause = min(pause * 2, _PROBE_SECONDS_MAX)
            try:
                await self._pool.drop_idle()
                await self._attempt(("PING",))
                for action in self._on_recovery:
                    await action(self._attempt)
            except (UnavailableError, ResponseError):  # a server that still loads its data answers with an error
                continue
            break
        self._open, self._probing = False, None
        metrics.cache_available.labels(self.name).set(1)
        log.info("cache is back", cache=self.name, duration_ms=1000 * (self.clock.monotonic() - away_since))

"""Where cached values come from: Redis, or one load of the source for all who wait, in all processes."""

from __future__ import annotations

import asyncio
import math
import secrets
from collections.abc import Awaitable, Callable
from contextlib import nullcontext, suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from redis.exceptions import ResponseError

from rung.runtime import metrics
from rung.runtime.cache import entry as entries
from rung.runtime.cache.codec import Codec
from rung.runtime.cache.connection import RedisConnection
from rung.runtime.cache.entry import Entry, lock_key
from rung.runtime.cache.memory import Held, Memory
from rung.runtime.cache.tasks import end
from rung.runtime.context import Deadline, current_or_none, serving
from rung.runtime.errors import DeadlineExceededError, UnavailableError
from rung.runtime.log import logger
from rung.runtime.trace import span

log = logger(__name__)

Load = Callable[[], Awaitable[Any]]

#: A loader that dies frees its key after this; one that lives renews it.
LOCK_SECONDS = 2.0
#: A source that failed behind a stale value is asked again after this, by one process.
RETRY_SECONDS = 1.0
#: How long a stale value is served from memory before Redis is asked for a newer one.
STALE_CHECK_SECONDS = 0.25
#: e^-20: further than this many load times from the end an early refresh is not even considered.
EARLY_FACTOR = 20.0

_POLL_SECONDS = 0.005
_POLL_SECONDS_MAX = 0.03
_WARN_SECONDS = 1.0
_SAME_ENTRY_SECONDS = 0.05
_AWAY = (UnavailableError, ResponseError)


class _RedisAwayError(Exception):
    """Redis did not answer. Distinct from UnavailableError, which the source may raise for its own reasons."""


@dataclass(frozen=True, slots=True)
class Policy:
    """How long a value lives. `tags` are full names of tag sets."""

    ttl_seconds: float
    stale_seconds: float
    negative_ttl_seconds: float
    jitter: float
    tags: tuple[str, ...]


@dataclass(slots=True, eq=False)
class _Flight:
    """One load that several callers wait for. `valid` turns False when its key is forgotten meanwhile."""

    valid: bool = True
    task: asyncio.Task[Any] | None = None


class Filler:
    """Fills `memory` and Redis, at most one load per key at a time."""

    def __init__(
        self,
        connection: RedisConnection,
        memory: Memory,
        codec: Codec,
        *,
        load_timeout_seconds: float,
        memory_seconds: Callable[[], float],
    ) -> None:
        self._connection = connection
        self._memory = memory
        self._codec = codec
        self._load_timeout_seconds = load_timeout_seconds
        self._memory_seconds = memory_seconds
        self._clock = connection.clock
        self._random = connection.random
        self._flights: dict[str, _Flight] = {}
        self._refreshes: dict[str, _Flight] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._warned_at = -math.inf
        #: Changes whenever something is forgotten: what was read before that may be out of date.
        self.generation = 0
        name = connection.name
        self._from = {s: metrics.cache_reads.labels(name, s) for s in ("memory", "redis", "stale", "load")}

    def fetch(self, key: str, load: Load, policy: Policy) -> Awaitable[Any]:
        """The value of `key`, which memory does not hold. Callers of the same key share one flight."""
        flight = self._flights.get(key)
        if flight is None:
            flight = self._flights[key] = _Flight()
            self._start(self._flights, key, flight, self._fill(flight, key, load, policy))
        assert flight.task is not None
        return asyncio.shield(flight.task)

    def refresh(self, key: str, load: Load, policy: Policy, *, fresh_until: float) -> None:
        """Load `key` again in the background unless somebody, here or in another process, does so already.

        `fresh_until` is the wall time of the value that is known: a newer one in Redis is taken instead.
        """
        if key not in self._refreshes:
            flight = self._refreshes[key] = _Flight()
            self._start(self._refreshes, key, flight, self._refresh(flight, key, load, policy, fresh_until))

    def refresh_held(self, key: str, held: Held, load: Load, policy: Policy) -> None:
        """As `refresh`, for a value that memory holds."""
        wall = self._clock.now().timestamp() - self._clock.monotonic()
        self.refresh(key, load, policy, fresh_until=wall + held.fresh_until)

    def should_refresh_early(self, held: Held, now: float) -> bool:
        """Whether this reader is the one to refresh `held` before its end."""
        return self._draws_early(held.fresh_until - now, held.load_seconds)

    def _draws_early(self, remaining_seconds: float, load_seconds: float) -> bool:
        # XFetch with beta 1: true with probability e^(-remaining/load).
        return remaining_seconds <= -math.log(1.0 - self._random.random()) * load_seconds

    def forget(self, key: str) -> None:
        """Drop `key` from memory; loads under way are answered to who waits already, and kept nowhere."""
        self.generation += 1
        self._memory.drop(key)
        for flights in (self._flights, self._refreshes):
            flight = flights.pop(key, None)
            if flight is not None:
                flight.valid = False

    def forget_all(self) -> None:
        """As `forget`, for every key."""
        self.generation += 1
        for key in {*self._memory.entries, *self._flights, *self._refreshes}:
            self.forget(key)

    def keep(self, key: str, value: Any, entry: Entry, stale_seconds: float) -> Held:
        """Put a value into memory; times in `entry` are wall time."""
        now = self._clock.monotonic()
        remaining = entry.fresh_until - self._clock.now().timestamp()
        known = min(self._memory_seconds(), remaining) if remaining > 0 else STALE_CHECK_SECONDS
        held = Held(
            value,
            size_bytes=len(entry.data or b""),
            checked_until=now + known,
            fresh_until=now + remaining,
            stale_until=now + remaining + stale_seconds,
            early_from=now + remaining - EARLY_FACTOR * entry.load_seconds,
            load_seconds=entry.load_seconds,
        )
        self._memory.put(key, held)
        return held

    async def close(self) -> None:
        """Stop every load."""
        await end(tuple(self._tasks))

    def _start(self, flights: dict[str, _Flight], key: str, flight: _Flight, work: Any) -> None:
        flight.task = asyncio.create_task(work, name=f"cache {self._connection.name}: {key}")
        self._tasks.add(flight.task)
        flight.task.add_done_callback(partial(self._landed, flights, key, flight))

    def _landed(self, flights: dict[str, _Flight], key: str, flight: _Flight, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if flights.get(key) is flight:
            del flights[key]
        if not task.cancelled():
            task.exception()  # seen: nobody may wait for it any more

    async def _fill(self, flight: _Flight, key: str, load: Load, policy: Policy) -> Any:
        # The first caller's deadline is not the deadline of all the others who wait for the same value.
        context = current_or_none()
        patient = context and replace(context, deadline=Deadline.after(self._load_timeout_seconds))
        with serving(patient) if patient else nullcontext(), span("cache fill", attributes={"cache.key": key}):
            try:
                entry = entries.decode(await self._ask(self._connection.run("GET", key)))
                if entry is not None and (found := self._found(flight, key, load, policy, entry)) is not _MISS:
                    return found
                return await self._load_once(flight, key, load, policy)
            except _RedisAwayError:
                return await self._fill_alone(flight, key, load, policy)

    def _found(self, flight: _Flight, key: str, load: Load, policy: Policy, entry: Entry) -> Any:
        try:
            value = None if entry.data is None else self._codec.decode(entry.data)
        except ValueError:
            return _MISS
        remaining = entry.fresh_until - self._clock.now().timestamp()
        self._from["redis" if remaining > 0 else "stale"].inc()
        if flight.valid:
            self.keep(key, value, entry, policy.stale_seconds)
        if remaining <= 0 or self._draws_early(remaining, entry.load_seconds):
            self.refresh(key, load, policy, fresh_until=entry.fresh_until)
        return value

    async def _load_once(self, flight: _Flight, key: str, load: Load, policy: Policy) -> Any:
        token = secrets.token_hex(12)
        pause = _POLL_SECONDS
        give_up_at = self._clock.monotonic() + self._load_timeout_seconds
        while self._clock.monotonic() < give_up_at:
            stored, won = await self._begin(key, token, policy, over_value=False)
            if won:
                return await self._load_holding(flight, key, token, load, policy)
            entry = entries.decode(stored)
            if entry is not None and (found := self._found(flight, key, load, policy, entry)) is not _MISS:
                return found
            if stored is not None:  # bytes of another version or type: load over them
                return await self._load_alone(flight, key, load, policy)
            await self._clock.sleep(pause)
            pause = min(pause * 1.5, _POLL_SECONDS_MAX)
        return await self._load_alone(flight, key, load, policy)

    async def _begin(self, key: str, token: str, policy: Policy, *, over_value: bool) -> tuple[bytes | None, bool]:
        tag_milliseconds = _milliseconds((policy.ttl_seconds * (1 + policy.jitter) + policy.stale_seconds) * 2)
        names = (key, lock_key(key), *policy.tags)
        arguments = (token, _milliseconds(LOCK_SECONDS), tag_milliseconds, int(over_value))
        stored, won = await self._ask(self._connection.run_script(entries.BEGIN, names, *arguments))
        return stored, bool(won)

    async def _ask(self, call: Awaitable[Any]) -> Any:
        try:
            return await call
        except _AWAY as error:
            raise _RedisAwayError from error

    async def _load_holding(self, flight: _Flight, key: str, token: str, load: Load, policy: Policy) -> Any:
        renewing = asyncio.create_task(self._renew(key, token))
        try:
            value, entry = await self._load(load, policy)
        except BaseException:
            await self._release(key, token)
            raise
        finally:
            renewing.cancel()
        await self._store(flight, key, token, value, entry, policy)
        return value

    async def _load(self, load: Load, policy: Policy) -> tuple[Any, Entry]:
        name = self._connection.name
        started = self._clock.monotonic()
        try:
            with span("cache load"):
                async with asyncio.timeout(self._load_timeout_seconds):
                    value = await load()
        except TimeoutError as error:
            metrics.cache_loads.labels(name, "timeout").inc()
            seconds = self._load_timeout_seconds
            raise DeadlineExceededError(f"the source behind the cache took more than {seconds:g} s") from error
        except Exception:
            metrics.cache_loads.labels(name, "error").inc()
            raise
        seconds = self._clock.monotonic() - started
        metrics.cache_loads.labels(name, "ok").inc()
        metrics.cache_load_seconds.labels(name).observe(seconds)
        self._from["load"].inc()
        return self._as_stored(value, seconds, policy)

    def _as_stored(self, value: Any, load_seconds: float, policy: Policy) -> tuple[Any, Entry]:
        """The value as every later reader gets it, and its entry."""
        ttl = policy.negative_ttl_seconds if value is None else policy.ttl_seconds
        ttl *= 1.0 + policy.jitter * self._random.uniform(-1.0, 1.0)
        data = None if value is None else self._codec.encode(value)
        entry = Entry(data, self._clock.now().timestamp() + ttl, load_seconds)
        return (None if data is None else self._codec.decode(data)), entry

    async def _store(
        self, flight: _Flight, key: str, token: str, value: Any, entry: Entry, policy: Policy
    ) -> None:
        stale = 0.0 if value is None else policy.stale_seconds
        lives = entry.fresh_until - self._clock.now().timestamp() + stale
        if lives <= 0:
            await self._release(key, token)
            return
        with suppress(*_AWAY):
            arguments = (token, entry.encode(), _milliseconds(lives))
            stored = await self._connection.run_script(entries.STORE, (key, lock_key(key)), *arguments)
            flight.valid = flight.valid and bool(stored)
        if flight.valid:
            self.keep(key, value, entry, stale)

    async def _renew(self, key: str, token: str) -> None:
        with suppress(*_AWAY):
            while True:
                await self._clock.sleep(LOCK_SECONDS / 3)
                arguments = (token, _milliseconds(LOCK_SECONDS))
                await self._connection.run_script(entries.EXTEND, (lock_key(key),), *arguments)

    async def _release(self, key: str, token: str, *, after_seconds: float = 0.0) -> None:
        with suppress(*_AWAY):
            arguments = (token, _milliseconds(after_seconds))
            await self._connection.run_script(entries.EXTEND, (lock_key(key),), *arguments)

    async def _fill_alone(self, flight: _Flight, key: str, load: Load, policy: Policy) -> Any:
        """Redis is away: what memory still has, else the source."""
        held = self._memory.entries.get(key)
        now = self._clock.monotonic()
        if held is None or now >= held.stale_until:
            return await self._load_alone(flight, key, load, policy)
        held.checked_until = min(held.stale_until, now + STALE_CHECK_SECONDS)
        if now >= held.fresh_until:
            self._from["stale"].inc()
            self.refresh_held(key, held, load, policy)
        return held.value

    async def _load_alone(self, flight: _Flight, key: str, load: Load, policy: Policy) -> Any:
        value, entry = await self._load(load, policy)
        if flight.valid and entry.fresh_until > self._clock.now().timestamp():
            self.keep(key, value, entry, 0.0 if value is None else policy.stale_seconds)
        return value

    async def _refresh(self, flight: _Flight, key: str, load: Load, policy: Policy, fresh_until: float) -> None:
        token = secrets.token_hex(12)
        try:
            stored, won = await self._begin(key, token, policy, over_value=True)
            entry = entries.decode(stored)
            if entry is not None and entry.fresh_until > fresh_until + _SAME_ENTRY_SECONDS:
                self._take(flight, key, entry, policy)
                if won:
                    await self._release(key, token)
            elif won:
                await self._reload(flight, key, token, load, policy)
        except _RedisAwayError:
            await self._reload(flight, key, None, load, policy)

    def _take(self, flight: _Flight, key: str, entry: Entry, policy: Policy) -> None:
        with suppress(ValueError):
            value = None if entry.data is None else self._codec.decode(entry.data)
            if flight.valid:
                self.keep(key, value, entry, policy.stale_seconds)

    async def _reload(self, flight: _Flight, key: str, token: str | None, load: Load, policy: Policy) -> None:
        renewing = asyncio.create_task(self._renew(key, token)) if token else None
        try:
            value, entry = await self._load(load, policy)
        except Exception as error:  # noqa: BLE001 - nobody waits: the stale value is served on
            self._source_failed(key, error)
            if token:
                await self._release(key, token, after_seconds=RETRY_SECONDS)
            return
        finally:
            if renewing:
                renewing.cancel()
        if token:
            await self._store(flight, key, token, value, entry, policy)
        elif flight.valid:
            self.keep(key, value, entry, policy.stale_seconds)

    def _source_failed(self, key: str, error: Exception) -> None:
        now = self._clock.monotonic()
        held = self._memory.entries.get(key)
        if held is not None:
            held.checked_until = min(held.stale_until, now + RETRY_SECONDS)
        if now - self._warned_at >= _WARN_SECONDS:
            self._warned_at = now
            reason = f"{type(error).__name__}: {error}"
            log.warning("source failed; a stale value is served", cache=self._connection.name, reason=reason)


_MISS: Any = object()


def _milliseconds(seconds: float) -> int:
    return max(0, round(seconds * 1000))

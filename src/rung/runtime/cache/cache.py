"""A cache in front of a slow source, safe under load and without its server.

    page = await store.get_or_load(f"product:{id}", lambda: render(id), ttl_seconds=60, stale_seconds=600)

What happens, in order: memory of this process; Redis; one load for all who wait, in all processes. Shortly
before a value ends, one caller refreshes it in the background (XFetch: Vattani, Chierichetti, Lowenstein,
"Optimal Probabilistic Cache Stampede Prevention", VLDB 2015: probability e^(-t/(beta*delta)) at t seconds before
the end, for a source that takes delta seconds). After its end it is served stale while it is refreshed, also
while the source fails. Without Redis each process goes on alone: its memory, and one load per key.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from redis.exceptions import ResponseError

from rung.runtime import lifespan, metrics
from rung.runtime.bindings import CacheBinding, binding, encode
from rung.runtime.cache import entry as entries
from rung.runtime.cache.codec import JSON, Codec
from rung.runtime.cache.connection import RedisConnection
from rung.runtime.cache.credentials import credentials_of
from rung.runtime.cache.entry import lock_key
from rung.runtime.cache.filling import Filler, Policy
from rung.runtime.cache.invalidation import Invalidations
from rung.runtime.cache.memory import DEFAULT_BYTES, DEFAULT_ENTRIES, Memory
from rung.runtime.context import current_or_none, tenant_prefix
from rung.runtime.errors import DeadlineExceededError, TenantError, UnavailableError

Value = TypeVar("Value")

DEFAULT_NEGATIVE_TTL_SECONDS = 5.0
DEFAULT_LOAD_TIMEOUT_SECONDS = 10.0
DEFAULT_MEMORY_SECONDS = 5.0
#: How long memory is trusted while this process cannot hear what others change.
UNHEARD_MEMORY_SECONDS = 1.0


class Cache:
    """Values by key, in this process's memory and in Redis. Safe to create at module level; opened on first use.

    No method fails because Redis is away: a read is a miss, a write stays in memory.
    With `tenant_scoped`, keys and tags belong to the current tenant, and without one every call raises
    TenantError. Values come out as the codec decodes them and are shared between callers: do not change them.
    """

    def __init__(
        self,
        connection: RedisConnection,
        *,
        codec: Codec = JSON,
        tenant_scoped: bool = False,
        memory_entries: int = DEFAULT_ENTRIES,
        memory_bytes: int = DEFAULT_BYTES,
        memory_seconds: float = DEFAULT_MEMORY_SECONDS,
        load_timeout_seconds: float = DEFAULT_LOAD_TIMEOUT_SECONDS,
    ) -> None:
        self.connection = connection
        self._codec = codec
        self._tenant_scoped = tenant_scoped
        self._prefix = f"c:{connection.name}:{codec.name}:"
        self._memory_seconds = memory_seconds
        self._memory = Memory(max_entries=memory_entries, max_bytes=memory_bytes)
        self._held = self._memory.entries
        self._filler = Filler(
            connection,
            self._memory,
            codec,
            load_timeout_seconds=load_timeout_seconds,
            memory_seconds=self._seconds_in_memory,
        )
        self._invalidations = Invalidations(
            connection,
            self._prefix + "invalidate",
            forget=self._filler.forget,
            forget_all=self._filler.forget_all,
        )
        self._monotonic = connection.clock.monotonic
        self._count_memory = metrics.cache_reads.labels(connection.name, "memory").inc
        self._opened: Callable[[], None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    @classmethod
    def from_url(cls, url: str, *, name: str = "cache", **options: Any) -> Cache:
        """A cache of its own connections. `options` are those of the constructor."""
        return cls(RedisConnection(url, name=name), **options)

    async def get_or_load(
        self,
        key: str,
        load: Callable[[], Awaitable[Value | None]],
        *,
        ttl_seconds: float,
        stale_seconds: float = 0.0,
        negative_ttl_seconds: float = DEFAULT_NEGATIVE_TTL_SECONDS,
        jitter: float = 0.1,
        tags: Sequence[str] = (),
    ) -> Value | None:
        """The value of `key`; when nobody has it, what `load` returns, called once for all who wait.

        It is fresh for `ttl_seconds` (spread by +-`jitter` of it, so that keys loaded together do not end
        together) and may then be served for `stale_seconds` more while it is refreshed, or while the source
        fails. None from `load` means that there is nothing, and is remembered for `negative_ttl_seconds`
        (0: not at all). `tags` name groups to invalidate together.

        Raises what `load` raises when there is nothing to serve instead, and DeadlineExceededError when the
        caller's deadline, or the load's time limit, is reached first.
        """
        full = self._full(key)
        held = self._held.get(full)
        now = self._monotonic()
        known = held is not None and now < held.checked_until
        if held is not None and known:
            held.used = True
            self._count_memory()
            if now < held.early_from or not self._filler.should_refresh_early(held, now):
                value: Value | None = held.value
                return value
        policy = Policy(
            ttl_seconds=ttl_seconds,
            stale_seconds=stale_seconds,
            negative_ttl_seconds=negative_ttl_seconds,
            jitter=jitter,
            tags=tuple(self._tag(tag) for tag in tags),
        )
        self._open()
        if held is not None and known:
            self._filler.refresh_held(full, held, load, policy)
            early: Value | None = held.value
            return early
        fetched: Value | None = await _within_deadline(self._filler.fetch(full, load, policy))
        return fetched

    def held(self, key: str, *, late_seconds: float = 0.0) -> Any:
        """The value of `key` when this process's memory may answer alone, else None: then `get_or_load` it.

        For the hottest pages: no coroutine, no waiting. Sometimes None shortly before a value's end, too, so that
        somebody refreshes it early. With `late_seconds` a value is given for so long after it should have been
        compared with Redis: for who has it read anew meanwhile. Raises TenantError as every call does.
        """
        found = self._held.get(self._full(key))
        if found is None:
            return None
        now = self._monotonic()
        if late_seconds:
            if now >= min(found.checked_until + late_seconds, found.stale_until):
                return None
        elif now >= found.checked_until or (
            now >= found.early_from and self._filler.should_refresh_early(found, now)
        ):
            return None
        found.used = True
        self._count_memory()
        return found.value

    async def get(self, key: str) -> Any:
        """The value of `key`, or None: not there, nothing at the source, or Redis away. Stale is served."""
        full = self._full(key)
        held = self._held.get(full)
        if held is not None and self._monotonic() < held.checked_until:
            held.used = True
            self._count_memory()
            return held.value
        self._open()
        generation = self._filler.generation
        try:
            entry = entries.decode(await self.connection.run("GET", full))
            value = None if entry is None or entry.data is None else self._codec.decode(entry.data)
        except (UnavailableError, ResponseError):
            return held.value if held is not None and self._monotonic() < held.stale_until else None
        except ValueError:
            return None
        if entry is not None and generation == self._filler.generation:
            self._filler.keep(full, value, entry, 0.0)
        return value

    async def set(
        self, key: str, value: Any, *, ttl_seconds: float, stale_seconds: float = 0.0, tags: Sequence[str] = ()
    ) -> bool:
        """Store `value` for everyone. False when Redis is away: then only this process has it."""
        full = self._full(key)
        self._open()
        self._filler.forget(full)
        data = None if value is None else self._codec.encode(value)
        entry = entries.Entry(data, self.connection.clock.now().timestamp() + ttl_seconds, 0.0)
        lives = round((ttl_seconds + stale_seconds) * 1000)
        message = (self._invalidations.channel, self._invalidations.message((full,)))
        names = (full, lock_key(full), *(self._tag(tag) for tag in tags))
        try:
            await self.connection.run_script(entries.PUT, names, entry.encode(), lives, lives * 2, *message)
        except (UnavailableError, ResponseError):
            stored = False
            self._invalidations.owe((full,))
        else:
            stored = True
        self._filler.keep(full, None if data is None else self._codec.decode(data), entry, stale_seconds)
        return stored

    async def delete(self, *keys: str) -> bool:
        """Forget `keys` here, in Redis and in every other process; loads under way are not kept either.

        False when Redis is away: it is then done when Redis is back, before this process reads from it.
        """
        full = [self._full(key) for key in keys]
        self._open()
        for key in full:
            self._filler.forget(key)
        channel, message = self._invalidations.channel, self._invalidations.message(full)
        try:
            await self.connection.run("UNLINK", *full, *(lock_key(key) for key in full))
            await self.connection.run("PUBLISH", channel, message)
        except (UnavailableError, ResponseError):
            self._invalidations.owe(full)
            return False
        return True

    async def invalidate(self, *tags: str) -> int:
        """Forget every key that was stored with one of `tags`. Returns how many; raises UnavailableError.

        Which keys those are only Redis knows: while it is away nothing can be promised, so it says so.
        """
        self._open()
        names = [self._tag(tag) for tag in tags]
        channel, origin = self._invalidations.channel, self._invalidations.origin
        forgotten = await self.connection.run_script(entries.FORGET_TAGS, names, channel, origin)
        for key in forgotten:
            self._filler.forget(key.decode())
        return len(forgotten)

    async def close(self) -> None:
        """Stop background work and close the connections. A later call opens them anew."""
        if self._opened is not None:
            self._opened()
            self._opened = self._loop = None
        await self._invalidations.close()
        await self._filler.close()
        self._memory.clear()
        await self.connection.close()

    def _open(self) -> None:
        self._invalidations.start()
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            if self._opened is not None:
                self._opened()
            self._loop = loop
            self._opened = lifespan.register(f"cache {self.connection.name}", close=self.close)

    def _seconds_in_memory(self) -> float:
        heard = self._invalidations.listening
        return self._memory_seconds if heard else min(self._memory_seconds, UNHEARD_MEMORY_SECONDS)

    def _full(self, key: str) -> str:
        return self._prefix + key if not self._tenant_scoped else f"{self._prefix}{_tenant()}{key}"

    def _tag(self, tag: str) -> str:
        return "tag:" + self._full(tag)


def _tenant() -> str:
    context = current_or_none()
    if context is None or context.tenant is None:
        raise TenantError("this cache belongs to tenants, and there is no current one")
    return tenant_prefix(context.tenant)


async def _within_deadline(waiting: Awaitable[Value]) -> Value:
    context = current_or_none()
    if context is None or context.deadline is None:
        return await waiting
    left = asyncio.timeout(context.deadline.require())
    try:
        async with left:
            return await waiting
    except TimeoutError as error:
        if not left.expired():  # the source's own
            raise
        raise DeadlineExceededError("the caller's deadline passed while a cached value was loaded") from error


_caches: dict[tuple[RedisConnection, str, bool, float], Cache] = {}
_connections: dict[tuple[str, str], RedisConnection] = {}


def cache(
    name: str,
    *,
    codec: Codec = JSON,
    tenant_scoped: bool = False,
    memory_seconds: float = DEFAULT_MEMORY_SECONDS,
) -> Cache:
    """The cache node `name` of the graph, through its binding. Raises BindingError when there is none.

    What other processes change is heard of at once; `memory_seconds` is how long a value is trusted without asking
    Redis all the same. Safe at module level. The same arguments give the same cache.
    """
    connection = _connection(name)
    key = (connection, codec.name, tenant_scoped, memory_seconds)
    if key not in _caches:
        _caches[key] = Cache(connection, codec=codec, tenant_scoped=tenant_scoped, memory_seconds=memory_seconds)
    return _caches[key]


def _connection(name: str) -> RedisConnection:
    """The connection that all caches of one binding share."""
    found = binding(name, CacheBinding)
    key = (name, encode(found))
    if key not in _connections:
        _connections[key] = RedisConnection(found.url, name=name, credentials=credentials_of(found))
    return _connections[key]

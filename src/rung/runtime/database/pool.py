"""A pool that never waits long, heals by itself, and spends no round trip on handing a connection over.

Written rather than taken from the driver, whose pool resets every connection with a round trip, queues
without a bound, and opens connections while its callers hold a slot (docs/adr/0004-database-driver.md).
"""

from __future__ import annotations

import asyncio
import contextvars
import random
import time
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from rung.errors import ApplicationError
from rung.runtime.clock import Clock
from rung.runtime.context import current_deadline
from rung.runtime.database.connection import BoundConnection
from rung.runtime.database.limits import Limits
from rung.runtime.database.peer import answers
from rung.runtime.errors import DeadlineExceededError, OverloadedError, UnavailableError

RECOVER_SECONDS = 1.0
WATCH_SECONDS = 0.25
#: A server that is away for longer than this: callers are told at once, and do not wait for the next attempt.
PATIENCE_SECONDS = 1.0
BACKOFF_FIRST_SECONDS = 0.05
BACKOFF_LAST_SECONDS = 0.5
#: How fast the average time for which a connection is held follows the latest.
HELD_WEIGHT = 0.05

Open = Callable[[], Awaitable[BoundConnection]]


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolStatistics:
    """`size` counts the connections that are open or being opened, `refused` the callers since the start."""

    size: int
    idle: int
    waiting: int
    refused: int


class Pool:
    """At most `limit` connections, the most recently used first. Belongs to one event loop."""

    def __init__(self, open_connection: Open, *, limit: int, limits: Limits, clock: Clock) -> None:
        self._open_connection = open_connection
        self._limit = limit
        self._limits = limits
        self._clock = clock
        self._idle: list[BoundConnection] = []
        #: Those that somebody has, and since when.
        self._busy: dict[BoundConnection, float] = {}
        #: How long a connection is held, as a moving average.
        self._held_seconds = 0.0
        self._waiters: deque[asyncio.Future[BoundConnection]] = deque()
        self._opening = 0
        self._recovering: set[BoundConnection] = set()
        self._refused = 0
        self._tasks: set[asyncio.Task[None]] = set()
        #: Attempts to connect that failed since one succeeded, the latest reason, and since when.
        self._failures = 0
        self._failure: Exception | None = None
        self._down_since = 0.0
        self._retry_at = 0.0
        self._closed = False
        self._watch: asyncio.Task[None] | None = None
        self.loop = asyncio.get_running_loop()

    @property
    def size(self) -> int:
        """Connections open or being opened."""
        return len(self._idle) + len(self._busy) + self._opening + len(self._recovering)

    def statistics(self) -> PoolStatistics:
        """The state of this moment."""
        waiting = sum(not waiter.done() for waiter in self._waiters)
        return PoolStatistics(size=self.size, idle=len(self._idle), waiting=waiting, refused=self._refused)

    def acquire_nowait(self) -> BoundConnection | None:
        """An idle connection that is not known to be dead, if there is one."""
        while self._idle:
            connection = self._idle.pop()
            if not connection.is_closed():
                self._busy[connection] = time.monotonic()
                return connection
        return None

    async def acquire(self) -> BoundConnection:
        """A connection, after at most `acquire_seconds` or the caller's deadline.

        Raises OverloadedError (all busy, or too many wait), UnavailableError (the server is away),
        DeadlineExceededError.
        """
        if self._closed:
            raise UnavailableError("the database is closed in this process: it drains")
        connection = self.acquire_nowait()
        if connection is not None:
            return connection
        self._refuse_early()
        return await self._wait()

    def _refuse_early(self) -> None:
        if len(self._waiters) >= self._limit * self._limits.waiting_per_connection:
            self._refused += 1
            raise OverloadedError(f"{len(self._waiters)} callers wait for the database already")
        expected_seconds = len(self._waiters) * self._held_seconds / self._limit
        if expected_seconds > self._limits.expected_wait_seconds:
            self._refused += 1
            raise OverloadedError(f"the wait for the database is {expected_seconds:.2f} s already")
        pause = self._retry_at - self._clock.monotonic()
        if pause > 0 and not self._is_patient() and not self._busy:
            raise self._unavailable(pause)

    def _is_patient(self) -> bool:
        return self._clock.monotonic() - self._down_since < PATIENCE_SECONDS

    async def _wait(self) -> BoundConnection:
        deadline = current_deadline()
        left = self._limits.acquire_seconds if deadline is None else deadline.require()
        waiter: asyncio.Future[BoundConnection] = self.loop.create_future()
        self._waiters.append(waiter)
        self._grow()
        try:
            async with asyncio.timeout(min(left, self._limits.acquire_seconds)):
                return await waiter
        except TimeoutError as error:
            if _is_given(waiter):  # in the very moment in which the time was up: it is ours, and must not be lost
                return waiter.result()
            raise self._waited_in_vain(left) from error
        except BaseException:
            if _is_given(waiter):
                self.release(waiter.result())
            raise
        finally:
            with suppress(ValueError):
                self._waiters.remove(waiter)

    def _waited_in_vain(self, left: float) -> ApplicationError:
        if left < self._limits.acquire_seconds:
            return DeadlineExceededError("the caller's deadline passed while it waited for a connection")
        if not (self._idle or self._busy):
            return self._unavailable(self._limits.acquire_seconds)
        self._refused += 1
        waited_seconds = self._limits.acquire_seconds
        return OverloadedError(f"all {self._limit} connections were busy for {waited_seconds:g} s")

    def _unavailable(self, retry_after_seconds: float) -> ApplicationError:
        if isinstance(self._failure, OverloadedError):
            return OverloadedError(str(self._failure), retry_after_seconds=retry_after_seconds)
        reason = f": {self._failure}" if self._failure is not None else f" in {self._limits.acquire_seconds:g} s"
        return UnavailableError(f"no connection to the database{reason}", retry_after_seconds=retry_after_seconds)

    def _grow(self) -> None:
        """Open as many connections as callers wait for, within the limit; one at a time while that fails."""
        while not self._closed and self._opening < len(self._waiters) and self.size < self._limit:
            if self._failures and self._opening:
                return
            self._opening += 1
            self._start(self._open_one())

    async def _open_one(self) -> None:
        try:
            pause = self._retry_at - self._clock.monotonic()
            if pause > 0:
                await self._clock.sleep(pause)
            connection = await self._open_connection()
        except Exception as error:  # noqa: BLE001 - whatever it is, the callers who wait hear of it
            self._opening -= 1
            self._note_failure(error)
        except BaseException:
            self._opening -= 1
            raise
        else:
            self._opening -= 1
            self._failures, self._failure = 0, None
            self._busy[connection] = time.monotonic()
            self.release(connection)
            self._watch_on()
        self._grow()

    def _note_failure(self, error: Exception) -> None:
        """Try again later each time, with full jitter; callers for whom nothing is left to hope hear it now."""
        if self._failures == 0:
            self._down_since = self._clock.monotonic()
        self._failures += 1
        ceiling = min(BACKOFF_LAST_SECONDS, BACKOFF_FIRST_SECONDS * 2 ** min(self._failures, 10))
        self._retry_at = self._clock.monotonic() + random.uniform(BACKOFF_FIRST_SECONDS, ceiling)
        self._failure = error
        passing = isinstance(error, UnavailableError | OverloadedError) and self._is_patient()
        if passing or self._busy or self._opening or self._recovering:
            return
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_exception(_copy(error))

    def release(self, connection: BoundConnection) -> None:
        """Take a connection back: to the caller that waits longest, to the idle, or to be made as new."""
        since = self._busy.pop(connection, None)
        if since is not None:
            self._held_seconds += HELD_WEIGHT * (time.monotonic() - since - self._held_seconds)
        if connection.is_closed():
            self._grow()
        elif self._closed:
            connection.terminate()
        elif connection.is_reusable:
            self._hand_over(connection)
        else:
            self._recovering.add(connection)
            self._start(self._recover(connection))

    def _hand_over(self, connection: BoundConnection) -> None:
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                self._busy[connection] = time.monotonic()
                waiter.set_result(connection)
                return
        self._idle.append(connection)

    async def _recover(self, connection: BoundConnection) -> None:
        """Outside of any caller's time: a connection that was interrupted, or that has session state."""
        try:
            await connection.recover(RECOVER_SECONDS)
        except asyncio.CancelledError:  # the pool closes, and this connection is in nobody's hands any more
            connection.terminate()
            raise
        except Exception:  # noqa: BLE001 - a connection that cannot be made as new is thrown away
            connection.terminate()
        finally:
            self._recovering.discard(connection)
        self.release(connection)

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        # A context of its own: the caller's deadline and tenant are not the pool's.
        task = self.loop.create_task(work, context=contextvars.Context())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def distrust_idle(self) -> None:
        """One connection was found dead: the others of its time may be, and none is worth a second failure."""
        idle, self._idle = self._idle, []
        for connection in idle:
            connection.terminate()

    def _watch_on(self) -> None:
        if self._watch is None:
            self._watch = self._start(self._watching())

    async def _watching(self) -> None:
        """Look after the calls that wait, until the pool closes."""
        while not self._closed:
            await self._clock.sleep(WATCH_SECONDS)
            with suppress(OSError):
                await self.look_after_silence()

    async def look_after_silence(self) -> None:
        """Tell a slow statement from a server that is gone: when calls wait and nothing was heard, ask it.

        A server that does not even answer a new connection is away. Then every connection is ended, so that
        every caller hears it now, long before its own limit, and the next ones are told at once.
        """
        now = time.monotonic()
        waiting = [each for each in self._busy if each.asked_at]
        if not waiting or now - min(each.asked_at for each in waiting) < self._limits.silence_seconds:
            return
        heard_at = max(each.heard_at for each in (*self._busy, *self._idle))
        if now - heard_at < self._limits.silence_seconds:
            return
        if await answers(waiting[0].address, self._limits.probe_seconds):
            waiting[0].heard_at = time.monotonic()
            return
        self._failures, self._down_since = 1, self._clock.monotonic() - PATIENCE_SECONDS
        self._note_failure(UnavailableError("the server does not answer"))
        self.distrust_idle()
        for connection in (*self._busy, *self._recovering):
            connection.terminate()

    async def close(self) -> None:
        """Refuse new callers, wait for nobody, say goodbye to the server where that is quick."""
        self._closed = True
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_exception(UnavailableError("the database was closed"))
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        idle, self._idle = self._idle, []
        await asyncio.gather(*(_goodbye(connection) for connection in idle))
        for connection in (*self._busy, *self._recovering):
            connection.terminate()


def _is_given(waiter: asyncio.Future[BoundConnection]) -> bool:
    return waiter.done() and not waiter.cancelled() and waiter.exception() is None


async def _goodbye(connection: BoundConnection) -> None:
    try:
        await connection.close(timeout=0.5)
    except Exception:  # noqa: BLE001 - it is closed either way
        connection.terminate()


def _copy(error: Exception) -> Exception:
    """One exception per caller: a shared one would collect every caller's traceback."""
    match error:
        case UnavailableError() | OverloadedError():
            return type(error)(str(error), retry_after_seconds=error.retry_after_seconds)
        case _:
            return error

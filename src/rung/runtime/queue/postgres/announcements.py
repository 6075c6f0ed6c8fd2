"""Waking receivers: LISTEN and NOTIFY, kept off the write path.

A NOTIFY inside a sender's transaction takes one lock for the whole server at commit: 16 writers fell from 21,200
to 2,500 inserts/s with 20 listeners (docs/adr/0005-queue-table.md). So the announcement follows the commit, on a
connection of its own, and rarely: a quiet queue is announced at once, a busy one about every 20 ms, when its
receivers are awake anyway. That holds for all processes together: each hears the others' announcements, waits a
different time, and says nothing when another has just said it (as hosts report a multicast group: RFC 2236, 3).
Nothing depends on an announcement: a receiver also looks by itself.
"""

from __future__ import annotations

import asyncio
import contextvars
import hashlib
import random
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import asyncpg

from rung.errors import ApplicationError
from rung.runtime.database.login import open_connection
from rung.runtime.queue.port import Connection
from rung.runtime.queue.postgres import sql

QUIET_GAP_SECONDS = 0.002
BUSY_GAP_SECONDS = 0.020
#: Each process adds a part of its own choice, so that one of many is the first. Where several announce before they
#: hear each other, as much as keeps them apart, so that the first is hardly later for it.
SPREAD_SECONDS = (0.020, 0.320)
APART, TOGETHER = 0.95, 1.5
#: More than this many sends and others' announcements within `WINDOW_SECONDS` make a queue busy: 200/s.
BUSY_COUNT = 20
WINDOW_SECONDS = 0.1
#: Who is silent hears less: it takes this long for a queue to be quiet again.
CALM_SECONDS = 1.0
#: What was sent so long before another's announcement arrived is told by that one.
ARRIVAL_SECONDS = 0.005
COMMIT_WATCH_SECONDS = 5.0
CONNECT_TIMEOUT_SECONDS = 2
#: The server is away, or its secret is: receivers look by themselves.
AWAY = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError, ApplicationError)

#: The payload that says: messages were handed back, so look from the beginning.
RELEASED = "released"


def channel_of(queue: str) -> str:
    """The channel of a queue: at most 63 bytes, whatever its name."""
    return "rung_" + hashlib.sha256(queue.encode()).hexdigest()[:24]


class Announcements:
    """One side connection per queue and process, opened on first use, for both listening and notifying.

    Belongs to the event loop that it was made in.
    """

    def __init__(
        self,
        url: str,
        queue: str,
        on_released: Callable[[], None],
        *,
        credentials_secret: str | None = None,
        randomness: random.Random | None = None,
    ) -> None:
        self.loop = asyncio.get_running_loop()
        self._url = url
        self._secret = credentials_secret
        self._channel = channel_of(queue)
        self._on_released = on_released
        self._random = randomness or random.Random()
        self._connection: Any = None
        self._pid = 0
        self._opening = asyncio.Lock()
        self._using = asyncio.Lock()
        self._arrived = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._due_since = 0.0
        self._announced_at = 0.0
        self._busy_until = 0.0
        self._spread = SPREAD_SECONDS[0]
        self._window_start = 0.0
        self._window_count = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._watched: set[Connection] = set()

    # Sending

    def announce(self, payload: str = "") -> None:
        """Tell receivers that something was sent, now or shortly, together with what else is sent until then."""
        if payload:
            self._start(self._notify(payload))
            return
        now = self.loop.time()
        self._count(now)
        if self._timer is None:
            self._due_since = now
            self._arm(max(now, self._announced_at + self._gap(now)))

    def announce_after(self, transaction: Connection) -> None:
        """Announce once the caller's transaction has ended. One watcher per connection."""
        if transaction not in self._watched:
            self._watched.add(transaction)
            self._start(self._watch(transaction))

    def _count(self, now: float) -> None:
        if now - self._window_start > WINDOW_SECONDS:
            self._window_start, self._window_count = now, 0
        self._window_count += 1
        if self._window_count > BUSY_COUNT:
            self._busy_until = now + CALM_SECONDS

    def _gap(self, now: float) -> float:
        if now >= self._busy_until:
            return QUIET_GAP_SECONDS
        return BUSY_GAP_SECONDS + self._random.uniform(0.0, self._spread)

    def _arm(self, moment: float) -> None:
        self._timer = self.loop.call_at(moment, self._fire)

    def _fire(self) -> None:
        self._timer = None
        self._announced_at = self.loop.time()
        self._spread = max(self._spread * APART, SPREAD_SECONDS[0])
        self._start(self._notify(""))

    def _start(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work, context=contextvars.Context())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _notify(self, payload: str) -> None:
        # Lost with the connection: receivers look by themselves.
        with suppress(*AWAY):
            connection = await self._open()
            async with self._using:
                await connection.execute(sql.NOTIFY, self._channel, payload)

    async def _watch(self, transaction: Connection) -> None:
        loop = asyncio.get_running_loop()
        give_up, pause = loop.time() + COMMIT_WATCH_SECONDS, 0.001
        try:
            while loop.time() < give_up and _is_open(transaction):
                await asyncio.sleep(pause)
                pause = min(pause * 1.5, 0.05)
        finally:
            self._watched.discard(transaction)
        self.announce()

    # Receiving

    async def listen(self) -> None:
        """Make sure that announcements arrive. Silent when the server is away: the next call tries again."""
        with suppress(*AWAY):
            await self._open()

    async def wait(self, seconds: float) -> None:
        """Return at the next announcement, or after `seconds`."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._arrived.wait()
        self._arrived.clear()

    def wake(self) -> None:
        """End the wait of this process."""
        self._arrived.set()

    def _hear(self, _connection: object, pid: int, _channel: str, payload: object) -> None:
        if payload == RELEASED:
            self._on_released()
        elif pid != self._pid:
            self._told_by_another(self.loop.time())
        self._arrived.set()

    def _told_by_another(self, now: float) -> None:
        """Their announcement tells of what we had sent before it; what was sent meanwhile waits for the next."""
        self._count(now)
        factor = TOGETHER if now - self._announced_at < BUSY_GAP_SECONDS / 2 else APART
        self._spread = min(max(self._spread * factor, SPREAD_SECONDS[0]), SPREAD_SECONDS[1])
        self._announced_at = now
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
            if self._due_since > now - ARRIVAL_SECONDS:
                self._arm(now + self._gap(now))

    async def _open(self) -> Any:
        async with self._opening:
            if self._connection is None or self._connection.is_closed():
                # Nothing is lost with an announcement, so its commit need not wait for the disk.
                connection = await open_connection(
                    self._url,
                    self._secret,
                    timeout=CONNECT_TIMEOUT_SECONDS,
                    command_timeout=CONNECT_TIMEOUT_SECONDS,
                    server_settings={"synchronous_commit": "off", "application_name": "rung queue announcements"},
                )
                self._connection, self._pid = connection, connection.get_server_pid()
                await connection.add_listener(self._channel, self._hear)
                self._arrived.set()  # what was sent before we listened
            return self._connection

    async def close(self) -> None:
        """Send the announcement that is due, if any, and close the connection."""
        if self._timer is not None:
            self._timer.cancel()
            self._fire()
        for _ in range(2):
            await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._connection is not None:
            with suppress(*AWAY):
                await self._connection.close(timeout=CONNECT_TIMEOUT_SECONDS)
            self._connection = None
        self._listening = False


def _is_open(transaction: Connection) -> bool:
    try:
        return transaction.is_in_transaction()
    except (asyncpg.InterfaceError, AttributeError):  # given back to its pool, or closed: it is over
        return False

"""Who runs a tick: decided by one row in Postgres, not by one process that must not die.

Every scheduler wakes at every tick and tries to move `rung.schedule.latest_tick` forward; the row's lock lets one
of them do it, and that one runs. There is no leader to elect, to pause, or to run twice (celery beat's
oldest issues: #2856, #4041). Overlap is prevented by a session advisory lock: Postgres frees it the moment the
process that held it dies, and keeps it while that process is merely paused.

A tick is run at most once. A run that dies with its process is recorded as abandoned and not repeated: what must
be done sends a message from its handler, and the queue sees to it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol

import asyncpg

from rung.runtime.database.connection import BoundConnection, connect
from rung.runtime.database.limits import Limits
from rung.runtime.errors import OverloadedError, UnavailableError
from rung.runtime.log import logger
from rung.runtime.text import storable

log = logger(__name__)

Outcome = Literal["succeeded", "failed", "timed_out", "interrupted"]

HISTORY_PER_SCHEDULE = 1000
_TRIM_EVERY = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What a scheduler won: the ticks to run, oldest first. `busy`: the previous run goes on, so run none."""

    ticks: tuple[datetime, ...] = ()
    busy: bool = False


class Ticks(Protocol):
    """The memory of what was run. All methods raise UnavailableError when it cannot be reached."""

    async def latest(self, schedule: str, now: datetime) -> datetime:
        """The newest tick that was decided; a schedule that is new begins at `now`."""
        ...

    async def claim(self, schedule: str, ticks: Sequence[datetime], missed: int) -> Claim:
        """Try to be the one who runs `ticks` (ascending); `missed` older ones are only counted."""
        ...

    async def finish(self, schedule: str, tick: datetime, outcome: Outcome, error: str | None) -> None:
        """Record how the run of `tick` ended."""
        ...

    async def release(self, schedule: str) -> None:
        """Let the next run begin: all ticks of the claim have ended."""
        ...

    async def still_held(self, schedule: str) -> bool:
        """Whether nobody else has begun since the claim, nor can."""
        ...

    async def close(self) -> None:
        """Give up every claim and connection."""
        ...


class ProcessTicks:
    """In this process alone, for workloads without a database: right for one scheduler, wrong for two."""

    def __init__(self) -> None:
        self._latest: dict[str, datetime] = {}
        self._running: set[str] = set()

    async def latest(self, schedule: str, now: datetime) -> datetime:
        """See Ticks."""
        return self._latest.setdefault(schedule, now)

    async def claim(self, schedule: str, ticks: Sequence[datetime], missed: int) -> Claim:
        """See Ticks."""
        if self._latest.get(schedule, ticks[-1]) >= ticks[-1] and schedule in self._latest:
            return Claim()
        self._latest[schedule] = ticks[-1]
        if schedule in self._running:
            return Claim(busy=True)
        self._running.add(schedule)
        return Claim(ticks=tuple(ticks))

    async def finish(self, schedule: str, tick: datetime, outcome: Outcome, error: str | None) -> None:
        """See Ticks: nothing is kept."""

    async def release(self, schedule: str) -> None:
        """See Ticks."""
        self._running.discard(schedule)

    async def still_held(self, schedule: str) -> bool:
        """See Ticks."""
        return schedule in self._running

    async def close(self) -> None:
        """See Ticks."""
        self._running.clear()


TABLES = """
create schema if not exists rung;
create table if not exists rung.schedule (
    name text collate "C" primary key,
    latest_tick timestamptz not null
);
create table if not exists rung.schedule_run (
    schedule text collate "C" not null,
    tick timestamptz not null,
    status text not null,
    missed integer not null default 0,
    started_at timestamptz not null default clock_timestamp(),
    finished_at timestamptz,
    owner text not null,
    error text,
    primary key (schedule, tick)
);
"""
#: The queue's installation lock: both create the schema `rung`.
INSTALL_LOCK = "select pg_advisory_xact_lock(7318349394477056)"
GRANTS = """
grant usage on schema rung to {role};
grant select, insert, update, delete on rung.schedule, rung.schedule_run to {role}
"""

_BEGIN = """
insert into rung.schedule (name, latest_tick) values ($1, $2) on conflict (name) do nothing
"""
_LATEST = "select latest_tick from rung.schedule where name = $1"
# The update takes the row's lock and looks again at what another scheduler committed meanwhile: one wins.
_CLAIM = """
with moved as (
    update rung.schedule set latest_tick = $3 where name = $1 and latest_tick < $3 returning name
)
insert into rung.schedule_run (schedule, tick, status, missed, owner)
select moved.name, tick, 'running', case when tick = $3 then $4::integer else 0 end, $5
from moved, unnest($2::timestamptz[]) as tick
on conflict (schedule, tick) do nothing
returning tick
"""
_LOCK = "select pg_try_advisory_lock(hashtextextended('rung.schedule ' || $1, 0))"
_UNLOCK = "select pg_advisory_unlock(hashtextextended('rung.schedule ' || $1, 0))"
_SKIP = """
update rung.schedule_run set status = 'skipped', finished_at = clock_timestamp(),
    error = 'the previous run had not ended'
where schedule = $1 and tick = any($2::timestamptz[])
"""
# We hold the lock, so nobody else runs: whatever says so belongs to a process that died.
_ABANDON = """
update rung.schedule_run set status = 'abandoned', finished_at = clock_timestamp(), error = 'its process died'
where schedule = $1 and status = 'running' and tick <> all($2::timestamptz[])
returning tick
"""
# Whoever held the lock between our two connections has said so of our runs, whether or not it holds it still.
_TAKEN_OVER = """
select exists (
    select from rung.schedule_run where schedule = $1 and tick = any($2::timestamptz[]) and status = 'abandoned'
)
"""
_FINISH = """
update rung.schedule_run set status = $3, error = $4, finished_at = clock_timestamp()
where schedule = $1 and tick = $2
"""
_TRIM = """
delete from rung.schedule_run where schedule = $1 and tick < (
    select tick from rung.schedule_run where schedule = $1 order by tick desc offset $2 limit 1
)
"""


async def install_schedules(connection: Any, *, roles: Sequence[str] = ()) -> None:
    """Create schema `rung` and the schedule tables where they are missing, as their owner. Idempotent.

    `connection`: an asyncpg connection of a role that may create schemas. `roles` may run schedules afterwards.
    """
    async with connection.transaction():
        await connection.execute(INSTALL_LOCK)
        if not await connection.fetchval("select to_regclass('rung.schedule_run') is not null"):
            await connection.execute(TABLES)
        for role in roles:
            quoted = '"' + role.replace('"', '""') + '"'
            await connection.execute(GRANTS.format(role=quoted))


class PostgresTicks:
    """Over all processes that share a database. One connection: its session holds the locks of what runs here."""

    def __init__(
        self, url: str, *, owner: str, credentials_secret: str | None = None, limits: Limits | None = None
    ) -> None:
        self._url = url
        self._secret = credentials_secret
        self._owner = owner
        self._limits = limits or Limits()
        self._connection: BoundConnection | None = None
        self._turn = asyncio.Lock()
        #: What runs here, and whether its lock is known to be still ours.
        self._held: dict[str, bool] = {}
        self._claimed: dict[str, list[datetime]] = {}
        self._finished = 0

    async def latest(self, schedule: str, now: datetime) -> datetime:
        """See Ticks."""
        async with self._turn:
            await self._ask("execute", _BEGIN, schedule, now)
            found: datetime = await self._ask("fetchval", _LATEST, schedule)
            return found

    async def claim(self, schedule: str, ticks: Sequence[datetime], missed: int) -> Claim:
        """See Ticks."""
        async with self._turn:
            rows = await self._ask("fetch", _CLAIM, schedule, list(ticks), ticks[-1], missed, self._owner)
            won = sorted(row["tick"] for row in rows)
            if not won:
                return Claim()
            # A session may take its own advisory lock twice: what runs here is known without asking.
            if schedule in self._held or not await self._ask("fetchval", _LOCK, schedule):
                await self._ask("execute", _SKIP, schedule, won)
                return Claim(busy=True)
            self._held[schedule], self._claimed[schedule] = True, won
            for row in await self._ask("fetch", _ABANDON, schedule, won):
                log.warning("schedule run abandoned", schedule=schedule, tick=row["tick"].isoformat())
            return Claim(ticks=tuple(won))

    async def finish(self, schedule: str, tick: datetime, outcome: Outcome, error: str | None) -> None:
        """See Ticks. Every 50th time the history is cut to its newest 1000 runs."""
        async with self._turn:
            said = None if error is None else storable(error)
            await self._ask("execute", _FINISH, schedule, tick, outcome, said)
            self._finished += 1
            if self._finished % _TRIM_EVERY == 0:
                await self._ask("execute", _TRIM, schedule, HISTORY_PER_SCHEDULE - 1)

    async def release(self, schedule: str) -> None:
        """See Ticks. A connection that is lost has released everything already."""
        async with self._turn:
            ours = self._held.pop(schedule, False)
            self._claimed.pop(schedule, None)
            if ours and self._connection is not None and not self._connection.is_closed():
                with suppress(UnavailableError, OverloadedError):
                    await self._ask("fetchval", _UNLOCK, schedule)

    async def still_held(self, schedule: str) -> bool:
        """See Ticks. After a lost connection the lock is taken again, unless somebody else was faster."""
        async with self._turn:
            await self._connected()
            if not self._held.get(schedule, False):
                self._held[schedule] = bool(await self._ask("fetchval", _LOCK, schedule))
            taken_over = await self._ask("fetchval", _TAKEN_OVER, schedule, self._claimed.get(schedule, []))
            return self._held[schedule] and not taken_over

    async def close(self) -> None:
        """See Ticks."""
        connection, self._connection = self._connection, None
        self._held.clear()
        self._claimed.clear()
        if connection is not None:
            with suppress(OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
                await connection.close(timeout=1)

    async def _ask(self, method: str, sql: str, *arguments: Any) -> Any:
        connection = await self._connected()
        call: Awaitable[Any] = getattr(connection, method)(sql, *arguments)
        try:
            return await call
        except (asyncpg.InterfaceError, asyncpg.InternalClientError) as error:
            # The second is what asyncpg says between the server's last word and the closed socket.
            connection.terminate()
            raise UnavailableError(f"the connection for schedules was lost: {error}") from error

    async def _connected(self) -> BoundConnection:
        if self._connection is None or self._connection.is_closed():
            self._held = dict.fromkeys(self._held, False)
            self._connection = await connect(
                self._url, self._limits, credentials_secret=self._secret, application="rung schedule"
            )
        return self._connection

"""Each tick runs once, runs do not overlap, have an end, and an outage is caught up with in bounds.

Time is a ManualClock; what is shared between schedulers is a real Postgres where the name says so.
"""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import psutil
import pytest

from rung.errors import UserError
from rung.runtime.context import current
from rung.runtime.errors import UnavailableError
from rung.runtime.schedule import (
    PostgresTicks,
    ProcessTicks,
    Schedule,
    Scheduler,
    Tick,
    install_schedules,
    load_handler,
    parse,
)
from rung.runtime.schedule.handler import adapt
from rung.runtime.schedule.ticks import HISTORY_PER_SCHEDULE, Claim, Ticks
from rung.testing import ManualClock, settle

START = datetime(2026, 1, 1, tzinfo=UTC)


class Handler:
    """Remembers its ticks; waits for `gate` when it is closed."""

    def __init__(self) -> None:
        self.ticks: list[datetime] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def __call__(self, tick: Tick) -> None:
        self.ticks.append(tick.at)
        await self.gate.wait()

    def minutes(self) -> list[float]:
        return [(tick - START).total_seconds() / 60 for tick in self.ticks]


def schedule(handler: Any, expression: str = "1 minute", **options: Any) -> Schedule:
    return Schedule(name="work", expression=parse(expression), handler=handler, **options)


@asynccontextmanager
async def running(clock: ManualClock, ticks: Ticks, *schedules: Schedule) -> AsyncIterator[Scheduler]:
    scheduler = Scheduler(schedules, ticks, clock=clock)
    task = asyncio.create_task(scheduler.run(grace_seconds=0.05))
    await settle()
    yield scheduler
    scheduler.stop()
    await task


async def test_a_handler_runs_at_every_tick_and_never_before() -> None:
    clock, handler = ManualClock(START + timedelta(seconds=20)), Handler()
    async with running(clock, ProcessTicks(), schedule(handler)):
        await clock.advance(39)
        assert handler.ticks == []
        await clock.advance(1)
        assert handler.minutes() == [1]
        for _ in range(12):
            await clock.advance(10)
        assert handler.minutes() == [1, 2, 3]


async def test_a_statement_that_took_too_long_is_tried_again() -> None:
    """It ended the process before, and with it every other schedule of it."""

    class Slow(ProcessTicks):
        slow = True

        async def claim(self, schedule: str, ticks: Sequence[datetime], missed: int) -> Claim:
            if self.slow:
                self.slow = False
                raise asyncpg.QueryCanceledError("canceling statement due to statement timeout")
            return await super().claim(schedule, ticks, missed)

    clock, handler = ManualClock(START), Handler()
    async with running(clock, Slow(), schedule(handler)):
        await clock.advance(60)
        assert handler.minutes() == []
        await clock.advance(1)
        assert handler.minutes() == [1]


async def test_a_run_that_goes_on_makes_the_next_ticks_skip() -> None:
    clock, handler = ManualClock(START), Handler()
    handler.gate.clear()
    async with running(clock, ProcessTicks(), schedule(handler, deadline_seconds=600)):
        for _ in range(25):
            await clock.advance(10)
        assert handler.minutes() == [1]
        handler.gate.set()
        await settle()
        await clock.advance(60)
        assert handler.minutes() == [1, 5]


async def test_a_run_ends_at_its_deadline_and_the_next_one_begins() -> None:
    clock, handler = ManualClock(START), Handler()
    handler.gate.clear()
    async with running(clock, ProcessTicks(), schedule(handler, deadline_seconds=30)):
        for _ in range(13):
            await clock.advance(10)
        assert handler.minutes() == [1, 2]


async def test_a_failing_run_does_not_stop_the_schedule(capsys: pytest.CaptureFixture[str]) -> None:
    clock = ManualClock(START)
    ran = []

    async def handler(tick: Tick) -> None:
        ran.append(current())
        raise ValueError("boom")

    async with running(clock, ProcessTicks(), schedule(handler)):
        for _ in range(12):
            await clock.advance(10)
    assert len({context.correlation_id for context in ran}) == 2
    assert all(context.deadline is not None for context in ran)
    assert capsys.readouterr().out.count('"outcome":"failed"') == 2


async def test_ticks_missed_in_a_pause_are_run_newest_only_by_default() -> None:
    clock, handler = ManualClock(START), Handler()
    async with running(clock, ProcessTicks(), schedule(handler)):
        clock._elapsed_seconds = 60 * 10 + 5  # a paused process: time passes and nobody wakes
        await clock.advance(0.1)
        assert handler.minutes() == [10]
        await clock.advance(55)
        assert handler.minutes() == [10, 11]


async def test_as_many_missed_ticks_as_asked_for_are_run_one_after_the_other() -> None:
    clock, handler = ManualClock(START), Handler()
    async with running(clock, ProcessTicks(), schedule(handler, catch_up=3)):
        handler.gate.clear()
        clock._elapsed_seconds = 60 * 10 + 5
        await clock.advance(0.1)
        assert handler.minutes() == [8]
        handler.gate.set()
        await settle()
        assert handler.minutes() == [8, 9, 10]


async def test_a_daily_schedule_keeps_its_wall_clock_time_over_both_clock_changes() -> None:
    spring, handler = ManualClock(datetime(2026, 3, 27, 12, tzinfo=UTC)), Handler()
    daily = Schedule(name="work", expression=parse("30 2 * * *", "Europe/Berlin"), handler=handler)
    async with running(spring, ProcessTicks(), daily):
        for _ in range(24 * 3):
            await spring.advance(3600)
    assert [tick.strftime("%d %H:%M") for tick in handler.ticks] == ["28 01:30", "29 01:00", "30 00:30"]
    autumn, handler = ManualClock(datetime(2026, 10, 23, 12, tzinfo=UTC)), Handler()
    daily = Schedule(name="work", expression=parse("30 2 * * *", "Europe/Berlin"), handler=handler)
    async with running(autumn, ProcessTicks(), daily):
        for _ in range(24 * 3):
            await autumn.advance(3600)
    assert [tick.strftime("%d %H:%M") for tick in handler.ticks] == ["24 00:30", "25 00:30", "26 01:30"]


async def test_a_plain_function_runs_in_a_thread_and_never_twice_at_once() -> None:
    clock, gate, threads = ManualClock(START), threading.Event(), []

    def work() -> None:
        threads.append(threading.current_thread())
        gate.wait(5)

    async with running(clock, ProcessTicks(), schedule(adapt(work), deadline_seconds=30)):
        for _ in range(25):
            await clock.advance(10)
        assert len(threads) == 1
        assert threads[0] is not threading.main_thread()
        gate.set()


@pytest.fixture
async def database(postgres_url: str) -> AsyncIterator[asyncpg.Connection[Any]]:
    connection = await asyncpg.connect(postgres_url)
    await install_schedules(connection)
    await install_schedules(connection)
    yield connection
    await connection.close()


async def eventually(condition: Callable[[], bool], seconds: float = 5.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - a real server answers in its own time
            await asyncio.sleep(0.005)


async def statuses(database: asyncpg.Connection[Any]) -> dict[str, list[int]]:
    rows = await database.fetch("select status, tick from rung.schedule_run order by tick")
    found: dict[str, list[int]] = {}
    for row in rows:
        found.setdefault(row["status"], []).append(round((row["tick"] - START).total_seconds()))
    return found


def tick(seconds: int) -> datetime:
    return START + timedelta(seconds=seconds)


async def test_one_of_many_wins_a_tick_in_postgres(postgres_url: str, database: asyncpg.Connection[Any]) -> None:
    many = [PostgresTicks(postgres_url, owner=f"p{number}") for number in range(5)]
    await asyncio.gather(*(each.latest("work", START) for each in many))
    for second in range(1, 11):
        claims = await asyncio.gather(*(each.claim("work", [tick(second)], 0) for each in many))
        (winner,) = [each for each, claim in zip(many, claims, strict=True) if claim.ticks]
        assert sum(claim.busy for claim in claims) == 0
        await winner.finish("work", tick(second), "succeeded", None)
        await winner.release("work")
    assert await statuses(database) == {"succeeded": list(range(1, 11))}
    for each in many:
        await each.close()


async def test_overlap_is_seen_across_schedulers_and_recorded(
    postgres_url: str, database: asyncpg.Connection[Any]
) -> None:
    first, second = (PostgresTicks(postgres_url, owner=name) for name in "ab")
    assert await first.latest("work", START) == await second.latest("work", tick(5)) == START
    assert (await first.claim("work", [tick(1)], 0)).ticks == (tick(1),)
    assert (await second.claim("work", [tick(2)], 0)).busy
    assert (await first.claim("work", [tick(3)], 0)).busy
    await first.finish("work", tick(1), "failed", "ValueError: boom")
    await first.release("work")
    assert (await second.claim("work", [tick(4)], 0)).ticks == (tick(4),)
    assert await statuses(database) == {"failed": [1], "skipped": [2, 3], "running": [4]}
    await first.close()
    await second.close()


async def test_a_dead_schedulers_run_is_recorded_as_abandoned(
    postgres_url: str, database: asyncpg.Connection[Any]
) -> None:
    dead, heir = (PostgresTicks(postgres_url, owner=name) for name in "ab")
    await dead.latest("work", START)
    await dead.claim("work", [tick(1)], 0)
    assert dead._connection is not None
    dead._connection.terminate()
    await asyncio.sleep(0.05)
    assert (await heir.claim("work", [tick(2)], 0)).ticks == (tick(2),)
    assert await statuses(database) == {"abandoned": [1], "running": [2]}
    assert not await dead.still_held("work")
    await dead.close()
    await heir.close()


def end_session(pid: int) -> None:
    """What pg_terminate_backend does, but the event loop does not run until the session has ended."""
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + 10
    while psutil.pid_exists(pid):
        assert time.monotonic() < deadline
        time.sleep(0.002)


async def lose_connection(ticks: PostgresTicks, database: asyncpg.Connection[Any]) -> None:
    """End the scheduler's session from the server's side, and wait until its driver has heard of it."""
    before = ticks._connection
    assert before is not None
    await database.execute(
        "select pg_terminate_backend(pid, 5000) from pg_stat_activity where application_name = 'rung schedule'"
    )
    assert await database.fetchval("select count(*) from pg_locks where locktype = 'advisory'") == 0
    await eventually(before.is_closed)


async def test_a_lock_lost_with_its_connection_is_taken_again(
    postgres_url: str, database: asyncpg.Connection[Any]
) -> None:
    ticks = PostgresTicks(postgres_url, owner="a")
    await ticks.latest("work", START)
    await ticks.claim("work", [tick(1)], 0)
    await lose_connection(ticks, database)
    assert await ticks.still_held("work")
    assert await database.fetchval("select count(*) from pg_locks where locktype = 'advisory' and granted") == 1
    await ticks.close()


async def test_a_lock_is_not_held_while_its_connection_is_dying(
    postgres_url: str, database: asyncpg.Connection[Any]
) -> None:
    """The session is gone and the driver has not heard of it: the first question says that nothing is known."""
    ticks = PostgresTicks(postgres_url, owner="a")
    await ticks.latest("work", START)
    await ticks.claim("work", [tick(1)], 0)
    pid = await database.fetchval("select pid from pg_stat_activity where application_name = 'rung schedule'")
    end_session(pid)
    with pytest.raises(UnavailableError):
        await ticks.still_held("work")
    assert await ticks.still_held("work")
    await ticks.close()


async def test_the_end_of_a_run_is_kept_whatever_its_error_says(
    postgres_url: str, database: asyncpg.Connection[Any]
) -> None:
    """Else the run would be said to have died with its process."""
    ticks = PostgresTicks(postgres_url, owner="a")
    await ticks.latest("work", START)
    await ticks.claim("work", [tick(1)], 0)
    await ticks.finish("work", tick(1), "failed", "ValueError: \x00 and \udcff")
    assert await database.fetchval("select error from rung.schedule_run") == r"ValueError: \0 and \udcff"
    await ticks.close()


async def test_a_lock_that_another_held_meanwhile_is_lost(
    postgres_url: str, database: asyncpg.Connection[Any]
) -> None:
    """Also when the other one has ended its run and freed the lock before we come back."""
    ticks, other = (PostgresTicks(postgres_url, owner=name) for name in "ab")
    await ticks.latest("work", START)
    await ticks.claim("work", [tick(1)], 0)
    await lose_connection(ticks, database)
    assert (await other.claim("work", [tick(2)], 0)).ticks == (tick(2),)
    await other.finish("work", tick(2), "succeeded", None)
    await other.release("work")
    assert [await ticks.still_held("work") for _ in range(2)] == [False, False]
    await ticks.release("work")
    assert (await other.claim("work", [tick(3)], 0)).ticks == (tick(3),)
    await ticks.close()
    await other.close()


async def test_the_history_is_bounded(postgres_url: str, database: asyncpg.Connection[Any]) -> None:
    await database.execute(
        "insert into rung.schedule_run (schedule, tick, status, owner) "
        "select 'work', $1::timestamptz - n * interval '1 second', 'succeeded', 'a' "
        "from generate_series(1, 3000) n",
        START,
    )
    ticks = PostgresTicks(postgres_url, owner="a")
    await ticks.latest("work", START)
    for second in range(1, 51):
        await ticks.claim("work", [tick(second)], 0)
        await ticks.finish("work", tick(second), "succeeded", None)
        await ticks.release("work")
    assert await database.fetchval("select count(*) from rung.schedule_run") == HISTORY_PER_SCHEDULE
    await ticks.close()


async def test_the_serving_role_may_run_schedules_and_nothing_else(
    postgres_url: str, database: asyncpg.Connection[Any]
) -> None:
    await database.execute("drop role if exists schedule_app; create role schedule_app")
    await install_schedules(database, roles=["schedule_app"])
    await database.execute("set role schedule_app")
    await database.execute("insert into rung.schedule values ('x', now())")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await database.execute("drop table rung.schedule")
    await database.execute("reset role; drop owned by schedule_app; drop role schedule_app")


async def test_two_schedulers_run_each_tick_once(postgres_url: str, database: asyncpg.Connection[Any]) -> None:
    clocks, handler = [ManualClock(START), ManualClock(START)], Handler()
    ticks = [PostgresTicks(postgres_url, owner=name) for name in "ab"]
    work = schedule(handler)
    async with running(clocks[0], ticks[0], work) as one, running(clocks[1], ticks[1], work) as two:

        def quiet() -> bool:
            return not one._runs and not two._runs and all(clock.sleepers == 1 for clock in clocks)

        await eventually(quiet)
        for minute in range(1, 6):
            for clock in clocks:
                while clock.now() < START + timedelta(minutes=minute):
                    await clock.advance(10)
            await eventually(lambda minute=minute: len(handler.ticks) == minute)  # type: ignore[misc]
            await eventually(quiet)
        assert handler.minutes() == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("nonsense", "not of the form"),
        ("no.such.module:run", "No module named 'no'"),
        ("tests.nothing:run", "raised ModuleNotFoundError"),
        ("math:tow", "no 'tow' there; it has"),
        ("math:pi", "it is a float"),
    ],
)
def test_a_handler_that_cannot_be_loaded_says_why(reference: str, message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        load_handler(reference)
    assert caught.value.findings[0].code == "R0550"

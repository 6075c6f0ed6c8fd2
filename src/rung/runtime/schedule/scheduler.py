"""The scheduler: wakes at each tick, tries to win it, and runs the handler with an end in time."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import count

import asyncpg

from rung.runtime import metrics
from rung.runtime.clock import SYSTEM_CLOCK, Clock
from rung.runtime.context import Context, Deadline, new_correlation_id, serving
from rung.runtime.errors import OverloadedError, UnavailableError
from rung.runtime.log import logger
from rung.runtime.schedule.expression import Expression, due_ticks, next_ticks
from rung.runtime.schedule.handler import Handler, Tick
from rung.runtime.schedule.ticks import Claim, Outcome, Ticks
from rung.runtime.trace import span

log = logger(__name__)

#: The wall clock may be set: no sleep is longer than this before it is looked at again.
_LONGEST_SLEEP_SECONDS = 10.0
_RETRY_SECONDS = 0.5
_RETRY_SECONDS_MAX = 5.0
#: How often a run makes sure that it is still the only one.
_CHECK_SECONDS = 2.0
#: What an interrupted run has to write down that it was.
_INTERRUPTION_SECONDS = 2.0
#: The database is away, or too busy for this statement: the next attempt may succeed.
_AWAY = (
    UnavailableError,
    OverloadedError,
    OSError,
    asyncpg.QueryCanceledError,
    asyncpg.LockNotAvailableError,
    asyncpg.TransactionRollbackError,
    asyncpg.InsufficientResourcesError,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """What runs when. After an outage the newest `catch_up` missed ticks are run, one after the other."""

    name: str
    expression: Expression
    handler: Handler
    deadline_seconds: float = 60.0
    catch_up: int = 1


class Scheduler:
    """Runs schedules until `stop()`. Any number of schedulers may share one `Ticks`: each tick runs once."""

    def __init__(self, schedules: Sequence[Schedule], ticks: Ticks, *, clock: Clock = SYSTEM_CLOCK) -> None:
        self._schedules = tuple(schedules)
        self._ticks = ticks
        self._clock = clock
        self._runs: set[asyncio.Task[None]] = set()
        self._followers: list[asyncio.Task[None]] = []
        self._stopping = asyncio.Event()

    async def run(self, *, grace_seconds: float = 25.0) -> None:
        """Follow every schedule until `stop()`; then give the runs `grace_seconds` to end."""
        self._followers = [
            asyncio.create_task(self._follow(schedule), name=f"schedule {schedule.name}")
            for schedule in self._schedules
        ]
        stopping = asyncio.create_task(self._stopping.wait())
        try:
            await asyncio.wait({stopping, *self._followers}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopping.cancel()
            await self._drain(grace_seconds)
        for follower in self._followers:
            if not follower.cancelled():
                follower.result()  # a follower ends by itself only through a fault of ours

    def stop(self) -> None:
        """Begin no run any more, and let `run()` return when those under way have ended."""
        self._stopping.set()

    async def _drain(self, grace_seconds: float) -> None:
        for follower in self._followers:
            follower.cancel()
        await asyncio.gather(*self._followers, return_exceptions=True)
        if self._runs:
            await asyncio.wait(self._runs, timeout=grace_seconds)
        for run in self._runs:
            run.cancel()
        if self._runs:
            await asyncio.wait(self._runs, timeout=_INTERRUPTION_SECONDS)
        await self._ticks.close()

    async def _follow(self, schedule: Schedule) -> None:
        latest = await self._latest(schedule)
        while True:
            await self._sleep_until(next(next_ticks(schedule.expression, "UTC", latest)))
            now = self._clock.now()
            due, missed = due_ticks(schedule.expression, after=latest, until=now, limit=schedule.catch_up)
            if not due:
                continue  # the wall clock was set back
            claim = await self._claim(schedule, due, missed)
            if claim is None:
                continue  # by now a newer tick may be due
            latest = due[-1]
            if claim.busy:
                metrics.schedule_runs.labels(schedule.name, "skipped").inc()
                log.warning("schedule skipped", schedule=schedule.name, reason="the previous run has not ended")
            elif claim.ticks:
                self._begin(schedule, claim, missed)

    async def _latest(self, schedule: Schedule) -> datetime:
        began = self._clock.now()
        for attempt in count():
            try:
                return await self._ticks.latest(schedule.name, began)
            except _AWAY as error:
                if attempt % 20 == 0:
                    log.warning("schedule waits for its database", schedule=schedule.name, reason=str(error))
                await self._clock.sleep(min(_RETRY_SECONDS * 2 ** min(attempt, 5), _RETRY_SECONDS_MAX))
        raise AssertionError("unreachable")

    async def _claim(self, schedule: Schedule, due: list[datetime], missed: int) -> Claim | None:
        try:
            return await self._ticks.claim(schedule.name, due, missed)
        except _AWAY as error:
            log.warning("schedule waits for its database", schedule=schedule.name, reason=str(error))
            await self._clock.sleep(_RETRY_SECONDS)
            return None

    async def _sleep_until(self, tick: datetime) -> None:
        while (left := (tick - self._clock.now()).total_seconds()) > 0:
            await self._clock.sleep(min(left, _LONGEST_SLEEP_SECONDS))

    def _begin(self, schedule: Schedule, claim: Claim, missed: int) -> None:
        if missed:
            log.warning("schedule missed ticks", schedule=schedule.name, missed=missed, caught_up=len(claim.ticks))
        run = asyncio.create_task(self._run_all(schedule, claim.ticks), name=f"run {schedule.name}")
        self._runs.add(run)
        run.add_done_callback(self._runs.discard)

    async def _run_all(self, schedule: Schedule, ticks: Sequence[datetime]) -> None:
        try:
            for tick in ticks:
                await self._run(schedule, tick)
        finally:
            with suppress(*_AWAY):
                await self._ticks.release(schedule.name)

    async def _run(self, schedule: Schedule, tick: datetime) -> None:
        late_seconds = (self._clock.now() - tick).total_seconds()
        metrics.schedule_lateness_seconds.labels(schedule.name).observe(max(0.0, late_seconds))
        context = Context(correlation_id=new_correlation_id(), deadline=Deadline.after(schedule.deadline_seconds))
        with serving(context), span(f"schedule {schedule.name}", attributes={"rung.tick": tick.isoformat()}):
            log.info(
                "schedule started", schedule=schedule.name, tick=tick.isoformat(), late_ms=1000 * late_seconds
            )
            started = self._clock.monotonic()
            outcome, error = await self._outcome(schedule, Tick(schedule=schedule.name, at=tick))
            seconds = self._clock.monotonic() - started
            metrics.schedule_run_seconds.labels(schedule.name).observe(seconds)
            metrics.schedule_runs.labels(schedule.name, outcome).inc()
            if outcome == "succeeded":
                log.info("schedule ended", schedule=schedule.name, outcome=outcome, duration_ms=1000 * seconds)
            else:
                reason = f"{type(error).__name__}: {error}" if error else ""
                exc_info = error if outcome == "failed" else None
                log.error(
                    "schedule ended", schedule=schedule.name, outcome=outcome, reason=reason,
                    duration_ms=1000 * seconds, exc_info=exc_info,
                )  # fmt: skip
        await self._record(schedule.name, tick, outcome, error)
        if isinstance(error, asyncio.CancelledError):
            raise error

    async def _outcome(self, schedule: Schedule, tick: Tick) -> tuple[Outcome, BaseException | None]:
        work = asyncio.create_task(self._call(schedule, tick))
        watch = asyncio.create_task(self._watch(schedule.name))
        limit = asyncio.create_task(self._clock.sleep(schedule.deadline_seconds))
        try:
            done, _ = await asyncio.wait({work, watch, limit}, return_when=asyncio.FIRST_COMPLETED)
            if work in done:
                error = work.exception()
                return ("succeeded", None) if error is None else ("failed", error)
            if limit in done:
                return "timed_out", TimeoutError(f"more than {schedule.deadline_seconds:g} s")
            return "interrupted", UnavailableError("another scheduler may have begun: the lock was lost")
        except asyncio.CancelledError as error:
            return "interrupted", error
        finally:
            for task in (work, watch, limit):
                task.cancel()
            await asyncio.gather(work, watch, limit, return_exceptions=True)

    async def _call(self, schedule: Schedule, tick: Tick) -> None:
        await schedule.handler(tick)

    async def _watch(self, name: str) -> None:
        """Return when somebody else may have begun the next run; as long as that is unknown, go on."""
        while True:
            await self._clock.sleep(_CHECK_SECONDS)
            with suppress(*_AWAY):
                if not await self._ticks.still_held(name):
                    return

    async def _record(self, name: str, tick: datetime, outcome: Outcome, error: BaseException | None) -> None:
        reason = None if error is None else f"{type(error).__name__}: {error}"
        for attempt in range(10):
            try:
                await self._ticks.finish(name, tick, outcome, reason)
            except _AWAY as away:
                if attempt == 9:
                    log.error("schedule run not recorded", schedule=name, tick=tick.isoformat(), reason=str(away))
                await self._clock.sleep(_RETRY_SECONDS)
            else:
                return

"""The executor: claims runs that are due, carries them forward, and keeps them by leases while it does."""

from __future__ import annotations

import asyncio
import contextvars
import random
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from rung.runtime.clock import SYSTEM_CLOCK, Clock
from rung.runtime.context import Context, from_headers, new_correlation_id, serving
from rung.runtime.errors import TenantError
from rung.runtime.log import logger
from rung.runtime.trace import span
from rung.runtime.workflow.driver import Ended, Given, Outcome, Resting, drive
from rung.runtime.workflow.errors import Failure, FencedError
from rung.runtime.workflow.execution import Abandon, Execution, Interrupt
from rung.runtime.workflow.observe import Observer
from rung.runtime.workflow.records import Record, Run
from rung.runtime.workflow.store import Held, Store
from rung.runtime.workflow.versions import Versions

TIDY_SECONDS = 60.0
#: What one `forget` of a store deletes at most.
FORGOTTEN_AT_ONCE = 1_000
PAUSE_SECONDS_MAX = 2.0
#: A run that takes its process with it so often, without getting any further, is parked.
LOSSES_MAX = 5
VERSION_GONE = "R0532"
PROCESS_LOST = "R0537"

log = logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutorSettings:
    """`concurrency` runs at once in this process. One that it loses touch with is free after `lease_seconds`."""

    name: str = "workflow"
    concurrency: int = 100
    lease_seconds: float = 30.0
    poll_seconds: float = 1.0
    drain_seconds: float = 25.0
    retention_seconds: float = 30 * 86_400.0


class DrainingError(Exception):
    """The process ends; somebody else goes on with the run."""


class Wakeup(Protocol):
    """What an executor waits on between claims: `Announcements`, or nothing but time."""

    async def listen(self) -> None:
        """Make sure that announcements arrive."""
        ...

    async def wait(self, seconds: float) -> None:
        """Return at the next announcement, or after `seconds`."""
        ...

    def wake(self) -> None:
        """End the wait of this process."""
        ...


class Executor:
    """Carries the runs of some workflows forward until `stop`."""

    def __init__(
        self, store: Store, workflows: Mapping[str, Versions], settings: ExecutorSettings, *,
        wakeup: Callable[[], Wakeup], key: Callable[[], bytes], clock: Clock = SYSTEM_CLOCK,
        chance: random.Random | None = None,
    ) -> None:  # fmt: skip
        self.store = store
        self._workflows = dict(workflows)
        self._newest = {name: versions.newest for name, versions in workflows.items()}
        self._settings = settings
        self._wakeup = wakeup
        self._key = key
        self._clock = clock
        self._chance = chance or random.Random()
        self._executions: dict[int, Execution] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._ended: dict[int, asyncio.Future[Ended]] = {}
        self._stopping = asyncio.Event()
        self._observer = Observer(settings.name)

    def stop(self) -> None:
        """Begin to drain: no step begins. Called in the event loop, as from a signal handler."""
        self._stopping.set()
        for execution in self._executions.values():
            execution.drain(DrainingError())
        self._wakeup().wake()

    async def run(self) -> None:
        """Work until `stop`; then let the steps that run end, and give the runs back."""
        beating = asyncio.create_task(self._beat())
        tidying = asyncio.create_task(self._tidy())
        try:
            await self._claim_until_stopped()
        finally:
            tidying.cancel()
            await self._drain()
            beating.cancel()
            await asyncio.gather(beating, tidying, return_exceptions=True)

    # Claiming

    async def _claim_until_stopped(self) -> None:
        pause = 0.05
        while not self._stopping.is_set():
            wakeup = self._wakeup()
            try:
                await wakeup.listen()
                came = await self._claim()
                pause = 0.05
            except Exception as error:  # noqa: BLE001 - a process that gives up needs a person
                log.warning("the database of workflows does not answer", error=str(error), retry_seconds=pause)
                await asyncio.sleep(pause)
                pause = min(pause * 2, PAUSE_SECONDS_MAX)
                continue
            if not came:
                await wakeup.wait(self._settings.poll_seconds)
                await self._look_at_signals()

    async def _claim(self) -> int:
        free = self._settings.concurrency - len(self._tasks)
        if free <= 0:
            await self._room_or_stop()
            return 1
        runs = await self.store.claim(self._newest, limit=free, lease_seconds=self._settings.lease_seconds)
        self._observer.polled()
        histories = await self.store.load(runs) if runs else {}
        for run in runs:
            self.begin(run, histories[run.number])
        return len(runs)

    async def _room_or_stop(self) -> None:
        """A drain begins at once, also when every run that is carried is in the middle of a long step."""
        stopping = asyncio.ensure_future(self._stopping.wait())
        try:
            await asyncio.wait({stopping, *self._tasks}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopping.cancel()

    def has_room_for(self, workflow: str) -> bool:
        """Whether a run that is started in this process may stay here."""
        return (
            workflow in self._workflows and not self._stopping.is_set()
            and len(self._tasks) < self._settings.concurrency
        )  # fmt: skip

    @property
    def lease_seconds(self) -> float:
        """How long a run stays with a process that is not heard of."""
        return self._settings.lease_seconds

    def newest(self, workflow: str) -> str:
        """The version of new runs."""
        return self._newest[workflow]

    def begin(self, run: Run, history: list[Record]) -> asyncio.Task[None]:
        """Carry a run forward that this process holds."""
        # A context of its own: what starts a run may have a deadline, and the run goes on after it.
        execution = Execution(run, history, self.store, self._clock, chance=self._chance, key=self._key)
        self._executions[run.number] = execution
        carrying = self._carry(execution, history)
        task = asyncio.get_running_loop().create_task(carrying, context=contextvars.Context())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def ended(self, number: int) -> asyncio.Future[Ended] | None:
        """The end of a run that is in this process, once it is kept."""
        if number not in self._executions:
            return None
        return self._ended.setdefault(number, asyncio.get_running_loop().create_future())

    async def idle(self) -> None:
        """Return when no run is carried."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    # Carrying

    async def _carry(self, execution: Execution, history: list[Record]) -> None:
        run = execution.run
        try:
            with serving(_context_of(run)), span(f"workflow {run.workflow}", headers=dict(run.headers)):
                outcome = await self._outcome(execution, history)
                await self._finish(run, outcome)
        except asyncio.CancelledError:
            await self._give_back(run)
        except Exception as error:  # noqa: BLE001 - the lease ends, and the run goes on elsewhere
            self._observer.given_up(run, error)
        finally:
            self._executions.pop(run.number, None)
            waiting = self._ended.pop(run.number, None)
            if waiting is not None and not waiting.done():
                waiting.cancel()

    async def _outcome(self, execution: Execution, history: list[Record]) -> Outcome:
        run = execution.run
        if (failure := await self._unfit(run, history)) is not None:
            return Ended(state="parked", failure=failure)
        if run.cancel_reason is not None:
            execution.stop(_cancelled(run.cancel_reason))
        return await drive(execution, self._workflows[run.workflow].handlers[run.version])

    async def _unfit(self, run: Run, history: list[Record]) -> Failure | None:
        """Why the run cannot go on here: R0532 its version is gone, R0537 it takes every process with it."""
        versions = self._workflows[run.workflow]
        if run.version not in versions.handlers:
            there = ", ".join(repr(name) for name in versions.handlers)
            message = f"{VERSION_GONE}: the run follows version {run.version!r}, and this process has {there}"
            return Failure(kind="VersionGoneError", message=message)
        if run.after_loss:
            losses = 1 if len(history) > run.loss_records else run.losses + 1
            await self.store.note_loss(run, losses=losses, records=len(history))
            if losses >= LOSSES_MAX:
                message = f"{PROCESS_LOST}: {losses} processes in a row ended without a word at the same step"
                return Failure(kind="ProcessLostError", message=message)
        return None

    async def _finish(self, run: Run, outcome: Outcome) -> None:
        try:
            match outcome:
                case Ended():
                    await self.store.end(run, outcome)
                    self._tell(run, outcome)
                case Resting():
                    await self.store.rest(run, outcome)
                case Given() if isinstance(outcome.error, FencedError):
                    self._observer.lost(run)
                    await self._give_back(run)  # ours still, when a record of the one before us came late
                case Given():
                    self._observer.given_up(run, outcome.error)
                    await self._give_back(run)
        except Exception as error:  # noqa: BLE001 - the lease ends, and the run goes on elsewhere
            self._observer.given_up(run, error)

    def _tell(self, run: Run, ended: Ended) -> None:
        self._observer.ended(run, ended)
        waiting = self._ended.pop(run.number, None)
        if waiting is None:
            self.store.tell_end(run)
        elif not waiting.done():
            waiting.set_result(ended)

    async def _give_back(self, run: Run) -> None:
        with suppress(Exception):  # its lease ends
            await self.store.release([run])

    # Keeping

    async def _beat(self) -> None:
        pause = max(0.1, self._settings.lease_seconds / 3)
        while True:
            await asyncio.sleep(pause)
            try:
                await self._extend()
            except Exception as error:  # noqa: BLE001 - the next beat may succeed
                log.warning("leases of runs were not extended", error=str(error))

    async def _look_at_signals(self) -> None:
        """After an announcement: what waits in memory for a signal, and whether anything is to be cancelled."""
        if self._executions:
            with suppress(Exception):
                await self._extend()

    async def _extend(self) -> None:
        executions = dict(self._executions)
        if not executions:
            return
        runs = [execution.run for execution in executions.values()]
        held = await self.store.extend(runs, lease_seconds=self._settings.lease_seconds)
        answers = {each.number: each for each in held}
        for number, execution in executions.items():
            if self._executions.get(number) is execution:
                _heed(execution, answers.get(number))

    async def _tidy(self) -> None:
        while True:
            await asyncio.sleep(TIDY_SECONDS)
            with suppress(Exception):
                self._observer.tell(await self.store.oldest_due_seconds(list(self._newest)))
            with suppress(Exception):
                await self._forget()

    async def _forget(self) -> None:
        """All that is too old: what ends has to be able to go, however much it is."""
        forgotten = FORGOTTEN_AT_ONCE
        while forgotten >= FORGOTTEN_AT_ONCE:
            forgotten = await self.store.forget(retention_seconds=self._settings.retention_seconds)

    async def _drain(self) -> None:
        """Steps that run may end; what waits is given back at once, and no step begins."""
        for execution in self._executions.values():
            execution.drain(DrainingError())
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=self._settings.drain_seconds)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)


def _heed(execution: Execution, held: Held | None) -> None:
    if held is None:
        # It may have ended just now: then nobody hears this.
        execution.stop(Abandon(error=FencedError(execution.run.id)))
    elif held.cancel_reason is not None:
        execution.stop(_cancelled(held.cancel_reason))
    else:
        execution.nudge(held.signals)


def _cancelled(reason: str) -> Interrupt:
    return Interrupt(state="cancelled", failure=Failure(kind="CancelledError", message=reason))


def _context_of(run: Run) -> Context:
    try:
        return from_headers(run.headers, trusted=True)
    except TenantError:
        return Context(correlation_id=new_correlation_id())

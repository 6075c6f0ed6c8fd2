"""Testing a workflow without a database, and without waiting: sleeps, backoff and deadlines pass at once.

    runner = WorkflowRunner({"onboarding": onboarding})
    run = await runner.start("onboarding", {"tenant": 7})
    await runner.settle()                      # as far as it goes: here it waits for a person
    await runner.approve(run, "manager")
    assert await runner.result(run) == "welcome"

The engine is the real one; runs and records are kept in memory, and time is `runner.clock`, which jumps to the
next moment at which anything is due.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from rung.runtime.clock import Clock
from rung.runtime.workflow.client import RunHandle, Workflow
from rung.runtime.workflow.execution import HOLD_SECONDS
from rung.runtime.workflow.executor import Executor, ExecutorSettings, Wakeup
from rung.runtime.workflow.memory import MemoryStore
from rung.runtime.workflow.records import RunView, encode
from rung.runtime.workflow.tokens import hash_of, token_of
from rung.runtime.workflow.versions import Handler, Versions, versions_of
from rung.runtime.workflow.waits import Approval

KEY = b"the key of approvals in tests"


class JumpingClock:
    """Stands still while anything happens; whoever sleeps moves it, so that nobody waits."""

    def __init__(self, start: datetime) -> None:
        self._now = start
        self._start = start

    def now(self) -> datetime:
        """The moment to which it has been moved."""
        return self._now

    def monotonic(self) -> float:
        """Seconds since it was made."""
        return (self._now - self._start).total_seconds()

    async def sleep(self, seconds: float) -> None:
        """Pass a short time at once, after everybody else has had a turn. A long one is for `move_to` to end."""
        if seconds > HOLD_SECONDS:
            await asyncio.get_running_loop().create_future()
        end = self._now + timedelta(seconds=seconds)
        for _ in range(10):
            await asyncio.sleep(0)
        self.move_to(end)

    def move_to(self, moment: datetime) -> None:
        """Go on to a moment; never back."""
        self._now = max(self._now, moment)


class WorkflowRunner:
    """Runs workflows in memory. `handlers`: by the workflow's name."""

    def __init__(
        self, handlers: Mapping[str, Handler | Versions], *, start: datetime | None = None, seed: int = 1
    ) -> None:
        self.clock = JumpingClock(start or datetime.fromisoformat("2026-01-01T00:00:00+00:00"))
        self.store = MemoryStore(self.clock)
        self._seed = seed
        self.replace(handlers)

    def replace(self, handlers: Mapping[str, Handler | Versions]) -> None:
        """Go on with other code, as after a deployment."""
        versions = {name: versions_of(handler) for name, handler in handlers.items()}
        clock: Clock = self.clock
        self._executor = Executor(
            self.store, versions, ExecutorSettings(), wakeup=_nobody_wakes, key=lambda: KEY, clock=clock,
            chance=random.Random(self._seed),
        )  # fmt: skip
        self._names = list(versions)
        self._newest = {name: each.newest for name, each in versions.items()}

    async def start(
        self,
        workflow: str,
        given: Any = None,
        *,
        id: str | None = None,  # noqa: A002
        deadline_seconds: float = 86_400.0,
    ) -> RunHandle:
        """Start a run; `settle` or `result` carry it forward."""
        return await Workflow(workflow, self.store, deadline_seconds=deadline_seconds).start(given, id=id)

    async def settle(self, *, until: datetime | None = None) -> None:
        """Carry every run as far as it goes: to its end, or until only somebody outside can wake it.

        `until`: not past that moment.
        """
        while True:
            await self._carry_what_is_due()
            moment = self._next_moment(until)
            if moment is None:
                break
            self.clock.move_to(moment)
        if until is not None:
            self.clock.move_to(until)

    def _next_moment(self, until: datetime | None) -> datetime | None:
        """When anything goes on by itself. A wait for somebody ends, and a deadline comes, only before `until`."""
        moments = [
            record.wake_at
            for records in self.store.open_records()
            for record in records
            if record.wake_at is not None and (record.kind == "sleep" or record.state == "retrying")
        ]
        wake_at = self.store.next_wake_at
        if until is not None and wake_at is not None:
            moments.append(wake_at)
        later = [each for each in moments if each > self.clock.now() and (until is None or each <= until)]
        return min(later, default=None)

    async def _carry_what_is_due(self) -> None:
        while runs := await self.store.claim(self._newest, limit=1_000, lease_seconds=30.0):
            histories = await self.store.load(runs)
            for run in runs:
                self._executor.begin(run, histories[run.number])
            await self._executor.idle()

    async def result(self, run: RunHandle) -> Any:
        """The run's result. Raises RunFailedError; AssertionError when it waits for somebody outside."""
        await self.settle()
        view = await run.status()
        assert view is not None, f"there is no run {run.id!r}"
        waits = [f"{each.kind} {each.name!r}" for each in view.records if each.state == "waiting"]
        assert view.state != "waiting", f"the run waits for {', '.join(waits)}"
        return await run.result(timeout_seconds=1.0)

    async def records(self, run: RunHandle) -> list[str]:
        """What the run did, as `step charge: done`, in order."""
        view = await run.status()
        assert view is not None
        return [f"{each.kind} {each.name}: {each.state}" for each in view.records]

    async def approve(
        self, run: RunHandle, name: str, *, approved: bool = True, by: str = "", remark: str = ""
    ) -> bool:
        """Answer the approval of that name. False: somebody did, or it is too late."""
        view = await run.status()
        token = _token(view, name)
        answer = encode(Approval(approved=approved, by=by, remark=remark), "the answer")
        return await self.store.decide(hash_of(token), approved=approved, payload=answer)

    def crash(self) -> None:
        """The process is gone: what it held is claimed anew, from what is recorded."""
        self.store.lose()


def _token(view: RunView | None, name: str) -> str:
    records = () if view is None else view.records
    found = [each.path for each in records if each.kind == "approval" and each.name == name]
    if view is None or not found:
        raise LookupError(f"the run asks nobody for {name!r}")
    return token_of(KEY, view.number, found[-1])


def _nobody_wakes() -> Wakeup:
    raise AssertionError("the runner claims by itself")

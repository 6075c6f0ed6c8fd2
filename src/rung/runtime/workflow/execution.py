"""One run in the memory of the process that holds it: its history, who is active in it, and why it stops."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from rung.runtime.clock import Clock
from rung.runtime.workflow.errors import Failure, NondeterminismError
from rung.runtime.workflow.journal import Journal
from rung.runtime.workflow.records import Kind, Record, Run, RunState

#: A wait that is shorter stays in memory: giving the run back and claiming it again costs more.
HOLD_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspend:
    """Nothing to do before `wake_at` (None: before a signal), unless more signals than `seen` have come."""

    wake_at: datetime | None
    seen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Interrupt:
    """The run has to end: cancelled, or past its deadline."""

    state: RunState
    failure: Failure


@dataclass(frozen=True, slots=True, kw_only=True)
class Abandon:
    """This process cannot go on with the run: it lost it, or nothing can be recorded. Somebody goes on later."""

    error: BaseException


@dataclass(frozen=True, slots=True, kw_only=True)
class Park:
    """The code is not the one that the history was made by. The run rests until somebody resumes it."""

    failure: Failure


Stop = Suspend | Interrupt | Abandon | Park


@dataclass(frozen=True, slots=True, kw_only=True)
class Undo:
    """How to undo a step that is done: the latest first."""

    record: Record
    function: Callable[..., Any]


@dataclass(slots=True, kw_only=True)
class Wait:
    """One thing that the run waits for, at one place."""

    until: datetime | None
    nudged: asyncio.Future[None]
    #: The signals that had come when it last looked; None: it does not wait for one.
    seen: int | None


class Execution:
    """History and state of one run. Belongs to one event loop."""

    def __init__(
        self,
        run: Run,
        history: Iterable[Record],
        journal: Journal,
        clock: Clock,
        *,
        chance: random.Random,
        key: Callable[[], bytes],
    ) -> None:
        self.run = run
        self.journal = journal
        self.clock = clock
        self.chance = chance
        self.key = key
        self.history = {record.path: record for record in history}
        self.undos: list[Undo] = []
        self.unread = {path for path, record in self.history.items() if record.kind not in ("undo", "ending")}
        self._groups = {prefix for path in self.history for prefix in _prefixes(path)}
        self._order = max((record.order for record in self.history.values()), default=0)
        self._pending: list[asyncio.Future[None]] = []
        self._waits: dict[str, Wait] = {}
        self._active = 1
        self._ending = False
        self._drained: BaseException | None = None
        self.stopped: asyncio.Future[Stop] = asyncio.get_running_loop().create_future()

    # Why it stops

    def stop(self, reason: Stop) -> None:
        """End what runs. The first reason counts."""
        if not self.stopped.done() and not (self._ending and isinstance(reason, Interrupt)):
            self.stopped.set_result(reason)

    def begin_ending(self) -> None:
        """From now on only what undoes steps runs, and neither deadline nor cancellation stops it."""
        self._ending = True
        self._active = 1
        self._waits.clear()
        self.stopped = asyncio.get_running_loop().create_future()

    async def guarded(self, work: Awaitable[Any]) -> Any:
        """The answer of the journal. Without one this process gives the run up: the code hears a cancellation."""
        try:
            return await work
        except asyncio.CancelledError:
            raise
        except Exception as error:
            self.stop(Abandon(error=error))
            raise asyncio.CancelledError from error

    def drain(self, reason: BaseException) -> None:
        """What runs may end; nothing else begins, and what waits is given up."""
        self._drained = reason
        if self._active == 0:
            self.stop(Abandon(error=reason))

    # History

    def now(self) -> datetime:
        """The time, never before the moment at which the database said that the run is due."""
        return max(self.clock.now(), self.run.claimed_at)

    async def enter(self, path: str, kind: Kind, name: str, *, closed: bool) -> Record | None:
        """Begin what the code asks for next; what is recorded at its place, if anything.

        Waits until everything before it is kept. Raises NondeterminismError; CancelledError when the run stops,
        or when its place is in a part of the history that is over and has no such record.
        """
        if self.stopped.done():
            raise asyncio.CancelledError
        await self.settle()
        self._check_deadline()
        found = self.recorded(path, kind, name)
        if closed and not self._is_over(found):
            raise asyncio.CancelledError
        if self._drained is not None and not self._is_over(found):
            self.stop(Abandon(error=self._drained))
            raise asyncio.CancelledError
        return found

    def _is_over(self, record: Record | None) -> bool:
        if record is None or record.kind != "sleep":
            return record is not None and record.is_final
        return record.wake_at is not None and record.wake_at <= self.now()

    def recorded(self, path: str, kind: Kind, name: str) -> Record | None:
        """The record at `path`. Raises NondeterminismError when it is of something else."""
        found = self.history.get(path)
        if found is not None and (found.kind, found.name) != (kind, name):
            raise self.mismatch(path, f"{found.kind} {found.name!r}", f"{kind} {name!r}")
        if found is None and kind != "group" and path in self._groups:
            raise self.mismatch(path, "branches", f"{kind} {name!r}")
        self.unread.discard(path)
        return found

    def mismatch(self, path: str, recorded: str, asked: str) -> NondeterminismError:
        """Park the run: code and history do not fit."""
        error = NondeterminismError(path, recorded, asked)
        self.stop(Park(failure=Failure.of(error)))
        return error

    def has_history(self, path: str) -> bool:
        """Whether anything is recorded at this place."""
        return path in self.history or path in self._groups

    def keep(self, record: Record) -> Record:
        """Begin to keep a record; whatever comes next waits until it is."""
        kept = self.numbered(record)
        self._pending.append(self.journal.record(self.run, kept))
        return kept

    def numbered(self, record: Record) -> Record:
        """The record with its place in the order of all; it is in the history from now on."""
        kept = replace(record, order=self.next_order())
        self.history[kept.path] = kept
        return kept

    def next_order(self) -> int:
        """The next place in the order of all records."""
        self._order += 1
        return self._order

    async def settle(self) -> None:
        """Wait until all that was recorded is kept."""
        while self._pending:
            first = self._pending[0]
            if not first.done():
                await asyncio.wait([first])
            if (error := first.exception()) is not None:
                self.stop(Abandon(error=error))
                raise asyncio.CancelledError from error
            if self._pending and self._pending[0] is first:
                del self._pending[0]

    # Waiting

    async def hold(self, path: str, until: datetime | None, *, seen: int | None = None) -> None:
        """Wait until a moment or a signal, in memory; the run is given up meanwhile when nothing else goes on."""
        wait = Wait(until=until, nudged=asyncio.get_running_loop().create_future(), seen=seen)
        self._waits[path] = wait
        self._active -= 1
        self._suspend_if_idle()
        try:
            await self._rest(wait)
        finally:
            self._active += 1
            self._waits.pop(path, None)
        self._check_deadline()

    async def _rest(self, wait: Wait) -> None:
        if wait.until is None:
            await wait.nudged
            return
        left = max(0.0, (wait.until - self.now()).total_seconds())
        sleeping = asyncio.ensure_future(self.clock.sleep(left))
        try:
            await asyncio.wait({sleeping, wait.nudged}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleeping.cancel()
            with suppress(asyncio.CancelledError):
                await sleeping

    def branches_begin(self, count: int) -> None:
        """`count` branches (1 or more) go on in the place of one."""
        self._active += count - 1

    def branch_ends(self) -> None:
        """A branch has ended, and others go on."""
        self._active -= 1
        self._suspend_if_idle()

    def _suspend_if_idle(self) -> None:
        if self._active > 0 or not self._waits:
            return
        if self._drained is not None:
            self.stop(Abandon(error=self._drained))
            return
        moments = [wait.until for wait in self._waits.values() if wait.until is not None]
        earliest = min(moments, default=None)
        if earliest is not None and (earliest - self.now()).total_seconds() <= HOLD_SECONDS:
            return
        seen = [wait.seen for wait in self._waits.values() if wait.seen is not None]
        self.stop(Suspend(wake_at=earliest, seen=min(seen, default=self.run.signals)))

    def nudge(self, signals: int) -> None:
        """So many signals have come in all: what waits and has seen fewer looks again."""
        for wait in self._waits.values():
            if wait.seen is not None and wait.seen < signals and not wait.nudged.done():
                wait.nudged.set_result(None)

    # Deadline

    def seconds_left(self, limit_seconds: float) -> float:
        """How long what starts now may take: at most `limit_seconds`, and not past the run's deadline."""
        if self._ending:
            return limit_seconds
        return min(limit_seconds, max(0.0, (self.run.deadline_at - self.now()).total_seconds()))

    def is_overdue(self) -> bool:
        """Whether the run's deadline has passed."""
        return not self._ending and self.now() >= self.run.deadline_at

    def _check_deadline(self) -> None:
        if self.is_overdue():
            self.overdue()
            raise asyncio.CancelledError

    def overdue(self) -> None:
        """Stop: the run's deadline has passed."""
        failure = Failure(
            kind="DeadlineExceededError",
            kinds=("DeadlineExceededError", "TimeoutError"),
            message=f"the run's deadline was {self.run.deadline_at.isoformat(timespec='seconds')}",
        )
        self.stop(Interrupt(state="failed", failure=failure))


def _prefixes(path: str) -> Iterable[str]:
    """The groups that a path is in: `3.1.0` is in `3`."""
    parts = path.removeprefix("~").split(".")
    return (".".join(parts[:count]) for count in range(1, len(parts) - 1, 2))

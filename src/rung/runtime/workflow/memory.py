"""A store in memory, for tests of workflows: the same engine, no database, and time that a test moves."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import msgspec

from rung.runtime.clock import Clock
from rung.runtime.workflow.driver import Ended, Resting
from rung.runtime.workflow.errors import FencedError
from rung.runtime.workflow.journal import NewChild, Taken
from rung.runtime.workflow.records import Record, Run, RunView, encode
from rung.runtime.workflow.store import ApprovalView, Held, NewRun


@dataclass(slots=True, kw_only=True)
class _Kept:
    run: Run
    wake_at: datetime | None
    records: dict[str, Record] = field(default_factory=dict)
    signals: list[tuple[str, str]] = field(default_factory=list)
    ended: Ended | None = None
    ended_at: datetime | None = None
    parent: tuple[int, str] | None = None
    is_held: bool = False


@dataclass(slots=True, kw_only=True)
class _Asked:
    number: int
    record: Record
    decided_at: datetime | None = None
    approved: bool | None = None


class MemoryStore:
    """Runs of one process, gone with it. `lose` is a crash: what was held is claimed again."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._runs: dict[int, _Kept] = {}
        self._asked: dict[bytes, _Asked] = {}

    # The journal

    def record(self, run: Run, record: Record) -> asyncio.Future[None]:
        """Keep it at once."""
        kept: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        try:
            self._keep(run, record)
        except FencedError as error:
            kept.set_exception(error)
            kept.exception()
        else:
            kept.set_result(None)
        return kept

    def _keep(self, run: Run, record: Record) -> _Kept:
        kept = self._held(run)
        there = kept.records.get(record.path)
        if there is not None and there.is_final:
            raise FencedError(run.id)
        kept.records[record.path] = record
        return kept

    def _held(self, run: Run) -> _Kept:
        kept = self._runs[run.number]
        if kept.run.fence != run.fence or kept.ended is not None:
            raise FencedError(run.id)
        return kept

    async def take(self, run: Run, signal: str, record: Record) -> Taken:
        """Take the oldest of that name."""
        kept = self._held(run)
        found = next((each for each in kept.signals if each[0] == signal), None)
        if found is None:
            return Taken(payload=None, seen=kept.run.signals)
        kept.signals.remove(found)
        kept.records[record.path] = replace(record, output=found[1])
        return Taken(payload=found[1], seen=kept.run.signals)

    async def start_child(self, run: Run, record: Record, child: NewChild) -> None:
        """Keep and start."""
        self._keep(run, record)
        new = NewRun(workflow=child.workflow, id=child.id, given=child.given, headers=child.headers,
                     deadline_at=child.deadline_at)  # fmt: skip
        started = await self.start(new)
        assert started is not None
        self._runs[started.number].parent = (run.number, record.path)

    async def ask(self, run: Run, record: Record, token_hash: bytes) -> None:
        """Keep and remember the hash."""
        self._keep(run, record)
        self._asked[token_hash] = _Asked(number=run.number, record=record)

    async def record_in(self, run: Run, record: Record, connection: Any) -> bool:
        """There is no transaction here: `connection` is the test's own."""
        try:
            self._keep(run, record)
        except FencedError:
            return False
        return True

    # Runs

    async def start(
        self, new: NewRun, *, hold_seconds: float = 0.0, version: str | None = None, transaction: Any = None
    ) -> Run | None:
        """Start it, unless there is one."""
        if self._find(new.workflow, new.id) is not None:
            return None
        now = self._clock.now()
        run = Run(
            number=len(self._runs) + 1, workflow=new.workflow, id=new.id, given=new.given, headers=new.headers,
            created_at=now, claimed_at=now, fence=1 if hold_seconds else 0, version=version or "",
            deadline_at=new.deadline_at or now + timedelta(seconds=new.deadline_seconds),
        )  # fmt: skip
        self._runs[run.number] = _Kept(run=run, wake_at=now, is_held=bool(hold_seconds))
        return run

    def _find(self, workflow: str, run_id: str) -> _Kept | None:
        return next(
            (each for each in self._runs.values() if (each.run.workflow, each.run.id) == (workflow, run_id)), None
        )

    async def claim(self, workflows: Mapping[str, str], *, limit: int, lease_seconds: float) -> list[Run]:
        """Take what is due and nobody holds."""
        claimed: list[Run] = []
        for kept in self._runs.values():
            is_due = kept.wake_at is not None and kept.wake_at <= self._clock.now()
            if is_due and kept.ended is None and not kept.is_held and kept.run.workflow in workflows:
                version = kept.run.version or workflows[kept.run.workflow]
                kept.run = replace(
                    kept.run, fence=kept.run.fence + 1, claimed_at=self._clock.now(), version=version
                )
                kept.is_held = True
                claimed.append(kept.run)
        return claimed[:limit]

    def lose(self) -> None:
        """The process is gone: everything that was held is free."""
        for kept in self._runs.values():
            kept.is_held = False

    @property
    def next_wake_at(self) -> datetime | None:
        """When the next run is due that waits for time."""
        waits = [each.wake_at for each in self._runs.values() if each.ended is None and each.wake_at is not None]
        return min(waits, default=None)

    def open_records(self) -> list[list[Record]]:
        """The records of each run that goes on."""
        return [self._records(kept) for kept in self._runs.values() if kept.ended is None]

    async def load(self, runs: Sequence[Run]) -> dict[int, list[Record]]:
        """Their records in order."""
        return {run.number: self._records(self._runs[run.number]) for run in runs}

    def _records(self, kept: _Kept) -> list[Record]:
        return sorted(kept.records.values(), key=lambda each: each.order)

    def end(self, run: Run, ended: Ended) -> asyncio.Future[None]:
        """Keep the end, and tell the parent."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        kept = self._runs[run.number]
        kept.ended, kept.ended_at, kept.is_held = ended, self._clock.now(), False
        if kept.parent is not None and ended.state != "parked":
            number, path = kept.parent
            output = None if ended.output is None else msgspec.Raw(ended.output.encode())
            outcome = {"state": ended.state, "output": output, "failure": ended.failure}
            self._send(self._runs[number], f"child:{path}", encode(outcome, "the end of a child"))
        done.set_result(None)
        return done

    def tell_end(self, run: Run) -> None:
        """Nobody waits elsewhere."""

    def end_of(self, workflow: str, run_id: str) -> AbstractAsyncContextManager[asyncio.Event]:
        """Never set: who waits looks by itself."""
        return nullcontext(asyncio.Event())

    async def rest(self, run: Run, resting: Resting) -> bool:
        """Give it back until it is due."""
        kept = self._held(run)
        kept.is_held = False
        if kept.run.signals > resting.seen:
            kept.wake_at = self._clock.now()
        else:
            kept.wake_at = min(resting.wake_at or run.deadline_at, run.deadline_at)
        return True

    async def release(self, runs: Sequence[Run]) -> None:
        """Give them back."""
        for run in runs:
            self._runs[run.number].is_held = False

    async def extend(self, runs: Sequence[Run], *, lease_seconds: float) -> list[Held]:
        """Leases never end here."""
        found = [self._runs[run.number].run for run in runs]
        return [Held(number=run.number, signals=run.signals, cancel_reason=run.cancel_reason) for run in found]

    async def note_loss(self, run: Run, *, losses: int, records: int) -> None:
        """Never: nothing is lost without `lose`."""

    def _send(self, kept: _Kept, name: str, payload: str) -> None:
        kept.signals.append((name, payload))
        kept.run = replace(kept.run, signals=kept.run.signals + 1)
        kept.wake_at = self._clock.now()

    async def signal(self, workflow: str, run_id: str, name: str, payload: str) -> bool:
        """Send it, where the run goes on."""
        kept = self._find(workflow, run_id)
        if kept is None or kept.ended is not None:
            return False
        self._send(kept, name, payload)
        return True

    async def cancel(self, workflow: str, run_id: str, reason: str) -> int:
        """Ask it, and its children."""
        kept = self._find(workflow, run_id)
        if kept is None or kept.ended is not None:
            return 0
        kept.run = replace(kept.run, cancel_reason=kept.run.cancel_reason or reason)
        kept.wake_at = self._clock.now()
        children = [each for each in self._runs.values() if each.parent and each.parent[0] == kept.run.number]
        return 1 + sum([await self.cancel(each.run.workflow, each.run.id, reason) for each in children])

    async def decide(self, token_hash: bytes, *, approved: bool, payload: str) -> bool:
        """Use it once."""
        asked = self._asked.get(token_hash)
        view = await self.approval(token_hash)
        if asked is None or view is None or not view.is_open:
            return False
        asked.decided_at, asked.approved = self._clock.now(), approved
        self._send(self._runs[asked.number], f"approval:{asked.record.path}", payload)
        return True

    async def approval(self, token_hash: bytes) -> ApprovalView | None:
        """What it is for."""
        asked = self._asked.get(token_hash)
        if asked is None:
            return None
        kept, until = self._runs[asked.number], asked.record.wake_at
        assert until is not None
        return ApprovalView(
            name=asked.record.name, workflow=kept.run.workflow, run_id=kept.run.id, expires_at=until,
            decided_at=asked.decided_at, approved=asked.approved,
            is_open=asked.decided_at is None and kept.ended is None and until > self._clock.now(),
        )  # fmt: skip

    async def view(self, workflow: str, run_id: str, *, records: bool = True) -> RunView | None:
        """A run as it is now."""
        kept = self._find(workflow, run_id)
        return None if kept is None else self._view(kept)

    def _view(self, kept: _Kept) -> RunView:
        run, ended = kept.run, kept.ended
        return RunView(
            number=run.number, workflow=run.workflow, id=run.id, created_at=run.created_at,
            state=("running" if kept.is_held else "waiting") if ended is None else ended.state,
            wake_at=kept.wake_at, ended_at=kept.ended_at, deadline_at=run.deadline_at, version=run.version,
            given=run.given, output=None if ended is None else ended.output,
            failure=None if ended is None else ended.failure, records=tuple(self._records(kept)),
        )  # fmt: skip

    async def views(
        self, *, workflow: str | None = None, state: str | None = None, limit: int = 50
    ) -> list[RunView]:
        """The newest first."""
        found = [self._view(kept) for kept in reversed(self._runs.values())]
        return [each for each in found if workflow in (None, each.workflow) and state in (None, each.state)][
            :limit
        ]

    async def resume(
        self, workflow: str, run_id: str, *, from_order: int | None, new_version: bool = False
    ) -> bool:
        """Open it again, without the records from that order on."""
        kept = self._find(workflow, run_id)
        if kept is None or kept.ended is None or kept.ended.state == "done":
            return False
        kept.ended, kept.ended_at, kept.wake_at = None, None, self._clock.now()
        version = "" if new_version else kept.run.version
        kept.run = replace(kept.run, cancel_reason=None, version=version, fence=kept.run.fence + 1)
        if from_order is not None:
            self._drop(kept, from_order)
        return True

    def _drop(self, kept: _Kept, from_order: int) -> None:
        """Records from that order on; a question that is asked again is asked anew, with notice and link."""
        late = [record for record in kept.records.values() if record.order >= from_order]
        asked = {record.path for record in late if record.kind == "approval"}
        dropped = {record.path for record in late} | {
            path for path in kept.records if any(path.startswith(f"{each}.") for each in asked)
        }
        kept.records = {path: each for path, each in kept.records.items() if path not in dropped}
        kept.signals = [each for each in kept.signals if each[0] not in {f"approval:{path}" for path in asked}]
        number = kept.run.number
        self._asked = {
            token: each
            for token, each in self._asked.items()
            if each.number != number or each.record.path not in asked
        }

    async def oldest_due_seconds(self, workflows: Sequence[str]) -> float:
        """Of what is due and held by nobody."""
        due = [kept.wake_at for kept in self._runs.values()
               if kept.run.workflow in workflows and kept.ended is None and not kept.is_held
               and kept.wake_at is not None]  # fmt: skip
        return max(0.0, (self._clock.now() - min(due)).total_seconds()) if due else 0.0

    async def forget(self, *, retention_seconds: float) -> int:
        """Nothing: a test ends."""
        return 0

"""The port for what happens to whole runs: starting, claiming, ending, waking. A store is also a `Journal`."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from rung.runtime.workflow.driver import Ended, Resting
from rung.runtime.workflow.journal import Journal
from rung.runtime.workflow.records import Record, Run, RunView


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRun:
    """What is started. `deadline_at` None: `deadline_seconds` from now."""

    workflow: str
    id: str
    given: str
    headers: Mapping[str, str]
    deadline_at: datetime | None = None
    deadline_seconds: float = 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What the store says of a run that this process holds."""

    number: int
    signals: int
    cancel_reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalView:
    """An approval as the page shows it."""

    name: str
    workflow: str
    run_id: str
    expires_at: datetime
    decided_at: datetime | None
    approved: bool | None
    is_open: bool


class Store(Journal, Protocol):
    """Every method raises UnavailableError when the database cannot be reached."""

    async def start(
        self, new: NewRun, *, hold_seconds: float = 0.0, version: str | None = None, transaction: Any = None
    ) -> Run | None:
        """Start a run; None when there is one of that workflow and id. Held by this process for `hold_seconds`."""
        ...

    async def claim(self, workflows: Mapping[str, str], *, limit: int, lease_seconds: float) -> list[Run]:
        """Take runs that are due. `workflows`: by name, the version that runs without one get."""
        ...

    async def load(self, runs: Sequence[Run]) -> dict[int, list[Record]]:
        """The records of runs by their numbers, in their order."""
        ...

    def end(self, run: Run, ended: Ended) -> asyncio.Future[None]:
        """Begin to keep how the run ended; kept once the future is done. Its parent is told."""
        ...

    def tell_end(self, run: Run) -> None:
        """Wake who waits in another process for the end of this run, which is kept."""
        ...

    def end_of(self, workflow: str, run_id: str) -> AbstractAsyncContextManager[asyncio.Event]:
        """What is set when the end of a run is heard of inside the block, at the latest. It may never be."""
        ...

    async def rest(self, run: Run, resting: Resting) -> bool:
        """Give the run back until it is due. False: it was lost."""
        ...

    async def release(self, runs: Sequence[Run]) -> None:
        """Give runs back as they are: due at once for whoever is there."""
        ...

    async def extend(self, runs: Sequence[Run], *, lease_seconds: float) -> list[Held]:
        """Keep runs. One that is missing in the answer was lost."""
        ...

    async def note_loss(self, run: Run, *, losses: int, records: int) -> None:
        """How often in a row the run lost its process, and how many records it had at that time."""
        ...

    async def signal(self, workflow: str, run_id: str, name: str, payload: str) -> bool:
        """Send a signal. False: there is no such run that goes on."""
        ...

    async def cancel(self, workflow: str, run_id: str, reason: str) -> int:
        """Ask a run and its children to end; how many were asked."""
        ...

    async def decide(self, token_hash: bytes, *, approved: bool, payload: str) -> bool:
        """Use a token. False: it is unknown, used, or too old."""
        ...

    async def approval(self, token_hash: bytes) -> ApprovalView | None:
        """What a token is for."""
        ...

    async def view(self, workflow: str, run_id: str, *, records: bool = True) -> RunView | None:
        """A run as it is now."""
        ...

    async def views(
        self, *, workflow: str | None = None, state: str | None = None, limit: int = 50
    ) -> list[RunView]:
        """The newest runs, without their records."""
        ...

    async def resume(
        self, workflow: str, run_id: str, *, from_order: int | None, new_version: bool = False
    ) -> bool:
        """Open a run again that failed, was cancelled or is parked, without its records from that order on."""
        ...

    async def oldest_due_seconds(self, workflows: Sequence[str]) -> float:
        """How long the run that has waited longest is due, and in nobody's hands; 0: none is."""
        ...

    async def forget(self, *, retention_seconds: float) -> int:
        """Delete runs that ended longer ago; how many, 1,000 at most."""
        ...

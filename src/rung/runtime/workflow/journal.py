"""The port: where a run's records go, and where its signals come from. Postgres in earnest, memory in tests."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from rung.runtime.workflow.records import Record, Run


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """The answer to `take`: the signal's payload as JSON (None: none yet), and how many signals were seen."""

    payload: str | None
    seen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NewChild:
    """A run that another run starts and waits for."""

    workflow: str
    id: str
    given: str
    headers: Mapping[str, str]
    deadline_at: datetime


class Journal(Protocol):
    """Every method raises FencedError when another process has the run, UnavailableError when nobody answers."""

    def record(self, run: Run, record: Record) -> asyncio.Future[None]:
        """Begin to keep the record; it is kept once the future is done. An open record at its path is replaced."""
        ...

    async def take(self, run: Run, signal: str, record: Record) -> Taken:
        """Take the oldest signal of that name, and keep `record` with its payload, in one."""
        ...

    async def start_child(self, run: Run, record: Record, child: NewChild) -> None:
        """Keep the waiting `record` and start the child, in one. The same child twice is one."""
        ...

    async def ask(self, run: Run, record: Record, token_hash: bytes) -> None:
        """Keep the waiting `record` of an approval and whose token decides it, in one."""
        ...

    async def record_in(self, run: Run, record: Record, connection: Any) -> bool:
        """Keep the record inside the caller's transaction. False: it is there already, or the run is lost."""
        ...

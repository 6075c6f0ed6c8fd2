"""The store in Postgres: each method is one statement, and `sql.py` has them all."""

from __future__ import annotations

import asyncio
import contextvars
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import msgspec

from rung.runtime.bindings import PostgresBinding, WorkflowBinding
from rung.runtime.database.database import Database
from rung.runtime.errors import UnavailableError
from rung.runtime.queue.postgres.pool import QueueLimits
from rung.runtime.queue.postgres.same_database import require_same_database
from rung.runtime.workflow.driver import Ended, Resting
from rung.runtime.workflow.errors import FencedError
from rung.runtime.workflow.journal import NewChild, Taken
from rung.runtime.workflow.postgres import rows, sql
from rung.runtime.workflow.postgres.announcements import RunAnnouncements
from rung.runtime.workflow.postgres.schema import install_workflows
from rung.runtime.workflow.postgres.writer import Writer, values_of
from rung.runtime.workflow.records import Record, Run, RunView
from rung.runtime.workflow.store import ApprovalView, Held, NewRun

#: Every process of every workflow in a database listens on one channel.
CHANNEL = "workflow runs"
CONNECTIONS = 3
NOT_INSTALLED = "R0536"


class PostgresStore:
    """Runs in the database of a binding. Opens its connections on first use in the running loop."""

    def __init__(self, binding: WorkflowBinding, *, name: str = "workflow") -> None:
        self._binding = binding
        self._name = name
        place = PostgresBinding(
            url=binding.url, credentials_secret=binding.credentials_secret, pool_size=CONNECTIONS
        )
        self._database = Database(place, name=f"workflow {name}", limits=QueueLimits())
        self._owner = f"{os.environ.get('RUNG_NODE', name)}@{socket.gethostname()}:{os.getpid()}"
        self._writer: Writer | None = None
        self._announcements: RunAnnouncements | None = None
        self._installed = False

    # Connections

    async def fetch(self, query: str, *arguments: Any) -> list[Any]:
        """Run one statement outside of any caller's deadline: a record that came too late is still true."""
        if not self._installed:
            await self._install()
        return await self._database.fetch(query, *arguments)

    async def _install(self) -> None:
        if not await self._database.fetch_value(sql.IS_INSTALLED):
            try:
                async with self._database.connection() as connection:
                    await install_workflows(connection)
            except asyncpg.InsufficientPrivilegeError as error:
                raise UnavailableError(
                    f"{NOT_INSTALLED}: the database of workflow {self._name!r} has no workflow tables, and "
                    "this role may not create them; run install_workflows(connection, roles=[...]) as the owner"
                ) from error
        self._installed = True

    @property
    def announcements(self) -> RunAnnouncements:
        """Waking other processes, and being woken."""
        found = self._announcements
        if found is None or found.loop is not asyncio.get_running_loop():
            secret = self._binding.credentials_secret
            found = RunAnnouncements(self._binding.url, CHANNEL, _nothing, credentials_secret=secret)
            self._announcements = found
            self._writer = None
        return found

    async def close(self) -> None:
        """End every connection."""
        announcements, self._announcements, self._writer = self._announcements, None, None
        if announcements is not None and announcements.loop is asyncio.get_running_loop():
            await announcements.close()
        await self._database.close()

    def _writing(self) -> Writer:
        announcements = self.announcements
        if self._writer is None:
            self._writer = Writer(self.fetch, announcements.announce)
        return self._writer

    # The journal

    def record(self, run: Run, record: Record) -> asyncio.Future[None]:
        """Write with the next statement of this process."""
        return contextvars.Context().run(self._writing().add, run, record=record)

    async def take(self, run: Run, signal: str, record: Record) -> Taken:
        """One statement: the signal goes and its record comes."""
        values = (run.number, run.fence, record.path, record.name, record.kind, record.attempts, record.order,
                  record.wake_at, signal)  # fmt: skip
        found = await self.fetch(sql.TAKE, *values)
        if not found:
            raise FencedError(run.id)
        return Taken(payload=found[0]["payload"], seen=found[0]["signals"])

    async def start_child(self, run: Run, record: Record, child: NewChild) -> None:
        """One statement, and an announcement."""
        headers = msgspec.json.encode(child.headers).decode()
        values = (child.workflow, child.id, child.given, headers, child.deadline_at)
        await self._required(run, self.fetch(sql.START_CHILD, *values_of(run, record), *values))
        self.announcements.announce()

    async def ask(self, run: Run, record: Record, token_hash: bytes) -> None:
        """One statement."""
        await self._required(run, self.fetch(sql.ASK, *values_of(run, record), token_hash))

    async def record_in(self, run: Run, record: Record, connection: Any) -> bool:
        """Inside the caller's transaction."""
        return bool(await connection.fetch(sql.KEEP_ONE, *values_of(run, record)))

    async def _required(self, run: Run, work: Awaitable[list[Any]]) -> None:
        if not await work:
            raise FencedError(run.id)

    # Runs

    async def start(
        self, new: NewRun, *, hold_seconds: float = 0.0, version: str | None = None, transaction: Any = None
    ) -> Run | None:
        """One insert, in the caller's transaction where there is one."""
        headers = msgspec.json.encode(new.headers).decode()
        values = (new.workflow, new.id, new.given, headers, new.deadline_at, hold_seconds, version,
                  new.deadline_seconds, self._owner)  # fmt: skip
        if transaction is not None:
            require_same_database(transaction, self._binding.url, f"workflow {self._name!r}")
            if not self._installed:
                await self._install()
            found = await transaction.fetch(sql.START, *values)
            self.announcements.announce_after(transaction)
        else:
            found = await self.fetch(sql.START, *values)
            if not hold_seconds:
                self.announcements.announce()
        return rows.started(new, found[0], version) if found else None

    async def claim(self, workflows: Mapping[str, str], *, limit: int, lease_seconds: float) -> list[Run]:
        """One statement; rows that others look at are skipped."""
        names, newest = list(workflows), list(workflows.values())
        found = await self.fetch(sql.CLAIM, names, limit, lease_seconds, self._owner, newest)
        return [rows.run_of(row) for row in found]

    async def load(self, runs: Sequence[Run]) -> dict[int, list[Record]]:
        """One statement for all. A run that nobody held before has no records."""
        numbers = [run.number for run in runs if run.fence > 1]
        histories: dict[int, list[Record]] = {run.number: [] for run in runs}
        for row in await self.fetch(sql.LOAD, numbers) if numbers else []:
            histories[row["run"]].append(rows.record_of(row))
        return histories

    def end(self, run: Run, ended: Ended) -> asyncio.Future[None]:
        """Write with the next statement of this process."""
        return contextvars.Context().run(self._writing().add, run, ended=ended)

    def tell_end(self, run: Run) -> None:
        """An announcement."""
        self.announcements.announce_end(run.workflow, run.id)

    @asynccontextmanager
    async def end_of(self, workflow: str, run_id: str) -> AsyncIterator[asyncio.Event]:
        """Told by an announcement, when the server lets us listen."""
        announcements = self.announcements
        with announcements.end_of(workflow, run_id) as news:
            await announcements.listen()
            yield news

    async def rest(self, run: Run, resting: Resting) -> bool:
        """One statement; a signal that came since makes it due at once."""
        wake_at = resting.wake_at or rows.FAR
        return bool(await self.fetch(sql.REST, run.number, run.fence, resting.seen, wake_at))

    async def release(self, runs: Sequence[Run]) -> None:
        """One statement, and an announcement."""
        await self.fetch(sql.RELEASE, *_numbers(runs))
        self.announcements.announce()

    async def extend(self, runs: Sequence[Run], *, lease_seconds: float) -> list[Held]:
        """One statement."""
        found = await self.fetch(sql.EXTEND, *_numbers(runs), lease_seconds)
        return [Held(number=row["number"], signals=row["signals"], cancel_reason=row["cancel_reason"])
                for row in found]  # fmt: skip

    async def note_loss(self, run: Run, *, losses: int, records: int) -> None:
        """One statement."""
        await self.fetch(sql.LOSS, run.number, run.fence, losses, records)

    async def signal(self, workflow: str, run_id: str, name: str, payload: str) -> bool:
        """One statement, and an announcement."""
        return self._announced(await self.fetch(sql.SIGNAL, workflow, run_id, name, payload))

    async def cancel(self, workflow: str, run_id: str, reason: str) -> int:
        """One statement, and an announcement."""
        found = await self.fetch(sql.CANCEL, workflow, run_id, reason)
        self._announced(found)
        return len(found)

    async def decide(self, token_hash: bytes, *, approved: bool, payload: str) -> bool:
        """One statement, and an announcement."""
        return self._announced(await self.fetch(sql.DECIDE, token_hash, approved, payload))

    def _announced(self, found: list[Any]) -> bool:
        if found:
            self.announcements.announce()
        return bool(found)

    async def approval(self, token_hash: bytes) -> ApprovalView | None:
        """One statement."""
        found = await self.fetch(sql.APPROVAL, token_hash)
        return rows.approval_of(found[0]) if found else None

    async def view(self, workflow: str, run_id: str, *, records: bool = True) -> RunView | None:
        """One statement, and one for the records."""
        found = await self.fetch(sql.VIEW + "where workflow = $1 and id = $2", workflow, run_id)
        if not found:
            return None
        steps = await self.fetch(sql.LOAD, [found[0]["number"]]) if records else []
        return rows.view_of(found[0], tuple(rows.record_of(row) for row in steps))

    async def views(
        self, *, workflow: str | None = None, state: str | None = None, limit: int = 50
    ) -> list[RunView]:
        """One statement."""
        found = await self.fetch(sql.VIEWS, workflow, state, limit)
        return [rows.view_of(row) for row in found]

    async def resume(
        self, workflow: str, run_id: str, *, from_order: int | None, new_version: bool = False
    ) -> bool:
        """One statement, and an announcement."""
        found = await self.fetch(sql.RESUME, workflow, run_id, from_order or 2**31 - 1, new_version)
        return self._announced(found)

    async def oldest_due_seconds(self, workflows: Sequence[str]) -> float:
        """One statement."""
        found = await self.fetch(sql.OLDEST_DUE, list(workflows))
        return float(found[0][0])

    async def forget(self, *, retention_seconds: float) -> int:
        """One statement."""
        return len(await self.fetch(sql.FORGET, retention_seconds))


def _numbers(runs: Sequence[Run]) -> tuple[list[int], list[int]]:
    return [run.number for run in runs], [run.fence for run in runs]


def _nothing() -> None:
    pass

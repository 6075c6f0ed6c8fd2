"""Records and ends of all runs of this process, written together: what comes meanwhile is the next statement.

One run alone has one statement for each record; a hundred at once share a few. A step's record and the end of its
run go out as one when the code returns right after the step.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from rung.runtime.workflow.driver import Ended
from rung.runtime.workflow.errors import Failure, FencedError
from rung.runtime.workflow.postgres import sql
from rung.runtime.workflow.records import Record, Run

#: So many records and ends in one statement.
BATCH = 500
#: Turns of the event loop that a first record waits, so that what follows at once goes with it.
TURNS = 3

Fetch = Callable[..., Awaitable[list[Any]]]


@dataclass(frozen=True, slots=True)
class _Item:
    run: Run
    record: Record | None
    ended: Ended | None
    kept: asyncio.Future[None]


class Writer:
    """Belongs to the event loop in which it is first used."""

    def __init__(self, fetch: Fetch, on_child_end: Callable[[], None]) -> None:
        self._fetch = fetch
        self._on_child_end = on_child_end
        self._items: list[_Item] = []
        self._task: asyncio.Task[None] | None = None

    def add(self, run: Run, *, record: Record | None = None, ended: Ended | None = None) -> asyncio.Future[None]:
        """Write with the next statement. The future raises FencedError, and what the database raises."""
        loop = asyncio.get_running_loop()
        item = _Item(run, record, ended, loop.create_future())
        self._items.append(item)
        if self._task is None:
            self._begin(loop, TURNS)
        return item.kept

    def _begin(self, loop: asyncio.AbstractEventLoop, turns: int) -> None:
        # Not in the context of the step that came first: its deadline is not the others'.
        self._task = loop.create_task(self._write(turns))

    async def _write(self, turns: int) -> None:
        for _ in range(turns):
            await asyncio.sleep(0)
        while self._items:
            batch, self._items = self._items[:BATCH], self._items[BATCH:]
            try:
                await self._keep(batch)
            except Exception as error:  # noqa: BLE001 - each of them must hear it
                _settle(batch, error)
        self._task = None

    async def _keep(self, batch: list[_Item]) -> None:
        records = [item for item in batch if item.record is not None]
        ends = [item for item in batch if item.ended is not None]
        if not ends and len(records) == 1:
            item = records[0]
            assert item.record is not None
            rows = await self._fetch(sql.KEEP_ONE, *values_of(item.run, item.record))
        elif not ends:
            rows = await self._fetch(sql.KEEP, *_columns(records))
        else:
            rows = await self._fetch(sql.END, *_columns(records), *_end_columns(ends))
            if any(row["has_parent"] for row in rows):
                self._on_child_end()
        kept = {(row["run"], row["path"]) for row in rows}
        for item in batch:
            path = None if item.record is None else item.record.path
            if (item.run.number, path) in kept:
                _settle([item], None)
            else:
                _settle([item], FencedError(item.run.id))


def _settle(items: list[_Item], error: Exception | None) -> None:
    for item in items:
        if not item.kept.done():
            if error is None:
                item.kept.set_result(None)
            else:
                item.kept.set_exception(error)
                item.kept.exception()  # seen: who waits for it raises it


def values_of(run: Run, record: Record) -> tuple[Any, ...]:
    """The parameters that every statement about one record begins with."""
    return (
        run.number, run.fence, record.path, record.name, record.kind, record.state, record.output,
        failure_json(record.failure), record.attempts, record.order, record.wake_at,
    )  # fmt: skip


def _columns(items: list[_Item]) -> tuple[list[Any], ...]:
    rows = [values_of(item.run, item.record) for item in items if item.record is not None]
    return tuple([row[column] for row in rows] for column in range(11))


def _end_columns(items: list[_Item]) -> tuple[list[Any], ...]:
    ends = [(item.run, item.ended) for item in items if item.ended is not None]
    return (
        [run.number for run, _ in ends],
        [run.fence for run, _ in ends],
        [ended.state for _, ended in ends],
        [ended.output for _, ended in ends],
        [failure_json(ended.failure) for _, ended in ends],
    )


def failure_json(failure: Failure | None) -> str | None:
    """A failure as the database keeps it."""
    return None if failure is None else msgspec.json.encode(failure).decode()

"""Branches that go on at the same time: `parallel`, and `map` over items."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from rung.runtime.workflow.errors import Failure, StepFailedError, failed_step
from rung.runtime.workflow.execution import Execution
from rung.runtime.workflow.records import Record

Branch = Callable[[bool], Awaitable[Any]]


async def run_group(
    execution: Execution, path: str, name: str, branches: Sequence[Branch], *, concurrency: int, tolerate: int,
    found: Record | None, closed: bool,
) -> list[Any]:  # fmt: skip
    """The results of all branches, in their order; a branch that failed and is tolerated leaves its error.

    One failure more than `tolerate` stops the branches that still run, and is raised. It is recorded: after a
    replay nothing more of these branches runs.
    """
    group = _Group(execution, branches, tolerate, closed=closed or found is not None)
    failed = await group.run(min(concurrency, len(branches)))
    if found is not None:
        assert found.failure is not None
        raise failed_step(name, found.failure)
    if failed is not None:
        execution.keep(Record(path=path, name=name, kind="group", state="failed", failure=failed))
        raise failed_step(name, failed)
    return group.results


class _Group:
    def __init__(self, execution: Execution, branches: Sequence[Branch], tolerate: int, *, closed: bool) -> None:
        self.results: list[Any] = [None] * len(branches)
        self._execution = execution
        self._branches = branches
        self._tolerate = tolerate
        self._closed = closed
        self._next = 0
        self._failures = 0
        self._handed_on = False

    async def run(self, workers: int) -> Failure | None:
        """Run everything; the failure that was one too many, or None."""
        if not workers:
            return None
        self._left = workers
        self._execution.branches_begin(workers)
        tasks = [asyncio.ensure_future(self._work()) for _ in range(workers)]
        too_many: Failure | None = None
        try:
            pending: set[asyncio.Future[Failure | None]] = set(tasks)
            while pending and too_many is None:
                done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
                too_many = next((found for task in done if (found := _outcome(task)) is not None), None)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        if self._execution.stopped.done() or (any(task.cancelled() for task in tasks) and too_many is None
                                               and not self._closed):  # fmt: skip
            raise asyncio.CancelledError
        return too_many

    async def _work(self) -> Failure | None:
        """Take branch after branch; the failure that was one too many."""
        failure: Failure | None = None
        try:
            while self._next < len(self._branches) and failure is None:
                index, self._next = self._next, self._next + 1
                failure = await self._branch(index)
            return failure
        finally:
            self._left -= 1
            # Who ends the group leaves its place to the code that waits for all: that one is about to go on.
            if not self._handed_on and (failure is not None or not self._left):
                self._handed_on = True
            else:
                self._execution.branch_ends()

    async def _branch(self, index: int) -> Failure | None:
        try:
            self.results[index] = await self._branches[index](self._closed)
        except asyncio.CancelledError:
            if not self._closed:
                raise
        except Exception as error:  # noqa: BLE001 - whatever a branch raises is its outcome
            failure = Failure.of(error)
            self._failures += 1
            self.results[index] = (
                error if isinstance(error, StepFailedError) else failed_step(f"branch {index}", failure)
            )
            return failure if self._failures > self._tolerate and not self._closed else None
        return None


def _outcome(task: asyncio.Future[Failure | None]) -> Failure | None:
    if task.cancelled() or task.exception() is not None:
        return None
    return task.result()

"""`WorkflowContext`: everything that a workflow's code may do that is not plain computing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, TypeVar

from rung.runtime.database.database import Database
from rung.runtime.workflow import waits
from rung.runtime.workflow.errors import WorkflowError
from rung.runtime.workflow.execution import Execution
from rung.runtime.workflow.groups import Branch, run_group
from rung.runtime.workflow.records import Record
from rung.runtime.workflow.retry import ONCE, Retry
from rung.runtime.workflow.steps import STEP_SECONDS, Catch, Step, run_step
from rung.runtime.workflow.waits import Approval, ApprovalRequest

Item = TypeVar("Item")
#: Of the branches of `parallel`, or the items of `map`, so many go on at the same time.
CONCURRENCY = 10


class WorkflowContext:
    """What the code of a run calls. Each call has a place in the run's history, by the order of the calls.

    The code is run again from its beginning after every wait and every crash: what is recorded is answered from
    the history. So between the calls it may only compute: no clock, no randomness, no input or output.
    """

    __slots__ = ("_closed", "_execution", "_inside", "_next", "_prefix")

    def __init__(self, execution: Execution, prefix: str = "", *, closed: bool = False) -> None:
        self._execution = execution
        self._prefix = prefix
        self._closed = closed
        self._next = 0
        self._inside = False

    # What it is

    @property
    def run_id(self) -> str:
        """The id that the run was started with."""
        return self._execution.run.id

    @property
    def workflow(self) -> str:
        """The workflow's name."""
        return self._execution.run.workflow

    @property
    def started_at(self) -> datetime:
        """When the run was started (UTC): the same after every replay."""
        return self._execution.run.created_at

    # Steps

    async def step(
        self, name: str, function: Callable[..., Any], *arguments: Any, retry: Retry = ONCE,
        catch: Catch | None = None, compensate: Callable[[Any], Any] | None = None,
        timeout_seconds: float = STEP_SECONDS, returns: Any = None,
    ) -> Any:  # fmt: skip
        """Run `function(*arguments)` and record its result (JSON, at most 256 KiB), which is returned.

        At least once: a process that dies within it, or before its result is kept, runs it again, with the same
        `current_attempt().idempotency_key`. `timeout_seconds` is for each attempt. `catch`: by kind of error,
        what gives the result after the last attempt. `compensate(result)` runs when the run fails later.
        `returns`: the type that the result is read as. Raises StepFailedError.
        """
        with self._place() as path:
            found = await self._execution.enter(path, "step", name, closed=self._closed)
            asked = Step(
                path=path, name=name, function=function, arguments=arguments, retry=retry, catch=catch,
                compensate=compensate, timeout_seconds=timeout_seconds, returns=returns,
            )  # fmt: skip
            return await run_step(self._execution, asked, found)

    async def transaction(
        self, name: str, database: Database, function: Callable[..., Awaitable[Any]], *arguments: Any,
        retry: Retry = ONCE, compensate: Callable[[Any], Any] | None = None,
        timeout_seconds: float = STEP_SECONDS, returns: Any = None,
    ) -> Any:  # fmt: skip
        """As `step`, but exactly once in effect: `function(connection, *arguments)` and its record are one commit.

        `database` is the one in which the workflow's tables are. Raises StepFailedError.
        """
        with self._place() as path:
            found = await self._execution.enter(path, "transaction", name, closed=self._closed)
            asked = Step(
                path=path, name=name, function=function, arguments=arguments, retry=retry, compensate=compensate,
                timeout_seconds=timeout_seconds, returns=returns, database=database, kind="transaction",
            )  # fmt: skip
            return await run_step(self._execution, asked, found)

    # Branches

    async def parallel(
        self, name: str, *branches: Callable[[WorkflowContext], Awaitable[Any]], tolerate: int = 0
    ) -> list[Any]:
        """Run `branch(context)` for each branch, all at the same time; the results in their order.

        The failure after `tolerate` others stops the rest and is raised (StepFailedError). One that is tolerated
        is an element of the answer, as the error that it is.
        """

        def bind(index: int, branch: Callable[[WorkflowContext], Awaitable[Any]]) -> Branch:
            return lambda closed: branch(self._inner(path, index, closed=closed))

        with self._place() as path:
            bound = [bind(index, branch) for index, branch in enumerate(branches)]
            return await self._group(path, name, bound, len(bound), tolerate)

    async def map(
        self, name: str, items: Sequence[Item], function: Callable[[WorkflowContext, Item], Awaitable[Any]], *,
        concurrency: int = CONCURRENCY, tolerate: int = 0,
    ) -> list[Any]:  # fmt: skip
        """Run `function(context, item)` for every item, `concurrency` at a time. Failures as in `parallel`."""
        if concurrency < 1:
            raise ValueError("concurrency is at least 1")

        def bind(index: int, item: Item) -> Branch:
            return lambda closed: function(self._inner(path, index, closed=closed), item)

        with self._place() as path:
            bound = [bind(index, item) for index, item in enumerate(items)]
            return await self._group(path, name, bound, concurrency, tolerate)

    async def _group(
        self, path: str, name: str, branches: Sequence[Branch], concurrency: int, tolerate: int
    ) -> list[Any]:
        found = await self._execution.enter(path, "group", name, closed=False)
        return await run_group(
            self._execution, path, name, branches, concurrency=concurrency, tolerate=tolerate,
            found=found, closed=self._closed,
        )  # fmt: skip

    def _inner(self, path: str, index: int, *, closed: bool) -> WorkflowContext:
        return WorkflowContext(self._execution, f"{path}.{index}.", closed=closed)

    # Waits

    async def sleep(self, seconds: float, name: str = "sleep") -> None:
        """Go on `seconds` later. No process is needed meanwhile."""
        await self._sleep(name, None, seconds)

    async def sleep_until(self, moment: datetime, name: str = "sleep") -> None:
        """Go on at a moment (with a time zone); at once when it is past."""
        if moment.tzinfo is None:
            raise ValueError("sleep_until takes a moment with a time zone")
        await self._sleep(name, moment, 0.0)

    async def _sleep(self, name: str, moment: datetime | None, seconds: float) -> None:
        with self._place() as path:
            found = await self._execution.enter(path, "sleep", name, closed=self._closed)
            if found is None:
                until = moment or self._execution.now() + timedelta(seconds=seconds)
                record = Record(path=path, name=name, kind="sleep", state="waiting", wake_at=until)
                found = self._execution.keep(record)
                await self._execution.settle()
            assert found.wake_at is not None
            if found.wake_at > self._execution.now():
                await self._execution.hold(path, found.wake_at)

    async def wait_for_event(self, name: str, *, timeout_seconds: float | None = None, returns: Any = None) -> Any:
        """The payload of the oldest event of that name which `Run.signal` sent and nobody took.

        It may have come before. Raises WaitTimeoutError.
        """
        with self._place() as path:
            found = await self._execution.enter(path, "event", name, closed=self._closed)
            wait = waits.SignalWait(path=path, name=name, kind="event", signal=f"event:{name}")
            return await waits.for_signal(self._execution, wait, found, timeout_seconds, returns)

    async def approval(
        self, name: str, *, notify: Callable[[ApprovalRequest], Any], timeout_seconds: float,
        retry: Retry = ONCE,
    ) -> Approval:  # fmt: skip
        """Ask a person, and wait for the answer: whether it was approved, by whom, with which remark.

        `notify(request)` is a step that sends the person `request.url(base)`; the link decides once, for at most
        `timeout_seconds`. Raises WaitTimeoutError, and StepFailedError when `notify` fails.
        """
        with self._place() as path:
            found = await self._execution.enter(path, "approval", name, closed=self._closed)
            request, record = await waits.ask(self._execution, path, name, found, timeout_seconds)
            notice = f"{path}.0.0"
            told = Step(
                path=notice, name=f"notify {name}", kind="notice", function=notify, arguments=(request,),
                retry=retry,
            )  # fmt: skip
            seen = await self._execution.enter(notice, "notice", told.name, closed=self._closed)
            await run_step(self._execution, told, seen)
            await self._execution.settle()
            return await waits.for_approval(self._execution, path, name, record)

    async def child(self, workflow: str, given: Any = None, *, returns: Any = None) -> Any:
        """Start another workflow and wait for its result. Its id is this run's, and the place of this call.

        It ends when this run is cancelled. Raises StepFailedError when it fails.
        """
        with self._place() as path:
            found = await self._execution.enter(path, "child", workflow, closed=self._closed)
            if found is None:
                name = f"{self.run_id}/{path}.{self._execution.run.fence}"
                found = await waits.start_child(self._execution, path, workflow, name, given)
            return await waits.for_child(self._execution, path, workflow, found, returns)

    async def wait_for_condition(
        self, name: str, check: Callable[[], Any], *, every_seconds: float = 30.0,
        timeout_seconds: float = 86_400.0,
    ) -> Any:  # fmt: skip
        """Call `check()` every so often until it answers something true, which is returned (JSON).

        Raises StepFailedError: what `check` raised at last, or that it was never true in time.
        """
        attempts = max(1, round(timeout_seconds / max(every_seconds, 0.001)) + 1)
        retry = Retry(
            max_attempts=attempts, initial_seconds=every_seconds, maximum_seconds=every_seconds, multiplier=1.0,
            jitter=False,
        )  # fmt: skip

        async def ask() -> Any:
            answer = await waits.checked(check)
            if not answer:
                raise waits.ConditionNotMetError(f"{name!r} was not met")
            return answer

        return await self.step(name, ask, retry=retry)

    # Versions

    async def version(self, change: str) -> bool:
        """Whether this run takes the new code of a change: not when it went past this place with the old one.

        Source of the idea: Temporal's `patched`. The answer is recorded, so that it stays.
        """
        path = f"{self._prefix}@{change}"
        if self._execution.recorded(path, "version", change) is not None:
            return True
        if self._closed or self._execution.has_history(f"{self._prefix}{self._next}"):
            return False
        await self._execution.settle()
        self._execution.keep(Record(path=path, name=change, kind="version"))
        return True

    @contextmanager
    def _place(self) -> Iterator[str]:
        """The place of the next call. One branch does one thing at a time, or replays would differ."""
        if self._inside:
            raise WorkflowError(
                "R0533", "two calls of one context at the same time: give each a branch of context.parallel"
            )
        self._inside = True
        path = f"{self._prefix}{self._next}"
        self._next += 1
        try:
            yield path
        finally:
            self._inside = False

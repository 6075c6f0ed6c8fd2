"""`workflow("onboarding")`: starting runs, and what one can do with a run from outside."""

from __future__ import annotations

import asyncio
import uuid
from contextlib import suppress
from typing import Any

from rung.runtime import bindings
from rung.runtime.bindings import WorkflowBinding
from rung.runtime.bindings import encode as encode_binding
from rung.runtime.context import current, to_headers
from rung.runtime.queue.port import Connection
from rung.runtime.workflow.driver import Ended
from rung.runtime.workflow.errors import Failure, RunFailedError
from rung.runtime.workflow.executor import Executor
from rung.runtime.workflow.postgres.adapter import PostgresStore
from rung.runtime.workflow.records import RunView, decode, encode
from rung.runtime.workflow.store import NewRun, Store
from rung.runtime.workflow.waits import DEADLINE_HEADER

ID_CHARACTERS_MAX = 200
#: An end in another process is announced; who waits looks so often all the same, ever more rarely.
POLL_SECONDS = (0.02, 0.25)


class RunHandle:
    """A run by its workflow and id. `is_new`: this `start` began it."""

    def __init__(self, of: Workflow, run_id: str, *, is_new: bool = False, ended: Any = None) -> None:
        self._of = of
        self.id = run_id
        self.is_new = is_new
        self._ended: asyncio.Future[Ended] | None = ended

    async def status(self) -> RunView | None:
        """The run with its records as it is now; None: there is no such run."""
        return await self._of.store.view(self._of.name, self.id)

    async def result(self, *, timeout_seconds: float, returns: Any = None) -> Any:
        """Wait for the run's result. Raises RunFailedError, and TimeoutError when it still goes on then."""
        async with asyncio.timeout(timeout_seconds):
            ended = await self._end_here() or await self._end_elsewhere()
        if ended.state != "done":
            raise RunFailedError(self.id, ended.state, ended.failure or Failure(kind=ended.state))
        return decode(ended.output, returns)

    async def _end_here(self) -> Ended | None:
        """The end of a run that stays in this process until then; None when it leaves it."""
        if self._ended is None:
            return None
        await asyncio.wait([self._ended])
        return None if self._ended.cancelled() else self._ended.result()

    async def _end_elsewhere(self) -> Ended:
        pause, longest = POLL_SECONDS
        async with self._of.store.end_of(self._of.name, self.id) as news:
            while (ended := await self._end_now()) is None:
                with suppress(TimeoutError):
                    async with asyncio.timeout(pause):
                        await news.wait()
                news.clear()
                pause = min(pause * 1.5, longest)
            return ended

    async def _end_now(self) -> Ended | None:
        view = await self._of.store.view(self._of.name, self.id, records=False)
        if view is None:
            raise LookupError(f"there is no run {self.id!r} of workflow {self._of.name!r}")
        if view.state not in ("done", "failed", "cancelled", "parked"):
            return None
        return Ended(state=view.state, output=view.output, failure=view.failure)  # type: ignore[arg-type]

    async def signal(self, name: str, payload: Any = None) -> bool:
        """Send the event that `context.wait_for_event(name)` waits for. False: the run is over, or unknown."""
        text = encode(payload, f"the payload of event {name!r}")
        return await self._of.store.signal(self._of.name, self.id, f"event:{name}", text)

    async def cancel(self, reason: str) -> bool:
        """Ask the run, and its children, to end and to undo what they did. False: it is over, or unknown."""
        return bool(await self._of.store.cancel(self._of.name, self.id, reason))

    async def resume(self, *, from_step: str | None = None, newest_version: bool = False) -> bool:
        """Go on with a run that failed, was cancelled or is parked; from the step of that name or path.

        Without `from_step`: from the first record that failed. False: it is none of these, or unknown.
        Raises LookupError when it has no such step.
        """
        view = await self.status()
        order = None if view is None else resume_order(view, from_step)
        return await self._of.store.resume(self._of.name, self.id, from_order=order, new_version=newest_version)


def resume_order(view: RunView, from_step: str | None) -> int | None:
    """The order of the first record that a resumed run does again; None: of none."""
    if from_step is not None:
        named = [record.order for record in view.records if from_step in (record.path, record.name)]
        if not named:
            names = ", ".join(sorted({record.name for record in view.records}))
            raise LookupError(f"run {view.id!r} has no step {from_step!r}; it has {names or 'none'}")
        return min(named)
    if view.state == "parked":
        return None
    failed = [record.order for record in view.records if record.state == "failed" or record.kind == "ending"]
    return min(failed, default=None)


class Workflow:
    """A workflow of the graph, to start runs of. Connects on first use; safe at module level."""

    def __init__(self, name: str, store: Store, *, deadline_seconds: float = 86_400.0) -> None:
        self.name = name
        self.store = store
        self._deadline_seconds = deadline_seconds
        #: The executor of this process, where it runs this workflow itself.
        self.executor: Executor | None = None

    async def start(
        self, given: Any = None, *, id: str | None = None, transaction: Connection | None = None,  # noqa: A002
        deadline_seconds: float | None = None,
    ) -> RunHandle:  # fmt: skip
        """Start a run with `given` (JSON, at most 256 KiB) and return its handle; it is stored when this returns.

        The same `id` (1 to 200 characters; None: a new one) twice is the same run, also when that is over.
        Inside `transaction` it exists exactly when that commits. Correlation id, tenant and user of the current
        context go with it. Raises WorkflowError R0534 and ValueError for what cannot be started.
        """
        run_id = str(uuid.uuid4()) if id is None else id
        if not 0 < len(run_id) <= ID_CHARACTERS_MAX:
            raise ValueError(f"the id of a run has 1 to {ID_CHARACTERS_MAX} characters, not {len(run_id)}")
        headers = {name: value for name, value in to_headers(current()).items() if name != DEADLINE_HEADER}
        new = NewRun(
            workflow=self.name, id=run_id, given=encode(given, "the input of the run"), headers=headers,
            deadline_seconds=self._deadline_seconds if deadline_seconds is None else deadline_seconds,
        )  # fmt: skip
        executor = self.executor
        if executor is None or transaction is not None or not executor.has_room_for(self.name):
            began = await self.store.start(new, transaction=transaction)
            return RunHandle(self, run_id, is_new=began is not None)
        return await self._start_here(executor, new)

    async def _start_here(self, executor: Executor, new: NewRun) -> RunHandle:
        """This process runs it: it holds the run from its first moment, without a claim."""
        version = executor.newest(self.name)
        run = await self.store.start(new, hold_seconds=executor.lease_seconds, version=version)
        if run is None:
            return RunHandle(self, new.id)
        executor.begin(run, [])
        return RunHandle(self, new.id, is_new=True, ended=executor.ended(run.number))

    def run(self, run_id: str) -> RunHandle:
        """The handle of a run that was started before."""
        return RunHandle(self, run_id)


_workflows: dict[tuple[str, str], Workflow] = {}


def workflow(name: str) -> Workflow:
    """The workflow of node `name`, shared within this process; connects on first use, so safe at module level.

    Raises BindingError when the graph gives this process no edge to it.
    """
    found = bindings.binding(name, WorkflowBinding)
    key = (name, encode_binding(found))
    if key not in _workflows:
        _workflows[key] = open_workflow(name, found)
    return _workflows[key]


def open_workflow(name: str, found: WorkflowBinding) -> Workflow:
    """A new handle for this binding, with connections of its own, which the process closes when it drains."""
    store = PostgresStore(found, name=name)
    return Workflow(name, store, deadline_seconds=found.deadline_seconds)

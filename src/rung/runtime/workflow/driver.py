"""Carrying one run forward: replay what is recorded, go on from there, end it or give it back."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rung.runtime.workflow.context import WorkflowContext
from rung.runtime.workflow.errors import Failure
from rung.runtime.workflow.execution import Abandon, Execution, Interrupt, Park, Stop, Suspend
from rung.runtime.workflow.records import ENDING, Record, RunState, decode, encode
from rung.runtime.workflow.steps import undo_all
from rung.runtime.workflow.versions import Handler


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """The run is over. `output` is JSON."""

    state: RunState
    output: str | None = None
    failure: Failure | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Resting:
    """The run waits: until `wake_at` (None: for a signal), or until more signals than `seen` have come."""

    wake_at: datetime | None
    seen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """This process gives the run up."""

    error: BaseException


Outcome = Ended | Resting | Given


async def drive(execution: Execution, handler: Handler) -> Outcome:
    """Run the code of the run as far as it goes. Raises nothing but CancelledError (the process drains)."""
    ending = execution.history.get(ENDING)
    if ending is not None:
        await _collect(execution, handler)
        return await _end(execution, ending)
    body = await _go(execution, handler, closed=False)
    if not execution.stopped.done():
        return await _returned(execution, body)
    reason = execution.stopped.result()
    if isinstance(reason, Interrupt):
        await _collect(execution, handler)
        return await _failed(execution, reason.state, reason.failure)
    return _stopped(reason)


async def _collect(execution: Execution, handler: Handler) -> None:
    """Replay what is recorded, and nothing more, to know what there is to undo."""
    execution.begin_ending()
    execution.undos.clear()
    await _go(execution, handler, closed=True)


async def _go(execution: Execution, handler: Handler, *, closed: bool) -> asyncio.Future[Any]:
    """Run the code until it returns, or until the run stops. The code, ended."""
    context = WorkflowContext(execution, closed=closed)
    body = asyncio.ensure_future(_body(handler, context, decode(execution.run.given)))
    try:
        await asyncio.wait({body, execution.stopped}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        await _ended(body)
    return body


async def _body(handler: Handler, context: WorkflowContext, given: Any) -> Any:
    return await handler(context, given)


async def _ended(body: asyncio.Future[Any]) -> None:
    body.cancel()
    await asyncio.wait({body})


async def _returned(execution: Execution, body: asyncio.Future[Any]) -> Outcome:
    if body.cancelled():
        return await _failed(
            execution, "failed", Failure(kind="CancelledError", message="the code cancelled itself")
        )
    error = body.exception()
    if error is None and (left := _left_over(execution)) is not None:
        return Ended(state="parked", failure=left)
    if error is not None:
        return await _failed(execution, "failed", Failure.of(error))
    try:
        return Ended(state="done", output=encode(body.result(), "the result of the run"))
    except Exception as problem:  # noqa: BLE001 - what cannot be recorded is a failure of the run
        return await _failed(execution, "failed", Failure.of(problem))


def _left_over(execution: Execution) -> Failure | None:
    """R0531: the code returned before it asked for everything that is recorded."""
    for path in sorted(execution.unread):
        record = execution.history[path]
        if record.kind != "version":
            error = execution.mismatch(path, f"{record.kind} {record.name!r}", "nothing: it has returned")
            return Failure.of(error)
    return None


def _stopped(reason: Stop) -> Outcome:
    match reason:
        case Suspend():
            return Resting(wake_at=reason.wake_at, seen=reason.seen)
        case Abandon():
            return Given(error=reason.error)
        case Park():
            return Ended(state="parked", failure=reason.failure)
        case Interrupt():
            return Ended(state=reason.state, failure=reason.failure)


async def _failed(execution: Execution, state: RunState, failure: Failure) -> Outcome:
    """Undo what is done. That the run is ending is recorded first: a replay must not go on with it."""
    if not execution.undos:
        return Ended(state=state, failure=failure)
    ending = Record(path=ENDING, name=state, kind="ending", failure=failure)
    execution.begin_ending()
    return await _end(execution, execution.keep(ending))


async def _end(execution: Execution, ending: Record) -> Outcome:
    if execution.stopped.done():  # the code does not fit its history
        return _stopped(execution.stopped.result())
    undoing: asyncio.Future[Any] = asyncio.ensure_future(_undo(execution))
    try:
        await asyncio.wait({undoing, execution.stopped}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        await _ended(undoing)
    if execution.stopped.done():
        return _stopped(execution.stopped.result())
    failures = undoing.result()
    state: RunState = "cancelled" if ending.name == "cancelled" else "failed"
    assert ending.failure is not None
    return Ended(state=state, failure=_with(ending.failure, failures))


async def _undo(execution: Execution) -> list[Failure]:
    await execution.settle()
    return await undo_all(execution)


def _with(failure: Failure, others: list[Failure]) -> Failure:
    if not others:
        return failure
    told = "; ".join(str(each) for each in others)
    return Failure(
        kind=failure.kind, kinds=failure.kinds, traceback=failure.traceback,
        message=f"{failure.message} (and what it did could not all be undone: {told})",
    )  # fmt: skip

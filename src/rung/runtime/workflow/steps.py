"""Running one step: from what is recorded of it to its result, through retries, and what catches its failure."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from rung.runtime.trace import span
from rung.runtime.workflow.calls import Attempt, attempting, call
from rung.runtime.workflow.errors import Failure, FencedError, StepFailedError, failed_step
from rung.runtime.workflow.execution import Abandon, Execution, Undo
from rung.runtime.workflow.records import Kind, Record, decode, encode
from rung.runtime.workflow.retry import UNDO, Retry

#: A step that says nothing else has so long for each attempt.
STEP_SECONDS = 60.0

#: By kind of error, what gives the result instead. The first that fits counts.
Catch = Mapping[Any, Callable[[Failure], Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What the code asks for. `database`: function and record share a transaction of it."""

    path: str
    name: str
    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    retry: Retry
    catch: Catch | None = None
    compensate: Callable[..., Any] | None = None
    timeout_seconds: float = STEP_SECONDS
    returns: Any = None
    database: Any = None
    kind: Kind = "step"


async def run_step(execution: Execution, step: Step, found: Record | None) -> Any:
    """The step's result: the recorded one, or that of running it now. Raises StepFailedError."""
    if found is None or not found.is_final:
        found = await _attempts(execution, step, found)
    if found.state == "failed":
        assert found.failure is not None
        raise failed_step(step.name, found.failure)
    if step.compensate is not None and found.state == "done":
        execution.undos.append(Undo(record=found, function=step.compensate))
    return decode(found.output, step.returns)


async def _attempts(execution: Execution, step: Step, found: Record | None) -> Record:
    attempts = 0
    if found is not None:  # it failed before, and rests
        attempts = found.attempts
        await execution.hold(step.path, found.wake_at)
    while True:
        attempts += 1
        try:
            return await _attempt(execution, step, attempts)
        except FencedError as error:
            raise asyncio.CancelledError from error
        except Exception as error:
            if execution.is_overdue():
                execution.overdue()
                raise asyncio.CancelledError from error
            failure = Failure.of(error)
        rest = step.retry.rest_seconds(attempts, failure, execution.chance)
        if rest is None:
            return await _given_up(execution, step, attempts, failure)
        until = execution.now() + timedelta(seconds=rest)
        execution.keep(_record(step, "retrying", attempts, failure=failure, wake_at=until))
        await execution.settle()
        await execution.hold(step.path, until)


async def _attempt(execution: Execution, step: Step, number: int) -> Record:
    run = execution.run
    attempt = Attempt(
        workflow=run.workflow,
        run_id=run.id,
        step=step.name,
        number=number,
        idempotency_key=f"{run.workflow}:{run.id}:{step.path}",
    )
    seconds = execution.seconds_left(step.timeout_seconds)
    with attempting(attempt), span(f"step {step.name}"):
        if step.database is not None:
            return await call(_in_transaction, (execution, step, number), timeout_seconds=seconds)  # type: ignore[no-any-return]
        value = await call(step.function, step.arguments, timeout_seconds=seconds)
    output = encode(value, f"the result of step {step.name!r}")
    return execution.keep(_record(step, "done", number, output=output))


async def _in_transaction(execution: Execution, step: Step, number: int) -> Record:
    """Effect and record in one transaction. A record that is there already rolls the effect back."""
    async with step.database.transaction() as connection:
        value = await step.function(connection, *step.arguments)
        output = encode(value, f"the result of step {step.name!r}")
        kept = replace(_record(step, "done", number, output=output), order=execution.next_order())
        if not await execution.journal.record_in(execution.run, kept, connection):
            error = FencedError(execution.run.id)
            execution.stop(Abandon(error=error))
            raise error
    execution.history[kept.path] = kept
    return kept


async def _given_up(execution: Execution, step: Step, attempts: int, failure: Failure) -> Record:
    for kind, handler in (step.catch or {}).items():
        if failure.is_a(kind):
            value = await call(handler, (failure,), timeout_seconds=execution.seconds_left(step.timeout_seconds))
            output = encode(value, f"what catches step {step.name!r}")
            return execution.keep(_record(step, "caught", attempts, output=output, failure=failure))
    return execution.keep(_record(step, "failed", attempts, failure=failure))


def _record(step: Step, state: Any, attempts: int, **values: Any) -> Record:
    return Record(path=step.path, name=step.name, kind=step.kind, state=state, attempts=attempts, **values)


async def undo_all(execution: Execution) -> list[Failure]:
    """Undo what is done, the latest first; each until it succeeds or its attempts are used. What failed."""
    failures: list[Failure] = []
    for undo in sorted(execution.undos, key=lambda each: each.record.order, reverse=True):
        step = Step(
            path=f"~{undo.record.path}",
            name=f"undo {undo.record.name}",
            kind="undo",
            function=undo.function,
            arguments=(decode(undo.record.output),),
            retry=UNDO,
        )
        try:
            await run_step(execution, step, execution.history.get(step.path))
            await execution.settle()
        except StepFailedError as error:
            failures.append(error.failure)
    return failures

"""Waiting for something that another process sends: an event, a person's answer, the end of a child."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import msgspec

from rung.runtime.context import current, to_headers
from rung.runtime.workflow.calls import invoke
from rung.runtime.workflow.errors import Failure, failed_step
from rung.runtime.workflow.execution import Execution
from rung.runtime.workflow.journal import NewChild
from rung.runtime.workflow.records import Kind, Record, decode, encode
from rung.runtime.workflow.tokens import hash_of, token_of

#: A child without a deadline of its own ends with its parent's.
DEADLINE_HEADER = "x-deadline-ms"


class ConditionNotMetError(Exception):
    """`wait_for_condition`: the answer was not true."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalWait:
    """What is waited for, at which place, and under which name its signal comes."""

    path: str
    name: str
    kind: Kind
    signal: str


class Approval(msgspec.Struct, frozen=True, kw_only=True):
    """A person's answer. `by` is what the person or the application wrote there; nobody checked it."""

    approved: bool
    by: str = ""
    remark: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalRequest:
    """What a person is sent. Whoever has the token decides: it belongs in one mail to one person."""

    name: str
    token: str
    expires_at: datetime

    def url(self, base: str) -> str:
        """The link, where the application mounts `rung.runtime.workflow.approvals` at `base`."""
        return f"{base.rstrip('/')}/{self.token}"


class ChildOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """How a child ended."""

    state: str
    output: msgspec.Raw = msgspec.Raw(b"null")
    failure: Failure | None = None


async def for_signal(
    execution: Execution,
    wait: SignalWait,
    found: Record | None,
    timeout_seconds: float | None,
    returns: Any = None,
) -> Any:
    """The payload of the signal, once it is there. Raises WaitTimeoutError."""
    record = found or Record(path=wait.path, name=wait.name, kind=wait.kind, state="waiting")
    is_new = found is None
    while not record.is_final:
        done = replace(record, state="done", order=execution.next_order())
        taken = await execution.guarded(execution.journal.take(execution.run, wait.signal, done))
        if taken.payload is not None:
            record = replace(done, output=taken.payload)
            execution.history[record.path] = record
            break
        if is_new:
            record = _open(execution, record, timeout_seconds)
            await execution.settle()
            is_new = False
        if record.wake_at is not None and record.wake_at <= execution.now():
            record = execution.keep(replace(record, state="failed", failure=_late(wait.name)))
            break
        await execution.hold(wait.path, record.wake_at, seen=taken.seen)
    if record.state == "failed":
        assert record.failure is not None
        raise failed_step(wait.name, record.failure)
    return decode(record.output, returns)


def _open(execution: Execution, record: Record, timeout_seconds: float | None) -> Record:
    until = None if timeout_seconds is None else execution.now() + timedelta(seconds=timeout_seconds)
    return execution.keep(replace(record, wake_at=until))


def _late(name: str) -> Failure:
    return Failure(
        kind="WaitTimeoutError", kinds=("WaitTimeoutError", "TimeoutError"), message=f"{name!r}: time is up"
    )


async def ask(
    execution: Execution, path: str, name: str, found: Record | None, timeout_seconds: float
) -> tuple[ApprovalRequest, Record]:
    """The request that a person is sent, and its record: the waiting one, until somebody has answered."""
    token = token_of(execution.key(), execution.run.number, path)
    if found is None:
        until = execution.now() + timedelta(seconds=timeout_seconds)
        waiting = Record(path=path, name=name, kind="approval", state="waiting", wake_at=until)
        found = execution.numbered(waiting)
        await execution.guarded(execution.journal.ask(execution.run, found, hash_of(token)))
    assert found.wake_at is not None
    return ApprovalRequest(name=name, token=token, expires_at=found.wake_at), found


async def for_approval(execution: Execution, path: str, name: str, found: Record) -> Approval:
    """The answer. Raises WaitTimeoutError."""
    wait = SignalWait(path=path, name=name, kind="approval", signal=f"approval:{path}")
    answer: Approval = await for_signal(execution, wait, found, None, Approval)
    return answer


async def start_child(execution: Execution, path: str, workflow: str, name: str, given: Any) -> Record:
    """Start a child, and record that this run waits for it."""
    run = execution.run
    waiting = execution.numbered(Record(path=path, name=workflow, kind="child", state="waiting"))
    headers = {name: value for name, value in to_headers(current()).items() if name != DEADLINE_HEADER}
    child = NewChild(
        workflow=workflow, id=name, given=encode(given, f"the input of {workflow!r}"), headers=headers,
        deadline_at=run.deadline_at,
    )  # fmt: skip
    await execution.guarded(execution.journal.start_child(run, waiting, child))
    return waiting


async def for_child(execution: Execution, path: str, workflow: str, found: Record, returns: Any) -> Any:
    """The child's result. Raises StepFailedError when it failed or was cancelled."""
    wait = SignalWait(path=path, name=workflow, kind="child", signal=f"child:{path}")
    outcome: ChildOutcome = await for_signal(execution, wait, found, None, ChildOutcome)
    if outcome.state != "done":
        raise failed_step(workflow, outcome.failure or Failure(kind=outcome.state))
    return decode(bytes(outcome.output).decode(), returns)


async def checked(check: Callable[[], Any]) -> Any:
    """What the condition answers."""
    return await invoke(check, ())

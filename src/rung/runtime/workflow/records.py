"""What is kept of a run: the run itself, and one record for each thing that it did. All inert data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

import msgspec

from rung.runtime.workflow.errors import Failure, WorkflowError

Kind = Literal[
    "step", "transaction", "sleep", "event", "approval", "child", "group", "version", "undo", "ending", "notice"
]
RecordState = Literal["done", "caught", "failed", "waiting", "retrying"]
RunState = Literal["open", "done", "failed", "cancelled", "parked"]

#: The most that one input or result may be: what AWS Step Functions takes, so that a workflow can move there.
#: https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html (2026-11-21)
PAYLOAD_BYTES_MAX = 262_144
#: Where the record stands that says how a run is ending, while what it did is being undone.
ENDING = "!"


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One thing that a run did or waits for, at its `path`: `3`, or `3.1.0` for the first of branch 1 of group 3.

    `output` is JSON. `order` counts the records of a run as they came; `wake_at` is when a wait ends.
    """

    path: str
    name: str
    kind: Kind
    state: RecordState = "done"
    output: str | None = None
    failure: Failure | None = None
    attempts: int = 1
    order: int = 0
    wake_at: datetime | None = None

    @property
    def is_final(self) -> bool:
        """Whether it will not change again."""
        return self.state in ("done", "caught", "failed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A run as the process that holds it knows it. `given` is the input as JSON; `fence` grows with each claim."""

    number: int
    workflow: str
    id: str
    given: str
    created_at: datetime
    deadline_at: datetime
    claimed_at: datetime
    headers: Mapping[str, str] = field(default_factory=dict)
    fence: int = 1
    version: str = ""
    signals: int = 0
    cancel_reason: str | None = None
    #: A process that held it went away without a word.
    after_loss: bool = False
    losses: int = 0
    loss_records: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RunView:
    """A run as others see it: for `Run.status()`, the command line and pictures."""

    number: int
    workflow: str
    id: str
    state: str
    created_at: datetime
    wake_at: datetime | None
    ended_at: datetime | None
    deadline_at: datetime
    version: str
    given: str
    output: str | None
    failure: Failure | None
    records: tuple[Record, ...] = ()


def encode(value: Any, what: str) -> str:
    """A value as JSON. Raises WorkflowError R0534 for what JSON cannot say, or what is too large."""
    try:
        text = msgspec.json.encode(value)
    except (TypeError, ValueError, msgspec.MsgspecError) as error:
        raise WorkflowError("R0534", f"{what} is not JSON: {error}") from error
    if len(text) > PAYLOAD_BYTES_MAX:
        raise WorkflowError(
            "R0534", f"{what} has {len(text):,} bytes, {PAYLOAD_BYTES_MAX:,} are the most: keep it in a bucket"
        )
    return text.decode()


def decode(text: str | None, returns: Any = None) -> Any:
    """The value of a JSON text; of the type `returns`, where one is given."""
    if text is None:
        return None
    return msgspec.json.decode(text) if returns is None else msgspec.json.decode(text, type=returns)

"""From the rows of the database to what the engine knows."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec

from rung.runtime.workflow.errors import Failure
from rung.runtime.workflow.records import Record, Run, RunView
from rung.runtime.workflow.store import ApprovalView, NewRun

#: Later than any deadline.
FAR = datetime(9999, 1, 1, tzinfo=UTC)


def started(new: NewRun, row: Any, version: str | None) -> Run:
    """A run that this process has just started, and holds."""
    return Run(
        number=row["number"], workflow=new.workflow, id=new.id, given=new.given, headers=new.headers,
        created_at=row["created_at"], deadline_at=row["deadline_at"], claimed_at=row["claimed_at"],
        version=version or "",
    )  # fmt: skip


def run_of(row: Any) -> Run:
    """A claimed run."""
    return Run(
        number=row["number"], workflow=row["workflow"], id=row["id"], given=row["given"],
        headers=msgspec.json.decode(row["headers"], type=dict[str, str]), created_at=row["created_at"],
        deadline_at=row["deadline_at"], claimed_at=row["claimed_at"], fence=row["fence"],
        version=row["version"] or "", signals=row["signals"], cancel_reason=row["cancel_reason"],
        after_loss=row["after_loss"], losses=row["losses"], loss_records=row["loss_records"],
    )  # fmt: skip


def record_of(row: Any) -> Record:
    """A record of a run."""
    return Record(
        path=row["path"], name=row["name"], kind=row["kind"], state=row["state"], output=row["output"],
        failure=_failure(row["failure"]), attempts=row["attempts"], order=row["order"], wake_at=row["wake_at"],
    )  # fmt: skip


def view_of(row: Any, records: tuple[Record, ...] = ()) -> RunView:
    """A run as others see it."""
    return RunView(
        number=row["number"], workflow=row["workflow"], id=row["id"], state=row["state"],
        created_at=row["created_at"], wake_at=row["wake_at"], ended_at=row["ended_at"],
        deadline_at=row["deadline_at"], version=row["version"] or "", given=row["given"], output=row["output"],
        failure=_failure(row["failure"]), records=records,
    )  # fmt: skip


def approval_of(row: Any) -> ApprovalView:
    """An approval as its page shows it."""
    return ApprovalView(
        name=row["name"], workflow=row["workflow"], run_id=row["id"], expires_at=row["expires_at"],
        decided_at=row["decided_at"], approved=row["approved"],
        is_open=row["decided_at"] is None and not row["is_over"] and not row["is_late"],
    )  # fmt: skip


def _failure(text: str | None) -> Failure | None:
    return None if text is None else msgspec.json.decode(text, type=Failure)

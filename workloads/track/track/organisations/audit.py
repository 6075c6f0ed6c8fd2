"""The log of who did what in an organisation. Written in the transaction that does it; never changed."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

import msgspec

from track.api.callers import Caller
from track.api.messages import Output
from track.identifiers import new_id
from track.resources import db


class AuditEntry(Output, frozen=True, kw_only=True):
    """Somebody did something."""

    id: uuid.UUID
    at: datetime
    actor: str
    action: str
    subject: str
    detail: dict[str, Any]


class AuditPage(Output, frozen=True, kw_only=True):
    """Entries, the latest first."""

    items: list[AuditEntry]
    next: str | None


async def note(connection: Any, caller: Caller, action: str, subject: str = "", **detail: object) -> None:
    """Write down that the caller did this, in the transaction that does it."""
    await write(connection, caller.require_tenant(), caller.actor, action, subject, detail)


async def write(
    connection: Any, tenant: str, actor: str, action: str, subject: str, detail: dict[str, object]
) -> None:
    """Write an entry for an actor who is no caller: a schedule, the payment provider."""
    await connection.execute(
        """insert into audit_entries (tenant_id, id, actor, action, subject, detail)
           values ($1, $2, $3, $4, $5, $6::text::jsonb)""",
        tenant, new_id(), actor, action, subject, msgspec.json.encode(detail).decode(),
    )  # fmt: skip


async def page(after: uuid.UUID | None, limit: int) -> AuditPage:
    """The log, the latest first; ids are in the order of time."""
    rows = await db.fetch(
        """select id, at, actor, action, subject, detail::text from audit_entries
            where ($1::uuid is null or id < $1) order by id desc limit $2""",
        after, limit,
    )  # fmt: skip
    items = [AuditEntry(**{**dict(row), "detail": msgspec.json.decode(row["detail"])}) for row in rows]
    return AuditPage(items=items, next=str(items[-1].id) if len(items) == limit else None)

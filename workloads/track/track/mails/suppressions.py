"""Addresses that an organisation does not write to: they bounced, complained, or asked for no more."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal, TypeAlias

from track.accounts.addresses import normal
from track.api.callers import Caller
from track.api.messages import Output
from track.organisations import audit
from track.problems import not_found
from track.resources import db

Reason: TypeAlias = Literal["bounce", "complaint", "unsubscribe", "manual"]


class Suppression(Output, frozen=True, kw_only=True):
    """An address that is not written to, and why."""

    email: str
    reason: Reason
    created_at: datetime


class SuppressionPage(Output, frozen=True, kw_only=True):
    """Addresses in the order of the alphabet."""

    items: list[Suppression]
    next: str | None


async def page(after: str, limit: int) -> SuppressionPage:
    """The list."""
    rows = await db.fetch(
        "select email, reason, created_at from suppressions where email > $1 order by email limit $2", after, limit
    )
    items = [Suppression(**dict(row)) for row in rows]
    return SuppressionPage(items=items, next=items[-1].email if len(items) == limit else None)


async def add(caller: Caller, email: str) -> Suppression:
    """Do not write to this address any more. Raises Problem 422."""
    async with db.transaction() as connection:
        row = await suppress(connection, caller.require_tenant(), normal(email), "manual")
        await audit.note(connection, caller, "suppression.added", row["email"])
    return Suppression(**dict(row))


async def suppress(connection: Any, tenant: str, email: str, reason: Reason) -> Any:
    """The same in the caller's transaction, for whatever reason. The first reason stays."""
    return await connection.fetchrow(
        """insert into suppressions as s (tenant_id, email, reason) values ($1, $2, $3)
           on conflict (tenant_id, email) do update set reason = s.reason returning email, reason, created_at""",
        tenant, email, reason,
    )  # fmt: skip


async def remove(caller: Caller, email: str) -> None:
    """Write to this address again. Raises Problem 404."""
    async with db.transaction() as connection:
        reason = await connection.fetchval(
            "delete from suppressions where email = $1 returning reason", email.strip().lower()
        )
        if reason is None:
            raise not_found("the suppression")
        await audit.note(connection, caller, "suppression.removed", email.strip().lower(), reason=reason)

"""What an organisation has paid for, and the limits that follow from it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from track.api.messages import Output
from track.billing.plans import PLANS, TRIAL_DAYS, Plan, PlanName, Status, effective
from track.problems import Problem, not_found
from track.resources import db

PERIOD_DAYS = 30


class Subscription(Output, frozen=True, kw_only=True):
    """A subscription, and how much of it is used. `limits`: the plan whose limits hold now."""

    plan: PlanName
    status: Status
    seats: int
    seats_used: int
    mails_used: int
    limits: Plan
    period_end: datetime
    trial_end: datetime | None
    cancel_at_period_end: bool
    past_due_since: datetime | None


async def begin_trial(connection: Any, tenant: str) -> None:
    """A new organisation tries the team plan for two weeks."""
    plan, end = PLANS["team"], datetime.now(UTC) + timedelta(days=TRIAL_DAYS)
    await connection.execute(
        """insert into subscriptions (tenant_id, plan, status, seats, period_end, trial_end)
           values ($1, $2, 'trialing', $3, $4, $4)""",
        tenant, plan.name, plan.seats_included, end,
    )  # fmt: skip
    await connection.execute(
        "insert into directory (tenant, mails_per_minute, look_at) values ($1, $2, $3)",
        tenant, plan.mails_per_minute, end,
    )  # fmt: skip


async def read() -> Subscription:
    """The current organisation's. Raises Problem 404."""
    row = await db.fetch_row(
        """select s.plan, s.status, s.seats, s.period_end, s.trial_end, s.cancel_at_period_end, s.past_due_since,
                  (select count(*) from members) +
                  (select count(*) from invitations where accepted_at is null and expires_at > now())
                      as seats_used,
                  coalesce((select mails from mail_usage where month = date_trunc('month', now())::date), 0)
                      as mails_used
             from subscriptions s"""
    )
    if row is None:
        raise not_found("the organisation")
    return Subscription(**dict(row), limits=effective(row["plan"], row["status"]))


async def require_seat(connection: Any) -> None:
    """Raises Problem 409 when members and open invitations fill every seat. Two at once wait for each other."""
    row = await connection.fetchrow("select plan, status, seats from subscriptions for update")
    if row is None:
        raise not_found("the organisation")
    used = await connection.fetchval(
        """select (select count(*) from members) +
                  (select count(*) from invitations where accepted_at is null and expires_at > now())"""
    )
    seats = seats_of(row["plan"], row["status"], row["seats"])
    if used >= seats:
        raise Problem(
            409, "seat_limit", f"all {seats} seats are taken: add seats, or take somebody out", seats=seats
        )


def seats_of(plan: str, status: str, seats: int) -> int:
    """How many there may be: what was bought, within the limits that hold now."""
    limits = effective(plan, status)
    return min(max(seats, limits.seats_included), limits.seats_max)


async def count_mails(connection: Any, tenant: str, number: int) -> None:
    """Count mails against this month. Raises Problem 409 `mail_limit` when they do not fit, and counts none."""
    row = await connection.fetchrow("select plan, status from subscriptions")
    if row is None:
        raise not_found("the organisation")
    limit = effective(row["plan"], row["status"]).mails_per_month
    counted = await connection.fetchval(
        """insert into mail_usage as u (tenant_id, month, mails)
           select $1, date_trunc('month', now())::date, $2::bigint where $2::bigint <= $3::bigint
           on conflict (tenant_id, month) do update set mails = u.mails + excluded.mails
            where u.mails + excluded.mails <= $3::bigint
           returning mails""",
        tenant, number, limit,
    )  # fmt: skip
    if counted is None:
        raise Problem(409, "mail_limit", f"the plan allows {limit} mails a month", limit=limit)

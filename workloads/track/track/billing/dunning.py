"""Every hour: trials that are over, and bills that stay unpaid. Only organisations that are due are looked at."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from rung.runtime import serving_tenant
from track.billing.events import apply_limits, tell
from track.organisations import audit
from track.resources import db

REMINDER_DAYS = (1, 3, 7)
#: So long the plan goes on without being paid; then the limits of the free plan hold.
GRACE_DAYS = 14
BATCH = 500


async def run() -> None:
    """Runs every hour. Who fails is looked at again in the next run, and stops nobody else."""
    rows = await db.fetch(
        "select tenant from directory where look_at <= now() order by look_at limit $1", BATCH, across_tenants=True
    )
    for row in rows:
        with serving_tenant(row["tenant"]):
            await look(row["tenant"], datetime.now(UTC))


async def look(tenant: str, now: datetime) -> None:
    """One organisation: end its trial, remind it, or take its plan back."""
    async with db.transaction() as connection:
        row = await connection.fetchrow("select * from subscriptions for update")
        if row is None:
            await connection.execute("delete from directory where tenant = $1", tenant)
        elif row["status"] == "trialing" and row["trial_end"] is not None:
            await _trial(connection, tenant, row["trial_end"], now)
        elif row["status"] == "past_due" and row["past_due_since"] is not None:
            await _unpaid(connection, tenant, row["plan"], row["past_due_since"], now)
        else:
            await _look_at(connection, tenant, None)


async def _trial(connection: Any, tenant: str, end: datetime, now: datetime) -> None:
    if now < end:
        await _look_at(connection, tenant, end)
        return
    await connection.execute("update subscriptions set plan = 'free', status = 'canceled', updated_at = now()")
    await apply_limits(connection, tenant, "free", "canceled")
    await audit.write(connection, tenant, "billing", "trial.ended", "", {})
    await tell(
        connection, tenant, "trial-ended", "Your trial is over",
        "Your organisation now has the free plan. Nothing is lost: choose a plan to go on as before.",
    )  # fmt: skip


async def _unpaid(connection: Any, tenant: str, plan: str, since: datetime, now: datetime) -> None:
    days = (now - since) / timedelta(days=1)
    if days >= GRACE_DAYS:
        await connection.execute("update subscriptions set status = 'unpaid', updated_at = now()")
        await apply_limits(connection, tenant, plan, "unpaid")
        await audit.write(connection, tenant, "billing", "subscription.unpaid", plan, {})
        await tell(
            connection, tenant, f"unpaid:{since.isoformat()}", "Your plan has ended",
            "It could not be paid for two weeks. The limits of the free plan hold until it is.",
        )  # fmt: skip
        return
    for day in REMINDER_DAYS:
        if days >= day:
            await tell(
                connection, tenant, f"reminder:{since.isoformat()}:{day}", "Your payment is overdue",
                f"Please check your card within {GRACE_DAYS - day} days: then the plan ends.",
            )  # fmt: skip
    following = next((day for day in (*REMINDER_DAYS, GRACE_DAYS) if day > days), GRACE_DAYS)
    await _look_at(connection, tenant, since + timedelta(days=following))


async def _look_at(connection: Any, tenant: str, moment: datetime | None) -> None:
    await connection.execute("update directory set look_at = $2 where tenant = $1", tenant, moment)

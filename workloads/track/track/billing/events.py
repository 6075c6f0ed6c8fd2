"""The worker that follows the payment provider's events.

An event is taken as a hint that something changed, never as what it changed to: the subscription is asked for
while its row is locked, so that events may come twice, late and in any order: what is recorded is what there is.
"""

from __future__ import annotations

from typing import Any

import msgspec

from rung.runtime import Message, Reject, serving_tenant
from rung.runtime.log import logger
from track.billing.plans import effective
from track.billing.provider import Paid, billing
from track.organisations import audit
from track.resources import db, outgoing

log = logger(__name__)


class _Parent(msgspec.Struct):
    subscription_details: dict[str, Any] | None = None


class Thing(msgspec.Struct, kw_only=True):
    """As much of any object as is needed to know whose it is."""

    id: str
    object: str = ""
    customer: str | None = None
    subscription: str | None = None
    parent: _Parent | None = None


class _Data(msgspec.Struct):
    object: Thing


class Event(msgspec.Struct, kw_only=True):
    """An event of Stripe's."""

    id: str
    type: str
    data: _Data


async def handle(message: Message) -> None:
    """Follow one event. Raises Reject for what is none, UnavailableError to be tried again."""
    try:
        event = msgspec.json.decode(message.body, type=Event)
    except msgspec.MsgspecError as error:
        raise Reject(f"not an event: {error}") from error
    thing = event.data.object
    tenant = await db.fetch_value(
        "select tenant from billing_customers where customer = $1", thing.customer or thing.id, across_tenants=True
    )
    if tenant is None:
        log.info("an event of somebody else's customer", type=event.type)
        return
    with serving_tenant(tenant):
        await follow(tenant, event)


async def follow(tenant: str, event: Event) -> None:
    """Record what there is now, and tell the owners what they should know: each once."""
    async with db.transaction() as connection:
        row = await connection.fetchrow("select * from subscriptions for update")
        if row is None:  # the organisation was erased meanwhile
            return
        subscription = _subscription_of(event.data.object) or row["subscription"]
        paid = await billing().subscription(subscription) if subscription else None
        if paid is not None and _is_current(row, paid):
            await _record(connection, tenant, row, paid)
        if event.type == "invoice.payment_failed":
            await tell(
                connection, tenant, f"payment-failed:{event.data.object.id}", "Your payment failed",
                "The payment for your subscription failed. Please check your card: it will be tried again.",
            )  # fmt: skip


def _subscription_of(thing: Thing) -> str | None:
    if thing.object == "subscription":
        return thing.id
    details = thing.parent.subscription_details if thing.parent is not None else None
    return thing.subscription or (details or {}).get("subscription")


def _is_current(row: Any, paid: Paid) -> bool:
    """An old subscription that ended says nothing about the one that took its place."""
    return row["subscription"] in (None, paid.id) or paid.status in ("active", "trialing", "past_due")


async def _record(connection: Any, tenant: str, row: Any, paid: Paid) -> None:
    before = (row["plan"], row["status"], row["seats"], row["cancel_at_period_end"], row["subscription"])
    after = (paid.plan, paid.status, paid.seats, paid.cancel_at_period_end, paid.id)
    await connection.execute(
        """update subscriptions set plan = $1, status = $2, seats = $3, cancel_at_period_end = $4,
                  subscription = $5, customer = $6, period_start = $7, period_end = $8, trial_end = null,
                  past_due_since = case when $2 = 'past_due' then coalesce(past_due_since, now()) end,
                  updated_at = now()""",
        *after, paid.customer, paid.period_start, paid.period_end,
    )  # fmt: skip
    await apply_limits(connection, tenant, paid.plan, paid.status)
    if after != before:
        detail: dict[str, object] = {"plan": paid.plan, "status": paid.status, "seats": paid.seats}
        await audit.write(connection, tenant, "billing", "subscription.changed", paid.plan, detail)
        from track.hooks import publish

        await publish(connection, tenant, "subscription.changed", detail)


async def apply_limits(connection: Any, tenant: str, plan: str, status: str) -> None:
    """What the platform must know of the plan: its rate, and when to look at it again."""
    limits = effective(plan, status)
    await connection.execute(
        """update directory set mails_per_minute = $2,
                  look_at = case when $3 then now() + interval '1 hour' end where tenant = $1""",
        tenant, limits.mails_per_minute, status == "past_due",
    )  # fmt: skip


async def tell(connection: Any, tenant: str, key: str, subject: str, text: str) -> None:
    """A mail to the owners, once for each key, in the transaction that says why."""
    is_new = await connection.fetchval(
        "insert into billing_notices (tenant_id, key) values ($1, $2) on conflict do nothing returning true",
        tenant, key,
    )  # fmt: skip
    if is_new:
        notice = {"kind": "notice", "subject": subject, "text": text}
        await outgoing.send(notice, lane="system", transaction=connection)

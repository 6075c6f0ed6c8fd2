"""What an owner does about the plan: look what a change costs, pay, change, cancel."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from track.api.callers import Caller
from track.api.messages import Input, Output
from track.billing.plans import PLANS, PlanName, effective, proration_minor
from track.billing.provider import billing
from track.organisations import audit
from track.problems import Problem, invalid, not_found
from track.resources import db


class PlanChoice(Input, frozen=True, kw_only=True):
    """A plan and how many seats."""

    plan: PlanName
    seats: int


class ChangePreview(Output, frozen=True, kw_only=True):
    """What a change costs, in cents: now, below zero as a credit, and each month from then on."""

    now_minor: int
    monthly_minor: int
    currency: str


class CheckoutLink(Output, frozen=True, kw_only=True):
    """Where to pay."""

    url: str


async def preview(wanted: PlanChoice) -> ChangePreview:
    """What it would cost. Raises Problem 409, 422."""
    row = await _checked(wanted)
    new, monthly = PLANS[wanted.plan], PLANS[wanted.plan].price_minor * wanted.seats
    if row["subscription"] is None or row["status"] not in ("active", "past_due"):
        return ChangePreview(now_minor=monthly, monthly_minor=monthly, currency=new.currency)
    now_minor = proration_minor(
        effective(row["plan"], row["status"]), row["seats"], new, wanted.seats,
        start=row["period_start"], end=row["period_end"], now=datetime.now(UTC),
    )  # fmt: skip
    return ChangePreview(now_minor=now_minor, monthly_minor=monthly, currency=new.currency)


async def checkout(caller: Caller, wanted: PlanChoice) -> CheckoutLink:
    """Begin a subscription: where to pay. Raises Problem 409 when there is one: change it instead."""
    row = await _checked(wanted)
    if wanted.plan == "free":
        raise invalid("the free plan is not paid for: cancel instead")
    if row["subscription"] is not None and row["status"] in ("active", "past_due"):
        raise Problem(409, "subscribed", "there is a subscription: change it")
    tenant, person = caller.require_tenant(), caller.require_person()
    customer = row["customer"] or await billing().customer(tenant, person.email)
    await db.execute(
        "insert into billing_customers (customer, tenant) values ($1, $2) on conflict do nothing", customer, tenant
    )
    known = await db.fetch_value("select customer from billing_customers where tenant = $1", tenant)
    return CheckoutLink(url=await billing().checkout(known, wanted.plan, wanted.seats))


async def change(caller: Caller, wanted: PlanChoice) -> None:
    """Another plan or number of seats. What is recorded follows with the provider's event. Raises Problem 409."""
    row = await _checked(wanted)
    if wanted.plan == "free":
        await cancel(caller)
        return
    await billing().change(_subscribed(row), wanted.plan, wanted.seats)
    await _note(caller, "subscription.change_asked", plan=wanted.plan, seats=wanted.seats)


async def cancel(caller: Caller) -> None:
    """End it with the period that is paid for. Raises Problem 409."""
    row = await db.fetch_row("select * from subscriptions")
    if row is None:
        raise not_found("the organisation")
    await billing().cancel(_subscribed(row))
    await _note(caller, "subscription.cancel_asked")


def _subscribed(row: Any) -> str:
    if row["subscription"] is None or row["status"] not in ("active", "past_due", "unpaid"):
        raise Problem(409, "no_subscription", "there is nothing to change: subscribe first")
    return str(row["subscription"])


async def _checked(wanted: PlanChoice) -> Any:
    """The subscription's row. Raises Problem 409 where more people are in than the seats asked for."""
    plan = PLANS[wanted.plan]
    if not 1 <= wanted.seats <= plan.seats_max:
        raise invalid(f"{plan.title} has 1 to {plan.seats_max} seats", field="seats")
    row = await db.fetch_row("select s.*, (select count(*) from members) as members from subscriptions s")
    if row is None:
        raise not_found("the organisation")
    if row["members"] > max(wanted.seats, plan.seats_included):
        raise Problem(409, "seats_in_use", f"{row['members']} people are in: take some out first")
    return row


async def _note(caller: Caller, action: str, **detail: object) -> None:
    async with db.transaction() as connection:
        await audit.note(connection, caller, action, "", **detail)

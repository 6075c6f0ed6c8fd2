"""The plans: what they cost and what they allow. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, TypeAlias

from track.api.messages import Output

PlanName: TypeAlias = Literal["free", "team", "business"]
Status: TypeAlias = Literal["trialing", "active", "past_due", "unpaid", "canceled", "incomplete"]
TRIAL_DAYS = 14
#: In the states behind a trial or a payment the plan's own limits hold; in the others, those of the free plan.
PAID_STATES: tuple[Status, ...] = ("trialing", "active", "past_due")


class Plan(Output, frozen=True, kw_only=True):
    """`price_minor`: for each seat and month, in cents before tax."""

    name: PlanName
    title: str
    price_minor: int
    currency: str
    seats_included: int
    seats_max: int
    mails_per_month: int
    mails_per_minute: int


PLANS: dict[str, Plan] = {
    plan.name: plan
    for plan in (
        Plan(
            name="free", title="Free", price_minor=0, currency="usd",
            seats_included=2, seats_max=2, mails_per_month=1_000, mails_per_minute=60,
        ),
        Plan(
            name="team", title="Team", price_minor=1_900, currency="usd",
            seats_included=5, seats_max=50, mails_per_month=50_000, mails_per_minute=1_000,
        ),
        Plan(
            name="business", title="Business", price_minor=4_900, currency="usd",
            seats_included=20, seats_max=500, mails_per_month=2_000_000, mails_per_minute=20_000,
        ),
    )
}  # fmt: skip


def effective(plan: str, status: str) -> Plan:
    """The plan whose limits hold now: the free one for whoever does not pay."""
    return PLANS[plan] if status in PAID_STATES and plan in PLANS else PLANS["free"]


def proration_minor(
    old: Plan, old_seats: int, new: Plan, new_seats: int, *, start: datetime, end: datetime, now: datetime
) -> int:
    """What a change in the middle of a period costs at once, in cents; below zero it is a credit.

    By the second, as Stripe does it: the unused time of the old price is given back, that of the new one charged.
    """
    whole = (end - start).total_seconds()
    left = min(max((end - now).total_seconds(), 0.0), whole)
    if whole <= 0:
        return 0
    return round((new.price_minor * new_seats - old.price_minor * old_seats) * left / whole)

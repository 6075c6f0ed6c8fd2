"""The port to whoever takes the money: Stripe, or a local one of the same shape under `rung dev`.

What is there now is always asked for: an event only says that something changed, in whatever order it comes.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Protocol

import msgspec

from track.billing.plans import PLANS, Status
from track.resources import is_local

#: The lookup keys of the prices at the provider: `track_team`, `track_business`.
PRICE_PREFIX = "track_"


class Paid(msgspec.Struct, frozen=True, kw_only=True):
    """A subscription as the provider has it now."""

    id: str
    customer: str
    plan: str
    status: Status
    seats: int
    period_start: datetime
    period_end: datetime
    cancel_at_period_end: bool


class Billing(Protocol):
    """Takes money. Every call ends in time; raises UnavailableError."""

    async def customer(self, tenant: str, email: str) -> str:
        """A customer for an organisation; the same one however often it is asked for."""
        ...

    async def checkout(self, customer: str, plan: str, seats: int) -> str:
        """Where the customer pays for a new subscription: an address for the browser."""
        ...

    async def subscription(self, subscription: str) -> Paid | None:
        """The subscription as it is now."""
        ...

    async def change(self, subscription: str, plan: str, seats: int) -> None:
        """Another plan or number of seats from now on, prorated."""
        ...

    async def cancel(self, subscription: str) -> None:
        """End it with the period that is paid for."""
        ...


@lru_cache(maxsize=1)
def billing() -> Billing:
    """The one of this process."""
    if is_local():
        from track.billing.local import LocalBilling

        return LocalBilling()
    from track.billing.stripe import StripeBilling

    return StripeBilling()


def paid_of(subscription: dict[str, Any]) -> Paid:
    """A subscription object of Stripe's API. Its period stands with its item (since version 2025-03-31)."""
    [item] = subscription["items"]["data"]
    plan = str(item["price"]["lookup_key"]).removeprefix(PRICE_PREFIX)
    return Paid(
        id=subscription["id"],
        customer=subscription["customer"],
        plan=plan if plan in PLANS else "free",
        status=_status(subscription["status"]),
        seats=item["quantity"],
        period_start=datetime.fromtimestamp(item["current_period_start"], UTC),
        period_end=datetime.fromtimestamp(item["current_period_end"], UTC),
        cancel_at_period_end=subscription["cancel_at_period_end"],
    )


def _status(given: str) -> Status:
    match given:
        case "trialing" | "active" | "past_due" | "unpaid" | "canceled" | "incomplete":
            return given
        case "incomplete_expired" | "paused":
            return "canceled"
        case _:
            return "unpaid"

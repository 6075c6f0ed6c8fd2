"""A payment provider for this machine: Stripe's objects in a table, and Stripe's events, signed as Stripe does.

No money moves. Whoever opens the address of a checkout chooses whether it is paid. The events go through the same
verification, inbox and queue as Stripe's.
"""

from __future__ import annotations

import secrets
import time
from datetime import UTC, datetime
from typing import Any

import msgspec

from rung.runtime.webhooks.stripe import sign_stripe
from track.billing.plans import PLANS, proration_minor
from track.billing.provider import PRICE_PREFIX, Paid, paid_of
from track.problems import Problem, not_found
from track.resources import db, key_of, public_url

PERIOD_SECONDS = 30 * 86_400


class LocalBilling:
    """The port, over the table `local_billing`."""

    async def customer(self, tenant: str, email: str) -> str:
        """The organisation's id makes the customer's."""
        return f"cus_local_{tenant}"

    async def checkout(self, customer: str, plan: str, seats: int) -> str:
        """A page of track itself."""
        checkout = f"cs_local_{secrets.token_hex(16)}"
        await _write(checkout, "checkout", {"customer": customer, "plan": plan, "seats": seats, "status": "open"})
        return f"{public_url()}/billing/checkout/{checkout}"

    async def subscription(self, subscription: str) -> Paid | None:
        """The subscription as it is now."""
        found = await read(subscription, "subscription")
        return None if found is None else paid_of(found)

    async def change(self, subscription: str, plan: str, seats: int) -> None:
        """Another plan or number of seats, and an invoice of the difference."""
        found = await _require(subscription)
        old, item = paid_of(found), found["items"]["data"][0]
        amount = proration_minor(
            PLANS[old.plan], old.seats, PLANS[plan], seats,
            start=old.period_start, end=old.period_end, now=datetime.now(UTC),
        )  # fmt: skip
        item["price"]["lookup_key"], item["quantity"] = PRICE_PREFIX + plan, seats
        found["cancel_at_period_end"] = False
        await _write(subscription, "subscription", found)
        await emit("customer.subscription.updated", found)
        await emit("invoice.paid", _invoice(found, amount))

    async def cancel(self, subscription: str) -> None:
        """End it with the period that is paid for."""
        found = await _require(subscription)
        found["cancel_at_period_end"] = True
        await _write(subscription, "subscription", found)
        await emit("customer.subscription.updated", found)


async def pay(checkout: str, *, succeeds: bool) -> None:
    """The visitor of a checkout pays, or the card is declined. Raises Problem 404, 409."""
    found = await read(checkout, "checkout")
    if found is None:
        raise not_found("the checkout")
    if found["status"] != "open":
        raise Problem(409, "checkout_over", "this was paid")
    if not succeeds:
        raise Problem(402, "card_declined", "the card was declined")
    subscription = _subscription(found["customer"], found["plan"], found["seats"])
    await _write(subscription["id"], "subscription", subscription)
    await _write(checkout, "checkout", {**found, "status": "complete"})
    session = {"id": checkout, "customer": found["customer"], "subscription": subscription["id"]}
    await emit("checkout.session.completed", session)
    await emit("customer.subscription.created", subscription)
    await emit("invoice.paid", _invoice(subscription, 0))


async def happen(subscription: str, event: str) -> None:
    """Let something happen to a subscription: `payment_failed`, `payment_succeeded`, `period_ended`."""
    found = await _require(subscription)
    item = found["items"]["data"][0]
    match event:
        case "payment_failed":
            found["status"] = "past_due"
        case "period_ended" if found["cancel_at_period_end"]:
            found["status"] = "canceled"
        case _:
            found["status"] = "active"
            item["current_period_start"] = int(time.time())
            item["current_period_end"] = int(time.time()) + PERIOD_SECONDS
    await _write(subscription, "subscription", found)
    ended = found["status"] == "canceled"
    await emit(f"customer.subscription.{'deleted' if ended else 'updated'}", found)
    if not ended:
        paid = found["status"] == "active"
        await emit("invoice.paid" if paid else "invoice.payment_failed", _invoice(found, 0))


async def emit(kind: str, thing: dict[str, Any]) -> None:
    """An event about a thing, signed and received as one of Stripe's."""
    from track.billing.incoming import receive

    now = int(time.time())
    event = {"id": f"evt_local_{secrets.token_hex(12)}", "object": "event", "type": kind, "created": now,
             "data": {"object": thing}}  # fmt: skip
    body = msgspec.json.encode(event)
    await receive(body, {"stripe-signature": sign_stripe(key_of("stripe-webhook-key").decode(), body, now)})


async def read(identity: str, kind: str) -> dict[str, Any] | None:
    """An object."""
    text = await db.fetch_value(
        "select object::text from local_billing where id = $1 and kind = $2",
        identity, kind, across_tenants=True,
    )  # fmt: skip
    return None if text is None else msgspec.json.decode(text)


async def _require(subscription: str) -> dict[str, Any]:
    found = await read(subscription, "subscription")
    if found is None or found["status"] == "canceled":
        raise Problem(409, "no_subscription", "there is nothing to change: subscribe first")
    return found


async def _write(identity: str, kind: str, thing: dict[str, Any]) -> None:
    await db.execute(
        """insert into local_billing (id, kind, object) values ($1, $2, $3::text::jsonb)
           on conflict (id) do update set object = excluded.object""",
        identity, kind, msgspec.json.encode(thing).decode(), across_tenants=True,
    )  # fmt: skip


def _subscription(customer: str, plan: str, seats: int) -> dict[str, Any]:
    now = int(time.time())
    item = {
        "id": f"si_local_{secrets.token_hex(8)}", "quantity": seats,
        "price": {"lookup_key": PRICE_PREFIX + plan},
        "current_period_start": now, "current_period_end": now + PERIOD_SECONDS,
    }  # fmt: skip
    return {
        "id": f"sub_local_{secrets.token_hex(12)}", "object": "subscription", "customer": customer,
        "status": "active", "cancel_at_period_end": False, "items": {"data": [item]},
    }  # fmt: skip


def _invoice(subscription: dict[str, Any], amount: int) -> dict[str, Any]:
    return {
        "id": f"in_local_{secrets.token_hex(12)}", "object": "invoice", "customer": subscription["customer"],
        "amount_due": amount, "parent": {"subscription_details": {"subscription": subscription["id"]}},
    }  # fmt: skip

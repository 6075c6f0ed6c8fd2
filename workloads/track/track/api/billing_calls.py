"""Operations of money: plans, the subscription, and the local provider's page."""

from __future__ import annotations

from typing import Literal

from track.api.access import Anybody, Within
from track.api.messages import Done, Input, Output
from track.api.operation import Call, Operation
from track.api.organisation_calls import BASE
from track.billing import changes, local, subscriptions
from track.billing.changes import ChangePreview, CheckoutLink, PlanChoice
from track.billing.plans import PLANS, Plan
from track.billing.subscriptions import Subscription
from track.problems import Problem, not_found
from track.resources import db, is_local


class LocalCheckout(Output, frozen=True, kw_only=True):
    """What the local provider's page shows."""

    plan: str
    seats: int
    amount_minor: int
    currency: str
    status: Literal["open", "complete"]


class LocalPayment(Input, frozen=True, kw_only=True):
    """What the visitor of that page chooses."""

    outcome: Literal["paid", "declined"]


class LocalEvent(Input, frozen=True, kw_only=True):
    """Something that shall happen to the subscription."""

    event: Literal["payment_failed", "payment_succeeded", "period_ended"]


async def list_plans(_: Call[None]) -> list[Plan]:
    """The plans, the cheapest first."""
    return list(PLANS.values())


async def get_billing(_: Call[None]) -> Subscription:
    """The subscription, and how much of it is used."""
    return await subscriptions.read()


async def preview_plan(call: Call[PlanChoice]) -> ChangePreview:
    """What a change would cost, now and each month."""
    return await changes.preview(call.body)


async def begin_checkout(call: Call[PlanChoice]) -> CheckoutLink:
    """Where to pay for a new subscription."""
    return await changes.checkout(call.caller, call.body)


async def change_plan(call: Call[PlanChoice]) -> Done:
    """Another plan or number of seats, prorated. It is recorded when the provider has reported it: ask again."""
    await changes.change(call.caller, call.body)
    return Done()


async def cancel_plan(call: Call[None]) -> Done:
    """End the subscription with the period that is paid for."""
    await changes.cancel(call.caller)
    return Done()


async def get_local_checkout(call: Call[None]) -> LocalCheckout:
    """The local payment provider's page. Only under `rung dev`."""
    found = await local.read(call.path("checkout"), "checkout") if is_local() else None
    if found is None:
        raise not_found("the checkout")
    plan = PLANS[found["plan"]]
    return LocalCheckout(
        plan=plan.name,
        seats=found["seats"],
        amount_minor=plan.price_minor * found["seats"],
        currency=plan.currency,
        status=found["status"],
    )


async def pay_local_checkout(call: Call[LocalPayment]) -> Done:
    """Pay there, or have the card declined. Only under `rung dev`."""
    if not is_local():
        raise not_found("the checkout")
    await local.pay(call.path("checkout"), succeeds=call.body.outcome == "paid")
    return Done()


async def let_local_billing_happen(call: Call[LocalEvent]) -> Done:
    """Let a payment fail or succeed, or the period end. Only under `rung dev`."""
    subscription = await db.fetch_value("select subscription from subscriptions")
    if not is_local():
        raise not_found("the subscription")
    if subscription is None:
        raise Problem(409, "no_subscription", "subscribe first")
    await local.happen(subscription, call.body.event)
    return Done()


OWNER = Within(role="owner")
BILLING, LOCAL = f"{BASE}/billing", "/api/local-billing/{checkout}"
OPERATIONS = (
    Operation(method="GET", path="/api/plans", handler=list_plans, summary="Plans", tag="billing",
              access=Anybody(), answer=list[Plan]),
    Operation(method="GET", path=BILLING, handler=get_billing, summary="The subscription", tag="billing",
              access=Within(), answer=Subscription),
    Operation(method="POST", path=f"{BILLING}/preview", handler=preview_plan, summary="What a change costs",
              tag="billing", access=OWNER, body=PlanChoice, answer=ChangePreview),
    Operation(method="POST", path=f"{BILLING}/checkout", handler=begin_checkout, summary="Subscribe",
              tag="billing", access=OWNER, body=PlanChoice, answer=CheckoutLink),
    Operation(method="POST", path=f"{BILLING}/change", handler=change_plan, summary="Change the plan",
              tag="billing", access=OWNER, body=PlanChoice, answer=Done, status=202),
    Operation(method="POST", path=f"{BILLING}/cancel", handler=cancel_plan, summary="Cancel", tag="billing",
              access=OWNER, answer=Done, status=202),
    Operation(method="POST", path=f"{BILLING}/local", handler=let_local_billing_happen, tag="billing",
              summary="Let something happen (local)", access=OWNER, body=LocalEvent, answer=Done, status=202),
    Operation(method="GET", path=LOCAL, handler=get_local_checkout, summary="A local checkout", tag="billing",
              access=Anybody(), answer=LocalCheckout),
    Operation(method="POST", path=f"{LOCAL}/pay", handler=pay_local_checkout, summary="Pay (local)",
              tag="billing", access=Anybody(), body=LocalPayment, answer=Done),
)  # fmt: skip

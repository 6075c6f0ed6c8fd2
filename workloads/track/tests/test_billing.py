"""Money: what is recorded is what the provider has now, whatever comes twice, late, forged or in another order."""

from __future__ import annotations

import random
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from rung.runtime.webhooks.stripe import sign_stripe
from track.billing.plans import PLANS, effective, proration_minor


async def _subscribed(track: Any, plan: str = "team", seats: int = 5) -> Any:
    office = await track.office()
    link = (await office.owner.post(f"{office.path}/billing/checkout", {"plan": plan, "seats": seats})).json["url"]
    checkout = "/api/local-billing/" + link.rpartition("/")[2]
    assert (await track.browser().get(checkout)).json["status"] == "open"
    assert (await track.browser().post(f"{checkout}/pay", {"outcome": "declined"})).status == 402
    assert (await track.browser().post(f"{checkout}/pay", {"outcome": "paid"})).status == 200
    assert (await track.browser().post(f"{checkout}/pay", {"outcome": "paid"})).status == 409
    await track.follow_payments()
    return office


async def _billing(office: Any) -> Any:
    return (await office.owner.get(f"{office.path}/billing")).json


async def _happen(track: Any, office: Any, event: str) -> None:
    answer = await office.owner.post(f"{office.path}/billing/local", {"event": event})
    assert answer.status == 202, answer.body
    await track.follow_payments()


async def test_a_trial_becomes_a_subscription_and_can_be_changed_and_ended(track: Any) -> None:
    office = await _subscribed(track)
    found = await _billing(office)
    assert (found["plan"], found["status"], found["seats"], found["trial_end"]) == ("team", "active", 5, None)
    choice = {"plan": "business", "seats": 20}
    preview = (await office.owner.post(f"{office.path}/billing/preview", choice)).json
    assert preview["monthly_minor"] == 20 * 4_900
    assert 0 < preview["now_minor"] <= 20 * 4_900 - 5 * 1_900
    assert (await office.owner.post(f"{office.path}/billing/change", choice)).status == 202
    await track.follow_payments()
    assert (await _billing(office))["limits"]["name"] == "business"
    rate = await track.behind.fetchval("select mails_per_minute from directory where tenant = $1", office.id)
    assert rate == PLANS["business"].mails_per_minute
    await office.owner.post(f"{office.path}/billing/change", {"plan": "free", "seats": 1})
    await track.follow_payments()
    found = await _billing(office)
    assert (found["status"], found["cancel_at_period_end"]) == ("active", True), "what is paid for is used"
    await _happen(track, office, "period_ended")
    found = await _billing(office)
    assert (found["status"], found["limits"]["name"]) == ("canceled", "free")


async def test_fewer_seats_than_people_are_refused(track: Any) -> None:
    office = await _subscribed(track)
    await track.behind.execute(
        """insert into members (tenant_id, person_id, email, role)
           select $1, id, email, 'member' from people where email <> $2 limit 3""",
        office.id, office.owner.email,
    )  # fmt: skip
    people = await track.behind.fetchval("select count(*) from members where tenant_id = $1", office.id)
    if people > PLANS["free"].seats_included:
        answer = await office.owner.post(f"{office.path}/billing/change", {"plan": "free", "seats": 1})
        assert answer.json["code"] == "seats_in_use"
    refused = await office.owner.post(f"{office.path}/billing/preview", {"plan": "team", "seats": 51})
    assert refused.status == 422


async def test_ten_events_a_hundred_times_in_any_order_change_nothing_twice(track: Any) -> None:
    from rung.runtime.webhooks import SignatureRefusedError
    from track.billing.incoming import receive
    from track.resources import key_of

    office = await _subscribed(track)
    await _happen(track, office, "payment_failed")
    row = await track.behind.fetchrow(
        "select subscription, customer from subscriptions where tenant_id = $1", office.id
    )
    key, now = key_of("stripe-webhook-key").decode(), int(time.time())
    events = [
        msgspec.json.encode({
            "id": f"evt_{office.id}_{number}", "type": kind, "created": now - number,
            "data": {"object": {"id": identity, "object": name, "customer": row["customer"],
                                "status": random.choice(["canceled", "active"]),
                                "subscription": row["subscription"]}},
        })
        for number, (kind, name, identity) in enumerate([
            ("customer.subscription.created", "subscription", row["subscription"]),
            ("customer.subscription.deleted", "subscription", row["subscription"]),
            ("invoice.payment_failed", "invoice", "in_1"), ("invoice.paid", "invoice", "in_2"),
        ])
    ]  # fmt: skip
    deliveries = events * 50
    random.Random(7).shuffle(deliveries)
    new = [await receive(body, {"stripe-signature": sign_stripe(key, body, now)}) for body in deliveries]
    assert sum(new) == len(events)
    for body, header in ((events[0], sign_stripe("whsec_other", events[0], now)),
                         (events[0] + b" ", sign_stripe(key, events[0], now)),
                         (events[0], sign_stripe(key, events[0], now - 301))):  # fmt: skip
        with pytest.raises(SignatureRefusedError):
            await receive(body, {"stripe-signature": header})
    before = await track.behind.fetchval("select count(*) from audit_entries where tenant_id = $1", office.id)
    await track.follow_payments()
    assert (await _billing(office))["status"] == "past_due", "as the provider has it, not as old events say"
    after = await track.behind.fetchval("select count(*) from audit_entries where tenant_id = $1", office.id)
    assert after == before
    notices = await track.behind.fetch("select key from billing_notices where tenant_id = $1", office.id)
    assert min(row["key"] for row in notices) == "payment-failed:in_1"
    assert len(notices) == 2


async def test_the_address_for_events_answers_as_a_webhook_should(track: Any) -> None:
    from track.resources import key_of

    body, now = b'{"id": "evt_x", "type": "a", "data": {"object": {"id": "cus_unknown"}}}', int(time.time())
    signed = {"stripe-signature": sign_stripe(key_of("stripe-webhook-key").decode(), body, now)}
    browser = track.browser()
    assert (await browser.request("POST", "/api/stripe", raw=body, headers=signed)).status == 200
    assert (await browser.request("POST", "/api/stripe", raw=body + b" ", headers=signed)).status == 400
    await track.follow_payments()


async def test_who_does_not_pay_is_reminded_and_then_has_the_free_plan(track: Any, inbox: Any) -> None:
    from rung.runtime import serving_tenant
    from track.billing import dunning

    office = await _subscribed(track)
    await _happen(track, office, "payment_failed")
    since = await track.behind.fetchval("select past_due_since from subscriptions where tenant_id = $1", office.id)
    with serving_tenant(office.id):
        for hours in (1, 25, 26, 80, 24 * 7 + 1, 24 * 13):
            await dunning.look(office.id, since + timedelta(hours=hours))
        assert (await _billing(office))["limits"]["name"] == "team"
        await dunning.look(office.id, since + timedelta(days=14))
    await track.work()
    subjects = [item.subject for item in inbox.listing(recipient=office.owner.email)]
    assert sorted(subjects) == ["Your payment failed"] + ["Your payment is overdue"] * 3 + ["Your plan has ended"]
    found = await _billing(office)
    assert (found["status"], found["limits"]["name"]) == ("unpaid", "free")
    await _happen(track, office, "payment_succeeded")
    assert (await _billing(office))["limits"]["name"] == "team"


async def test_a_trial_ends_by_itself(track: Any, inbox: Any) -> None:
    from track.billing import dunning

    office, other = await track.office(), await track.office()
    past = datetime.now(UTC) - timedelta(minutes=1)
    await track.behind.execute("update subscriptions set trial_end = $2 where tenant_id = $1", office.id, past)
    await track.behind.execute("update directory set look_at = $2 where tenant = $1", office.id, past)
    await dunning.run()
    await dunning.run()
    await track.work()
    assert ((await _billing(office))["plan"], (await _billing(other))["status"]) == ("free", "trialing")
    assert [item.subject for item in inbox.listing(recipient=office.owner.email)] == ["Your trial is over"]


def test_a_change_is_charged_by_the_second() -> None:
    start = datetime(2026, 11, 1, tzinfo=UTC)
    period = {"start": start, "end": start + timedelta(days=30)}
    team, business = PLANS["team"], PLANS["business"]
    half = {**period, "now": start + timedelta(days=15)}
    assert proration_minor(team, 5, business, 5, **half) == (5 * 4_900 - 5 * 1_900) // 2
    assert proration_minor(business, 5, team, 5, **half) == -(5 * 4_900 - 5 * 1_900) // 2
    assert proration_minor(team, 5, team, 5, **half) == 0
    assert proration_minor(team, 5, business, 5, **period, now=start + timedelta(days=99)) == 0
    assert effective("business", "unpaid").name == "free"

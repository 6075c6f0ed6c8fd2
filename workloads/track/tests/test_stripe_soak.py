"""10,000 events at the address for Stripe, through the worker: duplicated, in any order, replayed and forged.

`RUNG_SOAK_SHARE=0.1` takes a tenth of them. The seed is printed.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

import msgspec
import pytest

from rung.runtime.webhooks.stripe import sign_stripe

EVENTS = int(10_000 * float(os.environ.get("RUNG_SOAK_SHARE", "1")))
OFFICES = 10
POSTING, WORKING = 8, 3
#: How often the provider's subscriptions really change meanwhile.
CHANGES = 40


@dataclass(frozen=True)
class Post:
    """One request: what it is, and its answer when all is well."""

    what: str
    body: bytes
    header: str
    status: int


@dataclass(frozen=True)
class Shop:
    """A customer of ours, as Stripe knows it."""

    tenant: str
    customer: str
    subscription: str


def _event(seed: int, number: int, shop: Shop, random: Random) -> dict[str, Any]:
    kind, thing = random.choice(
        [
            ("customer.subscription.updated", {"id": shop.subscription, "object": "subscription"}),
            ("customer.subscription.deleted", {"id": shop.subscription, "object": "subscription"}),
            ("invoice.paid", {"id": f"in_{seed}_{number}", "object": "invoice"}),
            ("invoice.payment_failed", {"id": f"in_{seed}_{number // 2}", "object": "invoice"}),
        ]
    )
    said = {"status": random.choice(["active", "canceled", "past_due"]), "customer": shop.customer}
    return {
        "id": f"evt_{seed}_{number}", "type": kind, "created": int(time.time()) - random.randrange(100_000),
        "data": {"object": {**said, "subscription": shop.subscription, **thing}},
    }  # fmt: skip


def _forged(body: bytes, key: str, random: Random, now: int) -> Post:
    """A body and a header that do not belong together, in one of the ways there are."""
    right = sign_stripe(key, body, now)
    fake = body.replace(b'"evt_', b'"evt_forged_')
    ways = {
        "another key": (fake, sign_stripe("whsec_of_somebody_else", fake, now)),
        "changed": (fake, right),
        "a byte more": (body + b" ", right),
        "version 0": (fake, sign_stripe(key, fake, now).replace("v1=", "v0=")),
        "no signature": (fake, f"t={now}"),
        "the time moved": (fake, right.replace(f"t={now}", f"t={now + 1}")),
        "nonsense": (fake, "nonsense"),
    }
    return Post("forged", *random.choice(list(ways.values())), 400)


def _posts(events: list[bytes], key: str, random: Random) -> list[Post]:
    """Half of them copies, a tenth old, a sixth forged; in no order."""
    now = int(time.time())
    found = [Post("genuine", body, sign_stripe(key, body, now), 200) for body in events]
    forged, old = EVENTS // 6, EVENTS // 10
    found += [_forged(random.choice(events), key, random, now) for _ in range(forged)]
    for body in random.choices(events, k=old):
        found.append(Post("old", body, sign_stripe(key, body, now - 301 - random.randrange(100_000)), 400))
    found += [random.choice(found[: len(events)]) for _ in range(EVENTS - len(found))]
    random.shuffle(found)
    return found


async def _shops(track: Any) -> list[Shop]:
    shops = []
    for number in range(OFFICES):
        office = await track.office(f"Shop {number}")
        choice = {"plan": "team", "seats": 5}
        link = (await office.owner.post(f"{office.path}/billing/checkout", choice)).json["url"]
        await track.browser().post(f"/api/local-billing/{link.rpartition('/')[2]}/pay", {"outcome": "paid"})
        await track.follow_payments()
        row = await track.behind.fetchrow(
            "select customer, subscription from subscriptions where tenant_id = $1", office.id
        )
        shops.append(Shop(office.id, row["customer"], row["subscription"]))
    return shops


async def _post(track: Any, posts: Iterator[Post], answers: Counter[tuple[str, int]]) -> None:
    browser = track.browser()
    for post in posts:
        headers = {"stripe-signature": post.header}
        answer = await browser.request("POST", "/api/stripe", raw=post.body, headers=headers)
        answers[post.what, answer.status] += 1


async def _work(random: Random, done: asyncio.Event) -> None:
    """A worker that now and then dies after its work and before saying so: the message comes again."""
    from track.billing.events import handle
    from track.resources import stripe_events

    while True:
        messages = await stripe_events.receive(max_messages=20)
        if not messages and done.is_set():
            return
        for message in messages:
            await handle(message)
            if random.random() < 0.1:
                await stripe_events.release([message])
            else:
                await stripe_events.acknowledge([message])
        await asyncio.sleep(0)


async def _change(shops: list[Shop], random: Random, changed: Counter[str]) -> None:
    """What really happens at the provider meanwhile, each with its own events."""
    from track.billing import local

    for _ in range(CHANGES):
        shop = random.choice(shops)
        await local.happen(shop.subscription, random.choice(["payment_failed", "payment_succeeded"]))
        changed[shop.tenant] += 1
        await asyncio.sleep(EVENTS / 10_000)


@pytest.mark.soak
@pytest.mark.timeout(1_800)
async def test_no_event_has_two_effects_and_no_forged_one_has_any(track: Any) -> None:
    from track.resources import key_of, outgoing

    seed = int(os.environ.get("RUNG_SEED", "20261121"))
    random, shops = Random(seed), await _shops(track)
    while waiting := await outgoing.receive(max_messages=100):
        await outgoing.acknowledge(waiting)
    strangers = Shop("", f"cus_stranger_{seed}", f"sub_stranger_{seed}")
    decoded = [
        _event(seed, number, strangers if number % 50 == 0 else random.choice(shops), random)
        for number in range(EVENTS // 4)
    ]
    events = [msgspec.json.encode(each) for each in decoded]
    posts, answers, changed = _posts(events, key_of("stripe-webhook-key").decode(), random), Counter(), Counter()
    expected = Counter((post.what, post.status) for post in posts)
    began, done, coming = time.monotonic(), asyncio.Event(), iter(posts)
    async with asyncio.TaskGroup() as workers:
        for number in range(WORKING):
            workers.create_task(_work(Random(seed + number), done))
        async with asyncio.TaskGroup() as senders:
            senders.create_task(_change(shops, random, changed))
            for _ in range(POSTING):
                senders.create_task(_post(track, coming, answers))
        done.set()
    assert answers == expected, f"seed {seed}"
    kept = await track.behind.fetchval(
        "select count(*) from rung.webhook_received where source = 'stripe' and id like $1", f"evt_{seed}_%"
    )
    forged = await track.behind.fetchval("select count(*) from rung.webhook_received where id like 'evt_forged%'")
    assert (kept, forged) == (len(events), 0), f"seed {seed}"
    notices = await _effects(track, shops, decoded, changed)
    seconds = time.monotonic() - began
    print(
        f"\nseed {seed}: {len(posts):,} posts of {len(events):,} events ({dict(sorted(answers.items()))}), "
        f"{sum(changed.values())} real changes, {notices} notices; "
        f"0 double effects, 0 forged accepted; {seconds:.0f} s"
    )


async def _effects(track: Any, shops: list[Shop], events: list[dict[str, Any]], changed: Counter[str]) -> int:
    """Every notice once, every recorded change a real one, at the end what the provider has; how many notices."""
    from track.billing.provider import billing

    tenants = [shop.tenant for shop in shops]
    invoices = {
        (each["data"]["object"]["customer"], each["data"]["object"]["id"])
        for each in events
        if each["type"] == "invoice.payment_failed" and "stranger" not in each["data"]["object"]["customer"]
    }
    told = await track.behind.fetch(
        """select tenant_id, key from billing_notices
            where tenant_id = any($1) and starts_with(key, 'payment-failed:in_2')""",
        tenants,
    )
    assert len(told) == len(invoices)
    notices = await track.behind.fetchval(
        "select count(*) from billing_notices where tenant_id = any($1)", tenants
    )
    sent = await track.behind.fetchval(
        "select count(*) from rung.message where queue = 'mails' and convert_from(body, 'UTF8') like '%notice%'"
    )
    assert sent == notices, "one mail for each notice"
    for shop in shops:
        row = await track.behind.fetchrow(
            "select plan, status, seats from subscriptions where tenant_id = $1", shop.tenant
        )
        paid = await billing().subscription(shop.subscription)
        assert paid is not None
        assert tuple(row) == (paid.plan, paid.status, paid.seats)
        recorded = await track.behind.fetchval(
            "select count(*) from audit_entries where tenant_id = $1 and action = 'subscription.changed'",
            shop.tenant,
        )
        assert recorded <= 1 + changed[shop.tenant], "nothing but what happened"
    return int(notices)

"""Flash sales: who joined first goes first, nobody passes the gate by a trick, nobody buys more than the share."""

from __future__ import annotations

import asyncio
import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

from rung.runtime.database.counting import count_queries


async def _sale(
    shop: Any, sku: str, *, starts_in_seconds: float = -10, seconds: float = 600, rate: int = 1_000, limit: int = 1
) -> str:
    sale, now = f"sale-{secrets.token_hex(4)}", datetime.now(UTC)
    starts_at = now + timedelta(seconds=starts_in_seconds)
    answer = await shop.admin("POST", "/flash", {
        "id": sale, "sku": sku, "price_minor": 500, "admit_per_second": rate, "limit_per_buyer": limit,
        "starts_at": starts_at.isoformat(), "ends_at": (starts_at + timedelta(seconds=seconds)).isoformat(),
    })  # fmt: skip
    assert answer.status == 201, answer.body
    return sale


async def _admitted(shop: Any, sale: str) -> tuple[Any, str]:
    browser = shop.browser()
    joined = (await browser.post(f"/api/flash/{sale}/join")).json
    assert joined["state"] == "admitted"
    return browser, joined["admission"]


async def test_an_admitted_buyer_pays_the_sales_price(shop: Any) -> None:
    [sku] = await shop.article(10, price_minor=2_000)
    sale = await _sale(shop, sku)
    browser, admission = await _admitted(shop, sale)
    assert (await browser.add(sku)).json["total_minor"] == 500 + 399
    order = await browser.checkout(admissions=[admission])
    assert (order.status, order.json["total_minor"]) == (201, 500)
    assert sale in [one["id"] for one in (await browser.get("/api/flash")).json]


async def test_nobody_passes_without_an_admission_of_their_own(shop: Any) -> None:
    [sku] = await shop.article(10)
    sale, other = await _sale(shop, sku), await _sale(shop, (await shop.article(1))[0])
    _, admission = await _admitted(shop, sale)
    stranger, elsewhere = await _admitted(shop, other)
    await stranger.add(sku)
    for tokens in ([], [admission], [elsewhere], ["forged.9999999999.x"], ["é"]):
        answer = await stranger.checkout(admissions=tokens)
        assert (answer.status, answer.json["code"]) == (403, "not_admitted")
    assert await shop.stock(sku) == (10, 0)


async def test_tickets_are_numbered_in_order_and_the_gate_opens_at_its_rate(shop: Any) -> None:
    [sku] = await shop.article(10)
    sale = await _sale(shop, sku, starts_in_seconds=0, rate=1)
    standing = [(await shop.browser().post(f"/api/flash/{sale}/join")).json for _ in range(30)]
    waiting = [one for one in standing if one["state"] == "waiting"]
    assert standing[0]["state"] == "admitted"
    assert len(waiting) >= 20
    assert [one["ahead"] for one in waiting] == sorted(one["ahead"] for one in waiting)
    assert waiting[-1]["admission"] is None
    assert waiting[-1]["wait_seconds"] > 10


async def test_a_ticket_is_its_holders_alone(shop: Any) -> None:
    [sku] = await shop.article(10)
    sale = await _sale(shop, sku)
    holder, thief = shop.browser(), shop.browser()
    joined = (await holder.post(f"/api/flash/{sale}/join")).json
    await thief.post(f"/api/flash/{sale}/join")
    assert (await holder.post(f"/api/flash/{sale}/status", {"ticket": joined["ticket"]})).json[
        "state"
    ] == "admitted"
    assert (await thief.post(f"/api/flash/{sale}/status", {"ticket": joined["ticket"]})).status == 403
    assert (await holder.post(f"/api/flash/{sale}/status", {"ticket": "1"})).status == 403
    assert (await holder.post("/api/flash/none/join")).status == 404


async def test_a_poll_is_understood_or_refused_as_every_request_is(shop: Any) -> None:
    [sku] = await shop.article(10)
    sale = await _sale(shop, sku)
    path, browser = f"/api/flash/{sale}/status", shop.browser()
    assert (await browser.post(path, {"ticket": "1"})).status == 404  # nobody without a cookie has a ticket
    ticket = (await browser.post(f"/api/flash/{sale}/join")).json["ticket"]
    answer = await browser.post(path, {"ticket": ticket})
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    assert answer.headers["cache-control"] == "no-store"
    wrong = await browser.post(path, {"ticket": 1})
    assert (wrong.status, wrong.json["code"]) == (422, "invalid")
    assert wrong.headers["content-type"] == "application/problem+json"
    assert (await browser.post(path, {"ticket": ticket, "more": 1})).status == 422
    assert (await browser.get(path)).status in {404, 405}


async def test_many_who_wait_ask_the_database_once(shop: Any) -> None:
    [sku] = await shop.article(10)
    sale = await _sale(shop, sku)
    browser = shop.browser()
    ticket = (await browser.post(f"/api/flash/{sale}/join")).json["ticket"]
    from shop import flash

    known = flash._gates[sale]
    flash._gates[sale] = (known[0] - 2 * flash.GATE_SECONDS, known[1])
    with count_queries() as counted:
        polls = [browser.post(f"/api/flash/{sale}/status", {"ticket": ticket}) for _ in range(20)]
        assert {answer.status for answer in await asyncio.gather(*polls)} == {200}
    assert counted.queries == 1


async def test_an_early_ticket_waits_for_the_start(shop: Any) -> None:
    [sku] = await shop.article(10)
    sale = await _sale(shop, sku, starts_in_seconds=60)
    joined = (await shop.browser().post(f"/api/flash/{sale}/join")).json
    assert (joined["state"], joined["admission"]) == ("early", None)


async def test_a_sale_that_is_over_takes_nobody(shop: Any) -> None:
    [sku] = await shop.article(10)
    sale = await _sale(shop, sku, starts_in_seconds=-60, seconds=30)
    assert (await shop.browser().post(f"/api/flash/{sale}/join")).status == 410


async def test_a_buyer_gets_the_share_and_no_more_by_any_route(shop: Any) -> None:
    [sku] = await shop.article(100)
    sale = await _sale(shop, sku, limit=2)

    async def buy(quantity: int) -> Any:
        browser, admission = await _admitted(shop, sale)
        await browser.add(sku, quantity)
        return await browser.checkout(admissions=[admission], email=f"same-{sale}@shop.example")

    assert (await buy(3)).json["code"] == "flash_limit"
    answers = await asyncio.gather(*(buy(1) for _ in range(6)))
    assert sorted(answer.status for answer in answers) == [201, 201, 409, 409, 409, 409]
    assert await shop.stock(sku) == (100, 2)
    await shop.verify()


async def test_a_cancelled_order_gives_the_share_back(shop: Any) -> None:
    [sku] = await shop.article(100)
    sale = await _sale(shop, sku)

    async def buy(token: str) -> Any:
        browser, admission = await _admitted(shop, sale)
        await browser.add(sku)
        return await browser.checkout(
            admissions=[admission], email=f"same-{sale}@shop.example", payment_token=token
        )

    assert (await buy("tok_declined")).status == 201
    assert (await buy("tok_visa")).status == 409
    await shop.work()
    assert (await buy("tok_visa")).status == 201


async def test_a_sale_with_more_buyers_than_pieces_sells_exactly_its_pieces(shop: Any) -> None:
    [sku] = await shop.article(7)
    sale = await _sale(shop, sku)
    buyers = [await _admitted(shop, sale) for _ in range(40)]
    for browser, _ in buyers:
        await browser.add(sku)
    answers = await asyncio.gather(*(
        browser.checkout(admissions=[admission], email=f"{number}@shop.example")
        for number, (browser, admission) in enumerate(buyers)
    ))  # fmt: skip
    assert sum(answer.status == 201 for answer in answers) == 7
    assert await shop.stock(sku) == (7, 7)
    await shop.verify()


async def test_a_sold_out_sale_admits_nobody_until_an_order_falls_through(shop: Any) -> None:
    from shop import flash

    [sku] = await shop.article(1)
    sale = await _sale(shop, sku)
    browser, admission = await _admitted(shop, sale)
    await browser.add(sku)
    assert (await browser.checkout(admissions=[admission], payment_token="tok_declined")).status == 201
    flash.forget_gates()
    joined = (await (late := shop.browser()).post(f"/api/flash/{sale}/join")).json
    assert (joined["state"], joined["admission"]) == ("sold_out", None)
    await shop.work()
    flash.forget_gates()
    again = await late.post(f"/api/flash/{sale}/status", {"ticket": joined["ticket"]})
    assert again.json["state"] == "admitted"

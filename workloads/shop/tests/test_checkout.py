"""Checkout over HTTP: one order per key, stock never oversold, totals to the penny, no card data anywhere."""

from __future__ import annotations

import asyncio
import secrets
from typing import Any

import pytest

from rung.runtime.database.counting import count_queries

CARD = "4242424242424242"


async def _cart(shop: Any, sku: str, quantity: int = 1) -> Any:
    browser = shop.browser()
    assert (await browser.add(sku, quantity)).status == 200
    return browser


async def test_an_order_reserves_its_stock_and_empties_the_cart(shop: Any) -> None:
    [sku] = await shop.article(10, price_minor=1_250)
    browser = await _cart(shop, sku, 3)
    answer = await browser.checkout()
    assert answer.status == 201
    assert (answer.json["status"], answer.json["total_minor"], answer.json["tax_minor"]) == ("placed", 3_750, 625)
    assert await shop.stock(sku) == (10, 3)
    assert (await browser.get("/api/cart")).json["lines"] == []
    known = (await browser.get(answer.headers["location"])).json
    assert {name: known[name] for name in ("id", "number", "total_minor", "lines")} == {
        name: answer.json[name] for name in ("id", "number", "total_minor", "lines")
    }
    await shop.verify()


async def test_the_same_key_is_the_same_order(shop: Any) -> None:
    [sku] = await shop.article(10)
    browser = await _cart(shop, sku)
    first = await browser.checkout("key-repeated-1")
    again = await browser.checkout("key-repeated-1")
    assert (first.status, again.status) == (201, 200)
    assert (again.json["id"], again.headers["idempotency-replayed"]) == (first.json["id"], "true")
    assert await shop.stock(sku) == (10, 1)


async def test_the_same_key_at_the_same_time_is_one_order(shop: Any) -> None:
    [sku] = await shop.article(10)
    browser = await _cart(shop, sku)
    answers = await asyncio.gather(*(browser.checkout("key-repeated-2") for _ in range(8)))
    assert {answer.json["id"] for answer in answers if answer.status in (200, 201)} == {answers[0].json["id"]}
    assert sorted(answer.status for answer in answers) == [200] * 7 + [201]
    assert await shop.stock(sku) == (10, 1)


async def test_one_cart_is_ordered_once_even_under_two_keys(shop: Any) -> None:
    [sku] = await shop.article(10)
    browser = await _cart(shop, sku)
    answers = await asyncio.gather(*(browser.checkout() for _ in range(5)))
    assert sorted(answer.status for answer in answers) == [201, 409, 409, 409, 409]
    assert {answer.json["code"] for answer in answers if answer.status == 409} <= {"cart_changed", "cart_empty"}
    assert await shop.stock(sku) == (10, 1)


async def test_a_key_for_another_request_is_refused(shop: Any) -> None:
    [sku] = await shop.article(10)
    browser = await _cart(shop, sku)
    await browser.checkout("key-repeated-3")
    other = await browser.checkout("key-repeated-3", name="Somebody Else")
    assert (other.status, other.json["code"]) == (422, "key_reused")


async def test_two_lines_that_share_a_shelf_are_counted_together(shop: Any) -> None:
    """medusajs/medusa #16502: each line alone fits, both together do not."""
    [single, box] = await shop.article(6, packs=(1, 6))
    browser = await _cart(shop, box, 1)
    await browser.add(single, 1)
    answer = await browser.checkout()
    assert (answer.status, answer.json["code"]) == (409, "out_of_stock")
    assert await shop.stock(single) == (6, 0)
    await browser.request("DELETE", f"/api/cart/lines/{single}")
    assert (await browser.checkout()).status == 201
    assert await shop.stock(single) == (6, 6)
    await shop.verify()


async def test_many_buyers_at_once_never_oversell(shop: Any) -> None:
    """medusajs/medusa #16569: 60 buyers, 20 units, singles and packs of two from one shelf."""
    [single, pair] = await shop.article(20, packs=(1, 2))
    buyers = [await _cart(shop, pair if number % 3 == 0 else single) for number in range(60)]
    answers = await asyncio.gather(*(buyer.checkout() for buyer in buyers))
    sold = sum(
        line["quantity"] * (2 if line["sku"] == pair else 1)
        for answer in answers if answer.status == 201 for line in answer.json["lines"]
    )  # fmt: skip
    assert sold == 20
    assert {answer.json["code"] for answer in answers if answer.status != 201} <= {"out_of_stock"}
    assert await shop.stock(single) == (20, 20)
    await shop.verify()


async def test_carts_with_the_same_articles_in_any_order_do_not_deadlock(shop: Any) -> None:
    skus = [(await shop.article(500))[0] for _ in range(6)]
    buyers = []
    for number in range(24):
        buyer = shop.browser()
        for sku in skus if number % 2 else reversed(skus):
            await buyer.add(sku)
        buyers.append(buyer)
    answers = await asyncio.gather(*(buyer.checkout() for buyer in buyers))
    assert [answer.status for answer in answers] == [201] * 24
    await shop.verify()


async def test_a_total_that_the_buyer_did_not_see_is_not_charged(shop: Any) -> None:
    [sku] = await shop.article(10, price_minor=500)
    browser = await _cart(shop, sku)
    await shop.admin("PUT", f"/prices/{sku}", {"price_minor": 600})
    answer = await browser.checkout(expected_total_minor=500)
    assert (answer.status, answer.json["code"], answer.json["total_minor"]) == (409, "price_changed", 600)
    assert (await browser.checkout(expected_total_minor=600)).status == 201


async def test_a_promotion_is_kept_in_the_order(shop: Any) -> None:
    [sku] = await shop.article(10, price_minor=999)
    browser = await _cart(shop, sku, 3)
    await browser.request("PUT", "/api/cart/promotion", {"code": "WELCOME10"})
    order = (await browser.checkout()).json
    assert (order["subtotal_minor"], order["discount_minor"], order["total_minor"]) == (2_997, 300, 2_697)
    await shop.verify()


async def test_what_no_order_can_have_is_refused(shop: Any) -> None:
    [sku] = await shop.article(10)
    browser = await _cart(shop, sku)
    for changes in (
        {"email": "nobody"}, {"name": ""}, {"name": "a\x00b"}, {"payment_token": "4"}, {"delivery": "drone"},
        {"address": {"line1": "x"}}, {"address": {"line1": "x", "city": "y", "country": "gb"}}, {"extra": 1},
        {"name": "x" * 201},
    ):  # fmt: skip
        assert (await browser.checkout(**changes)).status == 422
    assert (await browser.checkout("short")).status == 422
    assert (await shop.browser().checkout()).status == 404
    assert await shop.stock(sku) == (10, 0)


async def test_an_order_is_its_buyers_alone(shop: Any) -> None:
    [sku] = await shop.article(10)
    browser = await _cart(shop, sku)
    order = (await browser.checkout()).json
    stranger = await _cart(shop, sku)
    assert (await stranger.get(f"/api/orders/{order['id']}")).status == 404
    assert (await shop.browser().get(f"/api/orders/{order['id']}")).status == 404
    assert [one["id"] for one in (await browser.get("/api/orders")).json["items"]] == [order["id"]]
    assert (await stranger.get("/api/orders")).json["items"] == []


async def test_orders_are_listed_in_pages(shop: Any) -> None:
    [sku] = await shop.article(100)
    browser = await _cart(shop, sku)
    for _ in range(23):
        await browser.add(sku)
        assert (await browser.checkout()).status == 201
    first = (await browser.get("/api/orders")).json
    second = (await browser.get(f"/api/orders?after={first['next']}")).json
    numbers = [order["number"] for order in first["items"] + second["items"]]
    assert len(numbers) == 23
    assert numbers == sorted(numbers, reverse=True)
    assert second["next"] is None
    assert (await browser.get("/api/orders?after=nonsense")).status == 422


@pytest.mark.parametrize("field", ["name", "payment_token", "reference", "email"])
async def test_card_numbers_are_refused_and_appear_nowhere(
    shop: Any, field: str, capfd: pytest.CaptureFixture[str]
) -> None:
    [sku] = await shop.article(10)
    browser = await _cart(shop, sku)
    answer = await browser.checkout(**{field: f"{CARD[:4]} {CARD[4:8]} {CARD[8:12]} {CARD[12:]}"})
    assert (answer.status, answer.json["code"]) == (422, "card_number")
    assert (await browser.checkout()).status == 201
    await shop.work()
    said = capfd.readouterr()
    assert CARD[:8] not in said.out.replace(" ", "") + said.err.replace(" ", "")
    assert await _found_in_database(shop, CARD) == []


async def _found_in_database(shop: Any, digits: str) -> list[str]:
    """Every text of every table, searched for a card number; the tables in which it was found."""
    tables = await shop.db.fetch(
        "select table_schema, table_name from information_schema.tables "
        "where table_schema in ('public', 'rung') and table_type = 'BASE TABLE'"
    )
    found = []
    for schema, table in tables:
        pattern = "[ -]?".join(digits)
        if await shop.db.fetch_value(f'select count(*) from {schema}."{table}" t where t::text ~ $1', pattern):
            found.append(f"{schema}.{table}")
    return found


async def test_the_scan_for_card_numbers_would_find_one(shop: Any) -> None:
    await shop.db.execute("insert into failure_switches (name, value) values ('scan', $1)", f"4242 {CARD[4:]}")
    assert await _found_in_database(shop, CARD) == ["public.failure_switches"]


async def test_checkout_is_a_bounded_number_of_round_trips(shop: Any) -> None:
    """The budget: read, begin, send, place, commit, however many lines the cart has."""
    skus = [(await shop.article(50))[0] for _ in range(12)]
    browser = shop.browser()
    await browser.post("/api/cart/lines", {"lines": [{"sku": sku} for sku in skus]})
    with count_queries() as counted:
        assert (await browser.checkout(secrets.token_hex(8))).status == 201
    assert counted.queries <= 6

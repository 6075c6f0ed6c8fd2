"""The people who run the shop: a secret in front, stock and queue in view, failures at the turn of a switch."""

from __future__ import annotations

from typing import Any

import pytest


async def test_every_admin_route_asks_for_the_key(shop: Any) -> None:
    from shop.admin import ROUTES

    for route in ROUTES:
        path = route.path.replace("{order_id:uuid}", "0190d4e1-7c5a-7b1e-8f2a-424242424242")
        path = path.replace("{sku}", "x").replace("{name}", "x")
        method = next(iter((route.methods or set()) - {"HEAD"}))
        for headers in ({}, {"x-admin-key": "wrong"}, {"x-admin-key": ""}):
            answer = await shop.browser().request(method, path, {}, headers=headers)
            assert (answer.status, answer.json["code"]) == (403, "forbidden"), path


async def test_stock_comes_in_and_goes_but_never_below_what_is_reserved(shop: Any) -> None:
    [sku] = await shop.article(5)
    browser = shop.browser()
    await browser.add(sku, 4)
    await browser.checkout()
    assert (await shop.admin("POST", f"/stock/{sku}", {"quantity": 3})).json == {"on_hand": 8, "reserved": 4}
    assert (await shop.admin("POST", f"/stock/{sku}", {"quantity": -4, "reason": "water"})).status == 200
    assert (await shop.admin("POST", f"/stock/{sku}", {"quantity": -1})).status == 409
    assert (await shop.admin("POST", f"/stock/{sku}", {"quantity": 0})).status == 422
    assert await shop.stock(sku) == (4, 4)
    await shop.verify()


async def test_orders_and_the_queue_are_in_view(shop: Any) -> None:
    [sku] = await shop.article(5)
    browser = shop.browser()
    await browser.add(sku)
    order = (await browser.checkout()).json
    assert (await shop.admin("GET", "/queue")).json["ready"] == 1
    listed = (await shop.admin("GET", "/orders?status=placed&limit=500")).json["items"]
    assert order["id"] in [one["id"] for one in listed]
    await shop.work()
    listed = (await shop.admin("GET", "/orders?status=placed&limit=500")).json["items"]
    assert order["id"] not in [one["id"] for one in listed]
    assert (await shop.admin("GET", "/orders?limit=0")).status == 422


async def test_switches_are_listed_turned_on_and_off(shop: Any) -> None:
    from shop.failures import SWITCHES

    listed = (await shop.admin("GET", "/failures")).json["items"]
    assert {one["name"] for one in listed} == set(SWITCHES)
    assert all(one["value"] is None for one in listed)
    await shop.admin("PUT", "/failures/cart-error", {"value": "1"})
    answer = await shop.browser().get("/api/cart")
    assert (answer.status, answer.json["code"]) == (500, "cart_error")
    await shop.admin("PUT", "/failures/cart-error", {"value": None})
    assert (await shop.browser().get("/api/cart")).status == 200


@pytest.mark.parametrize(("name", "value"), [("cart-error", "x"), ("cart-error", "-1"), ("no-switch", "1"),
                                             ("payment-slow", "61")])  # fmt: skip
async def test_a_switch_takes_what_it_can_mean(shop: Any, name: str, value: str) -> None:
    assert (await shop.admin("PUT", f"/failures/{name}", {"value": value})).status == 422


async def test_one_product_fails_and_the_others_do_not(shop: Any) -> None:
    browser = shop.browser()
    bad, good = [item["slug"] for item in (await browser.get("/api/products?limit=2")).json["items"]]
    await shop.admin("PUT", "/failures/product-error", {"value": bad})
    assert (await browser.get(f"/api/products/{bad}")).status == 500
    assert (await browser.get(f"/api/products/{good}")).status == 200


async def test_the_environment_switches_failures_on_from_the_start(
    shop: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from shop.failures import switches

    monkeypatch.setenv("SHOP_FAILURES", "cart-error=1, payment-slow=0")
    switches.forget()
    assert (await shop.browser().get("/api/cart")).status == 500


async def test_poisoned_orders_reach_the_dead_letters_and_can_be_redriven(shop: Any) -> None:
    from shop.resources import orders

    [sku] = await shop.article(5)
    await shop.admin("PUT", "/failures/poison-orders", {"value": "1"})
    browser = shop.browser()
    await browser.add(sku)
    order = (await browser.checkout()).json
    said = await shop.work()
    assert said == ["PoisonError: the switch poison-orders struck"] * 5
    assert (await orders.statistics()).dead >= 1
    await shop.admin("PUT", "/failures/poison-orders", {"value": None})
    letters = await orders.dead_letters(limit=100)
    mine = [letter for letter in letters if order["id"].encode() in letter.body]
    assert [letter.reason for letter in mine] == ["the switch poison-orders struck"]
    await orders.redrive([letter.id for letter in mine])
    assert await shop.work() == []
    assert (await browser.get(f"/api/orders/{order['id']}")).json["status"] == "shipped"


async def test_the_process_is_healthy_without_its_database(shop: Any) -> None:
    assert (await shop.browser().get("/health")).json == {"status": "ok"}


async def test_a_hot_page_is_served_while_the_database_is_away(shop: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from rung.runtime.errors import UnavailableError
    from shop import failures

    browser = shop.browser()
    slug = (await browser.get("/api/products?limit=1")).json["items"][0]["slug"]
    assert (await browser.get(f"/api/products/{slug}")).status == 200

    async def away(*_: Any, **__: Any) -> Any:
        raise UnavailableError("the database is away")

    monkeypatch.setattr(type(failures.db), "fetch", away)
    failures.switches.forget()
    assert (await browser.get(f"/api/products/{slug}")).status == 200

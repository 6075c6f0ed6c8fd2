"""Carts over HTTP: nothing is written for a visitor who only looks, guests keep their cart, sign-in merges it."""

from __future__ import annotations

import asyncio
import secrets
from typing import Any

import pytest

from rung.runtime.database.counting import count_queries

PASSWORD = "correct horse battery"


def _email() -> str:
    return f"{secrets.token_hex(6)}@shop.example"


async def _registered(shop: Any) -> tuple[Any, str]:
    browser, email = shop.browser(), _email()
    answer = await browser.post("/api/accounts", {"email": email, "password": PASSWORD, "name": "Ada"})
    assert answer.status == 201
    return browser, email


async def _lines(browser: Any) -> dict[str, int]:
    return {line["sku"]: line["quantity"] for line in (await browser.get("/api/cart")).json["lines"]}


async def test_a_visitor_who_only_looks_has_no_cart_and_writes_nothing(shop: Any) -> None:
    browser = shop.browser()
    before = await shop.db.fetch_value("select count(*) from carts")
    with count_queries() as counted:
        answer = await browser.get("/api/cart")
    assert (answer.status, answer.json["lines"], answer.json["total_minor"]) == (200, [], 0)
    assert counted.queries <= 1  # the failure switches, once a second
    assert browser.cookies == {}
    assert await shop.db.fetch_value("select count(*) from carts") == before


async def test_lines_add_up_change_and_go(shop: Any) -> None:
    browser = shop.browser()
    [one] = await shop.article(50, price_minor=300)
    [two] = await shop.article(50, price_minor=450)
    await browser.add(one, 2)
    answer = await browser.post("/api/cart/lines", {"lines": [{"sku": one}, {"sku": two, "quantity": 4}]})
    assert (answer.status, answer.json["subtotal_minor"]) == (200, 3 * 300 + 4 * 450)
    await browser.request("PUT", f"/api/cart/lines/{two}", {"quantity": 1})
    assert await _lines(browser) == {one: 3, two: 1}
    assert (await browser.request("DELETE", f"/api/cart/lines/{one}")).status == 200
    assert await _lines(browser) == {two: 1}
    assert (await browser.request("DELETE", f"/api/cart/lines/{one}")).status == 404


async def test_an_unknown_article_puts_nothing_in(shop: Any) -> None:
    browser = shop.browser()
    [one] = await shop.article(5)
    answer = await browser.post("/api/cart/lines", {"lines": [{"sku": one}, {"sku": "NOPE"}]})
    assert (answer.status, answer.json["skus"]) == (404, ["NOPE"])
    assert await _lines(browser) == {}


async def test_quantities_and_bodies_that_cannot_be_are_refused(shop: Any) -> None:
    browser = shop.browser()
    [sku] = await shop.article(5)
    for quantity in (0, -1, 10_001, "3", 1.5, None):
        assert (await browser.add(sku, quantity)).status == 422  # type: ignore[arg-type]
    for raw in (b"", b"{", b"\xff", b'{"lines": []}', b'{"lines": 3}', b"[" * 100_000, b'{"lines":[],"x":1}'):
        assert (await browser.post("/api/cart/lines", raw=raw)).status == 422
    form = await browser.post("/api/cart/lines", {"lines": []}, headers={"content-type": "text/plain"})
    assert form.status == 415


async def test_a_forged_guest_cookie_is_nobodys(shop: Any) -> None:
    browser, thief = shop.browser(), shop.browser()
    [sku] = await shop.article(5)
    await browser.add(sku)
    value, expiry, signature = browser.cookies["shop_guest"].split(".")
    for forged in (
        f"{value}.{int(expiry) + 1}.{signature}",
        f"{value}.{expiry}.x",
        "a.b.c",
        "é",
        "...",
        "x" * 300,
    ):
        thief.cookies = {"shop_guest": forged}
        assert await _lines(thief) == {}


async def test_signing_in_merges_the_guests_cart_once(shop: Any) -> None:
    [one], [two] = await shop.article(50), await shop.article(50)
    customer, email = await _registered(shop)
    await customer.add(one, 2)
    guest = shop.browser()
    await guest.add(one, 3)
    await guest.add(two, 1)
    for _ in range(2):
        answer = await guest.post("/api/session", {"email": email, "password": PASSWORD})
        assert answer.status == 200
    assert await _lines(guest) == await _lines(customer) == {one: 5, two: 1}


async def test_registering_takes_the_guests_cart_along(shop: Any) -> None:
    [sku] = await shop.article(50)
    browser = shop.browser()
    await browser.add(sku, 7)
    await browser.post("/api/accounts", {"email": _email(), "password": PASSWORD})
    assert await _lines(browser) == {sku: 7}
    assert (await browser.get("/api/session")).json["customer"] is not None


async def test_additions_at_the_same_time_all_count(shop: Any) -> None:
    [sku] = await shop.article(50)
    browser = shop.browser()
    await browser.add(sku, 1)
    await asyncio.gather(*(browser.add(sku, 1) for _ in range(20)))
    assert await _lines(browser) == {sku: 21}


async def test_a_promotion_is_applied_and_taken_out(shop: Any) -> None:
    [sku] = await shop.article(50, price_minor=2_000)
    browser = shop.browser()
    await browser.add(sku, 1)
    answer = await browser.request("PUT", "/api/cart/promotion", {"code": "welcome10"})
    assert (answer.json["promotion_code"], answer.json["discount_minor"]) == ("WELCOME10", 200)
    assert (await browser.request("PUT", "/api/cart/promotion", {"code": "NOPE"})).status == 404
    answer = await browser.request("DELETE", "/api/cart/promotion")
    assert (answer.json["promotion_code"], answer.json["discount_minor"]) == (None, 0)


async def test_the_quote_follows_country_and_delivery(shop: Any) -> None:
    [sku] = await shop.article(50, price_minor=1_200)
    browser = shop.browser()
    await browser.add(sku)
    home = (await browser.get("/api/cart?country=GB&delivery=collect")).json
    abroad = (await browser.get("/api/cart?country=US&delivery=express")).json
    assert (home["tax_minor"], home["total_minor"]) == (200, 1_200)
    assert (abroad["tax_minor"], abroad["total_minor"]) == (0, 1_999)


async def test_old_carts_expire_and_young_ones_stay(shop: Any) -> None:
    from shop import carts

    [sku] = await shop.article(50)
    old, young = shop.browser(), shop.browser()
    await old.add(sku)
    await shop.db.execute("update carts set updated_at = now() - interval '31 days'")
    await young.add(sku)
    await carts.expire()
    assert await _lines(old) == {}
    assert await _lines(young) == {sku: 1}


async def test_the_database_is_asked_a_bounded_number_of_times(shop: Any) -> None:
    """The budget: one query to read a cart whatever it holds, two to change it and show it."""
    from shop.failures import switches

    skus = [(await shop.article(50))[0] for _ in range(10)]
    browser = shop.browser()
    await browser.post("/api/cart/lines", {"lines": [{"sku": sku} for sku in skus]})
    await switches.refresh()
    with count_queries() as reading:
        await browser.get("/api/cart")
    with count_queries() as adding:
        await browser.post("/api/cart/lines", {"lines": [{"sku": sku} for sku in skus]})
    assert reading.queries == 1
    assert adding.queries == 2


async def test_a_cart_is_bounded(shop: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from shop import carts

    monkeypatch.setattr(carts, "LINES_MAX", 2)
    skus = [(await shop.article(50))[0] for _ in range(3)]
    browser = shop.browser()
    await browser.add(skus[0])
    await browser.add(skus[1])
    assert (await browser.add(skus[1])).status == 200
    answer = await browser.add(skus[2])
    assert (answer.status, answer.json["code"]) == (422, "cart_full")
    assert await _lines(browser) == {skus[0]: 1, skus[1]: 2}

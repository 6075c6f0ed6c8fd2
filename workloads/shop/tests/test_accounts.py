"""Accounts: sign-in that gives nothing away, an export that holds everything, an erasure that leaves nobody."""

from __future__ import annotations

import secrets
from typing import Any

PASSWORD = "correct horse battery"


async def _registered(shop: Any) -> tuple[Any, str]:
    browser, email = shop.browser(), f"{secrets.token_hex(6)}@shop.example"
    answer = await browser.post("/api/accounts", {"email": email, "password": PASSWORD, "name": "Ada Example"})
    assert answer.status == 201
    return browser, email


async def test_a_password_is_kept_as_argon2_alone(shop: Any) -> None:
    _, email = await _registered(shop)
    stored = await shop.db.fetch_value("select password_hash from customers where email = $1", email)
    assert stored.startswith("$argon2id$")
    assert PASSWORD not in stored


async def test_wrong_passwords_and_unknown_addresses_look_the_same(shop: Any) -> None:
    _, email = await _registered(shop)
    wrong = await shop.browser().post("/api/session", {"email": email, "password": "not the password"})
    unknown = await shop.browser().post("/api/session", {"email": f"x{email}", "password": "not the password"})
    assert (wrong.status, wrong.body) == (unknown.status, unknown.body)
    assert wrong.status == 401
    assert wrong.headers.keys() == unknown.headers.keys()


async def test_an_address_has_one_account(shop: Any) -> None:
    _, email = await _registered(shop)
    again = await shop.browser().post("/api/accounts", {"email": email.upper(), "password": PASSWORD})
    assert (again.status, again.json["code"]) == (409, "email_taken")


async def test_accounts_that_cannot_be_are_refused(shop: Any) -> None:
    for body in ({"email": "no", "password": PASSWORD}, {"email": "a@b", "password": "short"},
                 {"email": "a@b", "password": PASSWORD, "country": "england"}):  # fmt: skip
        assert (await shop.browser().post("/api/accounts", body)).status == 422


async def test_guessing_is_slowed_down(shop: Any) -> None:
    _, email = await _registered(shop)
    guesser = shop.browser()
    statuses = [
        (await guesser.post("/api/session", {"email": email, "password": f"guess {n}"})).status for n in range(16)
    ]
    # Guesses are given back over time, and each takes its time: on a busy machine a few more get through.
    assert statuses[:10] == [401] * 10
    assert 429 in statuses[10:]


async def test_signing_out_ends_the_session_itself(shop: Any) -> None:
    browser, email = await _registered(shop)
    stolen = shop.browser()
    stolen.cookies = dict(browser.cookies)
    assert (await stolen.get("/api/session")).json["customer"]["email"] == email
    await browser.request("DELETE", "/api/session")
    assert (await browser.get("/api/session")).json["customer"] is None
    assert (await stolen.get("/api/session")).json["customer"] is None


async def test_the_session_cookie_cannot_be_read_by_scripts_or_sent_by_other_sites(shop: Any) -> None:
    browser = shop.browser()
    answer = await browser.post(
        "/api/accounts",
        {"email": f"{secrets.token_hex(6)}@shop.example", "password": PASSWORD},
        headers={"x-forwarded-proto": "https"},
    )
    cookie = answer.headers["set-cookie"].lower()
    assert all(word in cookie for word in ("httponly", "samesite=lax", "secure", "path=/api"))


async def test_the_export_holds_everything_and_no_secret(shop: Any) -> None:
    browser, email = await _registered(shop)
    [sku] = await shop.article(10)
    await browser.add(sku, 2)
    order = (await browser.checkout(email=email, name="Ada Example")).json
    await shop.work()
    await browser.add(sku, 1)
    answer = await browser.get("/api/account/export")
    data = answer.json
    assert data["customer"]["email"] == email
    assert data["cart"] == [{"sku": sku, "quantity": 1}]
    assert [one["id"] for one in data["orders"]] == [order["id"]]
    assert data["orders"][0]["address"]["city"] == "York"
    assert len(data["orders"][0]["events"]) == 5
    assert b"argon2" not in answer.body
    assert b"tok_" not in answer.body
    assert (await shop.browser().get("/api/account/export")).status == 401


async def test_an_erased_customer_is_nowhere_and_the_books_still_balance(shop: Any) -> None:
    browser, email = await _registered(shop)
    [sku] = await shop.article(10, price_minor=800)
    await browser.add(sku, 2)
    order = (await browser.checkout(email=email, name="Ada Example", reference=f"for {email}")).json
    assert (await browser.request("DELETE", "/api/account")).json["code"] == "orders_open"
    await shop.work()
    await browser.add(sku, 1)
    answer = await browser.request("DELETE", "/api/account")
    assert (answer.status, answer.json["orders_kept_pseudonymised"]) == (200, 1)
    assert await _tables_naming(shop, email) == []
    kept = await shop.db.fetch_row("select total_minor, tax_minor, country, buyer from orders where number = $1",
                                   order["number"])  # fmt: skip
    assert (kept["total_minor"], kept["country"]) == (1_600, "GB")
    assert kept["buyer"].startswith("erased:")
    assert (await browser.get("/api/session")).json["customer"] is None
    await shop.verify()


async def test_erasing_signs_out_everywhere(shop: Any) -> None:
    browser, _ = await _registered(shop)
    elsewhere = shop.browser()
    elsewhere.cookies = dict(browser.cookies)
    await browser.request("DELETE", "/api/account")
    assert (await elsewhere.get("/api/session")).json["customer"] is None


async def _tables_naming(shop: Any, text: str) -> list[str]:
    tables = await shop.db.fetch(
        "select table_schema, table_name from information_schema.tables "
        "where table_schema in ('public', 'rung') and table_type = 'BASE TABLE'"
    )
    return [
        f"{schema}.{table}" for schema, table in tables
        if await shop.db.fetch_value(
            f'select count(*) from {schema}."{table}" t where position($1 in t::text) > 0', text)
    ]  # fmt: skip

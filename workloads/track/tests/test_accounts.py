"""Accounts: ways in that give nothing away, sessions that can be ended, codes that work once."""

from __future__ import annotations

import time
from base64 import b32decode
from typing import Any

import pytest

from track.accounts.totp import STEP_SECONDS, code_at, matching_step

PASSWORD = "correct horse battery"


async def test_wrong_passwords_and_unknown_addresses_look_the_same(track: Any) -> None:
    browser = track.browser()
    await browser.sign_up()
    wrong = await track.browser().post("/api/sign-in", {"email": browser.email, "password": "not the password"})
    unknown = await track.browser().post("/api/sign-in", {"email": f"x{browser.email}", "password": "not it"})
    assert (wrong.status, wrong.body) == (unknown.status, unknown.body)
    assert wrong.status == 401
    stored = await track.behind.fetchval("select password_hash from people where email = $1", browser.email)
    assert stored.startswith("$argon2id$")


async def test_guessing_is_slowed_down(track: Any) -> None:
    statuses = [
        (await track.browser().post("/api/sign-in", {"email": "a@b.example", "password": str(n)})).status
        for n in range(16)
    ]
    assert statuses[:10] == [401] * 10
    assert 429 in statuses[10:]


async def test_a_change_needs_the_token_that_no_other_site_knows(track: Any) -> None:
    browser = track.browser()
    await browser.sign_up()
    token, browser.csrf_token = browser.csrf_token, ""
    refused = await browser.post("/api/organisations", {"name": "Acme"})
    assert (refused.status, refused.json["code"]) == (403, "csrf_token")
    browser.csrf_token = token
    assert (await browser.post("/api/organisations", {"name": "Acme"})).status == 201
    foreign = await track.browser().post(
        "/api/sign-in", {"email": "a@b.example", "password": "x"}, headers={"sec-fetch-site": "cross-site"}
    )
    assert foreign.status == 403


async def test_the_cookie_is_out_of_reach(track: Any) -> None:
    answer = await track.browser().post(
        "/api/sign-up",
        {"email": "cookie@people.example", "password": PASSWORD},
        headers={"x-forwarded-proto": "https"},
    )
    cookie = answer.headers["set-cookie"].lower()
    assert all(word in cookie for word in ("httponly", "samesite=lax", "secure", "path=/api"))


async def test_sessions_are_listed_and_each_can_be_ended(track: Any) -> None:
    here, there = track.browser(), track.browser()
    await here.sign_up()
    await there.post("/api/sign-in", {"email": here.email, "password": PASSWORD}, headers={"user-agent": "Phone"})
    listed = (await here.get("/api/sessions")).json
    assert [(each["agent"], each["is_this_one"]) for each in listed] == [("Phone", False), ("", True)]
    assert (await here.delete(f"/api/sessions/{listed[0]['id']}")).status == 200
    assert (await there.get("/api/session")).json["person"] is None
    assert (await here.get("/api/session")).json["person"]["email"] == here.email
    stranger = track.browser()
    await stranger.sign_up()
    assert (await stranger.delete(f"/api/sessions/{listed[1]['id']}")).status == 404


async def test_a_new_password_ends_the_other_sessions(track: Any) -> None:
    here, there = track.browser(), track.browser()
    await here.sign_up()
    await there.post("/api/sign-in", {"email": here.email, "password": PASSWORD})
    changed = await here.request("PUT", "/api/account/password", {"current": PASSWORD, "new": "another long one"})
    assert changed.status == 200
    assert (await there.get("/api/session")).json["person"] is None
    assert (await here.get("/api/session")).json["person"] is not None
    assert (await there.post("/api/sign-in", {"email": here.email, "password": PASSWORD})).status == 401


async def _with_second_factor(track: Any) -> tuple[Any, bytes, list[str]]:
    browser = track.browser()
    await browser.sign_up()
    secret = b32decode((await browser.post("/api/second-factor")).json["secret"])
    code = code_at(secret, int(time.time() // STEP_SECONDS))
    codes = (await browser.post("/api/second-factor/confirm", {"code": code})).json["recovery_codes"]
    return browser, secret, codes


async def test_a_second_factor_is_asked_for_and_its_codes_work_once(track: Any) -> None:
    browser, secret, _ = await _with_second_factor(track)
    visitor = track.browser()
    first = await visitor.post("/api/sign-in", {"email": browser.email, "password": PASSWORD})
    assert first.json["state"] == "second_factor"
    assert visitor.cookies == {}
    step = int(time.time() // STEP_SECONDS)
    used = {"challenge": first.json["challenge"], "code": code_at(secret, step)}
    assert (await visitor.post("/api/sign-in/code", used)).status == 401, "it confirmed the factor, and is used up"
    fresh = {"challenge": first.json["challenge"], "code": code_at(secret, step + 1)}
    assert (await visitor.post("/api/sign-in/code", fresh)).json["state"] == "signed_in"
    assert (await track.browser().post("/api/sign-in/code", fresh)).status == 401


async def test_a_recovery_code_works_once(track: Any) -> None:
    browser, _, codes = await _with_second_factor(track)
    first = await track.browser().post("/api/sign-in", {"email": browser.email, "password": PASSWORD})
    body = {"challenge": first.json["challenge"], "code": codes[0].upper()}
    assert (await track.browser().post("/api/sign-in/code", body)).status == 200
    assert (await track.browser().post("/api/sign-in/code", body)).status == 401
    stored = await track.behind.fetch("select secret from second_factors")
    assert stored
    assert len(codes) == 10


@pytest.mark.parametrize(
    ("step", "code"), [(59 // 30, "287082"), (1111111109 // 30, "081804"), (20000000000 // 30, "353130")]
)
def test_codes_are_those_of_the_rfc(step: int, code: str) -> None:
    """RFC 6238, appendix B, SHA-1, the last six digits."""
    assert code_at(b"12345678901234567890", step) == code


def test_a_code_of_the_neighbouring_step_is_right_and_an_old_one_is_not() -> None:
    secret = b"12345678901234567890"
    assert matching_step(secret, code_at(secret, 99), now=100 * STEP_SECONDS, after=0) == 99
    assert matching_step(secret, code_at(secret, 98), now=100 * STEP_SECONDS, after=0) is None
    assert matching_step(secret, code_at(secret, 100), now=100 * STEP_SECONDS, after=100) is None


async def test_who_is_forgotten_is_nowhere(track: Any) -> None:
    browser = track.browser()
    await browser.sign_up()
    exported = (await browser.get("/api/account/export")).json
    assert exported["person"]["email"] == browser.email
    assert (await browser.delete("/api/account")).status == 200
    assert await track.behind.fetchval("select count(*) from people where email = $1", browser.email) == 0
    assert (await browser.get("/api/session")).json["person"] is None

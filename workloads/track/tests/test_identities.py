"""Signing in with a provider: whoever it proves gets in, and nobody by a forged, old or borrowed answer."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from track.accounts.openid import Client, Settings, challenge_of
from track.outside import calling
from track.problems import Problem

PROVIDER = "/api/sign-in/providers/local"
PASSWORD = "correct horse battery"


async def _at_the_provider(browser: Any, **given: str) -> dict[str, str]:
    """Begin, say who one is there, and bring back what the address says."""
    begun = await browser.post(PROVIDER)
    assert begun.status == 200, begun.body
    asked = {name: values[0] for name, values in parse_qs(urlsplit(begun.json["url"]).query).items()}
    assert (await browser.get(f"/api/local-identity/authorize?{urlencode(asked)}")).status == 200
    form = urlencode({"email": "ada@people.example", "name": "Ada", "outcome": "signed_in", **asked, **given})
    answer = await browser.request(
        "POST", "/api/local-identity/authorize", raw=form.encode(),
        headers={"content-type": "application/x-www-form-urlencoded"},
    )  # fmt: skip
    assert answer.status == 303, answer.body
    back = urlsplit(answer.headers["location"])
    assert back.path == "/sign-in/provider/local"
    return {name: values[0] for name, values in parse_qs(back.query).items()}


async def _signed_in(browser: Any, **given: str) -> Any:
    return await browser.post(f"{PROVIDER}/finish", await _at_the_provider(browser, **given))


def _address() -> str:
    return f"{time.monotonic_ns()}@people.example"


async def test_a_verified_address_makes_an_account_and_finds_it_again(track: Any) -> None:
    browser, email = track.browser(), _address()
    assert [each["name"] for each in (await browser.get("/api/sign-in/providers")).json] == ["local"]
    assert (await _signed_in(browser, email=email, name="Ada\n L")).json["state"] == "signed_in"
    person = (await browser.get("/api/session")).json["person"]
    assert (person["email"], person["name"], person["has_password"]) == (email, "Ada L", False)
    again = track.browser()
    await _signed_in(again, email=email)
    assert (await again.get("/api/session")).json["person"]["id"] == person["id"]
    again.csrf_token = (await again.get("/api/session")).json["csrf_token"]
    set_now = await again.request("PUT", "/api/account/password", {"current": "", "new": PASSWORD})
    assert set_now.status == 200, "who has no password may set one"
    refused = await again.request("PUT", "/api/account/password", {"current": "", "new": PASSWORD + "!"})
    assert refused.status == 401


@pytest.mark.parametrize(
    ("outcome", "status", "code"),
    [
        ("unverified", 403, "address_unverified"),
        ("refused", 401, "identity_refused"),
        ("broken", 503, "identity_away"),
        ("forged", 401, "identity_refused"),
        ("expired", 401, "identity_refused"),
        ("replayed", 401, "identity_refused"),
    ],
)
async def test_a_provider_that_fails_or_lies_signs_nobody_in(
    track: Any, outcome: str, status: int, code: str
) -> None:
    browser, email = track.browser(), _address()
    answer = await _signed_in(browser, email=email, outcome=outcome)
    assert (answer.status, answer.json["code"]) == (status, code)
    assert "track_session" not in browser.cookies
    assert await track.behind.fetchval("select count(*) from people where email = $1", email) == 0


async def test_an_account_is_joined_only_when_its_address_was_proved(track: Any) -> None:
    owner = track.browser()
    await owner.sign_up(_address())
    stranger = track.browser()
    answer = await _signed_in(stranger, email=owner.email)
    assert (answer.status, answer.json["code"]) == (409, "account_exists"), "nobody showed that it is theirs"
    await track.behind.execute("update people set email_proved_at = now() where email = $1", owner.email)
    assert (await _signed_in(stranger, email=owner.email.upper())).json["state"] == "signed_in"
    assert (await stranger.get("/api/session")).json["person"]["email"] == owner.email


async def test_an_answer_is_good_once_and_for_the_browser_that_asked(track: Any) -> None:
    browser, thief = track.browser(), track.browser()
    answer = await _at_the_provider(browser, email=_address())
    stolen = await thief.post(f"{PROVIDER}/finish", answer)
    assert (stolen.status, stolen.json["code"]) == (401, "flow_over"), "login CSRF"
    spent = await browser.post(f"{PROVIDER}/finish", answer)
    assert spent.status == 401, "whoever tried it used it up"
    answer = await _at_the_provider(browser, email=_address())
    assert (await browser.post(f"{PROVIDER}/finish", {**answer, "iss": "https://other.example"})).status == 401
    mixed = await _at_the_provider(browser, email=_address())
    own = await _at_the_provider(browser, email=_address())
    crossed = await browser.post(f"{PROVIDER}/finish", {**own, "code": mixed["code"]})
    assert crossed.json["code"] == "identity_refused", "its verifier is another's"


async def test_who_is_signed_in_adds_a_provider_and_takes_it_away(track: Any) -> None:
    browser, other = track.browser(), track.browser()
    await browser.sign_up()
    await other.sign_up()
    email = _address()
    assert (await _signed_in(browser, email=email)).status == 200
    [mine] = (await browser.get("/api/identities")).json
    assert (mine["provider"], mine["email"]) == ("local", email), "no address has to be the same"
    assert (await _signed_in(other, email=email)).json["code"] == "identity_taken"
    assert email in (await browser.get("/api/account/export")).body.decode()
    visitor = track.browser()
    await _signed_in(visitor, email=email)
    assert (await visitor.get("/api/session")).json["person"]["email"] == browser.email
    assert (await browser.delete("/api/identities/local")).status == 200
    assert (await browser.delete("/api/identities/local")).status == 404
    assert (await browser.get("/api/identities")).json == []


async def test_a_second_factor_is_asked_for_after_the_provider(track: Any) -> None:
    browser, email = track.browser(), _address()
    await _signed_in(browser, email=email)
    await track.behind.execute(
        """insert into second_factors (person_id, secret, confirmed_at)
           select id, '', now() from people where email = $1""",
        email,
    )
    visitor = track.browser()
    answer = (await _signed_in(visitor, email=email)).json
    assert (answer["state"], answer["csrf_token"]) == ("second_factor", None)
    assert "track_session" not in visitor.cookies


async def test_the_local_provider_sends_nobody_elsewhere_and_is_local(
    track: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = urlencode({"client_id": "track", "redirect_uri": "http://127.0.0.1:8000.evil.example/"})
    assert (await track.browser().get(f"/api/local-identity/authorize?{asked}")).status == 422
    monkeypatch.setenv("RUNG_ENVIRONMENT", "prod")
    assert (await track.browser().get(f"/api/local-identity/authorize?{asked}")).status == 404


# What a provider signs

ISSUER = "https://issuer.example"
SETTINGS = Settings(name="x", title="X", issuer=ISSUER, client_id="us", client_secret="s")
CLAIMS = {"iss": ISSUER, "sub": "7", "aud": "us", "nonce": "n", "email": "a@b.example", "email_verified": True}


class Provider:
    """Keys and a document, and how often the keys were asked for."""

    def __init__(self, key: rsa.RSAPrivateKey) -> None:
        self.key = key
        self.kid, self.asked, self.issuer = "one", 0, ISSUER
        self.now = 1_000.0
        self.client = Client(SETTINGS, self.fetch, clock=lambda: self.now)

    async def fetch(self, address: str, _: Mapping[str, str] | None) -> tuple[int, bytes]:
        if address.endswith("openid-configuration"):
            places = ("authorization_endpoint", "token_endpoint", "jwks_uri")
            return 200, msgspec.json.encode(
                {"issuer": self.issuer, **{name: f"{ISSUER}/{name}" for name in places}}
            )
        self.asked += 1
        public = jwt.algorithms.RSAAlgorithm.to_jwk(self.key.public_key(), as_dict=True)
        return 200, msgspec.json.encode({"keys": [{**public, "kid": self.kid, "use": "sig", "alg": "RS256"}]})

    def token(self, *, key: Any = None, algorithm: str = "RS256", kid: str | None = None, **changed: Any) -> str:
        now = int(time.time())
        claims = {**CLAIMS, "iat": now, "exp": now + 60, **changed}
        claims = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode(claims, key or self.key, algorithm=algorithm, headers={"kid": kid or self.kid})


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65_537, key_size=2048)


@pytest.fixture
def issuer(key: rsa.RSAPrivateKey) -> Provider:
    return Provider(key)


@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
async def test_only_what_the_provider_signed_for_us_now_is_believed(issuer: Provider) -> None:
    found = await issuer.client.verified(issuer.token(), nonce="n")
    assert (found.subject, found.email, found.email_verified) == ("7", "a@b.example", True)
    stranger = rsa.generate_private_key(public_exponent=65_537, key_size=2048)
    forged = [
        issuer.token(key=stranger),
        issuer.token(key="x" * 32, algorithm="HS256"),
        jwt.encode({**CLAIMS, "exp": time.time() + 60, "iat": 0}, None, algorithm="none", headers={"kid": "one"}),
        issuer.token(aud="another"),
        issuer.token(aud=["us", "another"]),
        issuer.token(azp="another"),
        issuer.token(iss="https://issuer.example.evil.example"),
        issuer.token(nonce="m"),
        issuer.token(exp=int(time.time()) - 3_600),
        issuer.token(iat=int(time.time()) + 3_600),
        *(issuer.token(**{name: None}) for name in ("sub", "aud", "iss", "exp", "iat", "nonce")),
        "nonsense",
        "",
    ]
    for token in forged:
        with pytest.raises(Problem) as refused:
            await issuer.client.verified(token, nonce="n")
        assert refused.value.status == 401, token


async def test_a_word_that_only_looks_like_yes_is_no(issuer: Provider) -> None:
    found = await issuer.client.verified(issuer.token(email_verified="true"), nonce="n")
    assert not found.email_verified


async def test_a_key_that_is_new_is_asked_for_and_a_flood_of_unknown_ones_is_not(issuer: Provider) -> None:
    before = issuer.asked
    for _ in range(5):
        with pytest.raises(Problem):
            await issuer.client.verified(issuer.token(kid="unknown"), nonce="n")
    assert issuer.asked <= before + 1
    issuer.kid, issuer.now = "two", issuer.now + 61
    assert (await issuer.client.verified(issuer.token(), nonce="n")).subject == "7"


async def test_a_document_of_another_issuer_is_none(issuer: Provider) -> None:
    issuer.issuer = "https://other.example"
    with pytest.raises(Problem) as refused:
        await issuer.client.address(redirect_uri="r", state="s", nonce="n", verifier="v")
    assert refused.value.status == 503


@pytest.mark.parametrize(
    "address",
    ["https://169.254.169.254/keys", "https://other.example/", "http://accounts.example/", "https://127.0.0.1/"],
)
async def test_only_declared_hosts_at_public_addresses_are_called(address: str) -> None:
    hosts = ("accounts.example", "169.254.169.254", "127.0.0.1")
    with pytest.raises(OSError, match=r"not declared|R0542"):
        await calling(hosts)(address, None)


def test_the_challenge_is_that_of_the_rfc() -> None:
    """RFC 7636, appendix B."""
    assert (
        challenge_of("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")
        == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    )

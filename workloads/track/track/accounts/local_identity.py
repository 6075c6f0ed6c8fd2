"""An identity provider for this machine: whoever opens it says who they are, and what shall go wrong.

It keeps nothing: a code is a signed text, and the key pair is derived from a secret, so that every process of the
API is the same provider. It speaks to the same client as any other.
"""

from __future__ import annotations

import hmac
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from functools import lru_cache
from html import escape
from typing import Any, Literal
from urllib.parse import parse_qsl, urlencode, urlsplit

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric import ec
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from track.accounts.openid import Settings, challenge_of
from track.problems import invalid, not_found
from track.resources import is_local, key_of, public_url
from track.tokens import sign, verified

PATH = "/api/local-identity"
CLIENT_ID, CLIENT_SECRET = "track", "not a secret"
FORM_BYTES_MAX = 10_000
CODE_SECONDS, TOKEN_SECONDS = 60, 300
KEY_NAME = "local"
OUTCOMES = {
    "signed_in": "It is me",
    "unverified": "It is me, but the address is not verified",
    "refused": "I refuse",
    "broken": "The provider breaks down",
    "forged": "The answer is signed by somebody else",
    "expired": "The answer is of yesterday",
    "replayed": "The answer is another sign-in's",
}


class _Code(msgspec.Struct, frozen=True, kw_only=True):
    redirect_uri: str
    challenge: str
    nonce: str
    email: str
    name: str
    outcome: Literal["signed_in", "unverified", "refused", "broken", "forged", "expired", "replayed"]


def settings() -> Settings:
    """As the secret would name it."""
    issuer = f"{public_url()}{PATH}"
    return Settings(
        name="local", title="Local identity", issuer=issuer, client_id=CLIENT_ID, client_secret=CLIENT_SECRET
    )


async def fetch(address: str, form: Mapping[str, str] | None) -> tuple[int, bytes]:
    """What the provider answers to the client, without a way over the network."""
    issuer = settings().issuer
    match address.removeprefix(issuer):
        case "/.well-known/openid-configuration":
            found: Any = {
                "issuer": issuer,
                "authorization_endpoint": f"{issuer}/authorize",
                "token_endpoint": f"{issuer}/token",
                "jwks_uri": f"{issuer}/keys",
            }
        case "/keys":
            found = {"keys": [{**_public(), "kid": KEY_NAME, "use": "sig", "alg": "ES256"}]}
        case "/token" if form is not None:
            return _token(form)
        case _:
            return 404, b"{}"
    return 200, msgspec.json.encode(found)


async def page(request: Request) -> Response:
    """GET {PATH}/authorize: who are you, and what shall happen?"""
    _require_local()
    asked = dict(request.query_params)
    _checked(asked)
    hidden = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'
        for name, value in asked.items()
        if name in ("redirect_uri", "state", "nonce", "code_challenge", "client_id")
    )
    choices = "".join(f'<option value="{name}">{escape(text)}</option>' for name, text in OUTCOMES.items())
    body = (
        f'<main><h1>Local identity</h1><p>Only on this machine.</p><form method="post" action="{PATH}/authorize">'
        f"{hidden}"
        '<p><label>E-mail <input name="email" type="email" value="ada@people.example" required></label></p>'
        '<p><label>Name <input name="name" value="Ada"></label></p>'
        f'<p><label>What happens <select name="outcome">{choices}</select></label></p>'
        "<button>Go on</button></form></main>"
    )
    return HTMLResponse(
        f'<!doctype html><html lang="en"><title>Local identity</title>{body}',
        headers={"cache-control": "no-store", "content-security-policy": "default-src 'none'"},
    )


async def decide(request: Request) -> Response:
    """POST {PATH}/authorize: back to the client, with a code or a refusal."""
    _require_local()
    given = dict(parse_qsl((await request.body())[:FORM_BYTES_MAX].decode("utf-8", "replace")))
    _checked(given)
    outcome = given.get("outcome", "")
    answer: dict[str, str] = {"state": given.get("state", ""), "iss": settings().issuer}
    if outcome == "refused":
        answer["error"] = "access_denied"
    else:
        answer["code"] = _code(given, outcome)
    # To the same site, whatever port of this machine it has.
    return RedirectResponse(f"{urlsplit(given['redirect_uri']).path}?{urlencode(answer)}", status_code=303)


def _code(given: Mapping[str, str], outcome: str) -> str:
    fields = {name: given.get(name, "") for name in ("redirect_uri", "nonce", "email", "name")}
    try:
        code = msgspec.convert({**fields, "challenge": given.get("code_challenge"), "outcome": outcome}, _Code)
    except msgspec.ValidationError as error:
        raise invalid(str(error)) from None
    text = urlsafe_b64encode(msgspec.json.encode(code)).decode()
    expires_at = int(time.time()) + CODE_SECONDS
    return sign(text, purpose="local-identity", key=key_of("data-key"), expires_at=expires_at)


def _token(form: Mapping[str, str]) -> tuple[int, bytes]:
    """The token endpoint: the code, for whoever has its verifier."""
    value = verified(form.get("code", ""), purpose="local-identity", key=key_of("data-key"), now=time.time())
    if value is None:
        return 400, b'{"error":"invalid_grant"}'
    code = msgspec.json.decode(urlsafe_b64decode(value), type=_Code)
    is_right = (
        form.get("client_secret") == CLIENT_SECRET
        and form.get("redirect_uri") == code.redirect_uri
        and challenge_of(form.get("code_verifier", "")) == code.challenge
    )
    if not is_right:
        return 400, b'{"error":"invalid_grant"}'
    if code.outcome == "broken":
        return 500, b"out of order"
    return 200, msgspec.json.encode({"id_token": _id_token(code), "token_type": "Bearer", "access_token": "none"})


def _id_token(code: _Code) -> str:
    now = int(time.time()) - (86_400 if code.outcome == "expired" else 0)
    claims = {
        "iss": settings().issuer,
        "sub": hmac.digest(b"subject", code.email.lower().encode(), "sha256").hex()[:32],
        "aud": CLIENT_ID,
        "iat": now,
        "exp": now + TOKEN_SECONDS,
        "nonce": "another" if code.outcome == "replayed" else code.nonce,
        "email": code.email,
        "email_verified": code.outcome != "unverified",
        "name": code.name,
    }
    key = ec.generate_private_key(ec.SECP256R1()) if code.outcome == "forged" else _private(key_of("data-key"))
    return jwt.encode(claims, key, algorithm="ES256", headers={"kid": KEY_NAME})


def _checked(asked: Mapping[str, str]) -> None:
    """Back to a page of ours, and nowhere else: as every provider compares addresses, exactly."""
    if asked.get("client_id") != CLIENT_ID or not asked.get("redirect_uri", "").startswith(f"{public_url()}/"):
        raise invalid("no client of this provider")


def _require_local() -> None:
    if not is_local():
        raise not_found("the provider")


@lru_cache(maxsize=2)
def _private(secret: bytes) -> ec.EllipticCurvePrivateKey:
    number = int.from_bytes(hmac.digest(secret, b"local identity", "sha256")) >> 1  # below the order of the curve
    return ec.derive_private_key(number, ec.SECP256R1())


def _public() -> dict[str, Any]:
    return jwt.algorithms.ECAlgorithm.to_jwk(_private(key_of("data-key")).public_key(), as_dict=True)

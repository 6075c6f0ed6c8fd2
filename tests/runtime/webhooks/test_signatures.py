"""Signatures of webhooks that come in: published vectors, rotation, age, and everything a forger may try."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rung.runtime.webhooks import SignatureRefusedError, StandardSignature, StripeSignature, WebhookError
from rung.runtime.webhooks.keys import new_key
from rung.runtime.webhooks.standard import sign
from rung.runtime.webhooks.stripe import sign_stripe
from rung.testing.clock import ManualClock

# libraries/python/tests/test_webhooks.py of github.com/standard-webhooks/standard-webhooks, test_sign_function.
STANDARD_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
STANDARD_ID, STANDARD_AT = "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330
STANDARD_BODY = b'{"test": 2432232314}'
STANDARD_SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
# Stripe publishes no digest: this one is of the payload and secret in tests/test_webhook.py of stripe-python.
STRIPE_SECRET, STRIPE_AT = "whsec_test_secret", 1_700_000_000
STRIPE_BODY = b"""{
  "id": "evt_test_webhook",
  "object": "event",
  "data": { "object": { "id": "rdr_123", "object": "terminal.reader" } }
}"""
STRIPE_DIGEST = "3bfab77baf5f7b6991a46c9b53b6547d7afc56148b10468fcad9f35c1992ffbd"


def _clock(at: int) -> ManualClock:
    return ManualClock(datetime.fromtimestamp(at, UTC))


def _stripe(secrets: object = STRIPE_SECRET, at: int = STRIPE_AT) -> StripeSignature:
    return StripeSignature(secrets, clock=_clock(at))  # type: ignore[arg-type]


def _standard(secrets: object = STANDARD_SECRET, at: int = STANDARD_AT) -> StandardSignature:
    return StandardSignature(secrets, clock=_clock(at))  # type: ignore[arg-type]


def _headers(
    signature: str = STANDARD_SIGNATURE, identity: str = STANDARD_ID, at: object = STANDARD_AT
) -> dict[str, str]:
    return {"Webhook-Id": identity, "webhook-timestamp": str(at), "webhook-signature": signature}


def test_standard_vector() -> None:
    verified = _standard().verify(STANDARD_BODY, _headers())
    assert (verified.id, verified.timestamp, verified.payload) == (STANDARD_ID, STANDARD_AT, STANDARD_BODY)
    assert sign([STANDARD_SECRET], STANDARD_ID, STANDARD_AT, STANDARD_BODY) == STANDARD_SIGNATURE


def test_stripe_vector() -> None:
    verified = _stripe().verify(STRIPE_BODY, {"Stripe-Signature": f"t={STRIPE_AT},v1={STRIPE_DIGEST}"})
    assert (verified.id, verified.timestamp, verified.payload) == ("evt_test_webhook", STRIPE_AT, STRIPE_BODY)
    assert sign_stripe(STRIPE_SECRET, STRIPE_BODY, STRIPE_AT) == f"t={STRIPE_AT},v1={STRIPE_DIGEST}"


@pytest.mark.parametrize(
    "header",
    [
        f"t={STRIPE_AT},v0={STRIPE_DIGEST}",  # v0 alone does not count
        f"t={STRIPE_AT}",
        f"v1={STRIPE_DIGEST}",
        f"t={STRIPE_AT},t={STRIPE_AT},v1={STRIPE_DIGEST}",
        f"t={STRIPE_AT + 1},v1={STRIPE_DIGEST}",  # another time than the signed one
        f"t={STRIPE_AT}.0,v1={STRIPE_DIGEST}",
        f"t={STRIPE_AT},v1={STRIPE_DIGEST.upper()}",
        f"t={STRIPE_AT},v1={STRIPE_DIGEST[:-1]}",
        f"t={STRIPE_AT},v1=\u00e9",
        "t=" + ",v1=00" * 17,
        "",
        "i'm not even a real signature header",
    ],
)
def test_stripe_refuses_header(header: str) -> None:
    with pytest.raises(SignatureRefusedError):
        _stripe().verify(STRIPE_BODY, {"stripe-signature": header})


def test_one_good_signature_of_several_is_enough() -> None:
    header = f"t={STRIPE_AT},v1=bad,v0=worse,v1={STRIPE_DIGEST}"
    assert _stripe().verify(STRIPE_BODY, {"stripe-signature": header}).id == "evt_test_webhook"
    unknown = f"v9,AAAA scrap v1,%%% v1,{'A' * 43}= {STANDARD_SIGNATURE}"
    assert _standard().verify(STANDARD_BODY, _headers(unknown)).id == STANDARD_ID


def test_rotation_two_secrets() -> None:
    """While a secret is rolled, both are good, whichever order they come in; after it the old one is not."""
    headers = {"stripe-signature": sign_stripe("old", STRIPE_BODY, STRIPE_AT)}
    current = ["new", "old"]
    signature = _stripe(lambda: current)
    assert signature.verify(STRIPE_BODY, headers).id == "evt_test_webhook"
    current.remove("old")
    with pytest.raises(SignatureRefusedError):
        signature.verify(STRIPE_BODY, headers)


@pytest.mark.parametrize("secrets", [[], "", ["good", ""], lambda: ()])
def test_no_secret_verifies_nothing(secrets: object) -> None:
    """An empty key is a key that everybody knows."""
    headers = {"stripe-signature": sign_stripe("", STRIPE_BODY, STRIPE_AT)}
    with pytest.raises(SignatureRefusedError):
        _stripe(secrets).verify(STRIPE_BODY, headers)


@pytest.mark.parametrize(("away", "is_taken"), [(-301, False), (-300, True), (0, True), (300, True), (301, False)])
def test_replay_outside_tolerance(away: int, is_taken: bool) -> None:
    headers = {"stripe-signature": sign_stripe(STRIPE_SECRET, STRIPE_BODY, STRIPE_AT)}
    for verify in (
        lambda: _stripe(at=STRIPE_AT + away).verify(STRIPE_BODY, headers),
        lambda: _standard(at=STANDARD_AT + away).verify(STANDARD_BODY, _headers()),
    ):
        if is_taken:
            verify()
        else:
            with pytest.raises(SignatureRefusedError, match="300 s are allowed"):
                verify()


def test_raw_body_not_reparsed() -> None:
    """What was parsed and written again is another body, and text is no body at all."""
    headers = {"stripe-signature": sign_stripe(STRIPE_SECRET, STRIPE_BODY, STRIPE_AT)}
    with pytest.raises(SignatureRefusedError):
        _stripe().verify(json.dumps(json.loads(STRIPE_BODY)).encode(), headers)
    for parsed in (STRIPE_BODY.decode(), {"id": "evt_test_webhook"}):
        with pytest.raises(TypeError, match="raw bytes"):
            _stripe().verify(parsed, headers)  # type: ignore[arg-type]
    assert _stripe().verify(bytearray(STRIPE_BODY), headers).payload == STRIPE_BODY  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "body", [b"[]", b"{}", b'{"id": 7}', b'{"id": ""}', b"\xff", b'{"id": "a\\u0000b"}', b"no json"]
)
def test_signed_but_no_event(body: bytes) -> None:
    with pytest.raises(SignatureRefusedError, match="signed, but"):
        _stripe().verify(body, {"stripe-signature": sign_stripe(STRIPE_SECRET, body, STRIPE_AT)})


def test_standard_border_cannot_be_moved() -> None:
    """`id.time.body` is signed as one text: an id with a dot would let time and body trade places."""
    body = b"1614265330." + STANDARD_BODY
    moved = sign([STANDARD_SECRET], "a", STANDARD_AT, body)
    assert _standard().verify(body, _headers(moved, "a")).payload == body
    with pytest.raises(SignatureRefusedError, match="webhook-id"):
        _standard().verify(STANDARD_BODY, _headers(moved, f"a.{STANDARD_AT}"))


@pytest.mark.parametrize("missing", ["Webhook-Id", "webhook-timestamp", "webhook-signature"])
def test_standard_needs_all_headers(missing: str) -> None:
    headers = _headers()
    del headers[missing]
    with pytest.raises(SignatureRefusedError, match=missing.lower()):
        _standard().verify(STANDARD_BODY, headers)


def test_doubled_header_is_refused() -> None:
    pairs = [(b"stripe-signature", f"t={STRIPE_AT},v1={STRIPE_DIGEST}".encode())]
    assert _stripe().verify(STRIPE_BODY, pairs).id == "evt_test_webhook"
    with pytest.raises(SignatureRefusedError, match="2 header"):
        _stripe().verify(STRIPE_BODY, pairs * 2)


def test_ed25519() -> None:
    """The first key pair of RFC 8032 (7.1, TEST 1), and one made here; neither verifies the other's."""
    seed = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
    public = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
    secret = "whsk_" + base64.b64encode(seed + public).decode()
    shown = "whpk_" + base64.b64encode(public).decode()
    signature = sign([secret], STANDARD_ID, STANDARD_AT, STANDARD_BODY)
    assert signature.startswith("v1a,")
    assert signature == sign(["whsk_" + base64.b64encode(seed).decode()], STANDARD_ID, STANDARD_AT, STANDARD_BODY)
    assert _standard(shown).verify(STANDARD_BODY, _headers(signature)).id == STANDARD_ID
    made = new_key("ed25519")
    other = sign([made.secret], STANDARD_ID, STANDARD_AT, STANDARD_BODY)
    assert _standard([shown, made.shown]).verify(STANDARD_BODY, _headers(other)).id == STANDARD_ID
    for key, header in ((shown, other), (made.shown, signature), (made.shown, other.replace("v1a", "v1"))):
        with pytest.raises(SignatureRefusedError):
            _standard(key).verify(STANDARD_BODY, _headers(header))


def test_new_keys_differ_and_hide() -> None:
    keys = [new_key("hmac") for _ in range(3)]
    assert len({key.secret for key in keys}) == 3
    assert all(key.secret == key.shown and len(base64.b64decode(key.secret[6:])) == 32 for key in keys)
    made = new_key("ed25519")
    assert made.shown[5:] != made.secret[5:]
    assert made.shown.startswith("whpk_")
    assert made.secret.startswith("whsk_")


@pytest.mark.parametrize("key", ["whsec_", "whsec_AAAA", "whsec_%%%", "whsk_AAAA", "plain"])
def test_what_is_no_key(key: str) -> None:
    with pytest.raises(WebhookError, match="R0543"):
        sign([key], STANDARD_ID, STANDARD_AT, STANDARD_BODY)


@given(
    body=st.binary(max_size=64),
    header=st.text(max_size=80),
    at=st.text(max_size=12),
    identity=st.text(max_size=20),
)
def test_garbage_is_refused_and_nothing_else(body: bytes, header: str, at: str, identity: str) -> None:
    """Whatever a stranger sends: SignatureRefusedError, never another exception, never verified."""
    with pytest.raises(SignatureRefusedError):
        _stripe().verify(body, {"stripe-signature": header})
    with pytest.raises(SignatureRefusedError):
        _standard().verify(body, _headers(header, identity, at))

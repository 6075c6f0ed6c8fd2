"""Stripe's signatures: `Stripe-Signature: t=<unix seconds>,v1=<hex>[,v1=<hex>]` over `t.body`.

Source: https://docs.stripe.com/webhooks#verify-manually (read 2026-11-21). Only v1 counts: v0 is for tests of
Stripe's own. The key is the whole secret, its `whsec_` included.
"""

from __future__ import annotations

import hmac

import msgspec

from rung.runtime.clock import SYSTEM_CLOCK, Clock
from rung.runtime.webhooks.errors import SignatureRefusedError
from rung.runtime.webhooks.signature import (
    SIGNATURES_MAX,
    TOLERANCE_SECONDS,
    Headers,
    Secrets,
    Verified,
    any_equal,
    bytes_of,
    header_of,
    require_fresh,
    secrets_of,
    timestamp_of,
)

HEADER = "stripe-signature"


class _Event(msgspec.Struct):
    id: str


class StripeSignature:
    """Verifies what Stripe sends. `secrets`: the endpoint's, or both while it is rolled.

    `secrets=lambda: secret_versions("stripe-webhook")` reads them as they are now.
    """

    def __init__(
        self, secrets: Secrets, *, tolerance_seconds: float = TOLERANCE_SECONDS, clock: Clock = SYSTEM_CLOCK
    ) -> None:
        self._secrets = secrets
        self._tolerance_seconds = tolerance_seconds
        self._clock = clock

    def verify(self, body: bytes, headers: Headers) -> Verified:
        """The event. Raises SignatureRefusedError; TypeError for a body that is not bytes."""
        payload = bytes_of(body)
        written, given = _parts(header_of(headers, HEADER))
        signed = written.encode() + b"." + payload
        expected = [_digest(secret, signed) for secret in secrets_of(self._secrets)]
        if not any_equal(expected, given):
            raise SignatureRefusedError("no signature v1 is of this body and these secrets")
        timestamp = timestamp_of(written)
        require_fresh(timestamp, self._tolerance_seconds, self._clock)
        return Verified(id=_event_id(payload), timestamp=timestamp, payload=payload)


def sign_stripe(secret: str, body: bytes, timestamp: int) -> str:
    """The header as Stripe would write it: for tests, and for a stand-in of Stripe on this machine."""
    return f"t={timestamp},v1={_digest(secret, str(timestamp).encode() + b'.' + body).decode()}"


def _digest(secret: str, signed: bytes) -> bytes:
    return hmac.digest(secret.encode(), signed, "sha256").hex().encode()


def _parts(header: str) -> tuple[str, list[bytes]]:
    """The timestamp and the v1 signatures of a header."""
    pairs = [part.strip().partition("=") for part in header.split(",")]
    timestamps = [value for key, _, value in pairs if key == "t"]
    signatures = [value.encode("latin-1", "replace") for key, _, value in pairs if key == "v1"]
    if len(timestamps) != 1 or not timestamps[0].isascii():
        raise SignatureRefusedError("the header has no one timestamp")
    if not 0 < len(signatures) <= SIGNATURES_MAX:
        raise SignatureRefusedError(f"the header has {len(signatures)} signatures v1")
    return timestamps[0], signatures


def _event_id(payload: bytes) -> str:
    try:
        identity = msgspec.json.decode(payload, type=_Event).id
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise SignatureRefusedError(f"signed, but not an event with an id: {error}") from error
    if not 0 < len(identity) <= 255 or "\x00" in identity:
        raise SignatureRefusedError("signed, but its id is none")
    return identity

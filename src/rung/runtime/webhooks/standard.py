"""Standard Webhooks: `webhook-id`, `webhook-timestamp` and `webhook-signature` over `id.timestamp.body`.

Source: spec/standard-webhooks.md 1.0.0 (https://github.com/standard-webhooks/standard-webhooks, read 2026-11-21).
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Sequence

from rung.runtime.clock import SYSTEM_CLOCK, Clock
from rung.runtime.webhooks.errors import SignatureRefusedError
from rung.runtime.webhooks.keys import hmac_secret, signer, verifier
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

ID, TIMESTAMP, SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"


class StandardSignature:
    """Verifies what follows Standard Webhooks. `secrets`: `whsec_` (HMAC) or `whpk_` (ed25519), or several."""

    def __init__(
        self, secrets: Secrets, *, tolerance_seconds: float = TOLERANCE_SECONDS, clock: Clock = SYSTEM_CLOCK
    ) -> None:
        self._secrets = secrets
        self._tolerance_seconds = tolerance_seconds
        self._clock = clock

    def verify(self, body: bytes, headers: Headers) -> Verified:
        """The webhook. Raises SignatureRefusedError; TypeError for a body that is not bytes."""
        payload = bytes_of(body)
        identity, written = header_of(headers, ID), header_of(headers, TIMESTAMP)
        given = _signatures(header_of(headers, SIGNATURE))
        # A dot in the id would let the border between id, timestamp and body be moved under one signature.
        if not 0 < len(identity) <= 255 or not identity.isascii() or "." in identity or "\x00" in identity:
            raise SignatureRefusedError("the webhook-id is none")
        timestamp = timestamp_of(written)
        content = content_of(identity, written, payload)
        if not _is_signed(secrets_of(self._secrets), content, given):
            raise SignatureRefusedError("no signature is of this body and these keys")
        require_fresh(timestamp, self._tolerance_seconds, self._clock)
        return Verified(id=identity, timestamp=timestamp, payload=payload)


def content_of(identity: str, timestamp: str | int, body: bytes) -> bytes:
    """What is signed."""
    return f"{identity}.{timestamp}.".encode() + body


def sign(keys: Sequence[str], identity: str, timestamp: int, body: bytes) -> str:
    """The header `webhook-signature`: one signature per key, so that a receiver may have either.

    `keys`: `whsec_` or `whsk_`. Raises WebhookError (R0543) for what is no key.
    """
    content = content_of(identity, timestamp, body)
    return " ".join(signer(key)(content) for key in keys)


def _is_signed(keys: Sequence[str], content: bytes, given: Sequence[tuple[str, bytes]]) -> bool:
    symmetric = [key for key in keys if not key.startswith("whpk_")]
    expected = [hmac.digest(hmac_secret(key), content, "sha256") for key in symmetric]
    found = any_equal(expected, [raw for version, raw in given if version == "v1"])
    asymmetric = [verifier(key) for key in keys if key.startswith("whpk_")]
    return found or any(check(raw, content) for check in asymmetric for version, raw in given if version == "v1a")


def _signatures(header: str) -> list[tuple[str, bytes]]:
    """The entries `version,base64` that can be one; versions of the future and scraps are passed over."""
    entries = header.split()
    if len(entries) > SIGNATURES_MAX:
        raise SignatureRefusedError(f"{len(entries)} signatures")
    found: list[tuple[str, bytes]] = []
    for entry in entries:
        version, _, text = entry.partition(",")
        try:
            found.append((version, base64.b64decode(text, validate=True)))
        except (binascii.Error, ValueError):
            continue
    return found

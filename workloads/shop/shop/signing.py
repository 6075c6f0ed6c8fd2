"""Small facts that a browser keeps for us and cannot change: `value.expiry.signature`."""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64encode
from functools import lru_cache

SIGNATURE_BYTES = 16


def sign(value: str, *, purpose: str, key: bytes, expires_at: int) -> str:
    """`value` with its expiry (seconds since the epoch) and signature. A purpose keeps tokens apart."""
    text = f"{value}.{expires_at}"
    return f"{text}.{_signature(text, purpose, key)}"


def verified(token: str, *, purpose: str, key: bytes, now: float) -> str | None:
    """The value, when the signature is ours and the time is not up; else None."""
    signed = _checked(token, purpose, key)
    return signed[0] if signed is not None and signed[1] > now else None


@lru_cache(maxsize=20_000)
def _checked(token: str, purpose: str, key: bytes) -> tuple[str, int] | None:
    """Value and expiry of a token that we signed. Who waits for a sale shows the same two again and again."""
    text, _, signature = token.rpartition(".")
    value, _, expiry = text.rpartition(".")
    if not token.isascii() or not hmac.compare_digest(signature, _signature(text, purpose, key)):
        return None
    return value, int(expiry)


def _signature(text: str, purpose: str, key: bytes) -> str:
    digest = hmac.digest(key, f"{purpose}:{text}".encode(), "sha256")
    return urlsafe_b64encode(digest[:SIGNATURE_BYTES]).decode().rstrip("=")

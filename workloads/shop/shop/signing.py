"""Small facts that a browser keeps for us and cannot change: `value.expiry.signature`."""

from __future__ import annotations

import hashlib
import hmac
from base64 import urlsafe_b64encode

SIGNATURE_BYTES = 16


def sign(value: str, *, purpose: str, key: bytes, expires_at: int) -> str:
    """`value` with its expiry (seconds since the epoch) and signature. A purpose keeps tokens apart."""
    text = f"{value}.{expires_at}"
    return f"{text}.{_signature(text, purpose, key)}"


def verified(token: str, *, purpose: str, key: bytes, now: float) -> str | None:
    """The value, when the signature is ours and the time is not up; else None."""
    text, _, signature = token.rpartition(".")
    value, _, expiry = text.rpartition(".")
    if not token.isascii() or not hmac.compare_digest(signature, _signature(text, purpose, key)):
        return None
    return value if int(expiry) > now else None


def _signature(text: str, purpose: str, key: bytes) -> str:
    digest = hmac.new(key, f"{purpose}:{text}".encode(), hashlib.sha256).digest()
    return urlsafe_b64encode(digest[:SIGNATURE_BYTES]).decode().rstrip("=")

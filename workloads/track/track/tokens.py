"""Tokens: random ones, of which only the hash is kept, and small signed facts that somebody else keeps for us."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from base64 import urlsafe_b64encode

SIGNATURE_BYTES = 18
TOKEN_BYTES = 32


def new_token() -> str:
    """A token of 256 random bits."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def hashed(token: str) -> bytes:
    """What is stored of a random token. It has more entropy than anybody can guess: a plain hash is enough."""
    return hashlib.sha256(token.encode()).digest()


def sign(value: str, *, purpose: str, key: bytes, expires_at: int = 0) -> str:
    """`value` with its expiry (seconds since the epoch; 0: never) and signature. A purpose keeps tokens apart."""
    text = f"{value}.{expires_at}"
    return f"{text}.{_signature(text, purpose, key)}"


def verified(token: str, *, purpose: str, key: bytes, now: float) -> str | None:
    """The value, when the signature is ours and the time is not up; else None."""
    text, _, signature = token.rpartition(".")
    value, _, expiry = text.rpartition(".")
    if not token.isascii() or not hmac.compare_digest(signature, _signature(text, purpose, key)):
        return None
    return value if int(expiry) == 0 or int(expiry) > now else None


def _signature(text: str, purpose: str, key: bytes) -> str:
    digest = hmac.digest(key, f"{purpose}:{text}".encode(), "sha256")
    return urlsafe_b64encode(digest[:SIGNATURE_BYTES]).decode()

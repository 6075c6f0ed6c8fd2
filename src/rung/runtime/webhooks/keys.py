"""Keys of Standard Webhooks: `whsec_` for HMAC-SHA256, `whsk_` and `whpk_` for ed25519.

Source: spec/standard-webhooks.md 1.0.0, "Signature scheme" (https://github.com/standard-webhooks/standard-webhooks,
read 2026-11-21). ed25519 needs the extra `webhooks`; HMAC needs nothing.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from rung.runtime.webhooks.errors import INVALID, NO_EXTRA, WebhookError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

Scheme: TypeAlias = Literal["hmac", "ed25519"]
SECRET_BYTES = 32
#: What the specification allows a secret of HMAC to have.
SECRET_BYTES_MIN, SECRET_BYTES_MAX = 24, 64


@dataclass(frozen=True, slots=True, kw_only=True)
class NewKey:
    """A key that was made. `secret` signs; `shown` is what the receiver verifies with: the same for HMAC."""

    secret: str
    shown: str


def new_key(scheme: Scheme) -> NewKey:
    """A random key. Raises WebhookError (R0547) for ed25519 without the extra."""
    if scheme == "hmac":
        secret = "whsec_" + _encoded(secrets.token_bytes(SECRET_BYTES))
        return NewKey(secret=secret, shown=secret)
    private = _ed25519().Ed25519PrivateKey.generate()
    public = private.public_key().public_bytes_raw()
    return NewKey(
        secret="whsk_" + _encoded(private.private_bytes_raw() + public), shown="whpk_" + _encoded(public)
    )


@lru_cache(maxsize=4096)
def signer(key: str) -> Callable[[bytes], str]:
    """What signs with `key` (`whsec_` or `whsk_`): from content to one entry of the header `webhook-signature`.

    Raises WebhookError (R0543) for what is no key.
    """
    if key.startswith("whsk_"):
        private = _private(_raw(key, "whsk_"))
        return lambda content: "v1a," + _encoded(private.sign(content))
    secret = hmac_secret(key)
    return lambda content: "v1," + _encoded(hmac.digest(secret, content, "sha256"))


def hmac_secret(key: str) -> bytes:
    """The bytes of a `whsec_` key; the prefix may be missing. Raises WebhookError (R0543)."""
    raw = _raw(key, "whsec_")
    if not SECRET_BYTES_MIN <= len(raw) <= SECRET_BYTES_MAX:
        raise WebhookError(
            INVALID,
            f"a secret of {len(raw)} bytes; the standard asks for {SECRET_BYTES_MIN} to {SECRET_BYTES_MAX}",
        )
    return raw


@lru_cache(maxsize=4096)
def verifier(key: str) -> Callable[[bytes, bytes], bool]:
    """Whether (signature, content) is of the holder of `key`, a `whpk_`. Raises WebhookError (R0543, R0547)."""
    library = _ed25519()
    try:
        public = library.Ed25519PublicKey.from_public_bytes(_raw(key, "whpk_"))
    except ValueError as error:
        raise WebhookError(INVALID, f"not a public key of ed25519: {error}") from error

    def verify(signature: bytes, content: bytes) -> bool:
        from cryptography.exceptions import InvalidSignature

        try:
            public.verify(signature, content)
        except InvalidSignature:
            return False
        return True

    return verify


def _private(raw: bytes) -> Ed25519PrivateKey:
    """From the seed alone, or from seed and public key, as libsodium writes it."""
    if len(raw) not in (32, 64):
        raise WebhookError(INVALID, f"a secret key of {len(raw)} bytes; ed25519 has 32, or 64 with its public key")
    private: Ed25519PrivateKey = _ed25519().Ed25519PrivateKey.from_private_bytes(raw[:32])
    return private


def _raw(key: str, prefix: str) -> bytes:
    try:
        text = key.removeprefix(prefix)
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise WebhookError(INVALID, f"not a {prefix} key: {error}") from error


def _encoded(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _ed25519() -> Any:
    try:
        from cryptography.hazmat.primitives.asymmetric import ed25519
    except ImportError as error:
        raise WebhookError(NO_EXTRA, "ed25519 needs the extra: pip install 'rung[webhooks]'") from error
    return ed25519

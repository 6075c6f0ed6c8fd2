"""Signing keys at rest: encrypted with AES-256-GCM under a key of the secret `webhooks-key`.

Who has a copy of the database then has no key of anybody's. A stored key is bound to its tenant and endpoint:
copied to another row it does not open. A process without that secret writes keys in clear, as before, and reads
those. The secret holds one text, or several with spaces between while it rotates: the first encrypts, all open.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from rung.runtime.bindings import secret_versions, variable_name
from rung.runtime.webhooks.errors import INVALID, LOCKED, NO_EXTRA, WebhookError

SECRET_NAME = "webhooks-key"  # noqa: S105 - its name
#: Before a key id, a colon, and nonce and ciphertext in base64.
PREFIX = "sealed:"
NONCE_BYTES = 12
SECRET_LENGTH_MIN = 16


class Keyring:
    """The keys that signing keys are encrypted with. Without any, they are written and read in clear."""

    def __init__(self, *secrets: str) -> None:
        for each in secrets:
            if len(each) < SECRET_LENGTH_MIN:
                found = f"the secret {SECRET_NAME} has {len(each)} characters, and needs {SECRET_LENGTH_MIN}"
                raise WebhookError(INVALID, found)
        derived = [hmac.digest(each.encode(), b"rung webhooks", "sha256") for each in secrets]
        self._keys = {hashlib.sha256(key).hexdigest()[:8]: _cipher(key) for key in derived}
        self._current = next(iter(self._keys), None)

    def seal(self, secret: str, tenant: str, endpoint: str) -> str:
        """What is stored of a signing key."""
        if self._current is None:
            return secret
        nonce = os.urandom(NONCE_BYTES)
        sealed = nonce + self._keys[self._current].encrypt(nonce, secret.encode(), _owner(tenant, endpoint))
        return f"{PREFIX}{self._current}:{base64.b64encode(sealed).decode()}"

    def open(self, stored: str, tenant: str, endpoint: str) -> str:
        """The signing key. Raises WebhookError (R0548) where no key of this process opens it."""
        if not stored.startswith(PREFIX):
            return stored
        from cryptography.exceptions import InvalidTag

        name, _, text = stored.removeprefix(PREFIX).partition(":")
        cipher = self._keys.get(name)
        if cipher is None:
            raise WebhookError(LOCKED, f"it is encrypted with key {name}, and this process has {self._names()}")
        try:
            sealed = base64.b64decode(text, validate=True)
            return str(
                cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], _owner(tenant, endpoint)).decode()
            )
        except (InvalidTag, binascii.Error, ValueError):
            raise WebhookError(LOCKED, "it is damaged, or was copied from another endpoint") from None

    def is_current(self, stored: str) -> bool:
        """Whether it is stored as `seal` would store it now."""
        return self._current is None or stored.startswith(f"{PREFIX}{self._current}:")

    def _names(self) -> str:
        return ", ".join(self._keys) or "none"


def keyring_of_process(environment: Mapping[str, str] | None = None) -> Keyring:
    """Of the secret `webhooks-key`, when the process uses it, as it is now. Raises as `secret` does."""
    variables = os.environ if environment is None else environment
    if variable_name(SECRET_NAME) not in variables:
        return _keyring(())
    return _keyring(tuple(word for text in secret_versions(SECRET_NAME, environment) for word in text.split()))


@lru_cache(maxsize=8)
def _keyring(secrets: tuple[str, ...]) -> Keyring:
    return Keyring(*dict.fromkeys(secrets))


def _cipher(key: bytes) -> Any:
    try:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    except ImportError as error:
        raise WebhookError(NO_EXTRA, "encrypting keys needs the extra: pip install 'rung[webhooks]'") from error
    return AESGCM(key)


def _owner(tenant: str, endpoint: str) -> bytes:
    return f"{tenant}\n{endpoint}".encode()

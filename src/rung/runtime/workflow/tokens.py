"""The token of an approval: signed, so that a guess is refused at once; only its hash is in the database.

It is made anew at every replay from the key, the run and the place, so nothing has to keep it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import struct

_SIGNATURE_BYTES = 32
_LABEL = b"rung workflow approval 1\0"


def token_of(key: bytes, run_number: int, path: str) -> str:
    """The token that decides the approval at `path` of a run: 60 or so characters for a URL.

    Raises ValueError for a key of fewer than 16 bytes.
    """
    if len(key) < 16:
        raise ValueError("the key of approvals has at least 16 bytes")
    payload = struct.pack("!q", run_number) + path.encode()
    return base64.urlsafe_b64encode(_signature(key, payload) + payload).decode().rstrip("=")


def is_signed(key: bytes, token: str) -> bool:
    """Whether the token was made with this key. Takes the same time for every wrong one."""
    try:
        raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except (ValueError, binascii.Error):
        return False
    if not _SIGNATURE_BYTES + 8 < len(raw) < 256:
        return False
    return hmac.compare_digest(raw[:_SIGNATURE_BYTES], _signature(key, raw[_SIGNATURE_BYTES:]))


def hash_of(token: str) -> bytes:
    """What the database keeps of a token."""
    return hashlib.sha256(token.encode()).digest()


def _signature(key: bytes, payload: bytes) -> bytes:
    return hmac.digest(key, _LABEL + payload, "sha256")

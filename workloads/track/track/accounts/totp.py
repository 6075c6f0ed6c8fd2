"""Codes of an authenticator application (RFC 6238). Pure."""

from __future__ import annotations

import hmac
import struct

STEP_SECONDS = 30
DIGITS = 6
#: A code of the step before and of the one after are right too: clocks differ.
STEPS_AROUND = 1


def code_at(secret: bytes, step: int) -> str:
    """The code of a step of 30 seconds since the epoch (RFC 4226, 5.3, with SHA-1, as everywhere)."""
    digest = hmac.digest(secret, struct.pack(">Q", step), "sha1")
    offset = digest[-1] & 0x0F
    number = struct.unpack(">I", digest[offset : offset + 4])[0] & 0x7FFF_FFFF
    return f"{number % 10**DIGITS:0{DIGITS}d}"


def matching_step(secret: bytes, code: str, *, now: float, after: int) -> int | None:
    """The step whose code this is, later than `after`; None when it is none: a code is taken once."""
    current = int(now // STEP_SECONDS)
    for step in range(current - STEPS_AROUND, current + STEPS_AROUND + 1):
        if step > after and hmac.compare_digest(code_at(secret, step).encode(), code.encode()):
            return step
    return None

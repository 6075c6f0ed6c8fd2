"""Addresses of mail, as far as a program can judge them."""

from __future__ import annotations

import re

from track.problems import invalid

_ADDRESS = re.compile(
    r"[^@\s\x00-\x1f\x7f<>\"(),;:\\]{1,64}@[a-z0-9](?:[a-z0-9.-]{0,250}[a-z0-9])?", re.IGNORECASE
)


def normal(address: str, *, field: str = "email") -> str:
    """The address as it is stored and compared. Raises Problem 422 for what cannot be one, and names `field`."""
    found = address.strip().lower()
    if _ADDRESS.fullmatch(found) is None or len(found) > 254 or ".." in found:
        raise invalid(f"not an address: {address[:60]!r}", field=field)
    return found


def domain_of(address: str) -> str:
    """What stands behind the @."""
    return address.rpartition("@")[2]

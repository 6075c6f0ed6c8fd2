"""What a cart may hold, and what becomes of two carts when their owner turns out to be one person."""

from __future__ import annotations

from collections.abc import Mapping

QUANTITY_MAX = 10_000
LINES_MAX = 1_000


def merge(known: Mapping[int, int], guest: Mapping[int, int]) -> dict[int, int]:
    """The quantities by variant of both carts together: added up, capped, the customer's own lines first.

    Adding is right because the guest's cart ends with the merge: signing in twice adds nothing twice.
    """
    merged = dict(known)
    for variant, quantity in guest.items():
        if variant in merged or len(merged) < LINES_MAX:
            merged[variant] = min(QUANTITY_MAX, merged.get(variant, 0) + quantity)
    return merged

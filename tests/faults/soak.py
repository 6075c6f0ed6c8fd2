"""How much of a fault's full count `make soak` does: all of it, or the share in RUNG_SOAK_SHARE (0.1: a tenth)."""

from __future__ import annotations

import os

SHARE = float(os.environ.get("RUNG_SOAK_SHARE", "1"))


def share_of(count: int) -> int:
    """`count`, or the part of it that was asked for; at least one."""
    return max(1, round(count * SHARE))

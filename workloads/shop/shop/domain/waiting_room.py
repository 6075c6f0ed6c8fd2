"""Who may pass the gate of a flash sale, as a function of time: no state to share, nothing to lose.

Tickets are numbered from 1 in the order of arrival. The gate lets `admit_per_second` pass from the start on,
so ticket n is admitted once n <= rate * seconds since the start + one second's worth.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

SOLD_OUT_SECONDS = 5.0
State = Literal["early", "waiting", "admitted", "sold_out", "over"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """A sale as the gate sees it; times in seconds since the epoch. `left`: pieces that nobody has reserved."""

    starts_at: float
    ends_at: float
    admit_per_second: int
    left: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a ticket stands. `wait_seconds` is when to ask again, `ahead` how many are before it."""

    state: State
    ahead: int = 0
    wait_seconds: float = 0.0


def place(gate: Gate, ticket: int, now: float) -> Place:
    """Where ticket number `ticket` stands at `now`."""
    if now >= gate.ends_at:
        return Place(state="over")
    if now < gate.starts_at:
        return Place(state="early", ahead=ticket - 1, wait_seconds=gate.starts_at - now)
    if gate.left <= 0:  # an order that falls through opens the gate again
        return Place(state="sold_out", wait_seconds=SOLD_OUT_SECONDS)
    admitted = admitted_by(gate, now)
    if ticket <= admitted:
        return Place(state="admitted")
    opens_in = (ticket - gate.admit_per_second) / gate.admit_per_second - (now - gate.starts_at)
    return Place(state="waiting", ahead=ticket - admitted - 1, wait_seconds=max(0.0, opens_in))


def admitted_by(gate: Gate, now: float) -> int:
    """How many tickets have been let through by `now`."""
    if now < gate.starts_at:
        return 0
    return int((now - gate.starts_at) * gate.admit_per_second) + gate.admit_per_second

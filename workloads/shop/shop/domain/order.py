"""The states of an order, and what may follow what.

    placed ──authorise──► authorised ──pack──► packed ──capture──► paid ──ship──► shipped
       │                      │                   │                  │              │
       └───────cancel─────────┴──────cancel───────┘                  └───refund─────┴──► refunded

Stock is reserved while an order is placed or authorised, and sold from packed on.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, get_args

Status = Literal["placed", "authorised", "packed", "paid", "shipped", "cancelled", "refunded"]
Event = Literal["authorise", "pack", "capture", "ship", "cancel", "refund"]

STATUSES: tuple[Status, ...] = get_args(Status)
EVENTS: tuple[Event, ...] = get_args(Event)

TRANSITIONS: Mapping[tuple[Status, Event], Status] = {
    ("placed", "authorise"): "authorised",
    ("authorised", "pack"): "packed",
    ("packed", "capture"): "paid",
    ("paid", "ship"): "shipped",
    ("placed", "cancel"): "cancelled",
    ("authorised", "cancel"): "cancelled",
    ("packed", "cancel"): "cancelled",
    ("paid", "refund"): "refunded",
    ("shipped", "refund"): "refunded",
}

#: Where the goods of an order in this state are; None: they are nobody's any more, or never were.
STOCK_ACCOUNT: Mapping[Status, Literal["reserved", "sold"] | None] = {
    "placed": "reserved",
    "authorised": "reserved",
    "packed": "sold",
    "paid": "sold",
    "shipped": "sold",
    "cancelled": None,
    "refunded": None,
}


class TransitionError(ValueError):
    """The event cannot happen to an order in that state."""


def following(status: Status, event: Event) -> Status:
    """The state after `event`. Raises TransitionError, naming what is possible instead."""
    after = TRANSITIONS.get((status, event))
    if after is None:
        possible = ", ".join(sorted(e for s, e in TRANSITIONS if s == status)) or "nothing"
        raise TransitionError(f"an order that is {status} cannot {event}; it can: {possible}")
    return after


def allows(status: Status, event: Event) -> bool:
    """Whether the event can happen to an order in that state."""
    return (status, event) in TRANSITIONS


def is_final(status: Status) -> bool:
    """Whether nothing can follow."""
    return not any(before == status for before, _ in TRANSITIONS)

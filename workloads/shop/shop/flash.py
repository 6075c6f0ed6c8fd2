"""The gate of a flash sale: a numbered ticket in the waiting room, then a token that the checkout asks for.

The counter in the cache is the only shared state; who is admitted follows from the clock (domain.waiting_room).
Stock and the limit for each buyer are kept by the database at the checkout, whatever the gate does.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Sequence
from typing import Any

from shop.carts import CartLine
from shop.domain.waiting_room import Gate, place
from shop.problems import Problem, not_found
from shop.resources import db, key_of
from shop.sessions import count
from shop.signing import sign, verified

ADMISSION_SECONDS = 180
GATE_SECONDS = 1.0

_gates: dict[str, tuple[float, Gate]] = {}


async def gate(sale_id: str) -> Gate:
    """The sale's gate, at most a second old. Raises Problem 404."""
    known = _gates.get(sale_id)
    now = time.monotonic()
    if known is not None:
        if now - known[0] < GATE_SECONDS:
            return known[1]
        _gates[sale_id] = (now, known[1])  # this request asks; the others go on by what is known
    row = await db.fetch_row(
        """select extract(epoch from f.starts_at)::float8 as starts_at,
                  extract(epoch from f.ends_at)::float8 as ends_at, f.admit_per_second,
                  (i.on_hand - i.reserved) / v.units as left
             from flash_sales f join variants v on v.id = f.variant_id
             join inventory_items i on i.id = v.inventory_item_id where f.id = $1""",
        sale_id,
    )
    if row is None:
        raise not_found("the flash sale")
    fresh = Gate(**dict(row))
    _gates[sale_id] = (now, fresh)
    return fresh


def forget_gates() -> None:
    """Read the sales anew at the next request."""
    _gates.clear()


async def join(sale_id: str, owner: str) -> dict[str, Any]:
    """Take a ticket. One for each call, and none is better than an earlier one. Raises Problem 404, 410."""
    room = await gate(sale_id)
    if time.time() >= room.ends_at:
        raise Problem(410, "sale_over", "this sale is over")
    ticket = await count(f"flash:{sale_id}", seconds=int(room.ends_at - time.time()) + 3600)
    signed = sign(
        f"{sale_id}/{ticket}/{owner}", purpose="ticket", key=key_of("session-key"), expires_at=int(room.ends_at)
    )
    return {"ticket": signed, **await status(sale_id, owner, signed)}


async def status(sale_id: str, owner: str, ticket: str) -> dict[str, Any]:
    """Where the ticket stands; with the admission once it is let through. Raises Problem 404, 403."""
    room = await gate(sale_id)
    now = time.time()
    number = _number(sale_id, owner, ticket, now)
    standing = place(room, number, now)
    answer: dict[str, Any] = {
        "state": standing.state,
        "ahead": standing.ahead,
        "wait_seconds": round(standing.wait_seconds, 1),
        "admission": None,
    }
    if standing.state == "admitted":
        expires_at = int(now) + ADMISSION_SECONDS
        answer["admission"] = sign(
            f"{sale_id}/{owner}", purpose="admission", key=key_of("session-key"), expires_at=expires_at
        )
    return answer


def _number(sale_id: str, owner: str, ticket: str, now: float) -> int:
    value = verified(ticket, purpose="ticket", key=key_of("session-key"), now=now) if len(ticket) < 400 else None
    sale, _, rest = (value or "").partition("/")
    number, _, holder = rest.partition("/")
    if value is None or sale != sale_id or holder != owner:
        raise Problem(403, "not_your_ticket", "this ticket is not yours, or its time is up")
    return int(number)


def require_admission(lines: Sequence[CartLine], owner: str, admissions: Sequence[str]) -> None:
    """Raises Problem 403 when the cart holds an article of a running sale and there is no admission to it."""
    sales = {line.flash.id for line in lines if line.flash}
    if not sales:
        return
    key, now = key_of("session-key"), time.time()
    granted = {verified(token, purpose="admission", key=key, now=now) for token in admissions if len(token) < 400}
    for sale in sorted(sales):
        if f"{sale}/{owner}" not in granted:
            raise Problem(403, "not_admitted", "wait for your turn in the flash sale", sale=sale)


def buyer_hash(email: str) -> str:
    """Whom the limit counts: the e-mail address under a key, so that the table names nobody."""
    return hmac.new(key_of("session-key"), b"buyer:" + email.strip().lower().encode(), hashlib.sha256).hexdigest()[
        :32
    ]

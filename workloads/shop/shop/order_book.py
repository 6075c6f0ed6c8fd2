"""Orders after they were placed: reading, cancelling, giving money back, expiry. Every change of state is here."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

import msgspec

from shop.domain.order import Event, Status, following
from shop.identifiers import new_id
from shop.problems import Problem, not_found
from shop.resources import db, orders

EXPIRY_BATCH = 200
PAGE_LIMIT = 20

ORDER_JSON = """
json_build_object(
    'id', o.id, 'number', o.number, 'status', o.status, 'currency', o.currency,
    'subtotal_minor', o.subtotal_minor, 'discount_minor', o.discount_minor, 'delivery_minor', o.delivery_minor,
    'tax_minor', o.tax_minor, 'total_minor', o.total_minor, 'refunded_minor', o.refunded_minor,
    'delivery', o.delivery, 'reference', o.reference, 'reason', o.reason, 'placed_at', o.placed_at,
    'lines', (select coalesce(json_agg(json_build_object(
        'sku', l.sku, 'title', l.title, 'quantity', l.quantity, 'unit_price_minor', l.unit_price_minor,
        'discount_minor', l.discount_minor, 'total_minor', l.total_minor) order by l.position), '[]')
        from order_lines l where l.order_id = o.id))::text"""

READ = f"select {ORDER_JSON} from orders o where o.id = $1 and o.buyer = $2"  # noqa: S608 - constants

CHANGE = """
with before as (select id, status from orders where id = $1 and status = any($2::text[]) for update),
changed as (
    update orders o set status = $3, reason = coalesce($4, o.reason), updated_at = now()
      from before b where o.id = b.id returning o.id
), noted as (
    insert into order_events (order_id, from_status, to_status, detail)
    select b.id, b.status, $3, coalesce($4, '') from before b join changed c on c.id = b.id
)
select status from before
"""

RELEASE = """
with wanted as materialized (
    select inventory_item_id as id, sum(quantity * units)::integer as quantity
      from order_lines where order_id = $1 group by inventory_item_id
), locked as materialized (
    select i.id from inventory_items i join wanted w on w.id = i.id order by i.id for update of i
), moved as (
    update inventory_items i
       set reserved = i.reserved - case when $2 = 'reserved' then w.quantity else 0 end,
           on_hand = i.on_hand + case when $2 = 'sold' then w.quantity else 0 end
      from wanted w join locked on locked.id = w.id where i.id = w.id
), given_back as (
    update flash_purchases f set quantity = f.quantity - l.quantity
      from orders o join order_lines l on l.order_id = o.id
      join flash_sales s on s.variant_id = l.variant_id
     where o.id = $1 and f.sale_id = s.id and f.buyer = o.flash_buyer and f.quantity >= l.quantity
       and o.placed_at between s.starts_at and s.ends_at
)
insert into stock_movements (inventory_item_id, from_account, to_account, quantity, order_id, reason)
select id, $2, 'available', quantity, $1, $3 from wanted
"""


async def change(
    connection: Any, order_id: uuid.UUID, event: Event, *sources: Status, reason: str | None = None
) -> bool:
    """Apply `event` when the order is in one of `sources`; False when it is not, and then nothing happened."""
    targets = {following(source, event) for source in sources}
    assert len(targets) == 1, "one event leads to one state"
    found = await connection.fetchval(CHANGE, order_id, list(sources), targets.pop(), reason)
    return found is not None


async def cancel(connection: Any, order_id: uuid.UUID, reason: str) -> bool:
    """Compensation: the order ends, its goods go back, its payment is voided by a message. False: it had ended."""
    row = await connection.fetchrow("select status, payment_id from orders where id = $1 for update", order_id)
    if row is None or row["status"] not in ("placed", "authorised", "packed"):
        return False
    await change(connection, order_id, "cancel", row["status"], reason=reason)
    account = "sold" if row["status"] == "packed" else "reserved"
    await connection.execute(RELEASE, order_id, account, reason)
    if row["payment_id"] is not None:
        await orders.send({"order": str(order_id), "step": "void"}, lane="payment", transaction=connection)
    return True


async def expire_reservations() -> None:
    """Runs every minute: orders that nobody could charge in time give their stock back."""
    rows = await db.fetch(
        """select id from orders where status = 'placed' and reserved_until < now()
            order by reserved_until limit $1""",
        EXPIRY_BATCH,
    )
    for row in rows:
        async with db.transaction() as connection:
            await _expire(connection, row["id"])


async def _expire(connection: Any, order_id: uuid.UUID) -> None:
    """Only while it is still placed: a payment may have come in since the list was read."""
    still = await connection.fetchval(
        "select 1 from orders where id = $1 and status = 'placed' for update skip locked", order_id
    )
    if still is not None:
        await cancel(connection, order_id, "the payment did not arrive in time")


async def read(order_id: uuid.UUID, owner: str) -> bytes:
    """One order of `owner` as JSON. Raises Problem 404, also when it is somebody else's."""
    text = await db.fetch_value(READ, order_id, owner)
    if text is None:
        raise not_found("the order")
    return bytes(text, "utf-8")


async def read_by_key(owner: str, key: str) -> tuple[str, dict[str, Any]]:
    """The fingerprint and the order that an idempotency key stands for."""
    row = await db.fetch_row(
        f"select o.fingerprint, {ORDER_JSON} as body from orders o where o.buyer = $1 and o.idempotency_key = $2",  # noqa: S608
        owner,
        key,
    )
    assert row is not None, "an order is never deleted"
    return row["fingerprint"], msgspec.json.decode(row["body"])


async def listing(owner: str, after: tuple[datetime, uuid.UUID] | None) -> list[dict[str, Any]]:
    """The orders of `owner`, newest first, one page after the given one, without their lines."""
    rows = await db.fetch(
        """select id, number, status, currency, total_minor, refunded_minor, placed_at from orders
            where buyer = $1 and ($2::timestamptz is null or (placed_at, id) < ($2, $3::uuid))
            order by placed_at desc, id desc limit $4""",
        owner,
        after and after[0],
        after and after[1],
        PAGE_LIMIT,
    )
    return [dict(row) for row in rows]


class RefundLine(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What came back. `amount_minor` is what is given back for it."""

    sku: str
    quantity: int
    amount_minor: int


class Refund(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Money to give back. `reference` makes it unrepeatable; `order_id` None: an order from before our time."""

    reference: str
    amount_minor: int
    reason: str
    order_id: uuid.UUID | None = None
    currency: str = "GBP"
    lines: tuple[RefundLine, ...] = ()


async def refund(wanted: Refund) -> dict[str, Any]:
    """Give money back, once for each reference. Raises Problem 409 when the order does not have that much left."""
    refund_id = new_id()
    async with db.transaction() as connection:
        if wanted.order_id is not None:
            await _take_from_order(connection, wanted)
        created = await connection.fetchval(
            """insert into refunds (id, order_id, reference, amount_minor, currency, reason)
               values ($1, $2, $3, $4, $5, $6) on conflict (reference) do nothing returning id""",
            refund_id, wanted.order_id, wanted.reference, wanted.amount_minor, wanted.currency, wanted.reason,
        )  # fmt: skip
        if created is None:
            raise Problem(409, "refunded_already", f"the refund {wanted.reference!r} was made before")
        await _write_lines(connection, refund_id, wanted.lines)
        if wanted.order_id is not None:
            body = {"order": str(wanted.order_id), "step": "refund", "refund": str(refund_id)}
            await orders.send(body, lane="payment", transaction=connection)
    return {"id": str(refund_id), "reference": wanted.reference, "amount_minor": wanted.amount_minor}


async def _take_from_order(connection: Any, wanted: Refund) -> None:
    row = await connection.fetchrow(
        """update orders set refunded_minor = refunded_minor + $2, updated_at = now()
            where id = $1 and status in ('paid', 'shipped') and refunded_minor + $2 <= total_minor
        returning status, refunded_minor = total_minor as whole""",
        wanted.order_id,
        wanted.amount_minor,
    )
    if row is None:
        raise Problem(409, "not_refundable", "the order is not paid, or has less than that left")
    if row["whole"]:
        await change(connection, _known(wanted.order_id), "refund", row["status"], reason=wanted.reason)


def _known(order_id: uuid.UUID | None) -> uuid.UUID:
    assert order_id is not None
    return order_id


async def _write_lines(connection: Any, refund_id: uuid.UUID, lines: tuple[RefundLine, ...]) -> None:
    await connection.execute(
        """insert into refund_lines (refund_id, position, sku, quantity, amount_minor)
           select $1, l.position, l.sku, l.quantity, l.amount_minor
             from unnest($2::text[], $3::integer[], $4::bigint[])
                  with ordinality as l(sku, quantity, amount_minor, position)""",
        refund_id,
        [line.sku for line in lines],
        [line.quantity for line in lines],
        [line.amount_minor for line in lines],
    )

"""The worker: carries an order from placed to shipped, or undoes what was done. One message is one step.

    payment lane      authorise ──► fulfil          declined, or out of attempts: cancel (compensation)
                      void, refund                  money back, by the same lane
    fulfilment lane   fulfil: pack, capture, ship   not packable: cancel, which frees stock and money
    analytics lane    count

Every step may be delivered twice: it looks at the state of the order first, calls the provider under a fixed
key, and acknowledges its message in the transaction that records its effect.
"""

from __future__ import annotations

import uuid
from typing import Literal, assert_never

import msgspec

from rung.runtime.log import logger
from rung.runtime.queue import Message, Reject
from shop import order_book
from shop.failures import switches
from shop.payments import PaymentDeclined, PaymentError, provider
from shop.resources import db, orders

Step = Literal["authorise", "fulfil", "void", "refund", "count"]
log = logger(__name__)


class Work(msgspec.Struct, frozen=True, kw_only=True):
    """The body of a message."""

    order: uuid.UUID
    step: Step
    refund: uuid.UUID | None = None


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What the steps need to know of an order."""

    id: uuid.UUID
    status: str
    currency: str
    total_minor: int
    payment_token: str | None
    payment_id: str | None


class PoisonError(Exception):
    """The switch `poison-orders` struck."""


async def handle(message: Message) -> None:
    """Do one step. Raises for a retry with backoff; Reject for the dead-letter queue at once."""
    try:
        work = msgspec.json.decode(message.body, type=Work)
    except msgspec.MsgspecError as error:
        raise Reject(f"not a message of this shop: {error}") from error
    await switches.refresh()
    order = await _load(work.order)
    if order is None:
        raise Reject(f"there is no order {work.order}")
    match work.step:
        case "authorise":
            await _authorise(message, order)
        case "fulfil":
            await _fulfil(message, order)
        case "void":
            await _void(order)
        case "refund":
            await _refund(work, order)
        case "count":
            await _count(message, order)
        case _:
            assert_never(work.step)


async def _load(order_id: uuid.UUID) -> Order | None:
    row = await db.fetch_row(
        "select id, status, currency, total_minor, payment_token, payment_id from orders where id = $1", order_id
    )
    return None if row is None else Order(**dict(row))


async def _authorise(message: Message, order: Order) -> None:
    if order.status != "placed":
        return
    _poison()
    try:
        payment_id = await provider.authorise(
            token=order.payment_token or "",
            amount_minor=order.total_minor,
            currency=order.currency,
            key=_payment_key(order),
        )
    except PaymentDeclined as declined:
        await _give_up(message, order, str(declined))
        return
    except PaymentError as error:
        await _give_up_after_last(message, order, error)
        raise
    await _record_authorisation(message, order, payment_id)


async def _record_authorisation(message: Message, order: Order, payment_id: str) -> None:
    async with db.transaction() as connection:
        await connection.execute("update orders set payment_id = $2 where id = $1", order.id, payment_id)
        if await order_book.change(connection, order.id, "authorise", "placed"):
            await orders.send(
                {"order": str(order.id), "step": "fulfil"}, lane="fulfilment", transaction=connection
            )
        else:  # it expired while the provider was asked
            await orders.send({"order": str(order.id), "step": "void"}, lane="payment", transaction=connection)
        await orders.finished_in(message, connection)


async def _fulfil(message: Message, order: Order) -> None:
    _poison()
    if order.status == "authorised":
        if switches.strikes("packing-error"):
            await _give_up(message, order, "the goods were found damaged")
            return
        await _pack(order)
    elif order.status not in ("packed", "paid"):
        return
    assert order.payment_id is not None
    try:
        await provider.capture(order.payment_id, amount_minor=order.total_minor, key=f"{order.id}:capture")
    except PaymentDeclined as declined:
        await _give_up(message, order, str(declined))
        return
    except PaymentError as error:
        await _give_up_after_last(message, order, error)
        raise
    await _ship(message, order)


PACK = """
with wanted as materialized (
    select inventory_item_id as id, sum(quantity * units)::integer as quantity
      from order_lines where order_id = $1 group by inventory_item_id
), locked as materialized (
    select i.id from inventory_items i join wanted w on w.id = i.id order by i.id for update of i
), taken as (
    update inventory_items i set on_hand = i.on_hand - w.quantity, reserved = i.reserved - w.quantity
      from wanted w join locked on locked.id = w.id where i.id = w.id
)
insert into stock_movements (inventory_item_id, from_account, to_account, quantity, order_id, reason)
select id, 'reserved', 'sold', quantity, $1, 'order packed' from wanted
"""


async def _pack(order: Order) -> None:
    async with db.transaction() as connection:
        if await order_book.change(connection, order.id, "pack", "authorised"):
            await connection.execute(PACK, order.id)


async def _ship(message: Message, order: Order) -> None:
    async with db.transaction() as connection:
        await order_book.change(connection, order.id, "capture", "packed")
        if await order_book.change(connection, order.id, "ship", "paid"):
            await orders.send({"order": str(order.id), "step": "count"}, lane="analytics", transaction=connection)
        await orders.finished_in(message, connection)


async def _void(order: Order) -> None:
    """By the key, not by the id: after a lost answer only the key is known."""
    await provider.void(key=_payment_key(order))


async def _refund(work: Work, order: Order) -> None:
    amount = await db.fetch_value("select amount_minor from refunds where id = $1", work.refund)
    if amount is not None and order.payment_id is not None:
        await provider.refund(order.payment_id, amount_minor=amount, key=str(work.refund))


async def _count(message: Message, order: Order) -> None:
    """Yesterday's sales for the owner of the shop: counted once, because the message ends in the same commit."""
    async with db.transaction() as connection:
        await connection.execute(
            """insert into sales_daily (day, orders, units, total_minor)
               select placed_at::date, 1, (select sum(quantity) from order_lines where order_id = o.id),
                      o.total_minor
                 from orders o where o.id = $1
               on conflict (day) do update set orders = sales_daily.orders + 1,
                   units = sales_daily.units + excluded.units,
                   total_minor = sales_daily.total_minor + excluded.total_minor""",
            order.id,
        )
        await orders.finished_in(message, connection)


async def _give_up(message: Message, order: Order, reason: str) -> None:
    async with db.transaction() as connection:
        await order_book.cancel(connection, order.id, reason)
        await orders.finished_in(message, connection)
    log.info("order_cancelled", order=str(order.id), reason=reason)


async def _give_up_after_last(message: Message, order: Order, error: PaymentError) -> None:
    """At the last attempt the order is undone; the message still goes to the dead-letter queue, with the error."""
    if message.receive_count < orders.max_receive_count:
        return
    async with db.transaction() as connection:
        cancelled = await order_book.cancel(connection, order.id, "the payment provider did not answer")
        if cancelled and order.payment_id is None:  # whether the money was set aside is unknown
            await orders.send({"order": str(order.id), "step": "void"}, lane="payment", transaction=connection)
    log.warning("order_cancelled", order=str(order.id), reason=str(error))


def _payment_key(order: Order) -> str:
    return f"order-{order.id}"


def _poison() -> None:
    if switches.strikes("poison-orders"):
        raise PoisonError("the switch poison-orders struck")

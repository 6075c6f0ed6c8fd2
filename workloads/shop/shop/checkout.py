"""From cart to order: one read, then one statement that reserves the stock, writes the order and its message.

One statement is one turn: the row of a sought-after article is locked for as long as the database needs, and never
while it waits for the next thing that we say. Availability is compared per inventory item, summed over all lines
that draw on it.
"""

from __future__ import annotations

import hashlib
import re
import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from shop import carts, flash
from shop.carts import Cart, CartLine
from shop.domain.pricing import Delivery, Quote
from shop.http import Input
from shop.identifiers import new_id
from shop.narrow import Narrow
from shop.problems import Problem
from shop.resources import db, orders

RESERVATION_MINUTES = 15
#: Orders for what is on sale that are written at once: they wait for the same row, and who waits for it in the
#: database holds a connection that others need.
HOT_ORDERS_AT_ONCE = 4
HOT_ORDERS_WAITING_MAX = 60
#: The SQLSTATE of `refuse` (migration 0006).
REFUSED = "RF001"
_TOKEN = re.compile(r"tok_[A-Za-z0-9_]{1,64}", re.ASCII)
_KEY = re.compile(r"[A-Za-z0-9._:-]{8,100}", re.ASCII)
_EMAIL = re.compile(r"[^@\s\x00-\x1f]{1,64}@[^@\s\x00-\x1f]{1,190}")


_hot_orders = Narrow(HOT_ORDERS_AT_ONCE, waiting_max=HOT_ORDERS_WAITING_MAX)


class Address(Input, frozen=True, kw_only=True):
    """Where the goods go. `country` is ISO 3166-1 alpha-2."""

    line1: str
    city: str
    postcode: str = ""
    line2: str = ""
    country: str = "GB"


class CheckoutRequest(Input, frozen=True, kw_only=True):
    """What the buyer sends. `payment_token` comes from the provider's own form; card data never comes here."""

    email: str
    name: str
    address: Address
    payment_token: str
    delivery: Delivery = "standard"
    reference: str | None = None
    admissions: tuple[str, ...] = ()
    expected_total_minor: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """The order, as the API shows it, and whether this request was a repetition."""

    order: Mapping[str, Any]
    replayed: bool


READ = f"""
select ({carts.READ.strip().replace("c.owner = $1", "c.owner = $1::text")}) as cart,
       o.id as order_id, o.fingerprint
  from (select 1) as always left join orders o on o.buyer = $1::text and o.idempotency_key = $2
"""  # noqa: S608 - composed of constants

KNOWN = "select exists (select from orders where buyer = $1 and idempotency_key = $2)"

PLACE = """
with cart as (
    update carts set version = version + 1, promotion_code = null, updated_at = now()
     where owner = $1 and version = $2 returning owner
), emptied as (
    delete from cart_lines l using cart where l.owner = cart.owner
), wanted as materialized (
    select id, quantity from unnest($3::bigint[], $4::integer[]) as w(id, quantity)
), locked as materialized (
    select i.id from inventory_items i join wanted w on w.id = i.id order by i.id for update of i
), reserved as (
    update inventory_items i set reserved = i.reserved + w.quantity
      from wanted w join locked on locked.id = w.id
     where i.id = w.id and i.on_hand - i.reserved >= w.quantity returning i.id
), flash as (
    insert into flash_purchases (sale_id, buyer, quantity)
    select f.sale_id, $5, f.quantity
      from unnest($6::text[], $7::integer[], $8::integer[]) as f(sale_id, quantity, most)
    on conflict (sale_id, buyer) do update set quantity = flash_purchases.quantity + excluded.quantity
     where flash_purchases.quantity + excluded.quantity
           <= (select limit_per_buyer from flash_sales s where s.id = excluded.sale_id)
    returning sale_id
), placed as (
    insert into orders (id, buyer, customer_id, idempotency_key, fingerprint, status, currency, subtotal_minor,
                        discount_minor, delivery_minor, tax_minor, total_minor, email, name, address, country,
                        delivery, promotion_code, payment_token, reference, flash_buyer, placed_at, reserved_until)
    select $9, cart.owner, $10, $11, $12, 'placed', $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24,
           $25, $26, $5, $27, $28
      from cart where (select count(*) from reserved) = (select count(*) from wanted)
    on conflict (buyer, idempotency_key) do nothing returning id, number
), lines as (
    insert into order_lines (order_id, position, variant_id, inventory_item_id, sku, title, quantity, units,
                             unit_price_minor, discount_minor, tax_rate_bp, tax_minor, total_minor)
    select placed.id, l.*
      from placed, unnest($29::integer[], $30::bigint[], $31::bigint[], $32::text[], $33::text[], $34::integer[],
                          $35::integer[], $36::bigint[], $37::bigint[], $38::integer[], $39::bigint[],
                          $40::bigint[]) as l
), moved as (
    insert into stock_movements (inventory_item_id, from_account, to_account, quantity, order_id, reason)
    select w.id, 'available', 'reserved', w.quantity, placed.id, 'order placed' from placed, wanted w
), noted as (
    insert into order_events (order_id, to_status) select id, 'placed' from placed
), sent as (
    {send}
)
select case when not exists (select from cart) then refuse('cart_changed')
            when (select count(*) from reserved) < cardinality($3::bigint[]) then refuse('out_of_stock')
            when (select count(*) from flash) < cardinality($6::text[]) then refuse('flash_limit')
            when not exists (select from placed) then refuse('key_taken')
            else (select number from placed) end as number
"""
SEND_FROM = 41

REFUSALS = {
    "cart_changed": "your cart has changed: look at it again",
    "out_of_stock": "something in your cart is sold out",
    "flash_limit": "you have bought your share of this offer",
    "key_taken": "this Idempotency-Key is in use",
}


async def place(owner: str, customer_id: uuid.UUID | None, key: str, request: CheckoutRequest) -> Placed:
    """The order for the cart of `owner`; the same one again when `key` was used before with the same request.

    Raises Problem 409 (cart_empty, cart_changed, out_of_stock, flash_limit, price_changed) or
    422 (key_reused, invalid); nothing has happened then. OverloadedError when too many order what is on sale.
    """
    check(key, request)
    fingerprint = hashlib.sha256(msgspec.json.encode(msgspec.structs.replace(request, admissions=()))).hexdigest()
    row = await db.fetch_row(READ, owner, key)
    assert row is not None
    if row["order_id"] is not None:
        return await _replay(owner, key, fingerprint)
    cart = carts.EMPTY if row["cart"] is None else msgspec.json.decode(row["cart"], type=Cart)
    flash.require_admission(cart.lines, owner, request.admissions)
    quote = _quote(cart, request)
    _require_stock(cart)
    try:
        order = await _write(owner, customer_id, key, fingerprint, request, cart, quote)
    except Exception as refused:
        if getattr(refused, "sqlstate", "") != REFUSED:
            raise
        if await db.fetch_value(KNOWN, owner, key):  # the same request, a moment earlier
            return await _replay(owner, key, fingerprint)
        reason = refused.args[0]
        raise Problem(409, reason, REFUSALS[reason]) from None
    return Placed(order=order, replayed=False)


def check(key: str, request: CheckoutRequest) -> None:
    """Raises Problem 422 for values that no order can have."""
    facts = {
        "Idempotency-Key is 8 to 100 letters, digits or . _ : -": _KEY.fullmatch(key),
        "email is an address": _EMAIL.fullmatch(request.email),
        "payment_token is one of the provider's: tok_...": _TOKEN.fullmatch(request.payment_token),
        "name and address are at most 200 characters each, without control characters": all(
            len(text) <= 200 and text.isprintable() for text in _texts(request)
        ),
        "name, line1 and city are needed": request.name and request.address.line1 and request.address.city,
        "country is two capital letters": re.fullmatch("[A-Z]{2}", request.address.country),
    }
    for sentence, holds in facts.items():
        if not holds:
            raise Problem(422, "invalid", sentence)


def _texts(request: CheckoutRequest) -> list[str]:
    address = request.address
    return [request.name, request.reference or "", address.line1, address.line2, address.city, address.postcode]


def _quote(cart: Cart, request: CheckoutRequest) -> Quote:
    if not cart.lines:
        raise Problem(409, "cart_empty", "there is nothing in your cart")
    quote = carts.quote(cart, country=request.address.country, delivery=request.delivery)
    if request.expected_total_minor not in (None, quote.total_minor):
        raise Problem(409, "price_changed", "the total has changed", total_minor=quote.total_minor)
    return quote


async def _write(
    owner: str,
    customer_id: uuid.UUID | None,
    key: str,
    fingerprint: str,
    request: CheckoutRequest,
    cart: Cart,
    quote: Quote,
) -> dict[str, Any]:
    order_id, now = new_id(), datetime.now(UTC)
    wanted, offered = wanted_items(cart.lines), [line for line in cart.lines if line.flash]
    flash_columns = _flash_columns(offered)
    send = await orders.clause(
        {"order": str(order_id), "step": "authorise"}, lane="payment", first_parameter=SEND_FROM
    )
    async with _hot_orders if offered else nullcontext():
        number = await db.fetch_value(
            PLACE.format(send=send.sql), owner, cart.version, list(wanted), list(wanted.values()),
            flash.buyer_hash(request.email), *flash_columns,
            order_id, customer_id, key, fingerprint, quote.currency, quote.subtotal_minor, quote.discount_minor,
            quote.delivery_minor, quote.tax_minor, quote.total_minor, request.email.lower(), request.name,
            msgspec.json.encode(request.address).decode(), request.address.country, request.delivery,
            quote.promotion_code, request.payment_token, request.reference, now,
            now + timedelta(minutes=RESERVATION_MINUTES), *_line_columns(cart.lines, quote), *send.arguments,
        )  # fmt: skip
    send.announce()
    return _shown(order_id, number, now, request, cart, quote)


def wanted_items(lines: Sequence[CartLine]) -> dict[int, int]:
    """How many of each inventory item the lines need together: two lines may draw on the same one."""
    needed: Counter[int] = Counter()
    for line in lines:
        needed[line.inventory_item_id] += line.quantity * line.units
    return dict(sorted(needed.items()))


def _require_stock(cart: Cart) -> None:
    """Most who come too late are told so here, without a transaction; the last word has the reservation."""
    on_shelf = {line.inventory_item_id: line.on_shelf for line in cart.lines}
    short = {item for item, quantity in wanted_items(cart.lines).items() if quantity > on_shelf[item]}
    if short:
        skus = [line.sku for line in cart.lines if line.inventory_item_id in short]
        raise Problem(409, "out_of_stock", "something in your cart is sold out", skus=skus)


def _flash_columns(lines: Sequence[CartLine]) -> tuple[list[str], list[int], list[int]]:
    offers = [(line.flash, line.quantity) for line in lines if line.flash]
    for offer, quantity in offers:
        if quantity > offer.limit_per_buyer:
            raise Problem(409, "flash_limit", f"at most {offer.limit_per_buyer} for each buyer", sale=offer.id)
    return [o.id for o, _ in offers], [q for _, q in offers], [o.limit_per_buyer for o, _ in offers]


def _line_columns(lines: Sequence[CartLine], quote: Quote) -> list[list[Any]]:
    rows = [
        (position, line.variant_id, line.inventory_item_id, line.sku, line.title, line.quantity, line.units,
         line.unit_price_minor, priced.discount_minor, priced.tax_rate_bp, priced.tax_minor, priced.total_minor)
        for position, (line, priced) in enumerate(zip(lines, quote.lines, strict=True), 1)
    ]  # fmt: skip
    return [list(column) for column in zip(*rows, strict=True)]


async def _replay(owner: str, key: str, fingerprint: str) -> Placed:
    from shop.order_book import read_by_key

    known, order = await read_by_key(owner, key)
    if known != fingerprint:
        raise Problem(422, "key_reused", "this Idempotency-Key belongs to a different request")
    return Placed(order=order, replayed=True)


def _shown(
    order_id: uuid.UUID, number: int, now: datetime, request: CheckoutRequest, cart: Cart, quote: Quote
) -> dict[str, Any]:
    return {
        "id": str(order_id),
        "number": number,
        "status": "placed",
        "currency": quote.currency,
        "subtotal_minor": quote.subtotal_minor,
        "discount_minor": quote.discount_minor,
        "delivery_minor": quote.delivery_minor,
        "tax_minor": quote.tax_minor,
        "total_minor": quote.total_minor,
        "refunded_minor": 0,
        "delivery": request.delivery,
        "reference": request.reference,
        "reason": None,
        "placed_at": now.isoformat(),
        "lines": [
            {
                "sku": line.sku,
                "title": line.title,
                "quantity": line.quantity,
                "unit_price_minor": line.unit_price_minor,
                "discount_minor": priced.discount_minor,
                "total_minor": priced.total_minor,
            }
            for line, priced in zip(cart.lines, quote.lines, strict=True)
        ],
    }

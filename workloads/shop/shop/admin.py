"""For the people who run the shop: orders, refunds, stock, prices, sales, failure switches. Behind a secret."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from rung.runtime.errors import UnavailableError
from shop import failures, order_book, storefront
from shop.http import Input, json, read, whole_number
from shop.problems import Problem, not_found
from shop.resources import db, key_of, orders, pages

Handler = Callable[[Request], Awaitable[Response]]


def guarded(handler: Handler) -> Handler:
    """Only with the header X-Admin-Key; compared in constant time."""

    async def guard(request: Request) -> Response:
        given = request.headers.get("x-admin-key", "").encode()
        if not hmac.compare_digest(given, key_of("admin-key")):
            raise Problem(403, "forbidden", "X-Admin-Key is missing or wrong")
        return await handler(request)

    return guard


class Cancellation(Input, frozen=True, kw_only=True):
    """Why an order is cancelled."""

    reason: str


class Delivery(Input, frozen=True, kw_only=True):
    """Goods that came in (positive) or were lost (negative)."""

    quantity: int
    reason: str = "delivery"


class Price(Input, frozen=True, kw_only=True):
    """A new price, in minor units."""

    price_minor: int


class Sale(Input, frozen=True, kw_only=True):
    """A flash sale of one article."""

    id: str
    sku: str
    price_minor: int
    starts_at: datetime
    ends_at: datetime
    admit_per_second: int
    limit_per_buyer: int = 1


class Switch(Input, frozen=True, kw_only=True):
    """The value of a failure switch; null turns it off."""

    value: str | None


async def list_orders(request: Request) -> Response:
    """GET /api/admin/orders?status&limit, newest first."""
    rows = await db.fetch(
        """select id, number, status, currency, total_minor, refunded_minor, reference, reason, source, placed_at
             from orders where $1 = '' or status = $1 order by placed_at desc limit $2""",
        request.query_params.get("status", ""),
        whole_number(request, "limit", default=50, least=1, most=500),
    )
    return json({"items": [dict(row) for row in rows]})


async def order_events(request: Request) -> Response:
    """GET /api/admin/orders/{id}/events: the audit."""
    rows = await db.fetch(
        "select from_status, to_status, detail, at from order_events where order_id = $1 order by id",
        request.path_params["order_id"],
    )
    return json({"items": [dict(row) for row in rows]})


async def cancel_order(request: Request) -> Response:
    """POST /api/admin/orders/{id}/cancel {"reason"}: stock and money go back."""
    wanted = await read(request, Cancellation)
    async with db.transaction() as connection:
        done = await order_book.cancel(connection, request.path_params["order_id"], wanted.reason[:200])
    if not done:
        raise Problem(409, "not_cancellable", "the order has been paid for, or has ended: refund it instead")
    return json({"cancelled": True})


async def make_refund(request: Request) -> Response:
    """POST /api/admin/refunds: see order_book.Refund."""
    wanted = await read(request, order_book.Refund)
    if wanted.amount_minor < 0 or any(line.quantity < 1 for line in wanted.lines):
        raise Problem(422, "invalid", "amounts are not negative, quantities are at least 1")
    return json(await order_book.refund(wanted), status=201)


async def totals(request: Request) -> Response:
    """GET /api/admin/totals?reference=prefix: sums of the orders and refunds whose reference begins so."""
    prefix = request.query_params.get("reference", "")
    row = await db.fetch_row(
        """select (select count(*) from orders where reference ^@ $1) as orders,
                  (select coalesce(sum(total_minor), 0)::bigint from orders
                    where reference ^@ $1 and status <> 'cancelled') as total_minor,
                  (select count(*) from orders where reference ^@ $1 and status = 'cancelled') as cancelled,
                  (select count(*) from refunds where reference ^@ $1) as refunds,
                  (select coalesce(sum(amount_minor), 0)::bigint from refunds
                    where reference ^@ $1) as refunded_minor""",
        prefix,
    )
    return json(dict(row or {}))


STOCK = """
with item as (
    select i.id from inventory_items i join variants v on v.inventory_item_id = i.id
     where v.sku = $1 for update of i
), moved as (
    update inventory_items i set on_hand = i.on_hand + $2 from item
     where i.id = item.id and i.on_hand + $2 >= i.reserved returning i.id, i.on_hand, i.reserved
), noted as (
    insert into stock_movements (inventory_item_id, from_account, to_account, quantity, reason)
    select id, case when $2 > 0 then 'supplier' else 'available' end,
           case when $2 > 0 then 'available' else 'lost' end, abs($2), $3 from moved
)
select on_hand, reserved from moved
"""


async def receive_stock(request: Request) -> Response:
    """POST /api/admin/stock/{sku} {"quantity", "reason"}."""
    wanted = await read(request, Delivery)
    if wanted.quantity == 0 or abs(wanted.quantity) > 10**6:
        raise Problem(422, "invalid", "quantity is a whole number, not 0")
    row = await db.fetch_row(STOCK, request.path_params["sku"], wanted.quantity, wanted.reason[:200])
    if row is None:
        raise Problem(409, "not_possible", "no such article, or more is reserved than would be left")
    await invalidate()
    return json(dict(row))


async def set_price(request: Request) -> Response:
    """PUT /api/admin/prices/{sku} {"price_minor"}: shown at once, in every process."""
    wanted = await read(request, Price)
    if not 0 <= wanted.price_minor <= 10**9:
        raise Problem(422, "invalid", "price_minor is pence")
    found = await db.fetch_value(
        """with changed as (update variants set price_minor = $2 where sku = $1 returning id, product_id)
           update products p set price_minor = least($2, (select min(v.price_minor) from variants v, changed c
                  where v.product_id = p.id and v.id <> c.id)), updated_at = now()
             from changed where p.id = changed.product_id returning p.slug""",
        request.path_params["sku"],
        wanted.price_minor,
    )
    if found is None:
        raise not_found("the article")
    await invalidate()
    return json({"slug": found, "price_minor": wanted.price_minor})


async def invalidate() -> None:
    """The catalogue has changed: every process forgets its answers. Without the cache they end by their age."""
    with suppress(UnavailableError):
        await pages.invalidate("catalogue")


async def open_sale(request: Request) -> Response:
    """POST /api/admin/flash: announce a flash sale."""
    sale = await read(request, Sale)
    created = await db.fetch_value(
        """insert into flash_sales (id, variant_id, price_minor, starts_at, ends_at, admit_per_second,
                                    limit_per_buyer)
           select $1, id, $3, $4, $5, $6, $7 from variants where sku = $2
           on conflict (id) do nothing returning id""",
        sale.id, sale.sku, sale.price_minor, sale.starts_at, sale.ends_at, sale.admit_per_second,
        sale.limit_per_buyer,
    )  # fmt: skip
    if created is None:
        raise Problem(409, "not_possible", "no such article, or there is a sale of this id")
    await storefront.forget_sales()
    return json({"id": created}, status=201)


async def queue_state(_: Request) -> Response:
    """GET /api/admin/queue: depth and age of the orders that wait for fulfilment."""
    found = await orders.statistics()
    return json(
        {
            "ready": found.ready,
            "in_flight": found.in_flight,
            "delayed": found.delayed,
            "dead": found.dead,
            "oldest_age_seconds": found.oldest_age_seconds,
        }
    )


async def list_switches(_: Request) -> Response:
    """GET /api/admin/failures."""
    return json({"items": await failures.listing()})


async def turn_switch(request: Request) -> Response:
    """PUT /api/admin/failures/{name} {"value"}."""
    wanted = await read(request, Switch)
    await failures.turn(request.path_params["name"], wanted.value)
    return json({"name": request.path_params["name"], "value": wanted.value})


ROUTES = [
    Route("/api/admin/orders", guarded(list_orders)),
    Route("/api/admin/orders/{order_id:uuid}/events", guarded(order_events)),
    Route("/api/admin/orders/{order_id:uuid}/cancel", guarded(cancel_order), methods=["POST"]),
    Route("/api/admin/refunds", guarded(make_refund), methods=["POST"]),
    Route("/api/admin/totals", guarded(totals)),
    Route("/api/admin/stock/{sku}", guarded(receive_stock), methods=["POST"]),
    Route("/api/admin/prices/{sku}", guarded(set_price), methods=["PUT"]),
    Route("/api/admin/flash", guarded(open_sale), methods=["POST"]),
    Route("/api/admin/queue", guarded(queue_state)),
    Route("/api/admin/failures", guarded(list_switches)),
    Route("/api/admin/failures/{name}", guarded(turn_switch), methods=["PUT"]),
]

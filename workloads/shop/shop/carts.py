"""Carts in the database: written when something is put in, read with all a quote needs in one query."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import msgspec

from shop.domain.cart import LINES_MAX, QUANTITY_MAX, merge
from shop.domain.pricing import Delivery, Item, Promotion, Quote, TaxClass, price
from shop.problems import Problem
from shop.resources import db

ABANDONED_DAYS = 30


class FlashOffer(msgspec.Struct, frozen=True, kw_only=True):
    """A flash sale that a line is part of."""

    id: str
    price_minor: int
    limit_per_buyer: int


class CartLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line with the facts of its variant as they are now: `available` in pieces, `on_shelf` in items."""

    variant_id: int
    inventory_item_id: int
    units: int
    quantity: int
    available: int
    on_shelf: int
    sku: str
    slug: str
    title: str
    price_minor: int
    category_id: int
    tax_class: TaxClass
    flash: FlashOffer | None = None

    @property
    def unit_price_minor(self) -> int:
        """The price that applies: the flash sale's while it runs."""
        return self.flash.price_minor if self.flash else self.price_minor


class PromotionRow(msgspec.Struct, frozen=True, kw_only=True):
    """A promotion as the cart's query returns it."""

    code: str
    kind: Any
    value: int
    minimum_minor: int
    category_id: int | None


class Cart(msgspec.Struct, frozen=True, kw_only=True):
    """A cart and its lines, in the order in which they were put in."""

    version: int = 0
    lines: tuple[CartLine, ...] = ()
    promotion: PromotionRow | None = None


EMPTY = Cart()

LINES = """
coalesce((
    select json_agg(json_build_object(
        'variant_id', v.id, 'inventory_item_id', v.inventory_item_id, 'units', v.units, 'quantity', l.quantity,
        'available', greatest(0, (i.on_hand - i.reserved) / v.units), 'on_shelf', i.on_hand - i.reserved,
        'sku', v.sku, 'slug', p.slug,
        'title', case when v.title = '' then p.title else p.title || ', ' || v.title end,
        'price_minor', v.price_minor, 'category_id', p.category_id, 'tax_class', g.tax_class,
        'flash', (select json_build_object('id', f.id, 'price_minor', f.price_minor,
                                           'limit_per_buyer', f.limit_per_buyer)
                    from flash_sales f
                   where f.variant_id = v.id and now() between f.starts_at and f.ends_at limit 1)
        ) order by l.added_at, l.variant_id)
      from cart_lines l
      join variants v on v.id = l.variant_id
      join inventory_items i on i.id = v.inventory_item_id
      join products p on p.id = v.product_id
      join categories g on g.id = p.category_id
     where l.owner = c.owner), '[]')"""

READ = f"""
select json_build_object('version', c.version, 'lines', {LINES}, 'promotion', (
           select json_build_object('code', code, 'kind', kind, 'value', value, 'minimum_minor', minimum_minor,
                                    'category_id', category_id)
             from promotions where code = c.promotion_code and now() between starts_at and ends_at))::text
  from carts c where c.owner = $1
"""  # noqa: S608 - composed of constants

ADD = """
with given as (
    select sku, least($4, sum(quantity))::integer as quantity
      from unnest($2::text[], $3::integer[]) as t(sku, quantity) group by sku
), wanted as (
    select v.id as variant_id, given.quantity from given join variants v on v.sku = given.sku
), unknown as (
    select sku from given where not exists (select from variants v where v.sku = given.sku)
), room as (
    select count(*) <= $5 as enough
      from (select variant_id from cart_lines where owner = $1 union select variant_id from wanted) as together
), cart as (
    insert into carts (owner) select $1 from room where enough and not exists (select from unknown)
    on conflict (owner) do update set version = carts.version + 1, updated_at = now()
    returning owner
), added as (
    insert into cart_lines (owner, variant_id, quantity)
    select cart.owner, wanted.variant_id, wanted.quantity from cart, wanted
    on conflict (owner, variant_id)
    do update set quantity = least($4, cart_lines.quantity + excluded.quantity)
)
select array(select sku from unknown order by sku limit 20) as unknown, (select enough from room) as enough
"""

SET_QUANTITY = """
with cart as (
    update carts set version = version + 1, updated_at = now() where owner = $1 returning owner
), target as (
    select cart.owner, v.id from cart, variants v where v.sku = $2
), removed as (
    delete from cart_lines l using target t
     where l.owner = t.owner and l.variant_id = t.id and $3::integer = 0 returning 1
), changed as (
    update cart_lines l set quantity = $3::integer from target t
     where l.owner = t.owner and l.variant_id = t.id and $3::integer > 0 returning 1
)
select (select count(*) from removed) + (select count(*) from changed)
"""


async def read(owner: str) -> Cart:
    """The cart of `owner`, in one round trip; EMPTY when there is none."""
    text: str | None = await db.fetch_value(READ, owner)
    return EMPTY if text is None else msgspec.json.decode(text, type=Cart)


async def add(owner: str, lines: Sequence[tuple[str, int]]) -> None:
    """Put (sku, quantity) lines in, all or none, in one statement.

    Raises Problem 404 for an unknown sku, 422 when the cart would hold too many different articles.
    """
    skus, quantities = [sku for sku, _ in lines], [quantity for _, quantity in lines]
    row = await db.fetch_row(ADD, owner, skus, quantities, QUANTITY_MAX, LINES_MAX)
    assert row is not None
    if row["unknown"]:
        raise Problem(404, "unknown_sku", "no such article", skus=row["unknown"])
    if not row["enough"]:
        raise Problem(422, "cart_full", f"a cart holds at most {LINES_MAX} different articles")


async def set_quantity(owner: str, sku: str, quantity: int) -> None:
    """Change a line; 0 removes it. Raises Problem 404 when the cart has no such line."""
    if not await db.fetch_value(SET_QUANTITY, owner, sku, quantity):
        raise Problem(404, "not_found", "the cart has no such line")


async def set_promotion(owner: str, code: str | None) -> None:
    """Enter or remove a promotion code. Raises Problem 404 for a code that is not valid now."""
    known = await db.fetch_value(
        """update carts set promotion_code = p.code, version = version + 1, updated_at = now()
             from (select $2::text as wanted) w
             left join promotions p on p.code = w.wanted and now() between p.starts_at and p.ends_at
            where carts.owner = $1 and (w.wanted is null or p.code is not null) returning 1""",
        owner,
        None if code is None else code.strip().upper(),
    )
    if not known:
        raise Problem(404, "unknown_promotion", "this code is not valid")


async def merge_guest(guest_owner: str, customer_owner: str) -> None:
    """At sign-in: the guest's lines join the customer's cart, and the guest's cart ends. Safe to repeat."""
    async with db.transaction() as connection:
        both = [guest_owner, customer_owner]
        # Locked by a statement of its own: the next one then sees what a checkout that held the lock has left.
        await connection.fetch("select 1 from carts where owner = any($1::text[]) order by owner for update", both)
        rows = await connection.fetch(
            """select owner, variant_id, quantity from cart_lines
                where owner = any($1::text[]) order by added_at, variant_id""",
            both,
        )
        guest = {row["variant_id"]: row["quantity"] for row in rows if row["owner"] == guest_owner}
        if guest:
            known = {row["variant_id"]: row["quantity"] for row in rows if row["owner"] == customer_owner}
            await _write(connection, customer_owner, merge(known, guest))
            await connection.execute("delete from carts where owner = $1", guest_owner)


async def _write(connection: Any, owner: str, quantities: Mapping[int, int]) -> None:
    await connection.execute(
        """with cart as (insert into carts (owner) values ($1) on conflict (owner)
                         do update set version = carts.version + 1, updated_at = now() returning owner)
           insert into cart_lines (owner, variant_id, quantity)
           select cart.owner, w.variant_id, w.quantity
             from cart, unnest($2::bigint[], $3::integer[]) as w(variant_id, quantity)
           on conflict (owner, variant_id) do update set quantity = excluded.quantity""",
        owner,
        list(quantities),
        list(quantities.values()),
    )


def quote(cart: Cart, *, country: str, delivery: Delivery) -> Quote:
    """What this cart costs, delivered."""
    return price(
        [_item(line) for line in cart.lines],
        country=country,
        delivery=delivery,
        promotion=None if cart.promotion is None else Promotion(**msgspec.structs.asdict(cart.promotion)),
    )


def _item(line: CartLine) -> Item:
    return Item(
        sku=line.sku,
        quantity=line.quantity,
        unit_price_minor=line.unit_price_minor,
        category_id=line.category_id,
        tax_class=line.tax_class,
    )


def shown(cart: Cart, *, country: str, delivery: Delivery) -> dict[str, Any]:
    """The cart as the API shows it: lines with availability, and the quote."""
    quoted = quote(cart, country=country, delivery=delivery)
    return {
        "version": cart.version,
        "currency": quoted.currency,
        "lines": [
            {
                "sku": line.sku,
                "slug": line.slug,
                "title": line.title,
                "quantity": line.quantity,
                "available": line.available,
                "unit_price_minor": line.unit_price_minor,
                "discount_minor": priced.discount_minor,
                "total_minor": priced.total_minor,
                "flash_sale": line.flash.id if line.flash else None,
            }
            for line, priced in zip(cart.lines, quoted.lines, strict=True)
        ],
        "promotion_code": quoted.promotion_code,
        "subtotal_minor": quoted.subtotal_minor,
        "discount_minor": quoted.discount_minor,
        "delivery_minor": quoted.delivery_minor,
        "tax_minor": quoted.tax_minor,
        "total_minor": quoted.total_minor,
    }


async def expire() -> None:
    """Runs every minute: carts that nobody touched for a month go, a bounded number at a time."""
    await db.execute(
        """delete from carts where owner in (
               select owner from carts where updated_at < now() - $1::interval
                limit 1000 for update skip locked)""",
        timedelta(days=ABANDONED_DAYS),
    )

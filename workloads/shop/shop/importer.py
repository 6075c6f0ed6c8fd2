"""Real invoices as products, customers, orders and refunds: `python -m shop.importer invoices/*.csv`.

Importing the same files again changes nothing: every id follows from its invoice, and what is there is skipped.
All good rows arrive in one transaction; every bad one is reported with its file and line (R0701 to R0707).
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import uuid
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from rung.errors import Finding
from rung.runtime import Database, database, lifespan
from shop.domain.money import Money, tax_included
from shop.domain.pricing import rate
from shop.invoices import Invoice, InvoiceLine, Invoices, read_invoices

NAMESPACE = uuid.UUID("6ba7b812-9dad-11d1-80b4-00c04fd430c8")
CATEGORY = ("imported", "From the old shop", 900)
#: For each piece that was sold before, this many come in: so the traffic can be replayed a few times.
STOCK_FACTOR = 5
STATEMENT_TIMEOUT = "60s"


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What an import added. Run again, everything is 0."""

    products: int
    customers: int
    orders: int
    order_lines: int
    refunds: int
    refunds_matched: int


def identity(kind: str, name: str) -> uuid.UUID:
    """The id of something imported, the same every time."""
    return uuid.uuid5(NAMESPACE, f"shop-import:{kind}:{name}")


async def load(found: Invoices, db: Database) -> Imported:
    """Write the invoices, all or none."""
    sales = [invoice for invoice in found.invoices if not invoice.cancelled]
    cancellations = [invoice for invoice in found.invoices if invoice.cancelled]
    async with db.transaction() as connection:
        await connection.execute(f"set local statement_timeout = '{STATEMENT_TIMEOUT}'")
        products = await _write_products(connection, [line for one in found.invoices for line in one.lines])
        customers = await _write_customers(connection, found.invoices)
        new = await _write_orders(connection, sales)
        lines = await _write_lines(connection, [one for one in sales if identity("order", one.number) in new])
        refunds, matched = await _write_refunds(connection, cancellations)
    return Imported(
        products=products,
        customers=customers,
        orders=len(new),
        order_lines=lines,
        refunds=refunds,
        refunds_matched=matched,
    )


async def _write_products(connection: Any, lines: Sequence[InvoiceLine]) -> int:
    """One product and one shelf for each code, one variant for each price above zero."""
    category = await connection.fetchval(
        """insert into categories (slug, name, position) values ($1, $2, $3)
           on conflict (slug) do update set name = excluded.name returning id""",
        *CATEGORY,
    )
    titles = {line.slug: line.title for line in lines}
    created = await connection.fetch(
        """insert into products (slug, title, category_id, price_minor, source, active)
           select *, $3, 0, 'import', false from unnest($1::text[], $2::text[])
           on conflict (slug) do nothing returning slug""",
        list(titles),
        list(titles.values()),
        category,
    )
    variants = sorted({(line.sku, line.slug, line.unit_price_minor) for line in lines if line.unit_price_minor})
    await _write_shelves(connection, [row["slug"] for row in created])
    await _write_variants(connection, variants)
    return len(created)


async def _write_shelves(connection: Any, slugs: Sequence[str]) -> None:
    """An empty shelf for each new product."""
    await connection.execute(
        """with wanted as (
               select p.id as product_id, p.slug,
                      nextval(pg_get_serial_sequence('inventory_items', 'id')) as item_id
                 from products p where p.slug = any($1::text[])
           ), items as (
               insert into inventory_items (id) select item_id from wanted returning id
           )
           insert into import_shelves (slug, product_id, inventory_item_id)
           select slug, product_id, item_id from wanted join items on items.id = wanted.item_id""",
        list(slugs),
    )


async def _write_variants(connection: Any, variants: Sequence[tuple[str, str, int]]) -> None:
    await connection.execute(
        """insert into variants (product_id, inventory_item_id, sku, title, price_minor, position)
           select s.product_id, s.inventory_item_id, v.sku, '', v.price, v.price
             from unnest($1::text[], $2::text[], $3::bigint[]) as v(sku, slug, price)
             join import_shelves s on s.slug = v.slug
           on conflict (sku) do nothing""",
        [sku for sku, _, _ in variants],
        [slug for _, slug, _ in variants],
        [price for _, _, price in variants],
    )
    await connection.execute(
        """update products p set price_minor = v.least, active = true, updated_at = now()
             from (select product_id, min(price_minor) as least from variants group by product_id) v
            where p.source = 'import' and v.product_id = p.id and (p.price_minor <> v.least or not p.active)"""
    )


async def _write_customers(connection: Any, invoices: Iterable[Invoice]) -> int:
    countries = {one.customer: one.country for one in invoices if one.customer}
    rows = await connection.fetch(
        """insert into customers (id, email, name, country, source)
           select *, 'import' from unnest($1::uuid[], $2::text[], $3::text[], $4::text[])
           on conflict (id) do nothing returning 1""",
        [identity("customer", number) for number in countries],
        [_email(number) for number in countries],
        [f"Customer {number}" for number in countries],
        list(countries.values()),
    )
    return len(rows)


def _email(customer: str) -> str:
    return f"customer-{customer.lower()}@import.example"


async def _write_orders(connection: Any, sales: Sequence[Invoice]) -> set[uuid.UUID]:
    """The orders that were not there yet; their ids."""
    rows = await connection.fetch(
        """with new as (
               insert into orders (id, buyer, customer_id, idempotency_key, fingerprint, status, currency,
                                   subtotal_minor, discount_minor, delivery_minor, tax_minor, total_minor, email,
                                   country, delivery, reference, source, placed_at)
               select i.id, i.buyer, i.customer, i.number, '', 'shipped', 'GBP', i.total, 0, 0, i.tax, i.total,
                      i.email, i.country, 'collect', i.number, 'import', i.placed_at
                 from unnest($1::uuid[], $2::text[], $3::uuid[], $4::text[], $5::bigint[], $6::bigint[],
                             $7::text[], $8::text[], $9::timestamptz[])
                      as i(id, buyer, customer, number, total, tax, email, country, placed_at)
               on conflict (id) do nothing returning id, placed_at
           ), noted as (
               insert into order_events (order_id, to_status, detail, at)
               select id, 'shipped', 'imported', placed_at from new
           )
           select id from new""",
        *_columns([_order_row(one) for one in sales], 9),
    )
    return {row["id"] for row in rows}


def _order_row(sale: Invoice) -> tuple[Any, ...]:
    customer = None if sale.customer is None else identity("customer", sale.customer)
    order_id = identity("order", sale.number)
    buyer = f"g:{order_id.hex}" if customer is None else f"c:{customer}"
    tax = sum(tax_included(line.total_minor, rate(sale.country, "standard")) for line in sale.lines)
    email = None if sale.customer is None else _email(sale.customer)
    return (order_id, buyer, customer, sale.number, sale.total_minor, tax, email, sale.country, sale.issued_at)


async def _write_lines(connection: Any, sales: Sequence[Invoice]) -> int:
    """The lines of new orders, and the goods: they came in from the supplier and went out to the buyers."""
    rows = [_line_row(sale, position, line) for sale in sales for position, line in enumerate(sale.lines, 1)]
    await connection.execute(
        """insert into order_lines (order_id, position, variant_id, inventory_item_id, sku, title, quantity, units,
                                    unit_price_minor, discount_minor, tax_rate_bp, tax_minor, total_minor)
           select l.order_id, l.position, v.id, s.inventory_item_id, l.sku, l.title, l.quantity, 1, l.price, 0,
                  l.rate, l.tax, l.price * l.quantity
             from unnest($1::uuid[], $2::integer[], $3::text[], $4::text[], $5::text[], $6::integer[],
                         $7::bigint[], $8::integer[], $9::bigint[])
                  as l(order_id, position, slug, sku, title, quantity, price, rate, tax)
             join import_shelves s on s.slug = l.slug left join variants v on v.sku = l.sku""",
        *_columns(rows, 9),
    )
    sold = Counter[str]()
    for sale in sales:
        for line in sale.lines:
            sold[line.slug] += line.quantity
    await _write_stock(connection, sold)
    return len(rows)


def _line_row(sale: Invoice, position: int, line: InvoiceLine) -> tuple[Any, ...]:
    rate_bp = rate(sale.country, "standard")
    return (
        identity("order", sale.number), position, line.slug, line.sku, line.title, line.quantity,
        line.unit_price_minor, rate_bp, tax_included(line.total_minor, rate_bp),
    )  # fmt: skip


async def _write_stock(connection: Any, sold: Counter[str]) -> None:
    await connection.execute(
        """with wanted as materialized (
               select s.inventory_item_id as id, w.quantity
                 from unnest($1::text[], $2::integer[]) as w(slug, quantity)
                 join import_shelves s on s.slug = w.slug
           ), changed as (
               update inventory_items i set on_hand = i.on_hand + w.quantity * ($3 - 1)
                 from wanted w where i.id = w.id
           )
           insert into stock_movements (inventory_item_id, from_account, to_account, quantity, reason)
           select id, 'supplier', 'available', quantity * $3, 'imported' from wanted
           union all select id, 'available', 'sold', quantity, 'imported' from wanted""",
        list(sold),
        list(sold.values()),
        STOCK_FACTOR,
    )


async def _write_refunds(connection: Any, cancellations: Sequence[Invoice]) -> tuple[int, int]:
    """One refund for each cancellation; it is tied to the order it cancels when that order is known."""
    known = {
        row["reference"]
        for row in await connection.fetch(
            "select reference from refunds where reference = any($1::text[])",
            [one.number for one in cancellations],
        )
    }
    new = [one for one in cancellations if one.number not in known]
    matched = 0
    for one in new:
        order_id = await _order_cancelled_by(connection, one)
        matched += order_id is not None
        await _write_refund(connection, one, order_id)
    return len(new), matched


async def _order_cancelled_by(connection: Any, cancellation: Invoice) -> uuid.UUID | None:
    """The customer's latest order before that holds every line which came back, and that much money."""
    if cancellation.customer is None:
        return None
    found: uuid.UUID | None = await connection.fetchval(
        """update orders set refunded_minor = refunded_minor + $4, updated_at = now() where id = (
               select o.id from orders o
                where o.customer_id = $1 and o.source = 'import' and o.placed_at <= $5
                  and o.total_minor - o.refunded_minor >= $4
                  and not exists (
                      select from unnest($2::text[], $3::integer[]) as r(sku, quantity)
                       where not exists (select from order_lines l where l.order_id = o.id and l.sku = r.sku
                                            and l.quantity >= r.quantity))
                order by o.placed_at desc, o.id limit 1)
           returning id""",
        identity("customer", cancellation.customer),
        [line.sku for line in cancellation.lines],
        [line.quantity for line in cancellation.lines],
        cancellation.total_minor,
        cancellation.issued_at,
    )
    return found


async def _write_refund(connection: Any, cancellation: Invoice, order_id: uuid.UUID | None) -> None:
    await connection.execute(
        """with refund as (
               insert into refunds (id, order_id, reference, amount_minor, currency, reason, source, refunded_at)
               values ($1, $2, $3, $4, 'GBP', 'cancelled', 'import', $5) returning id)
           insert into refund_lines (refund_id, position, sku, quantity, amount_minor)
           select refund.id, l.position, l.sku, l.quantity, l.amount
             from refund, unnest($6::text[], $7::integer[], $8::bigint[])
                  with ordinality as l(sku, quantity, amount, position)""",
        identity("refund", cancellation.number),
        order_id,
        cancellation.number,
        cancellation.total_minor,
        cancellation.issued_at,
        [line.sku for line in cancellation.lines],
        [line.quantity for line in cancellation.lines],
        [line.total_minor for line in cancellation.lines],
    )


def _columns(rows: Sequence[tuple[Any, ...]], width: int) -> list[list[Any]]:
    return [[row[column] for row in rows] for column in range(width)]


def report(found: Invoices, imported: Imported) -> str:
    """What a person reads at the end."""
    errors = sum(finding.severity == "error" for finding in found.findings)
    return (
        f"{imported.orders} orders with {imported.order_lines} lines, {imported.refunds} refunds "
        f"({imported.refunds_matched} tied to an order), {imported.customers} customers and {imported.products} "
        f"products are new\n"
        f"sold {Money(found.sold_minor, 'GBP')}, cancelled {Money(found.cancelled_minor, 'GBP')}; "
        f"{errors} errors, {len(found.findings) - errors} warnings"
    )


async def _run(paths: Sequence[Path], url: str | None) -> tuple[Invoices, Imported]:
    found = read_invoices(paths)
    try:
        return found, await load(found, Database.from_url(url) if url else database("db"))
    finally:
        await lifespan.close_all()


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit 0 when every row was good or only warned of, 1 when some were left out as errors."""
    parser = argparse.ArgumentParser(prog="python -m shop.importer", description=__doc__)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--database-url", help="default: the shop's own, by RUNG_BINDING_DB or DATABASE_URL")
    parser.add_argument("--format", choices=("text", "json"), default="text")
    options = parser.parse_args(arguments)
    found, imported = asyncio.run(_run(options.files, options.database_url or _plain_url()))
    _print(found.findings, found, imported, as_json=options.format == "json")
    return int(any(finding.severity == "error" for finding in found.findings))


def _plain_url() -> str | None:
    """DATABASE_URL, for a shell that was given no binding."""
    return None if "RUNG_BINDING_DB" in os.environ else os.environ.get("DATABASE_URL")


def _print(findings: Sequence[Finding], found: Invoices, imported: Imported, *, as_json: bool) -> None:
    if as_json:
        sys.stdout.write(msgspec.json.encode({"imported": imported, "findings": findings}).decode() + "\n")
        return
    for finding in findings:
        sys.stderr.write(f"{finding}\n\n")
    sys.stdout.write(report(found, imported) + "\n")


if __name__ == "__main__":
    sys.exit(main())

"""A catalogue to begin with: 10,000 products, the same ones every time, in a few seconds.

Names are put together from the lists below; prices, variants and stock follow from a seeded generator. Rows are
sent as arrays and unfolded by the server, which is allowed everywhere COPY is not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from random import Random
from typing import Any

import msgspec

from rung.runtime.errors import UnavailableError
from rung.runtime.log import logger
from shop.resources import db, pages

PRODUCTS = 10_000
SEED = 20_240_229
STOCK_RANGE = (20, 400)
BATCH = 2_000

log = logger(__name__)


@dataclass(frozen=True, slots=True)
class Range:
    """One category: what its things are called, what they cost in pence, how their variants differ."""

    slug: str
    name: str
    tax_class: str
    things: tuple[str, ...]
    prices: tuple[int, int]
    option: str
    values: tuple[str, ...]


ADJECTIVES = (
    "Amber", "Alder", "Brisk", "Calm", "Cedar", "Clear", "Coastal", "Copper", "Crisp", "Dawn", "Deep", "Drift",
    "Dusk", "Early", "Ember", "Fern", "Field", "Flint", "Gentle", "Golden", "Granite", "Harbour", "Hazel", "Heath",
    "Hollow", "Indigo", "Ivory", "Juniper", "Lark", "Linen", "Lunar", "Maple", "Meadow", "Mellow", "Mist", "Moss",
    "Noble", "North", "Oak", "Olive", "Orchard", "Pebble", "Pine", "Plain", "Quiet", "Rain", "Reed", "River",
    "Rowan", "Sage", "Salt", "Slate", "Snow", "Spruce", "Still", "Stone", "Summer", "Thistle", "Tide", "Umber",
    "Vale", "Velvet", "Willow", "Winter",
)  # fmt: skip
BRANDS = (
    "Aldersey & Moor", "Brackenhall", "Calder Row", "Dunlin", "Elmstead", "Fairlight Works", "Greywether",
    "Hollin", "Inglenook Goods", "Kestrel Lane", "Larkhill", "Marlow Yard", "Nettle & Rye", "Osier", "Pennywell",
    "Quillfeather", "Rushmere", "Saltmarsh", "Tarn", "Underbarrow", "Venn Street", "Wharfside", "Yarrow", "Zennor",
)  # fmt: skip
MATERIALS = ("ash wood", "brushed steel", "cork", "glazed clay", "organic cotton", "recycled glass", "undyed wool",
             "washed linen", "waxed canvas", "woven willow")  # fmt: skip
VIRTUES = ("made with care", "finished by hand", "light to carry", "a good present", "made in small batches",
           "in the range for many years", "packed without plastic", "kind to small rooms")  # fmt: skip
FOOD = ("from one farm", "from hedges in the north", "cooked in copper pans", "pressed cold")
PAPER = ("thread-sewn", "on heavy paper", "printed in two colours", "bound in cloth")
MATTER = {"pantry": FOOD, "books": PAPER, "stationery": PAPER}
COLOURS = ("Charcoal", "Cream", "Moss", "Rust", "Sky")
SIZES = ("Small", "Medium", "Large")
PACKS = ("Single", "Box of 6")

RANGES = (
    Range("kitchen", "Kitchen", "standard", ("Mug", "Bowl", "Teapot", "Jug", "Ladle", "Chopping Board", "Apron"),
          (450, 6_500), "colour", COLOURS),
    Range("lighting", "Lighting", "standard", ("Table Lamp", "Lantern", "Candle Holder", "Shade", "Wall Light"),
          (1_200, 14_000), "colour", COLOURS),
    Range("textiles", "Textiles", "standard", ("Blanket", "Cushion", "Towel", "Curtain", "Table Runner", "Rug"),
          (900, 18_000), "size", SIZES),
    Range("garden", "Garden", "standard", ("Planter", "Trowel", "Watering Can", "Bird Feeder", "Bench"),
          (600, 22_000), "size", SIZES),
    Range("stationery", "Stationery", "standard", ("Notebook", "Pencil Set", "Desk Tray", "Planner"),
          (300, 4_000), "pack", PACKS),
    Range("toys", "Toys", "standard", ("Wooden Train", "Puzzle", "Kite", "Spinning Top", "Soft Bear"),
          (500, 7_500), "colour", COLOURS),
    Range("books", "Books", "zero", ("Cookbook", "Field Guide", "Atlas", "Sketchbook", "Story Collection"),
          (700, 4_500), "pack", PACKS[:1]),
    Range("storage", "Storage", "standard", ("Basket", "Crate", "Shelf", "Hook Rail", "Jar", "Drawer Unit"),
          (500, 16_000), "size", SIZES),
    Range("children", "Children's Wear", "zero", ("Jumper", "Raincoat", "Dungarees", "Wool Hat", "Mittens"),
          (800, 6_000), "size", SIZES),
    Range("pantry", "Pantry", "zero", ("Honey", "Oat Biscuits", "Tea", "Chutney", "Marmalade", "Olive Oil"),
          (250, 2_500), "pack", PACKS),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Product:
    """One product and its variants: (sku, title, options, price, units, which of its stock items)."""

    slug: str
    title: str
    description: str
    brand: str
    category: int
    price_minor: int
    variants: tuple[tuple[str, str, dict[str, str], int, int, int], ...]
    stock: tuple[int, ...]


def products(count: int = PRODUCTS, seed: int = SEED) -> Iterator[Product]:
    """The first `count` products of the seed; equal arguments give equal products, on every machine."""
    random = Random(seed)
    for number in range(1, count + 1):
        category = random.randrange(len(RANGES))
        yield _product(random, number, category, RANGES[category])


def _product(random: Random, number: int, category: int, kind: Range) -> Product:
    title = f"{random.choice(ADJECTIVES)} {random.choice(kind.things)}"
    brand, price_minor = random.choice(BRANDS), _shop_price(random.randint(*kind.prices))
    variants, stock = _variants(random, f"{kind.slug[:2].upper()}{number:05d}", kind, price_minor)
    return Product(
        slug=f"{re.sub(r'[^a-z]+', '-', title.lower())}-{number}",
        title=title,
        description=f"{title} by {brand}: {random.choice(_matter(kind))}, {random.choice(VIRTUES)}.",
        brand=brand,
        category=category,
        price_minor=min(variant[3] for variant in variants),
        variants=variants,
        stock=stock,
    )


def _matter(kind: Range) -> tuple[str, ...]:
    return MATTER.get(kind.slug, MATERIALS)


def _variants(
    random: Random, code: str, kind: Range, price_minor: int
) -> tuple[tuple[tuple[str, str, dict[str, str], int, int, int], ...], tuple[int, ...]]:
    if kind.option == "pack":  # a box is taken from the same shelf as the single piece
        stock = (random.randint(*STOCK_RANGE) * 6,)
        packs = [("Single", 1, price_minor), ("Box of 6", 6, _shop_price(price_minor * 5))]
        return tuple(
            (f"{code}-{units}", name, {"pack": name}, price, units, 0)
            for name, units, price in packs
            if name in kind.values
        ), stock
    chosen = kind.values[: random.randint(2, len(kind.values))]
    step = 0 if kind.option == "colour" else price_minor // 4
    rows = tuple(
        (f"{code}-{index + 1}", name, {kind.option: name}, _shop_price(price_minor + step * index), 1, index)
        for index, name in enumerate(chosen)
    )
    return rows, tuple(random.randint(*STOCK_RANGE) for _ in rows)


def _shop_price(minor: int) -> int:
    """Prices in shops end in 0, 5 or 9."""
    return max(99, minor // 50 * 50 - 1)


async def run() -> None:
    """Fill an empty shop. One that has products is left alone, so that this may run at every start."""
    if await db.fetch_value("select exists (select from products where source = 'shop')"):
        log.info("seed_skipped", reason="the shop has products")
        return
    count = await fill(list(products()))
    with suppress(UnavailableError):  # whoever looked before saw an empty shop
        await pages.invalidate("catalogue")
    log.info("seeded", products=count)


async def fill(wanted: Sequence[Product]) -> int:
    """Write the products in one transaction: all or none. Returns how many."""
    async with db.transaction() as connection:
        await connection.execute("set local statement_timeout = '60s'")
        identities = await _write_categories(connection)
        for start in range(0, len(wanted), BATCH):
            await _write(connection, wanted[start : start + BATCH], identities)
        await connection.execute(
            """insert into promotions (code, kind, value, minimum_minor) values
               ('WELCOME10', 'percent', 1000, 0), ('FIVER', 'amount', 500, 2500),
               ('FREESHIP', 'free_delivery', 0, 0)
               on conflict do nothing"""
        )
    await db.execute("analyze products, variants, inventory_items, categories")
    return len(wanted)


async def _write_categories(connection: Any) -> list[int]:
    rows = await connection.fetch(
        """insert into categories (slug, name, tax_class, position)
           select * from unnest($1::text[], $2::text[], $3::text[], $4::integer[])
           on conflict (slug) do update set name = excluded.name returning id, slug""",
        [kind.slug for kind in RANGES],
        [kind.name for kind in RANGES],
        [kind.tax_class for kind in RANGES],
        list(range(len(RANGES))),
    )
    by_slug = {row["slug"]: row["id"] for row in rows}
    return [by_slug[kind.slug] for kind in RANGES]


async def _write(connection: Any, wanted: Sequence[Product], categories: Sequence[int]) -> None:
    rows = await connection.fetch(
        """insert into products (slug, title, description, brand, category_id, price_minor)
           select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::integer[], $6::bigint[])
           returning id""",
        [p.slug for p in wanted], [p.title for p in wanted], [p.description for p in wanted],
        [p.brand for p in wanted], [categories[p.category] for p in wanted], [p.price_minor for p in wanted],
    )  # fmt: skip
    items = await _write_stock(connection, [quantity for p in wanted for quantity in p.stock])
    columns: list[tuple[Any, ...]] = []
    used = 0
    for row, p in zip(rows, wanted, strict=True):
        for position, (sku, title, options, price, units, shelf) in enumerate(p.variants):
            encoded = msgspec.json.encode(options).decode()
            columns.append((row["id"], items[used + shelf], units, sku, title, encoded, price, position))
        used += len(p.stock)
    await connection.execute(
        """insert into variants (product_id, inventory_item_id, units, sku, title, options, price_minor, position)
           select * from unnest($1::bigint[], $2::bigint[], $3::integer[], $4::text[], $5::text[], $6::jsonb[],
                                $7::bigint[], $8::integer[])""",
        *(list(column) for column in zip(*columns, strict=True)),
    )


async def _write_stock(connection: Any, quantities: Sequence[int]) -> list[int]:
    """New inventory items with this much on hand, delivered by the supplier; their ids in the same order."""
    rows = await connection.fetch(
        """with items as (
               insert into inventory_items (on_hand) select q from unnest($1::integer[]) as q returning id, on_hand
           ), moved as (
               insert into stock_movements (inventory_item_id, from_account, to_account, quantity, reason)
               select id, 'supplier', 'available', on_hand, 'opening stock' from items where on_hand > 0
           )
           select id from items order by id""",
        list(quantities),
    )
    return [row["id"] for row in rows]

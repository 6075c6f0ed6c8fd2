"""Reading the catalogue: lists by keyset, details, categories, facets, search.

A list request is normalised to a `Listing`; its text form is the key under which the answer is cached.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from typing import Any, Literal, assert_never
from urllib.parse import parse_qsl, urlencode

import msgspec

from shop.problems import Problem
from shop.resources import db

Sort = Literal["newest", "price", "-price", "relevance"]
LIMIT_DEFAULT = 24
LIMIT_MAX = 100
WORDS_MAX = 8
PRICE_MINOR_MAX = 10**9

_WORD = re.compile(r"[^\W_]+", re.UNICODE)
_SLUG = re.compile(r"[a-z0-9-]{1,120}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """One page of a list. Prices are minor units, `after` is the cursor of the page before."""

    category: str = ""
    brand: str = ""
    words: str = ""
    price_from_minor: int = 0
    price_to_minor: int = PRICE_MINOR_MAX
    sort: Sort = "newest"
    limit: int = LIMIT_DEFAULT
    after: str = ""

    def key(self) -> str:
        """The listing as text, equal for equal listings."""
        return urlencode([(name, getattr(self, name)) for name in self.__slots__])


def listing_of(key: str) -> Listing:
    """The listing whose `key()` this is."""
    return msgspec.convert(dict(parse_qsl(key, keep_blank_values=True)), Listing, strict=False)


def parse_listing(query: dict[str, str]) -> Listing:
    """A request's parameters as a listing. Raises Problem 422 for values that cannot be."""
    words = " ".join(_WORD.findall(query.get("q", "").lower())[:WORDS_MAX])
    given: dict[str, str] = {"words": words, "sort": query.get("sort") or ("relevance" if words else "newest")}
    names = {"category": "category", "brand": "brand", "min": "price_from_minor", "max": "price_to_minor"}
    given |= {field: query[name] for name, field in names.items() if query.get(name)}
    given |= {name: query[name] for name in ("limit", "after") if query.get(name)}
    try:
        listing = msgspec.convert(given, Listing, strict=False)
    except msgspec.ValidationError as error:
        raise Problem(422, "invalid", f"the parameters of the list: {error}") from None
    _check(listing)
    return listing


def _check(listing: Listing) -> None:
    if not 1 <= listing.limit <= LIMIT_MAX:
        raise Problem(422, "invalid", f"limit is a whole number from 1 to {LIMIT_MAX}")
    if listing.category and not _SLUG.fullmatch(listing.category):
        raise Problem(422, "invalid", "category is a slug: lower-case letters, digits and hyphens")
    if listing.sort == "relevance" and not listing.words:
        raise Problem(422, "invalid", "sort=relevance needs q")
    if not 0 <= listing.price_from_minor <= listing.price_to_minor <= PRICE_MINOR_MAX:
        raise Problem(422, "invalid", f"min and max are pence, from 0 to {PRICE_MINOR_MAX}, min not above max")
    if len(listing.brand) > 100 or "\x00" in listing.brand:
        raise Problem(422, "invalid", "brand is a name of at most 100 characters")


#: Words by their stem, or just as they are typed: half a word ("collectio") is the beginning of no stem.
MATCH = "(to_tsquery('english', {0}) || to_tsquery('simple', {0}))"


class _Query:
    """A condition list whose values are only ever bound parameters."""

    def __init__(self) -> None:
        self.conditions = ["p.active"]
        self.arguments: list[Any] = []

    def bind(self, value: Any) -> str:
        self.arguments.append(value)
        return f"${len(self.arguments)}"

    def add(self, template: str, *values: Any) -> None:
        self.conditions.append(template.format(*(self.bind(value) for value in values)))

    @property
    def where(self) -> str:
        return " and ".join(self.conditions)


def _filtered(listing: Listing) -> _Query:
    query = _Query()
    if listing.category:
        query.add("p.category_id = (select id from categories where slug = {})", listing.category)
    if listing.brand:
        query.add("p.brand = {}", listing.brand)
    if listing.price_from_minor > 0:
        query.add("p.price_minor >= {}", listing.price_from_minor)
    if listing.price_to_minor < PRICE_MINOR_MAX:
        query.add("p.price_minor <= {}", listing.price_to_minor)
    if listing.words:
        query.add(f"p.search @@ {MATCH}", _text_query(listing.words))
    return query


def _text_query(words: str) -> str:
    """Every word must occur; the last may be the beginning of one, as it is while somebody types."""
    return " & ".join(words.split()) + ":*"


async def page(listing: Listing) -> bytes:
    """One page of products as JSON: `items`, `next` (the cursor, or null) and, on the first page, `facets`."""
    query = _filtered(listing)
    rank, order = _order(listing, query)
    if listing.after:
        _continue_after(listing, query, rank)
    rows = await db.fetch(
        f"""select p.id, p.slug, p.title, p.brand, p.price_minor, p.currency, c.slug as category, {rank} as rank,
                   exists (select from variants v join inventory_items i on i.id = v.inventory_item_id
                           where v.product_id = p.id and i.on_hand - i.reserved >= v.units) as in_stock
              from products p join categories c on c.id = p.category_id
             where {query.where} order by {order} limit {query.bind(listing.limit + 1)}""",  # noqa: S608
        *query.arguments,
    )
    shown = rows[: listing.limit]
    more = len(rows) > listing.limit
    answer: dict[str, Any] = {
        "items": [_item(row) for row in shown],
        "next": _cursor(listing.sort, shown[-1]) if more else None,
    }
    if not listing.after:
        answer["facets"] = await _facets(listing)
    return msgspec.json.encode(answer)


def _item(row: Any) -> dict[str, Any]:
    return {
        name: row[name] for name in ("slug", "title", "brand", "price_minor", "currency", "category", "in_stock")
    }


def _order(listing: Listing, query: _Query) -> tuple[str, str]:
    """The expression that ranks, and the whole order with its tie-breaker."""
    match listing.sort:
        case "newest":
            return "p.id", "p.id desc"
        case "price":
            return "p.price_minor", "p.price_minor, p.id"
        case "-price":
            return "p.price_minor", "p.price_minor desc, p.id desc"
        case "relevance":
            text = query.bind(_text_query(listing.words))
            rank = f"(ts_rank(p.search, {MATCH.format(text)}) * 1000000)::bigint"
            return rank, f"{rank} desc, p.id desc"
        case _:
            assert_never(listing.sort)


def _continue_after(listing: Listing, query: _Query, rank: str) -> None:
    value, identity = _read_cursor(listing)
    if listing.sort == "newest":
        query.add("p.id < {}", identity)
        return
    comparison = ">" if listing.sort == "price" else "<"
    query.add(f"({rank}, p.id) {comparison} ({{}}::bigint, {{}}::bigint)", value, identity)


def _cursor(sort: Sort, row: Any) -> str:
    return urlsafe_b64encode(f"{sort}:{row['rank']}:{row['id']}".encode()).decode().rstrip("=")


def _read_cursor(listing: Listing) -> tuple[int, int]:
    try:
        text = urlsafe_b64decode(listing.after + "=" * (-len(listing.after) % 4)).decode("ascii")
        sort, value, identity = text.split(":")
        if sort != listing.sort or len(text) > 60:
            raise ValueError
        return int(value), int(identity)
    except ValueError:
        raise Problem(422, "invalid", "after is the `next` of the page before, with the same sort") from None


async def _facets(listing: Listing) -> dict[str, Any]:
    """How many of the matching products there are by category and by brand, and their range of prices."""
    query = _filtered(listing)
    rows = await db.fetch(
        f"""select c.slug as category, c.name as category_name, p.brand, count(*) as count,
                   min(p.price_minor) as least, max(p.price_minor) as most
              from products p join categories c on c.id = p.category_id where {query.where}
             group by grouping sets ((c.slug, c.name), (p.brand), ())""",  # noqa: S608
        *query.arguments,
    )
    whole = next((row for row in rows if row["category"] is None and row["brand"] is None), None)
    by_count = sorted(rows, key=lambda row: -row["count"])
    return {
        "total": whole["count"] if whole else 0,
        "price_minor": {"min": whole["least"] or 0, "max": whole["most"] or 0} if whole else None,
        "categories": [
            {"slug": row["category"], "name": row["category_name"], "count": row["count"]}
            for row in by_count
            if row["category"] is not None
        ],
        "brands": [
            {"name": row["brand"], "count": row["count"]} for row in by_count if row["brand"] not in (None, "")
        ][:20],
    }


PRODUCT = """
select json_build_object(
    'slug', p.slug, 'title', p.title, 'description', p.description, 'brand', p.brand,
    'category', json_build_object('slug', c.slug, 'name', c.name),
    'price_minor', p.price_minor, 'currency', p.currency,
    'variants', (
        select json_agg(json_build_object(
            'sku', v.sku, 'title', v.title, 'options', v.options, 'price_minor', v.price_minor,
            'available', greatest(0, (i.on_hand - i.reserved) / v.units)) order by v.position, v.id)
          from variants v join inventory_items i on i.id = v.inventory_item_id where v.product_id = p.id))::text
  from products p join categories c on c.id = p.category_id
 where p.slug = $1 and p.active
"""


async def product(slug: str) -> bytes | None:
    """One product with its variants and what is available of each, as JSON; None when there is no such product."""
    if not _SLUG.fullmatch(slug):
        return None
    text: str | None = await db.fetch_value(PRODUCT, slug)
    return None if text is None else text.encode()


async def categories() -> bytes:
    """Every category with the number of its products, in the order of the shop's menu."""
    rows = await db.fetch(
        """select c.slug, c.name, count(p.id) as products
             from categories c left join products p on p.category_id = c.id and p.active
            group by c.id order by c.position, c.name"""
    )
    return msgspec.json.encode([dict(row) for row in rows])


async def sales() -> bytes:
    """The flash sales that run or will, the next one first."""
    rows = await db.fetch(
        """select f.id, f.price_minor, f.starts_at, f.ends_at, f.limit_per_buyer, v.sku, p.slug, p.title,
                  v.price_minor as usual_price_minor
             from flash_sales f join variants v on v.id = f.variant_id join products p on p.id = v.product_id
            where f.ends_at > now() order by f.starts_at, f.id limit 50"""
    )
    return msgspec.json.encode([dict(row) for row in rows])

"""The pages that everybody reads: served from this process's memory as encoded bytes, with ETag and gzip."""

from __future__ import annotations

import asyncio
from functools import lru_cache, partial
from urllib.parse import parse_qsl

from starlette.requests import Request

from rung.runtime.http import Page
from shop import catalogue
from shop.failures import switches
from shop.problems import Problem, not_found
from shop.resources import pages

TTL_SECONDS = 60.0
#: Pages that were first read together, when a sale began, must not all end together: each lives 30 to 90 seconds.
TTL_JITTER = 0.5
STALE_SECONDS = 600.0
SALES_SECONDS = 2
SALES_KEY = "sales:"
SWITCHES_KEY = "switches:"
CATEGORIES_KEY = "categories:"
QUERY_LENGTH_MAX = 1_000
#: Of the connections to the database: thousands of pages that are asked for at once leave the others to checkouts.
LOADS_AT_ONCE = 4
#: A page that should be read anew goes out for so much longer while that is done.
LATE_SECONDS = 10.0
#: Pages that are read because somebody asked for them, though nobody waits: in a flood the one who asks first may
#: be refused, and the next finds the page here.
READ_AHEAD_MAX = 32
CACHE_CONTROL = "public, max-age=5, stale-while-revalidate=60"

_loads = asyncio.Semaphore(LOADS_AT_ONCE)
_reading: dict[str, asyncio.Task[None]] = {}


async def _fetch(key: str) -> Page | None:
    """From memory, else from the shared cache, else from the database: one asks for a key, the others wait."""
    return await pages.get_or_load(
        key,
        lambda: _query(key),
        ttl_seconds=TTL_SECONDS,
        jitter=TTL_JITTER,
        stale_seconds=STALE_SECONDS,
        tags=("catalogue",),
    )


async def _query(key: str) -> Page | None:
    await switches.refresh()
    await switches.delay("catalogue-slow")
    async with _loads:
        body = await _body(key)
    return None if body is None else Page(body, cache_control=CACHE_CONTROL)


async def _body(key: str) -> bytes | None:
    kind, _, rest = key.partition(":")
    match kind:
        case "product":
            return await catalogue.product(rest)
        case "products":
            return await catalogue.page(catalogue.listing_of(rest))
        case "categories":
            return await catalogue.categories()
        case _:
            raise AssertionError(f"no answer is kept under {kind!r}")


def held(path: str, query: bytes) -> Page | None:
    """The page of a GET request when this process's memory has it; None: the route answers.

    What is not there, or not of late, is read meanwhile, and so are the failure switches, once a second.
    """
    key = _key(path, query)
    if not key:
        return None
    if switches.are_due():
        _read_ahead(SWITCHES_KEY)
    if switches.strike_product(key.removeprefix("product:")):
        return None
    found: Page | None = pages.held(key)
    if found is None:
        found = pages.held(key, late_seconds=LATE_SECONDS)
        _read_ahead(key)
    return found


def _read_ahead(key: str) -> None:
    if key in _reading or len(_reading) >= READ_AHEAD_MAX:
        return
    task = _reading[key] = asyncio.create_task(_read(key))
    task.add_done_callback(partial(_is_read, key))


async def _read(key: str) -> None:
    if key == SWITCHES_KEY:
        await switches.refresh()
    elif key == SALES_KEY:
        await _sales_page()
    else:
        await _fetch(key)


def _is_read(key: str, task: asyncio.Task[None]) -> None:
    del _reading[key]
    if not task.cancelled():
        task.exception()  # who asks next hears of it


@lru_cache(maxsize=8_192)
def _key(path: str, query: bytes) -> str:
    """The key of a page by its address; empty for what is no page."""
    match path:
        case "/api/products":
            try:
                return _list_key(query)
            except Problem:
                return ""
        case "/api/categories":
            return CATEGORIES_KEY
        case "/api/flash":
            return SALES_KEY
    slug = path.removeprefix("/api/products/")
    return "" if slug == path or not slug or "/" in slug else f"product:{slug}"


async def list_products(request: Request) -> Page:
    """GET /api/products?category&brand&q&min&max&sort&limit&after."""
    return await _found(_list_key(request.scope["query_string"]), "the list")


def _list_key(query: bytes) -> str:
    """The key of a list by the query as it was sent. Raises Problem 422."""
    text = query[:QUERY_LENGTH_MAX].decode("latin-1")
    listing = catalogue.parse_listing(dict(parse_qsl(text, keep_blank_values=True)))
    return f"products:{listing.key()}"


async def get_product(request: Request) -> Page:
    """GET /api/products/{slug}."""
    slug = request.path_params["slug"]
    await switches.refresh()
    if switches.strike_product(slug):
        raise Problem(500, "product_error", "the switch product-error struck")
    return await _found(f"product:{slug}", "the product")


async def list_categories(_: Request) -> Page:
    """GET /api/categories."""
    return await _found(CATEGORIES_KEY, "the list")


async def list_sales(_: Request) -> Page:
    """GET /api/flash: sales that run or will, at most SALES_SECONDS old: everybody asks when one begins."""
    found = await _sales_page()
    assert found is not None
    return found


async def _sales_page() -> Page | None:
    return await pages.get_or_load(SALES_KEY, _sales, ttl_seconds=SALES_SECONDS, jitter=0.0)


async def _sales() -> Page:
    return Page(await catalogue.sales(), cache_control=f"public, max-age={SALES_SECONDS}")


async def forget_sales() -> None:
    """The list of sales has changed: the next request reads it anew."""
    await pages.delete(SALES_KEY)


async def _found(key: str, what: str) -> Page:
    found = await _fetch(key)
    if found is None:
        raise not_found(what)
    return found

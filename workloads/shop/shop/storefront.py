"""The pages that everybody reads: served from this process's memory as encoded bytes, with ETag and gzip."""

from __future__ import annotations

from functools import lru_cache
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import Response

from shop import catalogue
from shop.failures import switches
from shop.hot import Hot, accepts
from shop.problems import Problem, not_found
from shop.resources import pages

TTL_SECONDS = 60.0
STALE_SECONDS = 600.0
SALES_SECONDS = 2
SALES_KEY = "sales:"
QUERY_LENGTH_MAX = 1_000


async def _fetch(key: str) -> Hot | None:
    """From memory, else from the shared cache, else from the database: one asks for a key, the others wait."""
    return await pages.get_or_load(
        key, lambda: _query(key), ttl_seconds=TTL_SECONDS, stale_seconds=STALE_SECONDS, tags=("catalogue",)
    )


async def _query(key: str) -> Hot | None:
    await switches.refresh()
    await switches.delay("catalogue-slow")
    body = await _body(key)
    return None if body is None else Hot(body)


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


async def list_products(request: Request) -> Response:
    """GET /api/products?category&brand&q&min&max&sort&limit&after."""
    return await _answer(request, _list_key(request.scope["query_string"].decode("latin-1")), "the list")


@lru_cache(maxsize=4_096)
def _list_key(query: str) -> str:
    """The key of a list by the query as it was sent. Raises Problem 422, which is not remembered."""
    listing = catalogue.parse_listing(dict(parse_qsl(query[:QUERY_LENGTH_MAX], keep_blank_values=True)))
    return f"products:{listing.key()}"


async def get_product(request: Request) -> Response:
    """GET /api/products/{slug}."""
    slug = request.path_params["slug"]
    await switches.refresh()
    if switches.text("product-error") == slug:
        raise Problem(500, "product_error", "the switch product-error struck")
    return await _answer(request, f"product:{slug}", "the product")


async def list_categories(request: Request) -> Response:
    """GET /api/categories."""
    return await _answer(request, "categories:", "the list")


async def list_sales(_: Request) -> Response:
    """GET /api/flash: sales that run or will, at most SALES_SECONDS old: everybody asks when one begins."""
    found: Hot | None = await pages.get_or_load(SALES_KEY, _sales, ttl_seconds=SALES_SECONDS, jitter=0.0)
    assert found is not None
    headers = {"cache-control": f"public, max-age={SALES_SECONDS}"}
    return Response(found.body, media_type="application/json", headers=headers)


async def _sales() -> Hot:
    return Hot(await catalogue.sales())


async def forget_sales() -> None:
    """The list of sales has changed: the next request reads it anew."""
    await pages.delete(SALES_KEY)


async def _answer(request: Request, key: str, what: str) -> Response:
    found = await _fetch(key)
    if found is None:
        raise not_found(what)
    return _response(request, found)


def _response(request: Request, found: Hot) -> Response:
    gzip, has_it = accepts(request.headers, found.etag)
    headers = {
        "etag": found.etag,
        "cache-control": "public, max-age=5, stale-while-revalidate=60",
        "vary": "accept-encoding",
    }
    if has_it:
        return Response(status_code=304, headers=headers)
    zipped = found.zipped if gzip else None
    if zipped is not None:
        return Response(zipped, media_type="application/json", headers={**headers, "content-encoding": "gzip"})
    return Response(found.body, media_type="application/json", headers=headers)

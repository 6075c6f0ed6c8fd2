"""The catalogue over HTTP: lists by keyset, facets, search, entity tags, gzip, and no query for a hot page."""

from __future__ import annotations

import gzip
from typing import Any

import pytest

from rung.runtime.database.counting import count_queries


async def _pages(browser: Any, path: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    after = ""
    while True:
        answer = (await browser.get(f"{path}&after={after}" if after else path)).json
        items += answer["items"]
        after = answer["next"]
        if not after:
            return items


@pytest.mark.parametrize("sort", ["newest", "price", "-price"])
async def test_pages_hold_every_product_once_and_in_order(shop: Any, sort: str) -> None:
    items = await _pages(shop.browser(), f"/api/products?category=lighting&limit=7&sort={sort}")
    whole = await shop.db.fetch_value(
        """select count(*) from products p join categories c on c.id = p.category_id
            where c.slug = 'lighting' and p.active"""
    )
    assert len({item["slug"] for item in items}) == len(items) == whole
    prices = [item["price_minor"] for item in items]
    if sort != "newest":
        assert prices == sorted(prices, reverse=sort == "-price")


async def test_facets_count_what_the_list_holds(shop: Any) -> None:
    browser = shop.browser()
    facets = (await browser.get("/api/products?limit=1")).json["facets"]
    assert facets["total"] == sum(category["count"] for category in facets["categories"])
    chosen = next(one for one in facets["categories"] if one["slug"] == "lighting")
    items = await _pages(browser, f"/api/products?category={chosen['slug']}&limit=100")
    assert len(items) == chosen["count"]
    brand = next(one for one in facets["brands"] if one["name"] != "Tests")
    name = brand["name"].replace(" ", "%20").replace("&", "%26")
    assert len(await _pages(browser, f"/api/products?brand={name}&limit=100")) == brand["count"]


async def test_a_price_range_is_kept(shop: Any) -> None:
    items = await _pages(shop.browser(), "/api/products?min=1000&max=2000&limit=50&sort=price")
    assert items
    assert all(1000 <= item["price_minor"] <= 2000 for item in items)


async def test_search_finds_words_stems_and_beginnings(shop: Any) -> None:
    browser = shop.browser()
    one = (await browser.get("/api/products?limit=1")).json["items"][0]
    word = one["title"].split()[-1].lower()
    found = await _pages(browser, f"/api/products?q={word}&limit=100")
    assert one["slug"] in {item["slug"] for item in found}
    beginning = await _pages(browser, f"/api/products?q={word[:-1]}&limit=100")
    assert one["slug"] in {item["slug"] for item in beginning}
    assert (await browser.get("/api/products?q=zzzznothing")).json["items"] == []


@pytest.mark.parametrize("text", ["'", "a & b | !c", "(((", "%00", "😀", "<->", "a:*b", "\\"])
async def test_no_search_text_breaks_the_search(shop: Any, text: str) -> None:
    from urllib.parse import quote

    assert (await shop.browser().get(f"/api/products?q={quote(text)}")).status == 200


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=101", "limit=x", "sort=name", "after=!!", "after=bmV3ZXN0OjE6eA", "min=5&max=1", "min=-1",
     "category=A'B", "sort=relevance", "limit=99999999999999999999"],
)  # fmt: skip
async def test_parameters_that_cannot_be_are_refused(shop: Any, query: str) -> None:
    answer = await shop.browser().get(f"/api/products?{query}")
    assert answer.status == 422
    assert answer.json["code"] == "invalid"


async def test_a_product_shows_its_variants_and_what_is_left(shop: Any) -> None:
    [single, box] = await shop.article(20, price_minor=500, packs=(1, 6))
    product = (await shop.browser().get(f"/api/products/{single.removesuffix('-1').lower()}")).json
    assert [(v["sku"], v["available"]) for v in product["variants"]] == [(single, 20), (box, 3)]
    assert (await shop.browser().get("/api/products/no-such-thing")).status == 404
    assert (await shop.browser().get("/api/products/No%20Slug")).status == 404


async def test_a_page_that_the_browser_has_is_not_sent_again(shop: Any) -> None:
    browser = shop.browser()
    first = await browser.get("/api/products?limit=30")
    second = await browser.get("/api/products?limit=30", headers={"if-none-match": first.headers["etag"]})
    assert (second.status, second.body) == (304, b"")
    changed = await browser.get("/api/products?limit=30", headers={"if-none-match": 'W/"other"'})
    assert changed.status == 200


async def test_a_page_is_compressed_for_those_who_can_read_it(shop: Any) -> None:
    browser = shop.browser()
    plain = await browser.get("/api/products?limit=30")
    packed = await browser.get("/api/products?limit=30", headers={"accept-encoding": "gzip, br"})
    assert packed.headers["content-encoding"] == "gzip"
    assert gzip.decompress(packed.body) == plain.body
    assert len(packed.body) < len(plain.body) / 2
    assert packed.headers["vary"] == "accept-encoding"


async def test_a_hot_page_asks_the_database_nothing(shop: Any) -> None:
    browser = shop.browser()
    for path in ("/api/products?limit=9", "/api/categories"):
        await browser.get(path)
        with count_queries() as counted:
            assert (await browser.get(path)).status == 200
        assert counted.queries == 0


async def test_a_new_price_is_shown_at_once(shop: Any) -> None:
    [sku] = await shop.article(5, price_minor=700)
    path = f"/api/products/{sku.removesuffix('-1').lower()}"
    browser = shop.browser()
    assert (await browser.get(path)).json["price_minor"] == 700
    assert (await shop.admin("PUT", f"/prices/{sku}", {"price_minor": 650})).status == 200
    answer = (await browser.get(path)).json
    assert (answer["price_minor"], answer["variants"][0]["price_minor"]) == (650, 650)


async def test_categories_come_in_the_order_of_the_menu(shop: Any) -> None:
    categories = (await shop.browser().get("/api/categories")).json
    assert [category["slug"] for category in categories][:2] == ["kitchen", "lighting"]
    assert all(category["products"] > 0 for category in categories)

"""The seed: the same 10,000 products everywhere, consistent, and written in seconds."""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import Any

import msgspec

SEED_DIGEST_PRODUCTS = 200


def _seed() -> Any:
    from shop import seed

    return seed


async def test_the_seed_is_the_same_every_time(shop: Any) -> None:
    seed = _seed()
    first, second = list(seed.products(SEED_DIGEST_PRODUCTS)), list(seed.products(SEED_DIGEST_PRODUCTS))
    assert first == second
    assert list(seed.products(50)) == first[:50]
    digest = hashlib.sha256(msgspec.json.encode(first)).hexdigest()
    other = hashlib.sha256(msgspec.json.encode(list(seed.products(SEED_DIGEST_PRODUCTS, seed=1)))).hexdigest()
    assert digest != other


async def test_ten_thousand_products_have_unique_names_and_plausible_variants(shop: Any) -> None:
    everything = list(_seed().products())
    assert len(everything) == 10_000
    skus = [variant[0] for product in everything for variant in product.variants]
    assert len(set(skus)) == len(skus)
    assert len({product.slug for product in everything}) == 10_000
    assert all(product.price_minor == min(v[3] for v in product.variants) for product in everything)
    assert len(Counter(product.category for product in everything)) == len(_seed().RANGES)


async def test_a_box_and_a_single_piece_share_a_shelf(shop: Any) -> None:
    boxed = [product for product in _seed().products(500) if any(v[4] == 6 for v in product.variants)]
    assert boxed
    assert all(len(product.stock) == 1 for product in boxed)


async def test_a_second_start_seeds_nothing(shop: Any) -> None:
    before = await shop.db.fetch_value("select count(*) from products")
    await _seed().run()
    assert await shop.db.fetch_value("select count(*) from products") == before
    await shop.verify()

"""Quotes: every sum holds to the penny, whatever is bought, wherever it goes, whichever code is entered."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from shop.domain.pricing import (
    EXPRESS_DELIVERY_MINOR,
    FREE_DELIVERY_FROM_MINOR,
    STANDARD_DELIVERY_MINOR,
    TAX_RATES,
    Item,
    Promotion,
    price,
    rate,
)

items = st.lists(
    st.builds(
        Item,
        sku=st.text("ABC", min_size=1, max_size=3),
        quantity=st.integers(1, 500),
        unit_price_minor=st.integers(0, 10**6),
        category_id=st.integers(1, 3),
        tax_class=st.sampled_from(["standard", "reduced", "zero"]),
    ),
    max_size=20,
)
promotions = st.none() | st.builds(
    Promotion,
    code=st.just("CODE"),
    kind=st.sampled_from(["percent", "amount", "free_delivery"]),
    value=st.integers(0, 20_000),
    minimum_minor=st.integers(0, 10**5),
    category_id=st.none() | st.integers(1, 3),
)
countries = st.sampled_from([*TAX_RATES, "US", "JP"])
deliveries = st.sampled_from(["standard", "express", "collect"])


@given(items, countries, deliveries, promotions)
def test_every_sum_holds_to_the_penny(lines, country, delivery, promotion) -> None:  # type: ignore[no-untyped-def]
    quote = price(lines, country=country, delivery=delivery, promotion=promotion)
    assert quote.subtotal_minor == sum(item.unit_price_minor * item.quantity for item in lines)
    assert quote.discount_minor == sum(line.discount_minor for line in quote.lines)
    assert quote.total_minor == quote.subtotal_minor - quote.discount_minor + quote.delivery_minor
    assert 0 <= quote.discount_minor <= quote.subtotal_minor
    assert 0 <= quote.tax_minor <= quote.total_minor
    assert all(line.total_minor >= 0 and 0 <= line.discount_minor <= line.item.gross_minor for line in quote.lines)
    assert all(line.tax_minor <= line.total_minor for line in quote.lines)


@given(items, deliveries, promotions)
def test_an_export_carries_no_tax(lines, delivery, promotion) -> None:  # type: ignore[no-untyped-def]
    assert price(lines, country="US", delivery=delivery, promotion=promotion).tax_minor == 0


@given(items, promotions)
def test_a_promotion_for_one_category_leaves_the_others_alone(lines, promotion) -> None:  # type: ignore[no-untyped-def]
    quote = price(lines, country="GB", delivery="collect", promotion=promotion)
    if promotion and promotion.category_id is not None:
        others = [line for line in quote.lines if line.item.category_id != promotion.category_id]
        assert all(line.discount_minor == 0 for line in others)


def test_delivery_is_free_from_a_value_on() -> None:
    cheap = [Item(sku="A", quantity=1, unit_price_minor=FREE_DELIVERY_FROM_MINOR - 1)]
    dear = [Item(sku="A", quantity=1, unit_price_minor=FREE_DELIVERY_FROM_MINOR)]
    assert price(cheap, country="GB", delivery="standard").delivery_minor == STANDARD_DELIVERY_MINOR
    assert price(dear, country="GB", delivery="standard").delivery_minor == 0
    assert price(dear, country="GB", delivery="express").delivery_minor == EXPRESS_DELIVERY_MINOR
    assert price([], country="GB", delivery="express").total_minor == 0


def test_a_discount_counts_before_delivery_becomes_free() -> None:
    item = Item(sku="A", quantity=1, unit_price_minor=FREE_DELIVERY_FROM_MINOR)
    tenth = Promotion(code="TENTH", kind="percent", value=1_000)
    quote = price([item], country="GB", delivery="standard", promotion=tenth)
    assert (quote.discount_minor, quote.delivery_minor) == (500, STANDARD_DELIVERY_MINOR)
    assert quote.promotion_code == "TENTH"


def test_a_promotion_below_its_minimum_is_not_shown_as_applied() -> None:
    item = Item(sku="A", quantity=1, unit_price_minor=100)
    quote = price([item], country="GB", delivery="collect", promotion=Promotion(
        code="LATER", kind="amount", value=50, minimum_minor=101))  # fmt: skip
    assert (quote.discount_minor, quote.promotion_code) == (0, None)


def test_rates_are_those_of_the_country() -> None:
    assert rate("GB", "standard") == 2000
    assert rate("GB", "zero") == 0
    assert rate("US", "standard") == 0

"""Money: nothing is lost or made by splitting, rounding or parsing, whatever the amounts."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shop.domain.money import Money, MoneyError, allocate, divide_half_up, parse_minor, share, tax_included

amounts = st.integers(min_value=0, max_value=10**12)
weights = st.lists(st.integers(min_value=0, max_value=10**6), min_size=1, max_size=50)


@given(amounts, weights)
def test_an_allocation_adds_up_to_what_was_split(total: int, given_weights: list[int]) -> None:
    parts = allocate(total, given_weights)
    assert sum(parts) == total
    assert all(part >= 0 for part in parts)


@given(amounts, weights)
def test_an_allocation_is_within_one_penny_of_the_exact_share(total: int, given_weights: list[int]) -> None:
    whole = sum(given_weights)
    if whole:
        for part, weight in zip(allocate(total, given_weights), given_weights, strict=True):
            assert abs(part - Fraction(total * weight, whole)) < 1


def test_nothing_is_allocated_to_nobody() -> None:
    assert allocate(5, []) == []
    assert allocate(5, [0, 0]) == [5, 0]


@given(st.integers(min_value=0, max_value=10**9), st.integers(min_value=1, max_value=10**6))
def test_division_rounds_to_the_nearest_and_halves_up(numerator: int, denominator: int) -> None:
    error = divide_half_up(numerator, denominator) - Fraction(numerator, denominator)
    assert -Fraction(1, 2) < error <= Fraction(1, 2)


@given(amounts, st.sampled_from([0, 500, 700, 1900, 2000, 2300]))
def test_the_tax_inside_a_price_is_never_more_than_the_price(gross: int, rate: int) -> None:
    tax = tax_included(gross, rate)
    assert 0 <= tax <= gross
    net = gross - tax
    assert abs(share(net, rate) - tax) <= 1


@pytest.mark.parametrize(("gross", "rate", "tax"), [(1200, 2000, 200), (999, 2000, 167), (105, 500, 5), (5, 0, 0)])
def test_known_taxes(gross: int, rate: int, tax: int) -> None:
    assert tax_included(gross, rate) == tax


@given(st.integers(min_value=-(10**9), max_value=10**9))
def test_amounts_survive_writing_and_parsing(minor: int) -> None:
    assert parse_minor(str(Money(minor, "GBP")).removesuffix(" GBP")) == minor


@pytest.mark.parametrize("text", ["", "1.005", "nan", "inf", "1,50", "abc", "1e40", "\x00", "--1"])
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(MoneyError):
        parse_minor(text)


def test_currencies_do_not_mix() -> None:
    assert Money(1, "GBP") + Money(2, "GBP") == Money(3, "GBP")
    with pytest.raises(MoneyError, match="EUR"):
        Money(1, "GBP") + Money(1, "EUR")

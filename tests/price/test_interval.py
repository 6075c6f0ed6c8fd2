"""The interval comes from what is not known: it closes when that is measured, and a guess at a price widens it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rung.model.graph import Graph
from rung.parts.design import Design
from rung.price.assumptions import Assumptions
from rung.price.bill import Bill, bill
from rung.price.book import PriceBook
from rung.price.interval import PRICE_RANGES, RANGES


def measured_in_all() -> Assumptions:
    given = Assumptions()
    return given.with_values({name: getattr(given, name) for name in RANGES}, "measured", "in a test")


def at_list(found: Bill) -> Bill:
    return replace(found, lines=tuple(replace(line, basis="list") for line in found.lines), free=())


def test_every_assumption_with_a_range_is_one_and_holds_its_default() -> None:
    for name, (low, high, why) in RANGES.items():
        assert isinstance(getattr(Assumptions(), name), float)
        assert low < 1 < high
        assert why


def test_it_holds_the_total(fargate: Design, shop: Graph, book: PriceBook) -> None:
    found = bill(fargate, shop, book)
    least, most = found.interval()
    assert 0 < least < found.total < most


def test_it_closes_when_all_is_measured_and_every_price_is_read(
    fargate: Design, shop: Graph, book: PriceBook
) -> None:
    found = at_list(bill(fargate, shop, book, measured_in_all()))
    assert found.interval() == pytest.approx((found.total, found.total))


def test_one_measurement_takes_its_share(fargate: Design, shop: Graph, book: PriceBook) -> None:
    assumed_most = bill(fargate, shop, book).interval()[1]
    known = Assumptions().with_values({"response_kib": 8.0}, "measured", "in a test")
    assert bill(fargate, shop, book, known).interval()[1] < assumed_most - 500


def test_a_price_from_memory_widens_it_by_its_own_line(fargate: Design, shop: Graph, book: PriceBook) -> None:
    found = at_list(bill(fargate, shop, book, measured_in_all()))
    (line, *others) = sorted(found.lines, key=lambda line: -line.usd)
    unsure = replace(found, lines=(replace(line, basis="memory"), *others))
    least, most = unsure.interval()
    low, high = PRICE_RANGES["memory"]
    assert most - found.total == pytest.approx(line.usd * (high - 1))
    assert found.total - least == pytest.approx(line.usd * (1 - low))


def test_what_is_free_may_be_had_at_the_least(fargate: Design, shop: Graph, book: PriceBook) -> None:
    found = bill(fargate, shop, book)
    assert replace(found, free=()).interval()[0] == pytest.approx(found.interval()[0] + found.free_usd)

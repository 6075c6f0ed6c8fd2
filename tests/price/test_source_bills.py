"""The bills that four authors gave of their own systems come out of a workload file each."""

from __future__ import annotations

import pytest

from price.source_bills import PAGE, TOLD, Told, bill_of, page_with, savings_of
from rung.price.book import PriceBook


@pytest.mark.parametrize("told", TOLD, ids=lambda told: told.name)
def test_each_comes_out_as_it_was_told(told: Told, book: PriceBook) -> None:
    found = bill_of(told.name, told.environment, book)
    assert told.least_usd <= found.total <= told.most_usd


def test_the_rented_machine_alone_is_twenty_dollars(book: PriceBook) -> None:
    items = ("t4g.small", "disks", "public IPv4 address")
    found = sum(line.usd for line in bill_of("vps", "prod", book).lines if line.item in items)
    assert found == pytest.approx(20.60, abs=0.01)


def test_a_nat_for_each_zone_is_a_hundred_dollars_and_73_more_than_one(book: PriceBook) -> None:
    each, one = (bill_of("nat", environment, book) for environment in ("each", "one"))
    hours = next(line.usd for line in each.lines if line.item == "NAT gateways")
    assert hours == pytest.approx(3 * 730 * 0.045)
    assert each.total - one.total == pytest.approx(2 * 730 * (0.045 + 0.005))


def test_the_startup_comes_near_its_savings(book: PriceBook) -> None:
    found = savings_of("startup", "prod", book)
    assert found["ARM database"].usd == pytest.approx(730 * (0.312 - 0.277))
    assert 290 < found["Aurora Serverless"].after_usd < 340


def test_the_page_has_the_tables_that_are_computed(book: PriceBook) -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert page_with(text, book) == text, "python -m tests.price.source_bills writes them anew"

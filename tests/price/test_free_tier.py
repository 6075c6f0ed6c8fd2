"""What AWS does not charge is kept apart from the total, and is never more than what is used."""

from __future__ import annotations

import pytest

from price.conftest import with_users
from rung.model.graph import Graph
from rung.parts.design import Design
from rung.price.bill import bill
from rung.price.book import PriceBook
from rung.price.free_tier import ALLOWANCES, months_of_credits


def test_each_allowance_takes_its_amount_at_the_first_price(fargate: Design, shop: Graph, book: PriceBook) -> None:
    found = {each.name: each.usd for each in bill(fargate, shop, book).free}
    assert found["CloudFront bytes"] == pytest.approx(1_024 * 0.085)
    assert found["CloudFront requests"] == pytest.approx(1_000 * 0.012)
    assert found["log ingest"] == pytest.approx(5 * 0.57)
    assert found["log storage"] == pytest.approx(5 * 0.03)
    assert found["custom metrics"] == pytest.approx(10 * 0.30)
    assert found["alarms"] == pytest.approx(10 * 0.10)
    assert found["queue requests"] == pytest.approx(0.40)
    assert found["key requests"] == pytest.approx(2 * 0.03)


def test_no_more_is_free_than_is_used(fargate: Design, shop: Graph, book: PriceBook) -> None:
    quiet = bill(fargate, with_users(shop, 1), book)
    used = dict.fromkeys({line.key for line in quiet.lines}, 0.0)
    for line in quiet.lines:
        used[line.key] += line.usd
    keys = {each.name: each.keys for each in ALLOWANCES}
    for each in quiet.free:
        assert each.usd <= sum(used.get(key, 0.0) for key in keys[each.name]) + 1e-9


def test_it_is_apart_from_the_total(fargate: Design, shop: Graph, book: PriceBook) -> None:
    found = bill(fargate, shop, book)
    assert found.total == pytest.approx(sum(line.usd for line in found.lines))
    assert 0 < found.free_usd < found.total


def test_the_prices_of_the_allowances_are_in_the_book(book: PriceBook) -> None:
    for allowance in ALLOWANCES:
        for service, usage, mode in allowance.keys:
            assert book.tariff(service, usage, mode=mode, region="eu-west-1").first.usd > 0


def test_credits_last_a_year_at_most() -> None:
    assert months_of_credits(50.0) == (2.0, 4.0)
    assert months_of_credits(1.0) == (12, 12)
    assert months_of_credits(0.0) == (12, 12)

"""Every price of the book: more never costs less, and nothing jumps where a tier begins."""

from __future__ import annotations

from itertools import pairwise

import pytest

from rung.price.book import Tariff, shipped_book

BOOK = shipped_book()
KEYS = sorted({row.key for row in BOOK.rows if not row.second})


def tariff_of(key: tuple[str, str, str, str]) -> Tariff:
    service, usage, mode, region = key
    return BOOK.tariff(service, usage, mode=mode, region=region)


def test_more_never_costs_less() -> None:
    for key in KEYS:
        tariff = tariff_of(key)
        most = 3 * max(1_000.0, tariff.tiers[-1].tier_from)
        charges = [tariff.charge(most * step / 50) for step in range(51)]
        assert all(one <= other for one, other in pairwise(charges)), key
        assert charges[0] == 0, key


def test_nothing_jumps_where_a_tier_begins() -> None:
    tiered = [tariff_of(key) for key in KEYS if len(tariff_of(key).tiers) > 1]
    assert len(tiered) >= 6
    for tariff in tiered:
        for tier in tariff.tiers[1:]:
            below, above = tariff.charge(tier.tier_from * (1 - 1e-9)), tariff.charge(tier.tier_from * (1 + 1e-9))
            assert above - below == pytest.approx(0, abs=1e-4 * tier.tier_from * tier.usd + 1e-9)


def test_tiers_are_charged_each_at_its_own_price() -> None:
    """200 TB out of Ireland: 10 TB at 9 cents, 40 at 8.5, 100 at 7, the rest at 5."""
    out = BOOK.tariff("data-transfer", "internet-out", region="eu-west-1")
    expected = 10_240 * 0.09 + 40_960 * 0.085 + 102_400 * 0.07 + 51_200 * 0.05
    assert out.charge(204_800) == pytest.approx(expected)


def test_the_tiers_of_cloudfront_by_hand() -> None:
    """60 TB: 10 at 8.5 cents, 40 at 8, the last ten at 6."""
    out = BOOK.tariff("cloudfront", "data-out", mode="us-and-europe", region="eu-west-1")
    assert out.charge(61_440) == pytest.approx(10_240 * 0.085 + 40_960 * 0.08 + 10_240 * 0.06)

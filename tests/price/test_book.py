"""The price book: every row can be trusted to be what it says, tiers are continuous, and nothing is guessed."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rung.price.book import COLUMNS, Price, PriceBook, PriceError, Tariff, read_book, shipped_book, write_book

BOOK = shipped_book()
HEAD = ",".join(COLUMNS)


def row(**values: object) -> Price:
    fields: dict[str, object] = {
        "service": "ec2", "usage": "t4g.small", "mode": "on-demand", "unit": "hour", "region": "eu-west-1",
        "usd": 0.0184, "source": "a list",
    }  # fmt: skip
    return Price(**(fields | values))  # type: ignore[arg-type]


def test_the_shipped_book_has_a_source_for_every_row() -> None:
    assert len(BOOK.rows) > 400
    assert [each for each in BOOK.rows if not each.source] == []


def test_second_sources_agree_with_what_is_charged() -> None:
    for second in [each for each in BOOK.rows if each.second]:
        first = BOOK.tariff(second.service, second.usage, mode=second.mode, region=second.region).first
        assert second.usd == pytest.approx(first.usd, rel=0.01), second


def test_rows_from_memory_are_few_and_marked() -> None:
    """A bill shows them; the book must not grow by what somebody thought to remember."""
    assert len([each for each in BOOK.rows if each.basis == "memory"]) <= 10


def test_a_price_is_not_taken_from_another_region() -> None:
    with pytest.raises(PriceError) as caught:
        BOOK.tariff("ec2", "t4g.small", mode="on-demand", region="ap-south-1")
    (finding,) = caught.value.findings
    assert finding.code == "R1101"
    assert "ec2 t4g.small on-demand in ap-south-1" in finding.message
    assert "eu-west-1" in finding.found


def test_a_price_is_not_taken_from_another_tenancy_or_storage_mode() -> None:
    with pytest.raises(PriceError, match="did you mean"):
        BOOK.tariff("aurora", "serverless-acu", mode="standart", region="eu-west-1")


def test_an_unknown_usage_suggests_the_nearest() -> None:
    with pytest.raises(PriceError, match=r"t4g\.small on-demand"):
        BOOK.tariff("ec2", "t4g.smal", mode="on-demand", region="eu-west-1")


def test_edge_prices_hold_in_every_region() -> None:
    tariff = BOOK.tariff("cloudfront", "data-out", mode="us-and-europe", region="eu-west-1")
    assert [tier.tier_from for tier in tariff.tiers] == [0, 10_240, 51_200, 153_600, 512_000, 1_048_576, 5_242_880]


def test_tiers_are_charged_each_for_its_own_share() -> None:
    tariff = BOOK.tariff("data-transfer", "internet-out", region="eu-west-1")
    assert tariff.charge(10_240) == pytest.approx(921.60)
    assert tariff.charge(60 * 1_024) == pytest.approx(10_240 * 0.09 + 40_960 * 0.085 + 10_240 * 0.07)


@given(
    st.lists(
        st.tuples(st.floats(0, 1e6), st.floats(0, 10)), min_size=1, max_size=6, unique_by=lambda each: each[0]
    ),
    st.floats(0, 2e6),
    st.floats(0, 2e6),
)
def test_a_charge_is_monotone_and_continuous(tiers: list[tuple[float, float]], one: float, other: float) -> None:
    starts = sorted(tiers)
    rows = tuple(row(tier_from=start, usd=usd) for start, usd in [(0.0, starts[0][1]), *starts[1:]])
    tariff = Tariff(tiers=rows)
    less, more = sorted((one, other))
    assert tariff.charge(less) <= tariff.charge(more) + 1e-6
    dearest = max(each.usd for each in rows)
    assert tariff.charge(more) - tariff.charge(less) <= (more - less) * dearest + 1e-4


def test_two_rows_of_one_key_are_refused() -> None:
    text = write_book(PriceBook(rows=(row(),))) + "ec2,t4g.small,on-demand,hour,eu-west-1,0,0.02,list,,other,\n"
    with pytest.raises(PriceError) as caught:
        read_book(text)
    assert "ambiguous" in caught.value.findings[0].found
    assert caught.value.findings[0].location is not None
    assert caught.value.findings[0].location.line == 3


@pytest.mark.parametrize(
    "line",
    [
        "ec2,t4g.small,on-demand,hour,eu-west-1,0,many,list,,x,",
        "ec2,t4g.small,on-demand,hour,eu-west-1,0,-1,list,,x,",
        "ec2,t4g.small,on-demand,hour,eu-west-1,0,0.1,guess,,x,",
        "ec2,,on-demand,hour,eu-west-1,0,0.1,list,,x,",
        "ec2,t4g.small,on-demand,hour,eu-west-1,0,0.1,list,,,",
        "ec2,t4g.small,on-demand,hour,eu-west-1,0,nan,list,,x,",
    ],
)
def test_a_damaged_line_is_named_and_the_others_too(line: str) -> None:
    with pytest.raises(PriceError) as caught:
        read_book(f"{HEAD}\n{line}\n{line}\n")
    assert [finding.location.line for finding in caught.value.findings if finding.location] == [2, 3]


def test_a_file_with_other_columns_is_refused() -> None:
    with pytest.raises(PriceError, match="columns a, b"):
        read_book("a,b\n1,2\n")


def test_a_book_written_and_read_again_is_the_same() -> None:
    assert set(read_book(write_book(BOOK)).rows) == set(BOOK.rows)
    assert write_book(read_book(write_book(BOOK))) == write_book(BOOK)


def test_renewed_rows_replace_their_own_tier_alone() -> None:
    newer = BOOK.with_rows([row(usd=0.05)])
    assert newer.tariff("ec2", "t4g.small", mode="on-demand", region="eu-west-1").first.usd == 0.05
    assert len(newer.rows) == len(BOOK.rows)


def test_age_is_counted_from_the_day_it_was_read() -> None:
    assert row(as_of="2026-07-20").age_days(date(2026, 11, 21)) == 124
    assert row(as_of="").age_days(date(2026, 11, 21)) is None

"""Carts, order states, the waiting room, card numbers: their laws, by property and by example."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shop.domain.cards import has_card_number, luhn_sum
from shop.domain.cart import LINES_MAX, QUANTITY_MAX, merge
from shop.domain.order import (
    EVENTS,
    STATUSES,
    STOCK_ACCOUNT,
    TransitionError,
    allows,
    following,
    is_final,
)
from shop.domain.waiting_room import Gate, admitted_by, place

carts = st.dictionaries(st.integers(1, 50), st.integers(1, QUANTITY_MAX), max_size=20)


@given(carts, carts)
def test_a_merged_cart_holds_both_up_to_the_limit(known: dict[int, int], guest: dict[int, int]) -> None:
    merged = merge(known, guest)
    assert set(merged) == set(known) | set(guest)
    for variant, quantity in merged.items():
        assert quantity == min(QUANTITY_MAX, known.get(variant, 0) + guest.get(variant, 0))


@given(carts)
def test_merging_nothing_changes_nothing(cart: dict[int, int]) -> None:
    assert merge(cart, {}) == cart
    assert merge({}, cart) == cart


def test_a_merged_cart_is_bounded_and_the_customers_own_lines_stay() -> None:
    known = dict.fromkeys(range(LINES_MAX), 1)
    assert merge(known, {LINES_MAX + 5: 1, 3: 4}) == {**known, 3: 5}


@given(st.lists(st.sampled_from(EVENTS), max_size=12))
def test_no_sequence_of_events_leaves_the_table(events: list[str]) -> None:
    status = "placed"
    for event in events:
        if allows(status, event):  # type: ignore[arg-type]
            status = following(status, event)  # type: ignore[arg-type]
        else:
            with pytest.raises(TransitionError, match=status):
                following(status, event)  # type: ignore[arg-type]
        assert status in STATUSES


def test_every_order_can_end_and_an_ended_one_holds_no_stock() -> None:
    reached = {"placed"}
    for _ in STATUSES:
        reached |= {following(s, e) for s in STATUSES for e in EVENTS if s in reached and allows(s, e)}
    assert reached == set(STATUSES)
    assert {status for status in STATUSES if is_final(status)} == {"cancelled", "refunded"}
    assert all(STOCK_ACCOUNT[status] is None for status in STATUSES if is_final(status))


GATE = Gate(starts_at=1_000.0, ends_at=1_060.0, admit_per_second=10)


@given(st.integers(1, 10_000), st.floats(900, 1_059), st.floats(0, 100))
def test_who_was_admitted_stays_admitted(ticket: int, now: float, later: float) -> None:
    first, second = place(GATE, ticket, now), place(GATE, ticket, now + later)
    if first.state == "admitted":
        assert second.state in ("admitted", "over")
    assert second.state == "over" or second.ahead <= first.ahead


@given(st.integers(1, 500), st.floats(1_000, 1_050))
def test_the_wait_that_is_promised_is_the_wait(ticket: int, now: float) -> None:
    standing = place(GATE, ticket, now)
    if standing.state == "waiting":
        assert place(GATE, ticket, now + standing.wait_seconds + 0.001).state in ("admitted", "over")
        assert place(GATE, ticket, max(GATE.starts_at, now + standing.wait_seconds - 0.2)).state == "waiting"


def test_the_gate_lets_no_more_through_than_its_rate() -> None:
    assert admitted_by(GATE, 999.0) == 0
    assert admitted_by(GATE, 1_000.0) == 10
    assert admitted_by(GATE, 1_010.0) == 110
    assert place(GATE, 5, 990.0).state == "early"
    assert place(GATE, 1, 1_060.0).state == "over"


@pytest.mark.parametrize(
    "text",
    [
        "4242424242424242",
        "4242 4242 4242 4242",
        "5555-5555-5555-4444",
        '{"n":"378282246310005"}',
        "pan=6011111111111117",
    ],
)
def test_card_numbers_are_found(text: str) -> None:
    assert has_card_number(text)


@pytest.mark.parametrize(
    "text",
    ["4242424242424241", "tok_4242424242424242x", "0190d4e1-7c5a-7b1e-8f2a-424242424242", "order 536365",
     "1234567890123", "2010-12-01 08:26:00", "123456789012345678901234"],
)  # fmt: skip
def test_other_numbers_are_not_card_numbers(text: str) -> None:
    assert not has_card_number(text)


def test_the_check_digit_is_luhns() -> None:
    assert luhn_sum("79927398713") % 10 == 0
    assert luhn_sum("79927398710") % 10 != 0

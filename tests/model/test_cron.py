"""Cron expressions are read as cron reads them, and refused with what was wrong."""

from __future__ import annotations

import contextlib
from datetime import UTC, date, datetime, timedelta

import pytest
from cronsim import CronSim, CronSimError
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rung.model.cron import CronError, parse_cron


@pytest.mark.parametrize(
    ("expression", "times"),
    [
        ("30 4 * * *", [(4, 30)]),
        ("0,30 9-10 * * *", [(9, 0), (9, 30), (10, 0), (10, 30)]),
        ("*/20 0 * * *", [(0, 0), (0, 20), (0, 40)]),
        ("50/5 0 * * *", [(0, 50), (0, 55)]),
    ],
)
def test_times_of_a_day(expression: str, times: list[tuple[int, int]]) -> None:
    assert parse_cron(expression).times() == times


@pytest.mark.parametrize(
    ("expression", "day", "runs"),
    [
        ("0 0 * * mon", date(2026, 11, 23), True),
        ("0 0 * * mon", date(2026, 11, 22), False),
        ("0 0 * * 7", date(2026, 11, 22), True),
        ("0 0 * * sun", date(2026, 11, 22), True),
        ("0 0 1 jan *", date(2026, 1, 1), True),
        ("0 0 1 jan *", date(2026, 2, 1), False),
        ("0 0 13 * fri", date(2026, 11, 13), True),
        ("0 0 13 * fri", date(2026, 11, 20), True),
        ("0 0 13 * fri", date(2026, 11, 19), False),
        ("0 0 L * *", date(2028, 2, 29), True),
        ("0 0 L * *", date(2027, 2, 27), False),
        ("0 0 LW * *", date(2026, 5, 29), True),
        ("0 0 LW * *", date(2026, 5, 31), False),
        ("0 0 * * 5L", date(2026, 11, 27), True),
        ("0 0 * * 5L", date(2026, 11, 20), False),
        ("0 0 * * mon#1", date(2026, 11, 2), True),
        ("0 0 * * mon#1", date(2026, 11, 9), False),
    ],
)
def test_days(expression: str, day: date, runs: bool) -> None:
    assert parse_cron(expression).runs_on(day) is runs


@pytest.mark.parametrize(
    ("expression", "seconds"),
    [
        ("* * * * *", 60),
        ("*/7 * * * *", 4 * 60),
        ("0 0 * * *", 86_400),
        ("59 23,0 * * *", 3_600),
        ("0 0 * * mon", 7 * 86_400),
        ("0 0 1 * *", 28 * 86_400),
        ("0 0 29 2 *", 1_461 * 86_400),
        ("0 0 30 2 *", float("inf")),
    ],
)
def test_the_shortest_time_between_two_runs(expression: str, seconds: float) -> None:
    assert parse_cron(expression).shortest_gap_seconds() == seconds


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("", "0 fields"),
        ("* * * *", "4 fields"),
        ("0 * * * * *", "seconds and years are no cron fields"),
        ("60 * * * *", "60 is no minute: 0-59"),
        ("* 24 * * *", "24 is no hour"),
        ("* * 0 * *", "0 is no day of month"),
        ("* * * febr *", 'did you mean "FEB"'),
        ("* * * * mon-foo", "is no day of week"),
        ("10-5 * * * *", "runs backwards"),
        ("*/0 * * * *", "0 is no step of minute"),
        ("a * * * *", "'A' is no minute"),
        ("@daily", 'write "0 0 * * *"'),
    ],
)
def test_what_is_no_cron_is_refused(expression: str, reason: str) -> None:
    with pytest.raises(CronError) as caught:
        parse_cron(expression)
    assert reason in str(caught.value)


def field(lowest: int, highest: int, *special: str) -> st.SearchStrategy[str]:
    number = st.integers(lowest, highest).map(str)
    span = st.just("*") | number | st.tuples(number, number).map("-".join)
    step = st.tuples(span, st.integers(0, 40).map(str)).map("/".join)
    return st.lists(span | step | st.sampled_from(special or ("*",)), min_size=1, max_size=3).map(",".join)


EXPRESSIONS = st.tuples(
    field(0, 61),
    field(0, 25),
    field(0, 32, "L", "LW"),
    field(0, 13, "JAN", "dec"),
    field(0, 8, "MON", "5L", "sun#1"),
).map(" ".join)


@settings(max_examples=300, deadline=None)
@given(EXPRESSIONS)
@example("0 0 31 feb *")
def test_it_agrees_with_what_runs_the_schedules(expression: str) -> None:
    """The runtime computes its ticks with CronSim: what one accepts the other must, and on the same days."""
    try:
        runs = CronSim(expression, datetime(2027, 12, 31, 23, 59, tzinfo=UTC))
    except CronSimError:
        # It refuses a date that no year has at once; here that is a finding of its own, R0165.
        with contextlib.suppress(CronError):
            assert next(parse_cron(expression).dates(), None) is None
        return
    cron = parse_cron(expression)
    ticks = [next(runs, None) for _ in range(3)]
    for tick in ticks:
        if tick is not None and tick.year < 2030:
            assert cron.runs_on(tick.date())
            assert (tick.hour, tick.minute) in cron.times()
    first = ticks[0].date() if ticks[0] is not None else date(2029, 1, 1)
    day = date(2028, 1, 1)
    while day < min(first, date(2029, 1, 1)):
        assert not cron.runs_on(day)
        day += timedelta(days=1)

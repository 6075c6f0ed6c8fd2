"""Ticks are a pure function of expression, zone and moment: no drift, none doubled or lost at a clock change."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rung.runtime.schedule.expression import ScheduleExpressionError, due_ticks, next_ticks, parse

#: Gaps and folds at 01:00, 02:00 and midnight, of one hour and of half an hour, north and south.
ZONES = [
    "UTC", "Europe/Berlin", "America/New_York", "America/Sao_Paulo", "America/Havana", "Asia/Beirut",
    "Australia/Lord_Howe", "Pacific/Auckland", "Africa/Casablanca", "Asia/Kolkata",
]  # fmt: skip
MOMENTS = st.integers(1_420_000_000, 2_050_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
EXPRESSIONS = [
    "* * * * *",
    "*/7 * * * *",
    "30 2 * * *",
    "0,30 0-3 * * *",
    "0 0 * * *",
    "15 1 * * SUN",
    "0 */5 * * *",
]


def ticks(expression: str, zone: str, after: datetime, count: int) -> list[datetime]:
    return list(islice(next_ticks(expression, zone, after), count))


@given(st.sampled_from(EXPRESSIONS), st.sampled_from(ZONES), MOMENTS)
def test_ticks_ascend_and_lie_after_the_moment(expression: str, zone: str, after: datetime) -> None:
    found = ticks(expression, zone, after, 12)
    assert found[0] > after
    assert all(earlier < later for earlier, later in pairwise(found))


@given(st.sampled_from(EXPRESSIONS), st.sampled_from(ZONES), MOMENTS, st.integers(0, 9))
def test_a_restart_at_any_tick_goes_on_where_it_was(
    expression: str, zone: str, after: datetime, restart: int
) -> None:
    found = ticks(expression, zone, after, 12)
    assert ticks(expression, zone, found[restart], 11 - restart) == found[restart + 1 :]


@given(st.sampled_from(ZONES), st.dates(date(2015, 1, 1), date(2034, 12, 1)), st.sampled_from(range(24)))
def test_a_daily_run_happens_once_a_day_whatever_the_clocks_do(zone: str, day: date, hour: int) -> None:
    midnight = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone))
    before = midnight.astimezone(UTC) - timedelta(seconds=1)
    found = [tick.astimezone(ZoneInfo(zone)).date() for tick in ticks(f"30 {hour} * * *", zone, before, 20)]
    assert found == [day + timedelta(days=offset) for offset in range(20)]


@given(st.sampled_from(ZONES), MOMENTS)
def test_every_minute_means_every_real_minute(zone: str, after: datetime) -> None:
    found = ticks("* * * * *", zone, after, 200)
    assert {later - earlier for earlier, later in pairwise(found)} == {timedelta(minutes=1)}


@given(st.integers(1, 100_000), MOMENTS)
def test_a_rate_never_drifts(seconds: int, after: datetime) -> None:
    found = ticks(f"{seconds} seconds", "UTC", after, 50)
    assert all(tick.timestamp() % seconds == 0 for tick in found)
    assert {later - earlier for earlier, later in pairwise(found)} == {timedelta(seconds=seconds)}
    assert found[0] - after <= timedelta(seconds=seconds)


def test_a_time_in_the_gap_runs_right_after_it() -> None:
    before = datetime(2026, 3, 28, 12, tzinfo=UTC)
    found = [tick.isoformat() for tick in ticks("30 2 * * *", "Europe/Berlin", before, 2)]
    assert found == ["2026-03-29T01:00:00+00:00", "2026-03-30T00:30:00+00:00"]


def test_a_time_in_the_repeated_hour_runs_once() -> None:
    before = datetime(2026, 10, 24, 12, tzinfo=UTC)
    found = [tick.isoformat() for tick in ticks("30 2 * * *", "Europe/Berlin", before, 2)]
    assert found == ["2026-10-25T00:30:00+00:00", "2026-10-26T01:30:00+00:00"]


def test_a_start_inside_the_repeated_hour_does_not_run_it_again() -> None:
    second_pass = datetime(2026, 10, 25, 1, 10, tzinfo=UTC)  # 02:10 for the second time
    found = [tick.isoformat() for tick in ticks("30 2 * * *", "Europe/Berlin", second_pass, 1)]
    assert found == ["2026-10-26T01:30:00+00:00"]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("1 minute", 60), ("5 minutes", 300), ("every 2 hours", 7200), ("60s", 60), ("1 day", 86400), ("90sec", 90)],
)
def test_rates_are_written_as_people_do(text: str, seconds: int) -> None:
    first, second = ticks(text, "UTC", datetime(2026, 1, 1, tzinfo=UTC), 2)
    assert second - first == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("text", "zone", "message"),
    [
        ("", "UTC", "neither a rate"),
        ("5 fortnights", "UTC", "units are seconds"),
        ("0 seconds", "UTC", "less than a second"),
        ("* * * *", "UTC", "neither a rate"),
        ("* * * * * *", "UTC", "neither a rate"),
        ("61 * * * *", "UTC", "Bad minute"),
        ("0 0 30 2 *", "UTC", "ever ticks"),
        ("0 0 * * *", "Mars/Olympus", "no timezone"),
        ("0 0 * * *", "../../etc/passwd", "no timezone"),
    ],
)
def test_what_is_not_an_expression_is_refused_with_a_reason(text: str, zone: str, message: str) -> None:
    with pytest.raises(ScheduleExpressionError, match=message):
        parse(text, zone)


@pytest.mark.parametrize(("text", "gap"), [("1 second", timedelta(days=30)), ("* * * * *", timedelta(days=400))])
def test_a_long_outage_costs_bounded_work(text: str, gap: timedelta) -> None:
    until = datetime(2026, 6, 1, 12, 0, 30, tzinfo=UTC)
    newest, missed = due_ticks(parse(text), after=until - gap, until=until, limit=2)
    assert timedelta(0) <= until - newest[-1] < timedelta(minutes=1)
    assert newest[-1] - newest[-2] <= timedelta(minutes=1)
    assert missed > 50


@given(st.sampled_from(EXPRESSIONS), st.sampled_from(ZONES), MOMENTS, st.integers(0, 500_000), st.integers(1, 4))
def test_due_ticks_are_the_newest_of_all(
    expression: str, zone: str, after: datetime, seconds: int, limit: int
) -> None:
    until = after + timedelta(seconds=seconds)
    every = []
    for tick in next_ticks(expression, zone, after):
        if tick > until:
            break
        every.append(tick)
    newest, missed = due_ticks(parse(expression, zone), after=after, until=until, limit=limit)
    assert newest == every[-limit:]
    assert bool(missed) == (len(every) > limit)

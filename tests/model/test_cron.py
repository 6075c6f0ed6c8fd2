"""Cron expressions are read as cron reads them, and refused with what was wrong."""

from __future__ import annotations

from datetime import date

import pytest

from rung.model.cron import CronError, parse_cron


@pytest.mark.parametrize(
    ("expression", "times"),
    [
        ("30 4 * * *", [(4, 30)]),
        ("0,30 9-10 * * *", [(9, 0), (9, 30), (10, 0), (10, 30)]),
        ("*/20 0 * * *", [(0, 0), (0, 20), (0, 40)]),
        ("50/5 0 * * *", [(0, 50), (0, 55)]),
        ("@daily", [(0, 0)]),
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
        ("* * * febr *", 'did you mean "feb"'),
        ("* * * * mon-foo", "is no day of week"),
        ("10-5 * * * *", "runs backwards"),
        ("*/0 * * * *", "0 is no minute: 1-59"),
        ("a * * * *", "'a' is no minute"),
        ("@dayly", 'did you mean "@daily"'),
    ],
)
def test_what_is_no_cron_is_refused(expression: str, reason: str) -> None:
    with pytest.raises(CronError) as caught:
        parse_cron(expression)
    assert reason in str(caught.value)

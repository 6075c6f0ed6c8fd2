"""Durations and shares are read as people write them, and refused with what would have been understood."""

from __future__ import annotations

import pytest

from rung.model.durations import parse_seconds, parse_share, render_seconds


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30s", 30.0), ("250ms", 0.25), ("1 minute", 60.0), ("2h", 7200.0), ("1h 30m", 5400.0),
        ("4 days", 345_600.0), (" 1.5 S ", 1.5), (15, 15.0), (0.25, 0.25), (0, 0.0),
    ],
)  # fmt: skip
def test_durations(text: object, seconds: float) -> None:
    assert parse_seconds(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "wrong", ["", "soon", "30", "30 parsecs", "-1s", "1s!", True, None, -1, float("nan"), [30]]
)
def test_what_is_no_duration_is_refused(wrong: object) -> None:
    with pytest.raises(ValueError, match="is not a duration"):
        parse_seconds(wrong)


@pytest.mark.parametrize(
    ("text", "share"), [("99.95%", 0.9995), (0.95, 0.95), ("0.5", 0.5), (1, 1.0), ("0%", 0.0)]
)
def test_shares(text: object, share: float) -> None:
    assert parse_share(text) == share


@pytest.mark.parametrize("wrong", ["most", "101%", 99.95, -0.1, True, None, "%"])
def test_what_is_no_share_is_refused(wrong: object) -> None:
    with pytest.raises(ValueError, match="is not a share"):
        parse_share(wrong)


def test_a_percentage_without_its_sign_is_recognised() -> None:
    with pytest.raises(ValueError, match=r"did you mean '99\.95%'"):
        parse_share(99.95)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.25, "250 ms"), (1, "1 second"), (30, "30 seconds"), (60, "1 minute"), (90, "1.5 minutes"),
        (61, "61 seconds"), (5400, "1.5 hours"), (86_400, "1 day"), (345_600, "4 days"),
    ],
)  # fmt: skip
def test_durations_are_shown_as_people_write_them(seconds: float, text: str) -> None:
    assert render_seconds(seconds) == text

"""Durations and shares as people write them, read into plain numbers: seconds, and fractions of one."""

from __future__ import annotations

import re

Duration = str | float
#: Everything a duration may end in, in seconds.
UNITS = {
    "ms": 0.001, "millisecond": 0.001, "milliseconds": 0.001,
    "s": 1.0, "second": 1.0, "seconds": 1.0,
    "m": 60.0, "min": 60.0, "minute": 60.0, "minutes": 60.0,
    "h": 3_600.0, "hour": 3_600.0, "hours": 3_600.0,
    "d": 86_400.0, "day": 86_400.0, "days": 86_400.0,
}  # fmt: skip
_NOT_A_DURATION = "{!r} is not a duration: write a number and a unit (ms, s, min, h, d), such as '30s'"
_PART = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([a-z]+)\s*")


def parse_seconds(value: object) -> float:
    """`"30s"`, `"250ms"`, `"1 minute"`, `"1h 30m"` or a number of seconds, as seconds.

    Raises ValueError that says what would have been understood.
    """
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError(f"{value!r} is not a duration: write a string such as '30s', or a number of seconds")
    if isinstance(value, str):
        return _parse_text(value)
    if not 0 <= value < float("inf"):
        raise ValueError(f"{value!r} is not a duration: it must be a number of seconds, zero or more")
    return float(value)


def parse_share(value: object) -> float:
    """`"99.95%"` or `0.9995`, as a fraction of one. Raises ValueError outside of 0 to 1 (0 % to 100 %)."""
    fraction: float
    try:
        if isinstance(value, str) and value.strip().endswith("%"):
            fraction = round(float(value.strip()[:-1]) / 100.0, 12)
        elif isinstance(value, bool) or not isinstance(value, str | int | float):
            raise ValueError
        else:
            fraction = float(value)
    except ValueError:
        raise ValueError(f"{value!r} is not a share: write '99.95%' or 0.9995") from None
    if not 0.0 <= fraction <= 1.0:
        raise ValueError(
            f"{value!r} is not a share: it lies between 0 and 1, or ends in % (did you mean '{value}%'?)"
        )
    return fraction


def render_seconds(seconds: float) -> str:
    """The shortest way a person would write it: `0.25` gives `250 ms`, `86400` gives `1 day`."""
    if seconds < 1:
        return f"{seconds * 1000:g} ms"
    for size, unit in ((86_400.0, "day"), (3_600.0, "hour"), (60.0, "minute"), (1.0, "second")):
        if seconds >= size and round(seconds / size, 1) * size == seconds:
            return f"{seconds / size:g} {unit}{'' if seconds == size else 's'}"
    return f"{seconds:g} seconds"


def _parse_text(text: str) -> float:
    rest, total, found = text.strip().lower(), 0.0, False
    while rest:
        part = _PART.match(rest)
        if part is None or part[2] not in UNITS:
            raise ValueError(
                f"{text!r} is not a duration: write a number and a unit (ms, s, min, h, d), such as '30s'"
            )
        total, found, rest = total + float(part[1]) * UNITS[part[2]], True, rest[part.end() :]
    if not found:
        raise ValueError(
            f"{text!r} is not a duration: write a number and a unit (ms, s, min, h, d), such as '30s'"
        )
    return total

"""How a day's visitors are spread over its hours, until somebody has measured it."""

from __future__ import annotations

from collections.abc import Sequence

#: A visitor's day by the hour (UTC of the users), as a share of the busy hour: a European shop's curve, low at
#: night, a plateau in the afternoon and the summit in the evening.
EVENING_DAY: tuple[float, ...] = (
    0.25, 0.18, 0.14, 0.12, 0.12, 0.15, 0.25, 0.40, 0.55, 0.65, 0.70, 0.75,
    0.80, 0.80, 0.75, 0.75, 0.78, 0.82, 0.90, 1.00, 1.00, 0.90, 0.65, 0.40,
)  # fmt: skip
#: An hour with less than this of the busy hour is quiet.
QUIET_SHARE = 1 / 3


def quiet_run(day: Sequence[float], share: float = QUIET_SHARE) -> tuple[int, int] | None:
    """The longest run of quiet hours: its first hour, and the first hour behind it; None without one.

    It may go round midnight. A day that is quiet all through has none: there is nothing to be quieter than.
    """
    hours = len(day)
    quiet = [each < share for each in day]
    if all(quiet) or not any(quiet):
        return None
    starts = [hour for hour in range(hours) if quiet[hour] and not quiet[hour - 1]]
    lengths = {start: next(n for n in range(1, hours) if not quiet[(start + n) % hours]) for start in starts}
    start = max(starts, key=lambda each: lengths[each])
    return start, (start + lengths[start]) % hours

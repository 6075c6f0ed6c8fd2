"""How a day's visitors are spread over its hours, until somebody has measured it."""

from __future__ import annotations

#: A visitor's day by the hour (UTC of the users), as a share of the busy hour: a European shop's curve, low at
#: night, a plateau in the afternoon and the summit in the evening.
EVENING_DAY: tuple[float, ...] = (
    0.25, 0.18, 0.14, 0.12, 0.12, 0.15, 0.25, 0.40, 0.55, 0.65, 0.70, 0.75,
    0.80, 0.80, 0.75, 0.75, 0.78, 0.82, 0.90, 1.00, 1.00, 0.90, 0.65, 0.40,
)  # fmt: skip

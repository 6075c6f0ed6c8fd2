"""When a delivery is tried again, and what an answer means.

The delays are those that Standard Webhooks recommends (spec/standard-webhooks.md 1.0.0, "Deliverability and
reliability", read 2026-11-21): ten attempts over three days.
"""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from random import Random

#: Seconds from each attempt to the next.
RETRY_SECONDS = (5.0, 300.0, 1_800.0, 7_200.0, 18_000.0, 36_000.0, 50_400.0, 72_000.0, 86_400.0)
ATTEMPTS = len(RETRY_SECONDS) + 1
#: Each delay is up to so much longer, so that what failed together does not come back together.
JITTER = 0.2
RETRY_AFTER_STATUSES = frozenset({429, 502, 503, 504})
RETRY_AFTER_SECONDS_MAX = 86_400.0
GONE = 410


def is_success(status: int | None) -> bool:
    """2xx alone: a redirect is not followed, and so has delivered nothing."""
    return status is not None and 200 <= status < 300


def delay_seconds(step: int, randomness: Random, *, retry_after_seconds: float | None = None) -> float | None:
    """The wait after attempt `step` (0 is the first) failed; None when it was the last.

    A receiver that says when it wants to be asked is not asked earlier.
    """
    if step >= len(RETRY_SECONDS):
        return None
    planned = RETRY_SECONDS[step] * (1 + randomness.uniform(0, JITTER))
    return max(planned, min(retry_after_seconds or 0.0, RETRY_AFTER_SECONDS_MAX))


def retry_after(status: int, header: str | None, now: datetime) -> float | None:
    """Seconds that the receiver asks for (RFC 9110, 10.2.3: a number or a date); None where it asks for none."""
    if status not in RETRY_AFTER_STATUSES or header is None or len(header) > 64:
        return None
    text = header.strip()
    if text.isascii() and text.isdecimal():
        return min(float(text), RETRY_AFTER_SECONDS_MAX)
    try:
        until = parsedate_to_datetime(text)
    except (ValueError, OverflowError):  # a year or a zone that no date has: it is the receiver's text
        return None
    until = until if until.tzinfo is not None else until.replace(tzinfo=UTC)
    return min(max(0.0, (until - now).total_seconds()), RETRY_AFTER_SECONDS_MAX)

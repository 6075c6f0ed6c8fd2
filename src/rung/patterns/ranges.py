"""Which of many ranges hold a value, without asking each: sorted by low ends, with the highest end so far."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterator
from itertools import accumulate
from typing import Generic, TypeVar

Kept = TypeVar("Kept")


class Ranges(Generic[Kept]):
    """Ranges with both ends included, each with something that is kept for it."""

    def __init__(self) -> None:
        self._sorted: list[tuple[float, int, float, Kept]] = []
        #: The highest end of a range and of all before it; empty when ranges were added since.
        self._highest: list[float] = []

    def add(self, low: float, high: float, kept: Kept) -> None:
        """One more range."""
        insort(self._sorted, (low, len(self._sorted), high, kept))
        self._highest = []

    def holding(self, value: float) -> Iterator[Kept]:
        """What is kept for the ranges that hold `value`; costs those that begin after the last one that cannot."""
        if not self._highest:
            self._highest = list(accumulate((high for _, _, high, _ in self._sorted), max))
        at = bisect_right(self._sorted, value, key=lambda each: each[0]) - 1
        while at >= 0 and self._highest[at] >= value:
            _, _, high, kept = self._sorted[at]
            if high >= value:
                yield kept
            at -= 1

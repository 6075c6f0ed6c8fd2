"""Which lane is served next: strict priority, with a guard against starvation."""

from __future__ import annotations

from collections.abc import Sequence

#: Every so many receipts, one lane other than the highest goes first.
GUARD_EVERY = 8


class LaneOrder:
    """Gives the order of lanes for each receipt.

    Strict priority, except that every `GUARD_EVERY`-th receipt begins with a lower lane, each of them in turn.
    So the lowest of n lanes is served at least once in `GUARD_EVERY * (n - 1)` receipts however full the others
    are, and a high lane loses at most one receipt in `GUARD_EVERY`. Aging by waiting time was not taken: it needs
    a look at every lane's head on each receipt, and a backlog makes everything old.
    """

    def __init__(self, lanes: Sequence[str]) -> None:
        self._lanes = tuple(lanes)
        self._count = 0

    def next(self) -> tuple[str, ...]:
        """The lanes in the order in which this receipt takes from them."""
        self._count += 1
        turn, rest = divmod(self._count, GUARD_EVERY)
        if rest or len(self._lanes) < 2:
            return self._lanes
        first = self._lanes[1:][(turn - 1) % (len(self._lanes) - 1)]
        return (first, *(lane for lane in self._lanes if lane != first))

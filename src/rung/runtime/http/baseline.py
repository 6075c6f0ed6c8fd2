"""What requests take on an idle service, kind by kind, so that a mix of fast and slow kinds is no sign of load."""

from __future__ import annotations

import math

#: Samples that make an average worth keeping as a kind's idle latency.
_FOLD_COUNT = 10
#: Kinds told apart; the rest share one. A client chooses paths, so their number must end.
_KINDS_MAX = 256
_OTHER = "*"


class _Kind:
    __slots__ = ("before", "count", "fold_count", "fold_sum", "idle")

    def __init__(self) -> None:
        self.idle = self.before = math.inf
        self.count = 0
        self.fold_count = 0
        self.fold_sum = 0.0


def kind_of(method: str, path: str) -> str:
    """Method and the first two segments: `/api/products/17` and `/api/products/18` are one kind."""
    return method + "/".join(path.split("/", 3)[:3])


class Baseline:
    """The least average latency of each kind in the last two epochs, and one window of what is measured now."""

    def __init__(self) -> None:
        self._kinds: dict[str, _Kind] = {}
        self._sum_seconds = 0.0
        self.count = 0

    def note(self, kind: str, seconds: float) -> None:
        """One request of `kind` took `seconds`."""
        known = self._kinds.get(kind)
        if known is None:
            kind = kind if len(self._kinds) < _KINDS_MAX else _OTHER
            known = self._kinds.setdefault(kind, _Kind())
        known.count += 1
        known.fold_count += 1
        known.fold_sum += seconds
        if known.fold_count >= _FOLD_COUNT:
            known.idle = min(known.idle, known.fold_sum / known.fold_count)
            known.fold_count, known.fold_sum = 0, 0.0
        self._sum_seconds += seconds
        self.count += 1

    def close_window(self) -> tuple[float, float]:
        """Mean seconds of the window's requests, and what the same mix takes on an idle service."""
        recent, expected, known_count = self._sum_seconds / self.count, 0.0, 0
        for kind in self._kinds.values():
            idle = min(kind.idle, kind.before)
            if kind.count and idle < math.inf:
                expected += kind.count * idle
                known_count += kind.count
            kind.count = 0
        unknown_count = self.count - known_count
        expected += unknown_count * recent  # nothing is known: it counts as usual
        mean = expected / self.count
        self._sum_seconds, self.count = 0.0, 0
        return recent, mean

    def begin_epoch(self) -> None:
        """Forget the epoch before the last; a kind not seen since is forgotten."""
        self._kinds = {name: kind for name, kind in self._kinds.items() if min(kind.idle, kind.before) < math.inf}
        for kind in self._kinds.values():
            kind.before, kind.idle = kind.idle, math.inf
            kind.fold_count, kind.fold_sum = 0, 0.0

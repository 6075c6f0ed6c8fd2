"""The mix: which journey a new visitor takes, with every step compiled once."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Sequence
from itertools import accumulate

from rung.load.journey import Journey, Step, User
from rung.load.recording import GroupRecord
from rung.load.request import Compiled


class Mix:
    """Compiled journeys, chosen so that each brings its weight's share of all requests.

    A visit of a long journey brings more requests, so visits are drawn by weight / mean length.
    """

    def __init__(self, journeys: Sequence[Journey], *, host: str) -> None:
        if not journeys:
            raise ValueError("a load needs at least one journey")
        self.groups: list[GroupRecord] = []
        self._indexes: dict[str, int] = {}
        self._journeys = [[self._compile(step, host) for step in journey.steps] for journey in journeys]
        self._fixed = [all(step.repeat == (1, 1) for step in journey.steps) for journey in journeys]
        self._cumulative = list(accumulate(journey.weight / journey.length for journey in journeys))
        self._by_requests = list(accumulate(journey.weight for journey in journeys))

    def _compile(self, step: Step, host: str) -> Compiled:
        index = self._indexes.setdefault(step.group, len(self.groups))
        if index == len(self.groups):
            self.groups.append(GroupRecord(name=step.group, method=step.method, route=step.route))
        return Compiled(step, host=host, index=index)

    def choose(self, user: User) -> Sequence[Compiled]:
        """The steps of a new visit."""
        return self._steps(_pick(self._cumulative, user), user)

    def choose_midway(self, user: User) -> tuple[Sequence[Compiled], int]:
        """The steps of a visit found under way at a random moment, and how many of them lie behind it.

        At any moment more users are in the long journeys: the journey is drawn by its share of requests.
        """
        steps = self._steps(_pick(self._by_requests, user), user)
        return steps, user.random.randrange(len(steps)) if steps else 0

    def _steps(self, which: int, user: User) -> Sequence[Compiled]:
        steps = self._journeys[which]
        if self._fixed[which]:
            return steps
        return [compiled for compiled in steps for _ in range(_times(compiled, user))]


def _pick(cumulative: Sequence[float], user: User) -> int:
    if len(cumulative) == 1:
        return 0
    # Rounding may carry the product to the very end.
    return min(bisect(cumulative, user.random.random() * cumulative[-1]), len(cumulative) - 1)


def _times(compiled: Compiled, user: User) -> int:
    low, high = compiled.step.repeat
    return low if low == high else user.random.randint(low, high)

"""Refusing what the processor cannot do: which part of each class is let in while the event loop is late.

The one signal is how long a callback waits in the event loop: the queueing delay of everything this process does.
Its least value over a few samples is a standing queue; a single late moment (a neighbour, a page fault, a
collection) is not. Above the target the share of the least important class that is asking shrinks, below half of
it the share of the most important one grows. As long as the delay is not zero the processor is
busy, so holding it near the target loses no throughput. Source of the idea: CoDel (Nichols and Jacobson,
"Controlling Queue Delay", ACM Queue, 2012).

A process that hardly works and is late all the same waits for its neighbours, or for its share of a core to come
round: refusing would not make it punctual. It is given more time before it refuses anybody.

Shares are thrown dice: refusing needs no state per request, no slot and no queue.
"""

from __future__ import annotations

import math
import random

from rung.runtime.http.settings import BACKGROUND, CRITICAL, NORMAL

#: What is let in of each class however late it is: enough to notice that there is room again.
FLOORS = (0.25, 0.02, 0.0)
#: By how much a share grows at most in one step, when the event loop is not late at all.
GROWTH = 0.2
#: A class that was shut out entirely starts again with this share.
_FIRST_SHARE = 0.05
_SHRINK_MIN = 0.5
_STEP_SECONDS = 0.03
_BEGIN_SECONDS = 0.1
#: So many targets late is a flood: class by class it would take half a second to cut them all.
_FLOOD_TARGETS = 10.0
#: A class that asks for less than this part of it is not the flood: a few files among many pages are not cut.
_FLOOD_PARTS = 4.0
#: Samples that make a standing queue: more before anything is refused than while something is.
_SAMPLES_TO_BEGIN = 3
_SAMPLES = 2
#: A process that uses less than this part of a core is not what makes itself late; it may be so many targets late.
_OWN_SHARE = 0.4
_NEIGHBOUR_TARGETS = 8.0
#: A round of the event loop that has worked for so many targets admits no more, by class: whatever is still in it
#: comes too late. This holds from the first moment of a flood, when each round is many times as long as the last.
_ROUND_TARGETS = (8.0, 4.0, 2.0)


class Shedder:
    """The shares of one service in one process."""

    def __init__(self, target_seconds: float, *, chance: random.Random | None = None) -> None:
        self.target_seconds = target_seconds
        self._chance = chance or random.Random()
        self._least = math.inf
        self._samples = 0
        self._stepped_at = -math.inf
        self._worked_seconds = 0.0
        #: Requests of each class since the last step.
        self.asked = [0, 0, 0]
        self.shares = [1.0, 1.0, 1.0]
        #: Whether any class is cut.
        self.active = False
        #: While it is not active and the round has taken less than this, nobody needs to ask `sheds`.
        self.round_seconds = min(_ROUND_TARGETS) * target_seconds

    def observe(self, lag_seconds: float, now: float, worked_seconds: float) -> None:
        """A callback waited `lag_seconds` until `now`; called some fifty times a second, less often when late.

        `worked_seconds`: the processor time of this process since it began.
        """
        if self._stepped_at == -math.inf:
            self._stepped_at, self._worked_seconds = now, worked_seconds
        self._least = min(self._least, lag_seconds)
        self._samples += 1
        needed, seconds = (_SAMPLES, _STEP_SECONDS) if self.active else (_SAMPLES_TO_BEGIN, _BEGIN_SECONDS)
        if self._samples < needed or now - self._stepped_at < seconds:
            return
        least, self._least, self._samples = self._least, math.inf, 0
        target = self._target(now, worked_seconds)
        if least > target:
            factor = max(_SHRINK_MIN, 1.0 - 0.3 * (least / target - 1.0))
            self._shrink(factor, flood=least > _FLOOD_TARGETS * target)
        elif self.active and least < target / 2:
            self._grow(1.0 + GROWTH * (1.0 - 2.0 * least / target))
        self.asked = [0, 0, 0]

    def _target(self, now: float, worked_seconds: float) -> float:
        """How late the event loop may be, by how much this process has worked since the last step."""
        passed, worked = now - self._stepped_at, worked_seconds - self._worked_seconds
        self._stepped_at, self._worked_seconds = now, worked_seconds
        return self.target_seconds * (1.0 if worked >= _OWN_SHARE * passed else _NEIGHBOUR_TARGETS)

    def sheds(self, priority: int, round_seconds: float = 0.0) -> bool:
        """Whether this request is refused; by chance, as much as is needed. Counts it as asked.

        `round_seconds` is how long the event loop has worked on what was ready (ServerState.round_seconds).
        """
        self.asked[priority] += 1
        if round_seconds > _ROUND_TARGETS[priority] * self.target_seconds:
            return True
        share = self.shares[priority]
        return share < 1.0 and self._chance.random() >= share

    def _shrink(self, factor: float, *, flood: bool) -> None:
        """Cut the least important class that is asking; in a flood every class that is a good part of it."""
        part = sum(self.asked) / _FLOOD_PARTS if flood else 0.0
        for priority in (BACKGROUND, NORMAL, CRITICAL):
            if self.asked[priority] > part and self.shares[priority] > FLOORS[priority]:
                self.shares[priority] = max(FLOORS[priority], self.shares[priority] * factor)
                if self.shares[priority] < _FIRST_SHARE / 4:
                    self.shares[priority] = FLOORS[priority]
                self.active = True
                if not flood:
                    return

    def _grow(self, factor: float) -> None:
        for priority in (CRITICAL, NORMAL, BACKGROUND):
            if self.shares[priority] < 1.0:
                grown = max(_FIRST_SHARE, self.shares[priority] * factor)
                self.shares[priority] = min(1.0, grown)
                break
        self.active = min(self.shares) < 1.0

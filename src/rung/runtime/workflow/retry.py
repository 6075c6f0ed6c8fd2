"""How often a step is tried, and how long it rests in between: exponential backoff with full jitter."""

from __future__ import annotations

import random
from dataclasses import dataclass

from rung.runtime.workflow.errors import Failure

ErrorKind = type[BaseException] | str


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """At most `max_attempts` tries. The rest before try n+1 is at most `initial_seconds * multiplier**(n-1)`.

    `jitter`: the rest is drawn evenly from 0 to that bound. Source: "Exponential Backoff And Jitter", AWS
    Architecture Blog, 2015. `on`: only these errors (and what derives from them); `never`: these not.
    """

    max_attempts: int = 3
    initial_seconds: float = 1.0
    maximum_seconds: float = 60.0
    multiplier: float = 2.0
    jitter: bool = True
    on: tuple[ErrorKind, ...] = (Exception,)
    never: tuple[ErrorKind, ...] = ()

    def __post_init__(self) -> None:
        if self.max_attempts < 1 or self.initial_seconds < 0 or self.multiplier < 1 or self.maximum_seconds < 0:
            raise ValueError("a Retry has at least one attempt, a multiplier of at least 1, and no negative times")

    def rest_seconds(self, attempts: int, failure: Failure, chance: random.Random) -> float | None:
        """How long to rest after so many attempts (1 or more); None: it has failed for good."""
        if attempts >= self.max_attempts or failure.is_a(*self.never) or not failure.is_a(*self.on):
            return None
        bound = min(self.maximum_seconds, self.initial_seconds * self.multiplier ** min(attempts - 1, 60))
        return chance.uniform(0, bound) if self.jitter else bound


#: A step is tried once, unless it says otherwise.
ONCE = Retry(max_attempts=1)
#: What undoes a step has to succeed: it is tried for about ten minutes.
UNDO = Retry(max_attempts=12, initial_seconds=0.5, maximum_seconds=120.0)

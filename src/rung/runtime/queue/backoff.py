"""When to try again: exponential backoff with full jitter.

Source: M. Brooker, "Exponential Backoff and Jitter" (AWS Architecture Blog, 2015): of the variants compared
there, drawing the whole delay at random finishes the work with the fewest calls.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Self

from rung.runtime.bindings import QueueBinding


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """Delays grow from `base_seconds`, doubling, to `cap_seconds`."""

    base_seconds: float = 1.0
    cap_seconds: float = 900.0

    @classmethod
    def of(cls, binding: QueueBinding) -> Self:
        """As the workload declares it for this queue."""
        return cls(base_seconds=binding.retry_delay_seconds, cap_seconds=binding.retry_delay_max_seconds)

    def bound_seconds(self, attempt: int) -> float:
        """The longest delay after the `attempt`-th failure (1 is the first)."""
        return min(self.cap_seconds, self.base_seconds * 2.0 ** min(attempt - 1, 62))

    def delay_seconds(self, attempt: int, randomness: Random) -> float:
        """A delay drawn evenly from zero to the bound."""
        return randomness.uniform(0.0, self.bound_seconds(attempt))

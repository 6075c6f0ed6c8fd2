"""The interval of a simulated figure holds what it says: the truth in 19 of 20, and nothing for a short time."""

from __future__ import annotations

import math
import random

import pytest

from rung.forecast.intervals import FEWEST, half_interval

#: The first of each test process compiles the simulator, which takes half a minute: let it be one process.
pytestmark = pytest.mark.xdist_group("forecast")


def test_nineteen_of_twenty_intervals_hold_the_truth() -> None:
    randomness = random.Random(5)
    held = 0
    for _ in range(2_000):
        batches = [randomness.gauss(3.0, 1.0) for _ in range(12)]
        held += abs(sum(batches) / 12 - 3.0) <= half_interval(batches)
    assert held / 2_000 == pytest.approx(0.95, abs=0.015)


def test_student_is_that_of_the_tables() -> None:
    """Eleven batches have ten degrees of freedom: 2.228 (Abramowitz and Stegun, table 26.10)."""
    batches = [float(number) for number in range(11)]
    spread = math.sqrt(11.0)  # the variance of 0 to 10 is 11
    assert half_interval(batches) == pytest.approx(2.228 * spread / math.sqrt(11), rel=1e-3)


def test_few_batches_say_nothing() -> None:
    assert math.isnan(half_interval([1.0] * (FEWEST - 1)))

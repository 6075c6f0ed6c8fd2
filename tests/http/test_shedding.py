"""A processor that is asked for ten times what it can do goes on doing what it can, and recovers at once.

The service is simulated: an event loop that works off what is ready, round by round, in seconds of its own.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field

import pytest

from rung.runtime.http.settings import BACKGROUND, CRITICAL, NORMAL
from rung.runtime.http.shedding import Shedder
from rung.runtime.http.state import ServerState

SERVE_SECONDS = 0.001
CAPACITY = 1 / SERVE_SECONDS
#: What `protect` takes to refuse; the server's own part runs in other threads.
REFUSE_SECONDS = 0.000_008
PROBE_SECONDS = 0.02


@dataclass
class Simulation:
    """One event loop under a Shedder. `served` holds (finished at, waited seconds, class)."""

    shedder: Shedder = field(default_factory=lambda: Shedder(0.02, chance=random.Random(5)))
    chance: random.Random = field(default_factory=lambda: random.Random(9))
    now: float = 0.0
    due: float = PROBE_SECONDS
    began: float = 0.0
    worked: float = 0.0
    served: list[tuple[float, float, int]] = field(default_factory=list)
    refused: list[tuple[float, int]] = field(default_factory=list)

    def run(self, seconds: float, per_second: float, *, critical: float = 0.0) -> None:
        """Offer `per_second` requests, of which the part `critical` are CRITICAL, the others NORMAL."""
        end, arrival = self.now + seconds, self.now
        while self.now < end:
            ready = []
            while arrival <= self.now:
                ready.append(arrival)
                arrival += self.chance.expovariate(per_second)
            asked_at = self.now if self.now >= self.due else None
            self.began = self.now
            for arrived in ready:
                self._handle(arrived, CRITICAL if self.chance.random() < critical else NORMAL)
            if asked_at is not None:
                self.shedder.observe(self.now - asked_at, self.now, self.worked)
                self.due = self.now + PROBE_SECONDS
            if not ready:
                self.now = min(arrival, max(self.due, self.now + 1e-9))

    def _handle(self, arrived: float, priority: int) -> None:
        self.shedder.asked[priority] += 1
        round_seconds = self.now - max(self.began, self.due)
        late = self.shedder.active or round_seconds > self.shedder.round_seconds
        if late and self.shedder.sheds(priority, round_seconds):
            self._work(REFUSE_SECONDS)
            self.refused.append((self.now, priority))
        else:
            self._work(SERVE_SECONDS)
            self.served.append((self.now, self.now - arrived, priority))

    def _work(self, seconds: float) -> None:
        self.now += seconds
        self.worked += seconds

    def goodput(self, begin: float, end: float) -> float:
        """Answers within half a second, per second."""
        useful = [at for at, waited, _ in self.served if begin <= at < end and waited < 0.5]
        return len(useful) / (end - begin)

    def waited(self, begin: float, priority: int) -> float:
        """The 99th percentile since `begin`, in seconds."""
        times = sorted(waited for at, waited, kind in self.served if at >= begin and kind == priority)
        return times[int(len(times) * 0.99)]


@pytest.mark.parametrize("factor", [1.2, 2.0, 5.0, 10.0])
def test_a_flood_takes_a_tenth_of_the_throughput_at_most(factor: float) -> None:
    """Goodput in the flood, its first second included, against the most that the service can do."""
    simulation = Simulation()
    simulation.run(5.0, CAPACITY * 0.3)
    assert not simulation.refused
    simulation.run(60.0, CAPACITY * factor)
    assert simulation.goodput(5.0, 65.0) >= 0.9 * CAPACITY
    assert simulation.waited(5.0, NORMAL) < 0.2


def test_checkouts_are_served_through_the_flood() -> None:
    """Half of what can be done is critical, in a flood of ten times as much: none of it is refused."""
    simulation = Simulation()
    simulation.run(30.0, CAPACITY * 10, critical=0.05)
    critical = [kind for _, kind in simulation.refused if kind == CRITICAL]
    assert len(critical) < 0.01 * 0.05 * CAPACITY * 10 * 30
    assert simulation.waited(2.0, CRITICAL) < 0.25


def test_more_checkouts_than_can_be_done_are_refused_too() -> None:
    simulation = Simulation()
    simulation.run(20.0, CAPACITY * 3, critical=1.0)
    assert simulation.goodput(2.0, 20.0) >= 0.9 * CAPACITY
    assert simulation.waited(2.0, CRITICAL) < 0.25


def test_two_seconds_after_the_flood_nobody_is_refused() -> None:
    simulation = Simulation()
    simulation.run(20.0, CAPACITY * 10, critical=0.3)
    over_at = simulation.now
    simulation.run(10.0, CAPACITY * 0.5, critical=0.3)
    assert [at for at, _ in simulation.refused if at > over_at + 2.0] == []


def test_one_late_moment_is_no_overload() -> None:
    """A collection, a page fault, a neighbour: late once or twice, and on time again."""
    shedder = Shedder(0.02)
    for number in range(60):
        shedder.asked[NORMAL] += 1
        shedder.observe(0.3 if number % 3 < 2 else 0.001, number * 0.1, number * 0.1)
        assert not shedder.active


@pytest.mark.parametrize(("late_seconds", "refuses"), [(0.1, False), (0.2, True)])
def test_a_process_that_waits_for_its_neighbours_has_more_time(late_seconds: float, refuses: bool) -> None:
    """A tenth of a core is all that it uses: refusing would free nothing, until it is very late."""
    shedder = Shedder(0.02)
    for number in range(100):
        shedder.asked[NORMAL] += 20
        shedder.observe(late_seconds, number * 0.1, number * 0.01)
    assert shedder.active is refuses


def test_what_a_flood_has_cut_comes_back_beside_busy_neighbours() -> None:
    shedder = Shedder(0.02)
    for number in range(1, 30):
        shedder.asked[NORMAL] += 20
        shedder.observe(0.1, number * 0.1, number * 0.1)
    assert shedder.active
    for number in range(30, 130):
        shedder.asked[NORMAL] += 20
        shedder.observe(0.03, number * 0.1, 3.0 + (number - 30) * 0.01)
    assert not shedder.active


def test_background_goes_first_and_comes_back_last() -> None:
    shedder = Shedder(0.02, chance=random.Random(1))
    now = 0.0
    for _ in range(30):
        now += 0.1
        shedder.asked = [1, 1, 1]
        shedder.observe(0.1, now, now)
    assert shedder.shares[BACKGROUND] == 0.0
    assert shedder.sheds(BACKGROUND)
    assert 0.0 < shedder.shares[NORMAL] <= 0.02
    shares = [list(shedder.shares)]
    while shedder.active:
        now += 0.1
        shedder.observe(0.0, now, now)
        shares.append(list(shedder.shares))
    assert all(share[NORMAL] == 1.0 for share in shares if share[BACKGROUND] > 0.0)
    assert shedder.shares == [1.0, 1.0, 1.0]


async def test_a_round_that_was_stopped_counts_what_was_worked(monkeypatch: pytest.MonkeyPatch) -> None:
    """A neighbour had the core for most of it; and the same round with nothing but work in it."""
    now, worked = 100.0, 5.0
    monkeypatch.setattr("rung.runtime.http.state.time.monotonic", lambda: now)
    monkeypatch.setattr("rung.runtime.http.state.time.thread_time", lambda: worked)
    state = ServerState()
    state.start()
    now += 0.5
    assert state.round_seconds() == 0.0
    now, worked = now + 0.03, worked + 0.002
    assert state.round_seconds() == pytest.approx(0.002)
    worked += 0.02
    assert state.round_seconds() == pytest.approx(0.03)
    state.stop()

"""Stations against theory, and against each other on the same requests.

The counts are those of a quick run; the soak takes ten million samples and asks for a mean within 1 % and a 99th
percentile within 2 %. Sources of the formulas: Erlang C, Pollaczek and Khinchine, as in any book on queues.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rung.forecast.compiled import COMPILED
from rung.forecast.station import SERVED, SHED, TIMED_OUT, Floats, Routing, Station

QUICK = 1_000_000 if COMPILED else 60_000
TENTH, HUNDREDTH = (0.03, 0.06) if COMPILED else (0.15, 0.25)


def waits(
    slots: int, rho: float, services: Floats, seed: int, *, routing: Routing = Routing.ONE_QUEUE, tasks: int = 1
) -> Floats:
    """Waiting times of a Poisson stream whose work has a mean of one second."""
    stream = np.random.default_rng(seed)
    arrivals = np.cumsum(stream.exponential(1 / (slots * tasks * rho), services.size))
    station = Station(name="x", slots=slots, tasks=tasks, routing=routing)
    departures, outcomes = station.serve(arrivals, services, stream.random(services.size))
    assert (outcomes == SERVED).all()
    return np.asarray(departures - arrivals - services)


def erlang_c(servers: int, load: float) -> float:
    """The probability that a request waits, `load` in Erlangs."""
    term = load**servers / math.factorial(servers) * servers / (servers - load)
    return term / (sum(load**k / math.factorial(k) for k in range(servers)) + term)


def against_erlang(servers: int, rho: float, samples: int, seed: int) -> tuple[float, float]:
    """Relative errors of the mean and of the 99th percentile of the wait."""
    found = waits(servers, rho, np.random.default_rng(seed + 1).exponential(1, samples), seed)
    wait, spare = erlang_c(servers, servers * rho), servers * (1 - rho)
    return found.mean() / (wait / spare) - 1, np.quantile(found, 0.99) / (math.log(wait / 0.01) / spare) - 1


@pytest.mark.parametrize(("servers", "rho"), [(1, 0.5), (1, 0.7), (4, 0.8), (16, 0.8)])
def test_many_servers_wait_as_erlang_says(servers: int, rho: float) -> None:
    mean, tail = against_erlang(servers, rho, QUICK, seed=servers)
    assert abs(mean) < TENTH
    assert abs(tail) < HUNDREDTH


@pytest.mark.soak
@pytest.mark.skipif(not COMPILED, reason="ten million samples need numba: pip install 'rung[fast]'")
@pytest.mark.parametrize(("servers", "rho"), [(1, 0.7), (4, 0.8), (16, 0.8)])
def test_ten_million_samples_are_within_one_and_two_per_cent(servers: int, rho: float) -> None:
    errors = np.array([against_erlang(servers, rho, 10_000_000, seed) for seed in range(3)])
    mean, tail = np.abs(np.median(errors, axis=0))
    assert mean < 0.01
    assert tail < 0.02


@pytest.mark.parametrize("cv", [0.0, 0.5, 2.0])
def test_one_server_waits_as_pollaczek_and_khinchine_say(cv: float) -> None:
    stream, rho = np.random.default_rng(5), 0.7
    variance = math.log(1 + cv * cv)
    services = np.exp(stream.normal(-variance / 2, math.sqrt(variance), QUICK)) if cv else np.ones(QUICK)
    expected = rho / (1 - rho) * (1 + cv * cv) / 2
    assert waits(1, rho, services, seed=6).mean() == pytest.approx(expected, rel=TENTH * (1 + cv))


def test_one_queue_beats_every_way_to_spread_and_the_ways_rank() -> None:
    """Eight tasks: the balancer that counts comes close to one queue, taking turns does worse, chance worst."""
    services = np.random.default_rng(7).exponential(1, QUICK // 2)
    means = {routing: waits(1, 0.8, services, seed=8, routing=routing, tasks=8).mean() for routing in Routing}
    order = [Routing.ONE_QUEUE, Routing.LEAST_OUTSTANDING, Routing.ROUND_ROBIN, Routing.RANDOM]
    assert sorted(means, key=lambda each: means[each]) == order


def test_chance_makes_each_task_a_queue_of_its_own() -> None:
    services = np.random.default_rng(9).exponential(1, QUICK)
    found = waits(1, 0.7, services, seed=10, routing=Routing.RANDOM, tasks=4).mean()
    assert found == pytest.approx(0.7 / 0.3, rel=TENTH * 2)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 8), st.integers(0, 2**32 - 1), st.floats(0.1, 3.0))
def test_one_more_slot_never_lets_anybody_wait_longer(slots: int, seed: int, rho: float) -> None:
    """Common random numbers: the same requests, one slot more."""
    stream = np.random.default_rng(seed)
    arrivals = np.cumsum(stream.exponential(1 / (slots * rho), 200))
    services = stream.exponential(1, 200)
    few, _ = Station(name="x", slots=slots, tasks=1, routing=Routing.ONE_QUEUE).serve(arrivals, services, arrivals)
    many, _ = Station(name="x", slots=slots + 1, tasks=1, routing=Routing.ONE_QUEUE).serve(
        arrivals, services, arrivals
    )
    assert (many <= few + 1e-9).all()


def test_what_would_wait_too_long_is_refused_at_once_or_leaves() -> None:
    arrivals, services = np.zeros(10), np.ones(10)
    for sheds, outcome, end in ((True, SHED, 0.0), (False, TIMED_OUT, 2.5)):
        station = Station(name="x", slots=1, tasks=1, most_wait=2.5, sheds=sheds)
        departures, outcomes = station.serve(arrivals, services, arrivals)
        assert (outcomes == SERVED).sum() == 3
        assert set(outcomes[3:]) == {outcome}
        assert set(departures[3:]) == {end}


def test_batches_are_served_as_one_stream() -> None:
    """Minute by minute gives what the whole day at once gives."""
    stream = np.random.default_rng(11)
    arrivals, services = np.sort(stream.random(3_000) * 1_000), stream.exponential(0.8, 3_000)
    for routing in (Routing.ONE_QUEUE, Routing.ROUND_ROBIN, Routing.LEAST_OUTSTANDING):
        whole, _ = Station(name="x", slots=1, tasks=3, routing=routing).serve(arrivals, services, arrivals)
        parts = Station(name="x", slots=1, tasks=3, routing=routing)
        pieces = [
            parts.serve(arrivals[at : at + 500], services[at : at + 500], arrivals[at : at + 500])[0]
            for at in range(0, 3_000, 500)
        ]
        np.testing.assert_allclose(np.concatenate(pieces), whole)


def test_new_tasks_help_from_when_they_are_there() -> None:
    station = Station(name="x", slots=1, tasks=1, routing=Routing.ROUND_ROBIN)
    station.serve(np.zeros(4), np.full(4, 10.0), np.zeros(4))
    station.resize(2, now=20.0)
    departures, _ = station.serve(np.array([20.0, 20.0]), np.array([1.0, 1.0]), np.zeros(2))
    assert sorted(departures) == [21.0, 41.0]


@pytest.mark.parametrize(("slots", "tasks"), [(0, 1), (1, 0)])
def test_a_station_needs_a_task_with_a_slot(slots: int, tasks: int) -> None:
    with pytest.raises(ValueError, match="needs a task with a slot"):
        Station(name="x", slots=slots, tasks=tasks)

"""The engine against queueing theory, and what a request can meet: balancers, connections, retries, sessions,
caches that fill themselves, functions, hosts elsewhere, and tasks that die.

Tolerances of the comparisons with theory come from the means of batches, four standard errors of them; the
benchmark forecast_theory.py asks for 1 % and 2 % with ten million samples.
"""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import forecast_theory as benchmark
import numpy as np
import pytest
import queueing_theory as theory
from hypothesis import given, settings
from hypothesis import strategies as st

from rung.forecast import kernel
from rung.forecast.compiled import COMPILED
from rung.forecast.engine import Conditions, Engine, Routing, Tier, drawn, latency_at, quantile
from rung.forecast.kernel import Floats

#: The first of each test process compiles the simulator, which takes half a minute: let it be one process.
pytestmark = pytest.mark.xdist_group("forecast")

SAMPLES = 400_000 if COMPILED else 8_000
MODELS = {
    "M/M/1": (1, 0.7, benchmark.exponential, theory.mmc_wait(1, 0.7)),
    "M/M/4": (4, 0.8, benchmark.exponential, theory.mmc_wait(4, 0.8)),
    "M/D/1": (1, 0.8, benchmark.constant, theory.mg1_wait(0.8, 0.0)),
    "M/G/1": (1, 0.6, partial(benchmark.lognormal, 1.5), theory.mg1_wait(0.6, 1.5)),
}


@pytest.mark.parametrize("model", MODELS)
def test_waits_are_those_of_theory(model: str) -> None:
    servers, rho, draw, mean = MODELS[model]
    row = benchmark.open_rows(model, servers, rho, draw, (mean, 1.0), SAMPLES, 3)[0]
    assert abs(row.found - mean) < 2 * row.half
    assert row.half < mean * (0.1 if COMPILED else 1.5), "an interval that says nothing proves nothing"


@pytest.mark.parametrize(
    ("draw", "rho", "at_most"),
    [(benchmark.exponential, 0.7, None), (benchmark.constant, 0.8, theory.md1_wait_at_most)],
    ids=["M/M/1", "M/D/1"],
)
def test_tails_are_those_of_theory(draw: Any, rho: float, at_most: Any) -> None:
    tail = theory.mmc_wait(1, rho, 0.99) if at_most is None else theory.quantile_of(partial(at_most, rho), 0.99)
    row = benchmark.open_rows("x", 1, rho, draw, (1.0, tail), SAMPLES, 4)[1]
    assert abs(row.found - tail) < 2.5 * row.half


@pytest.mark.parametrize(("rate", "shared", "own"), [(0.2, 0.8, 0.2), (1.0, 0.8, 0.2), (4.5, 0.5, 0.2)])
def test_the_turns_of_an_event_loop_are_those_of_theory(rate: float, shared: float, own: float) -> None:
    """Mean wait and work against the Markov chain of how many requests share a turn."""
    for row in benchmark.turn_rows(rate, shared, own, SAMPLES, 6):
        assert abs(row.found - row.theory) < 2 * row.half
        assert row.half < row.theory * (0.1 if COMPILED else 0.6)


def test_who_is_alone_pays_for_the_whole_turn_and_a_crowd_for_next_to_nothing() -> None:
    """Load towards 0: the whole of it each. Saturated: a loop answers up to 1 / own, six times what it seems."""
    quiet, full = theory.turns(1e-6, 0.5, 0.1), theory.turns(9.7, 0.5, 0.1, most=700)
    assert (quiet.wait, quiet.busy / 1e-6) == (pytest.approx(0.5, rel=1e-4), pytest.approx(0.6, rel=1e-4))
    assert full.together > 100
    assert full.busy / 9.7 == pytest.approx(0.1, rel=0.05)
    alone = run([Tier(turn=0.5)], np.arange(50.0), np.full(50, 0.1))
    assert float(alone.section("work")[0]) == pytest.approx(50 * 0.6)
    crowd = run([Tier(turn=0.5)], np.linspace(0, 0.4, 50), np.full(50, 0.1))
    assert float(crowd.section("work")[0]) == pytest.approx(2 * 0.5 + 50 * 0.1), (
        "the first, and all others together"
    )


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), shared=st.floats(0.01, 2.0), slots=st.integers(1, 3))
def test_a_shared_turn_never_costs_more_than_one_for_each(seed: int, shared: float, slots: int) -> None:
    stream = np.random.default_rng(seed)
    arrivals, own = np.cumsum(stream.exponential(1.0, 200)), stream.exponential(0.5, 200)
    turns = run([Tier(turn=shared, slots=slots)], arrivals, own)
    work = float(turns.section("work")[0])
    assert own.sum() + shared <= work + 1e-9
    assert work <= own.sum() + 200 * shared + 1e-9
    none = run([Tier(turn=0.0, slots=slots)], arrivals, own)
    assert np.array_equal(none.drawn[kernel.WAIT], run([Tier(slots=slots)], arrivals, own).drawn[kernel.WAIT])
    assert turns.drawn[kernel.WAIT].mean() >= none.drawn[kernel.WAIT].mean()


def test_closed_users_are_as_slow_as_mean_value_analysis_says() -> None:
    for row in benchmark.closed_rows(20, 15.0, 0.8, SAMPLES // 4, 5):
        assert abs(row.found - row.theory) < 2 * row.half
        assert row.half < 0.1 * row.theory or not COMPILED


def test_theory_agrees_with_itself() -> None:
    """The same model by two formulas: constant and exponential services are kinds of the general one."""
    assert theory.mmc_wait(1, 0.7) == pytest.approx(theory.mg1_wait(0.7, 1.0))
    tail = theory.mmc_wait(1, 0.7, 0.99)
    assert theory.mh1_wait_at_most(0.7, tail, (0.5, 0.5), (1.0, 1.0000001)) == pytest.approx(0.99, abs=1e-6)
    mean = np.trapezoid([1 - theory.md1_wait_at_most(0.5, at) for at in np.arange(0, 15, 0.001)], dx=0.001)
    assert mean == pytest.approx(theory.mg1_wait(0.5, 0.0), rel=1e-3)
    assert theory.closed_response(1, 5.0, (1.0, 0.5)) == (1.5, pytest.approx(1 / 6.5))


def run(tiers: list[Tier], arrivals: Floats, cpu: Floats, until: float = math.inf, **given: Any) -> Engine:
    """An engine through which these requests went; `given` are rows of numbers and conditions."""
    rows = {name: given.pop(name) for name in ("query", "hit", "call", "call_seconds", "route", "jitter", "think",
                                                "left") if name in given}  # fmt: skip
    engine = Engine(tiers, Conditions(traced=True, **given))
    engine.feed(drawn(arrival=arrivals, cpu=cpu, **rows))
    engine.advance(until)
    return engine


def mean_wait(tasks: int, routing: Routing, seed: int, rho: float = 0.8, *, slots: int = 1) -> float:
    stream = np.random.default_rng(seed)
    count = SAMPLES // 4
    arrivals = np.cumsum(stream.exponential(1 / (tasks * slots * rho), count))
    cpu, route = stream.exponential(1, count), stream.random(count)
    engine = run([Tier(tasks=tasks, most=tasks, slots=slots, routing=routing)], arrivals, cpu, route=route)
    return float(engine.drawn[kernel.WAIT].mean())


def test_one_queue_beats_every_way_to_spread_and_the_ways_rank() -> None:
    """Eight tasks: the balancer that counts comes close to one queue, taking turns does worse, chance worst."""
    found = [mean_wait(1, Routing.ROUND_ROBIN, 7, slots=8)]
    found += [mean_wait(8, each, 7) for each in (Routing.LEAST_OUTSTANDING, Routing.ROUND_ROBIN, Routing.RANDOM)]
    assert found == sorted(found)


def test_chance_makes_each_task_a_queue_of_its_own() -> None:
    assert mean_wait(4, Routing.RANDOM, 10, 0.7) == pytest.approx(0.7 / 0.3, rel=0.1 if COMPILED else 0.5)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 8), st.integers(0, 2**32 - 1), st.floats(0.1, 3.0))
def test_one_more_slot_never_lets_anybody_wait_longer(slots: int, seed: int, rho: float) -> None:
    """Common random numbers: the same requests, one slot more."""
    stream = np.random.default_rng(seed)
    arrivals = np.cumsum(stream.exponential(1 / (slots * rho), 200))
    cpu = stream.exponential(1, 200)
    few, many = (run([Tier(slots=count)], arrivals, cpu).drawn[kernel.WAIT] for count in (slots, slots + 1))
    assert (many <= few + 1e-9).all()


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 6), st.integers(0, 2**32 - 1), st.floats(0.3, 2.0))
def test_twice_the_tasks_never_queue_more_in_all(tasks: int, seed: int, rho: float) -> None:
    """Taking turns, each task of twice as many gets every second request that one of half as many would."""
    stream = np.random.default_rng(seed)
    arrivals = np.cumsum(stream.exponential(1 / (tasks * rho), 300))
    cpu = stream.exponential(1, 300)
    few, many = (run([Tier(tasks=n, most=n)], arrivals, cpu).drawn[kernel.WAIT] for n in (tasks, 2 * tasks))
    assert (many <= few + 1e-9).all()


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 2**32 - 1), st.integers(0, 3), st.integers(1, 4), st.integers(0, 12), st.floats(0.2, 4.0),
    st.sampled_from(list(Routing)), st.booleans(),
)  # fmt: skip
def test_every_request_ends_exactly_once(
    seed: int, retries: int, pool: int, most: int, rho: float, routing: Routing, calls: bool
) -> None:
    """Whatever binds: answered, or counted once with the reason why it was not. Nothing is left behind."""
    stream = np.random.default_rng(seed)
    count = 400
    arrivals = np.cumsum(stream.exponential(0.1 / rho, count))
    engine = run(
        [Tier(tasks=3, most=5, routing=routing), Tier(tasks=1, most=2, share=0.5)], arrivals,
        stream.exponential(0.3, count), query=stream.exponential(0.2, count), hit=stream.random(count),
        call=stream.random(count), call_seconds=stream.exponential(0.5, count), route=stream.random(count),
        jitter=stream.random(count), shed=0.7, timeout=2.0, retries=retries, retry_share=0.5, store_slots=2,
        pool=pool, most_connections=most, pool_wait=0.3, call_share=0.3 * calls, calls_at_once=3,
    )  # fmt: skip
    counts = engine.clear_minute()
    ended = counts[kernel.ANSWERED] + counts[kernel.SHED : kernel.CALL_REFUSED + 1].sum()
    assert counts[kernel.OFFERED] == count == ended
    assert engine.histogram.sum() == counts[kernel.ANSWERED]
    assert engine.count(kernel.EVENTS) == engine.count(kernel.CALLS) == 0
    assert engine.section("busy").sum() == engine.section("outstanding").sum() == 0
    waiting = engine.section("head")
    assert engine.count(kernel.VACANT) + (waiting >= 0).sum() >= engine.count(kernel.CAPACITY) - 50


def test_what_would_wait_too_long_is_refused_at_once_or_leaves() -> None:
    arrivals, cpu = np.zeros(10), np.ones(10)
    for conditions, place in (({"shed": 2.5}, kernel.SHED), ({"timeout": 2.5}, kernel.TIMED_OUT)):
        engine = run([Tier()], arrivals, cpu, **conditions)
        assert engine.count(place) >= 7
        assert engine.count(kernel.ANSWERED) + engine.count(place) == 10


def test_an_answer_that_comes_after_the_client_left_is_none() -> None:
    engine = run([Tier()], np.zeros(3), np.ones(3), timeout=2.5)
    assert (engine.count(kernel.ANSWERED), engine.count(kernel.TIMED_OUT)) == (2, 1)


def test_batches_are_served_as_one_stream() -> None:
    """Minute by minute gives what the whole day at once gives."""
    stream = np.random.default_rng(11)
    arrivals, cpu, hit = (
        np.sort(stream.random(3_000) * 1_000),
        stream.exponential(0.8, 3_000),
        stream.random(3_000),
    )
    tiers = [Tier(tasks=3, most=3, routing=Routing.LEAST_OUTSTANDING)]
    given = {"store_slots": 1, "pool": 2, "pool_wait": math.inf}
    whole = run(tiers, arrivals, cpu, query=cpu * 0.1, hit=hit, **given)
    parts = Engine(tiers, Conditions(traced=True, **given))  # type: ignore[arg-type]
    for at in range(0, 3_000, 500):
        some = slice(at, at + 500)
        parts.feed(drawn(arrival=arrivals[some], cpu=cpu[some], query=cpu[some] * 0.1, hit=hit[some]))
        parts.advance(arrivals[at + 500] if at < 2_500 else math.inf)
    np.testing.assert_array_equal(whole.histogram, parts.histogram)
    assert whole.count(kernel.ANSWERED) == 3_000


def test_new_tasks_help_from_when_they_are_there_and_old_ones_finish() -> None:
    engine = run([Tier(most=2)], np.zeros(4), np.full(4, 10.0), until=20.0)
    engine.resize(0, 2, now=20.0)
    engine.feed(drawn(arrival=np.array([20.0, 20.0]), cpu=np.array([1.0, 1.0])))
    engine.advance(math.inf)
    assert sorted(engine.drawn[kernel.WAIT]) == [0.0, 20.0]
    engine.resize(0, 1, now=60.0)
    assert engine.tasks(0) == 1
    with pytest.raises(ValueError, match="room for 2"):
        engine.resize(0, 3, now=60.0)


def test_a_task_that_dies_takes_what_it_holds() -> None:
    engine = Engine([Tier(tasks=2, most=2)], Conditions())
    engine.doom(0, 1, at=0.5)
    engine.feed(drawn(arrival=np.array([0.0, 0.1]), cpu=np.array([1.0, 1.0])))
    engine.advance(math.inf)
    assert (engine.count(kernel.ANSWERED), engine.count(kernel.BROKEN)) == (1, 1)


def test_a_pool_lets_so_many_in_and_the_others_wait_in_turn() -> None:
    """Four queries of a second each through two connections: two seconds, though the database has four slots."""
    engine = run([Tier(slots=4)], np.zeros(4), np.full(4, 1e-6), query=np.ones(4), hit=0.0, store_slots=4, pool=2,
                 pool_wait=5.0)  # fmt: skip
    assert engine.count(kernel.MOST_CONNECTIONS) == 2
    assert quantile(engine.histogram, 0.99) == pytest.approx(2.0, rel=0.01)


def test_who_waits_too_long_for_a_connection_is_refused() -> None:
    engine = run([Tier(slots=4)], np.zeros(4), np.full(4, 1e-6), query=np.ones(4), hit=0.0, store_slots=4, pool=1,
                 pool_wait=1.5)  # fmt: skip
    assert (engine.count(kernel.ANSWERED), engine.count(kernel.NO_CONNECTION)) == (2, 2)


def test_beyond_the_servers_connections_a_task_without_one_is_refused() -> None:
    """Ten tasks of one connection each, and a server that allows six."""
    engine = run([Tier(tasks=10, most=10)], np.zeros(10), np.full(10, 1e-3), query=np.ones(10), hit=0.0,
                 store_slots=1, pool=1, most_connections=6, pool_wait=60.0)  # fmt: skip
    assert (engine.count(kernel.CONNECTIONS), engine.count(kernel.NO_CONNECTION)) == (6, 4)


def test_connections_of_a_task_that_is_gone_are_closed() -> None:
    engine = run([Tier(tasks=4, most=4)], np.zeros(4), np.full(4, 1e-3), query=np.ones(4), hit=0.0, store_slots=4,
                 pool=1, until=2.0)  # fmt: skip
    assert engine.count(kernel.CONNECTIONS) == 4
    engine.resize(0, 1, now=2.0)
    assert engine.count(kernel.CONNECTIONS) == 1


def test_retries_succeed_after_a_short_outage_and_stop_at_their_budget() -> None:
    """The first ten come at once, more than can wait: their second attempts find room, while the budget lasts."""
    given: dict[str, Any] = {"shed": 0.1, "backoff": 20.0, "jitter": np.linspace(0.2, 1, 10)}
    again = run([Tier()], np.zeros(10), np.full(10, 0.1), retries=3, retry_share=1.0, **given)
    assert (again.count(kernel.ANSWERED), again.count(kernel.RETRIES)) == (10, 8)
    held = Engine([Tier()], Conditions(retries=3, retry_share=0.0, shed=0.1))
    held.reals[kernel.TOKENS] = 3.0
    held.feed(drawn(arrival=np.zeros(10), cpu=np.full(10, 0.1), jitter=np.ones(10)))
    held.advance(math.inf)
    assert held.count(kernel.RETRIES) == 3
    assert held.count(kernel.SHED) >= 5


def test_without_a_budget_retries_multiply_an_overload() -> None:
    stream = np.random.default_rng(1)
    arrivals, cpu = np.cumsum(stream.exponential(0.5, 2_000)), np.ones(2_000)
    found = [
        run([Tier()], arrivals, cpu, shed=1.0, retries=3, retry_share=share, jitter=stream.random(2_000))
        for share in (0.1, 10.0)
    ]
    assert [engine.count(kernel.RETRIES) < 300 for engine in found] == [True, False]


def test_a_session_asks_again_after_its_answer_and_its_pause() -> None:
    """Closed within: a slow answer delays the next request, so three take three services and two pauses."""
    numbers = drawn(cpu=np.full(8, 2.0), think=np.ones(8))
    engine = Engine([Tier()], Conditions(think=5.0), lambda: numbers)
    first = drawn(arrival=np.zeros(1), left=2, cpu=2.0, think=1.0)
    engine.feed(first)
    engine.advance(16.0)
    assert (engine.count(kernel.OFFERED), engine.count(kernel.ANSWERED)) == (3, 3)
    engine.advance(math.inf)
    assert engine.count(kernel.OFFERED) == 3


def test_a_population_comes_and_goes() -> None:
    stream = np.random.default_rng(2)

    def more() -> Floats:
        return drawn(cpu=np.full(100, 0.001), think=stream.standard_exponential(100))

    engine = Engine([Tier()], Conditions(think=1.0), more)
    engine.feed(more(), 0)
    engine.enter(100, 0.0)
    engine.advance(50.0)
    busy = engine.clear_minute()[kernel.OFFERED]
    assert busy == pytest.approx(5_000, rel=0.1)
    engine.enter(-90, 50.0)
    engine.advance(60.0)
    engine.clear_minute()
    engine.advance(110.0)
    assert engine.clear_minute()[kernel.OFFERED] == pytest.approx(500, rel=0.25)


def test_a_cold_cache_fills_itself_with_what_is_answered() -> None:
    engine = Engine([Tier(slots=4)], Conditions(store_slots=4))
    engine.reals[kernel.MISS] = 0.2
    engine.set_fill(np.clip(np.arange(kernel.FILL_STEPS) / 40, 0, 1))  # full after about a thousand
    engine.empty_cache()
    stream, queries = np.random.default_rng(3), []
    for start in range(6):
        arrivals = start * 100 + np.sort(stream.random(500) * 99)
        engine.feed(drawn(arrival=arrivals, cpu=np.full(500, 1e-3), query=1e-3, hit=stream.random(500)))
        engine.advance(start * 100 + 100.0)
        queries.append(int(engine.clear_minute()[kernel.QUERIES]))
    assert queries[0] > 200
    assert queries == sorted(queries, reverse=True) or queries[-1] < queries[0] / 2
    assert queries[-1] == pytest.approx(100, abs=60)


def test_a_function_starts_cold_reuses_what_is_warm_and_forgets_it() -> None:
    engine = Engine([Tier(tasks=0, most=3, routing=Routing.FUNCTION)], Conditions())
    engine.reals[kernel.COLD_SECONDS] = 0.5
    engine.feed(drawn(arrival=np.array([0.0, 0.1, 5.0]), cpu=np.full(3, 0.2)))
    engine.advance(10.0)
    assert (engine.count(kernel.COLD_STARTS), engine.tasks(0)) == (2, 2)
    assert quantile(engine.histogram, 0.3) == pytest.approx(0.2, rel=0.01)
    engine.retire(0, before=1.0, least=0)
    assert engine.tasks(0) == 1
    engine.feed(drawn(arrival=np.full(5, 20.0), cpu=np.full(5, 1.0)))
    engine.advance(math.inf)
    assert engine.count(kernel.THROTTLED) == 2, "three are the limit"


def test_a_function_gets_a_thousand_environments_in_ten_seconds() -> None:
    """AWS, "Lambda scaling behavior": +1,000 for each function in ten seconds, and nothing saved up."""
    tier = Tier(tasks=0, most=5_000, routing=Routing.FUNCTION)
    engine = run([tier], np.full(1_500, 100.0), np.full(1_500, 60.0), until=101.0)
    assert (engine.count(kernel.COLD_STARTS), engine.count(kernel.THROTTLED)) == (1_000, 500)
    engine.feed(drawn(arrival=np.full(1_500, 110.0), cpu=np.full(1_500, 60.0)))
    engine.advance(111.0)
    assert engine.tasks(0) == 2_000


def test_provisioned_environments_are_warm() -> None:
    engine = Engine([Tier(tasks=0, most=9, routing=Routing.FUNCTION)], Conditions())
    engine.warm(0, 4, 0.0)
    engine.feed(drawn(arrival=np.zeros(5), cpu=np.ones(5)))
    engine.advance(math.inf)
    assert engine.count(kernel.COLD_STARTS) == 1


def test_hosts_elsewhere_take_their_time_and_have_limits() -> None:
    given: dict[str, Any] = {"call": 0.0, "call_seconds": 2.0, "call_share": 1.0}
    engine = run([Tier(slots=8)], np.zeros(8), np.full(8, 1e-3), calls_at_once=5, **given)
    assert (engine.count(kernel.ANSWERED), engine.count(kernel.CALL_REFUSED)) == (5, 3)
    assert quantile(engine.histogram, 0.5) == pytest.approx(2.0, rel=0.01)
    engine = run([Tier(slots=8)], np.arange(8) * 0.5, np.full(8, 1e-3), calls_per_second=1.0, **given)
    assert engine.count(kernel.CALL_REFUSED) == pytest.approx(4, abs=1)


def test_the_histogram_is_within_half_a_per_cent() -> None:
    for latency in (1e-6, 0.0007, 0.01, 1.0, 59.0):
        engine = run([Tier()], np.zeros(1), np.full(1, latency))
        assert quantile(engine.histogram, 0.5) == pytest.approx(latency, rel=0.005)
    assert latency_at(0) < 1e-7
    assert math.isnan(quantile(np.zeros(8, dtype=np.int64), 0.5))


def test_room_grows_with_what_is_under_way() -> None:
    engine = run([Tier(slots=1)], np.zeros(5_000), np.full(5_000, 1e-3), query=1e-3, hit=0.0, store_slots=1)
    assert engine.count(kernel.ANSWERED) == 5_000
    assert engine.count(kernel.CAPACITY) > 1_000


@pytest.mark.parametrize("wrong", [{"slots": 0}, {"tasks": 2, "most": 1}, {"speed": 0.0}])
def test_an_entrance_needs_tasks_with_slots(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="an entrance needs"):
        Tier(**wrong)

"""A simulated day: repeatable, complete, and right about what a spike, a fault and one task more do."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest

from rung.forecast.autoscaling import Limits, PodAutoscaler, Predictive, ScheduledLimits, TargetTracking
from rung.forecast.behaviour import Behaviour
from rung.forecast.faults import (
    ColdCache,
    Failover,
    Fault,
    LostNode,
    LostTasks,
    LostZone,
    SlowDatabase,
    SlowDependency,
)
from rung.forecast.outcome import outcome_of
from rung.forecast.simulate import Day, simulate
from rung.forecast.system import Backlog, Call, Entrance, ForecastError, Nodes, Store, System, system_of
from rung.model.graph import Graph
from rung.model.nodes import Traffic
from rung.model.read import load_workload
from rung.rungs import place

#: The first of each test process compiles the simulator, which takes half a minute: let it be one process.
pytestmark = pytest.mark.xdist_group("forecast")

FLAT = Behaviour(day=(1.0,) * 24)
NOON = 12 * 3_600.0
SHOP = Path(__file__).parents[2] / "workloads" / "shop" / "workload.py"


def system(
    rate: float = 100.0, *, least: int = 2, most: int = 10, store: bool = True, **changes: object
) -> System:
    """One service, perhaps a database: 100 requests a second, 4 ms of CPU each, on tasks of one vCPU."""
    entrance = Entrance(
        name="api", node="api", vcpu=1.0, limits=Limits(least=least, most=most),
        scaling=TargetTracking(target=0.6), start_seconds=45.0, share=1.0,
    )  # fmt: skip
    database = Store(name="db", node="db", least_vcpu=1.0, most_vcpu=4.0, pool=5)
    given = System(
        workload="shop", rung="fargate", environment="prod", kind="task", busy_rate=rate, peak=10.0,
        peak_seconds=60.0, objective_seconds=0.1, availability=0.999, entrances=(entrance,),
        store=database if store else None, backlogs=(),
    )  # fmt: skip
    return replace(given, **changes)  # type: ignore[arg-type]


def run(given: System, minutes: int = 20, *, faults: tuple[Fault, ...] = (), **options: object) -> Day:
    return simulate(given, FLAT, minutes=minutes, start_minute=720, faults=faults, **options)  # type: ignore[arg-type]


def simulate_with(given: System, **behaviour: float) -> Day:
    return simulate(given, replace(FLAT, **behaviour), minutes=20, start_minute=720)  # type: ignore[arg-type]


def test_intervals_of_other_seeds_hold_the_p99_of_a_longer_day() -> None:
    long = simulate(system(rate=50.0), FLAT, minutes=600, seed=99).quantile(0.99)
    held = 0
    for seed in range(10):
        low, high = run(system(rate=50.0), seed=seed).interval(0.99)
        held += low <= long <= high
        assert high - low < 0.2 * long
    assert held >= 7, "ten of ten would be 95 %, seven are one in a thousand"
    assert math.isnan(run(system(), minutes=9).interval(0.99)[0])


def test_equal_seeds_give_equal_days_and_others_do_not() -> None:
    assert run(system(), seed=3).minutes == run(system(), seed=3).minutes
    assert run(system(), seed=3).minutes != run(system(), seed=4).minutes


def test_every_request_is_answered_or_fails_once() -> None:
    day = run(system(700, store=False), spikes=[NOON + 300], faults=(LostTasks(at=NOON + 120),))
    assert day.minutes[5].retries > 1_000
    for given in (day, run(system(300))):
        ends = sum(each.answered + each.failed for each in given.minutes)
        assert 0 <= sum(each.offered for each in given.minutes) - ends < 20, "only what is still under way"


def test_arrivals_are_the_same_whatever_the_design() -> None:
    small, large = run(system(least=1, most=1)), run(system(least=8, most=8))
    assert [each.offered for each in small.minutes] == [each.offered for each in large.minutes]


def test_utilisation_is_work_over_capacity() -> None:
    """100 requests of 4 ms on two vCPU: 20 %."""
    day = run(system(100, most=2, store=False), minutes=60)
    assert outcome_of(system(), day).utilisation == pytest.approx(0.2, rel=0.03)


def test_more_tasks_never_make_the_day_slower() -> None:
    tails = [run(system(600, least=tasks, most=tasks, store=False)).quantile(0.99) for tasks in (3, 4, 6, 10)]
    assert tails == sorted(tails, reverse=True)


def test_requests_that_share_turns_fit_where_others_do_not() -> None:
    """Four milliseconds alone, one among many: 900 requests a second on two tasks are 180 % of them or 45 %."""
    given = system(900, least=2, most=2, store=False)
    one_by_one, together = run(given), simulate_with(given, turn_ms=3.0)
    assert sum(each.shed for each in one_by_one.minutes) > 1_000
    assert sum(each.failed for each in together.minutes) == 0
    assert 0.45 < together.minutes[-1].utilisation < 1.0


def test_a_request_that_is_alone_costs_the_same_with_turns_or_without() -> None:
    given = system(1, least=2, most=2, store=False)
    days = run(given), simulate_with(given, turn_ms=4.0, cpu_cv=0.0), simulate_with(given, cpu_cv=0.0)
    assert days[1].quantile(0.5) == pytest.approx(days[2].quantile(0.5), rel=0.01)


def test_a_lasting_rise_is_followed_within_minutes() -> None:
    day = run(system(1_400), minutes=30)
    assert day.minutes[0].tasks == 10
    slow = replace(system(1_400), entrances=(replace(system().entrances[0], limits=Limits(least=2, most=20)),))
    assert max(each.tasks for each in run(slow, minutes=30).minutes) >= 10


def test_a_minute_of_ten_times_the_load_is_over_before_the_tasks_are_there() -> None:
    """Three points of one minute, then the start of a task: sixty seconds are past by then."""
    given = system(200)
    day = run(given, spikes=[NOON + 300])
    spike = day.minutes[5]
    assert spike.shed > spike.offered * 0.3
    assert spike.tasks == day.minutes[4].tasks
    outcome = outcome_of(given, day)
    assert "did not start in time" in outcome.binds
    assert not outcome.met


def test_a_service_at_its_most_tasks_is_named() -> None:
    given = system(900, least=2, most=2, store=False)
    assert "2 tasks are all there may be" in outcome_of(given, run(given)).binds


def test_lost_tasks_are_replaced_after_their_start() -> None:
    day = run(system(100, least=4), faults=(LostTasks(at=NOON + 300, share=0.5),))
    assert [day.minutes[number].tasks for number in (4, 5, 6)] == [4, 2, 4]


def test_a_failover_fails_what_cannot_wait_and_nothing_after_it() -> None:
    given = system(100)
    day = run(given, faults=(Failover(at=NOON + 300, seconds=30),))
    failed = [each.timed_out + each.shed for each in day.minutes]
    assert sum(failed[:5]) == 0
    assert 0 < failed[5] < day.minutes[5].offered
    assert sum(failed[7:]) == 0


def test_a_cold_cache_and_a_slow_database_show_in_the_database() -> None:
    calm = run(system(300)).minutes[5].store_utilisation
    for fault in (ColdCache(at=NOON + 300), SlowDatabase(at=NOON + 300)):
        assert run(system(300), faults=(fault,)).minutes[5].store_utilisation > calm * 1.5


def test_aurora_grows_under_load_and_shrinks_after_it() -> None:
    given = system(3_000, least=30, most=30)
    sizes = [each.store_vcpu for each in run(given, minutes=10).minutes]
    assert sizes[0] < sizes[-1] <= 4.0
    idle = run(system(1), minutes=90).minutes
    assert idle[-1].store_vcpu == 1.0


def test_a_backlog_drains_after_the_spike_and_workers_follow() -> None:
    worker = Backlog(
        name="fulfil", node="fulfil", queue="orders", messages_per_request=1.0, seconds=0.1, concurrency=10,
        limits=Limits(least=1, most=8), acceptable_seconds=30.0, start_seconds=45.0,
    )  # fmt: skip
    given = system(80, least=10, backlogs=(worker,))
    day = run(given, minutes=60, spikes=[NOON + 300])
    waiting = [each.backlog for each in day.minutes]
    assert max(waiting) > 10_000
    assert waiting[-1] == 0
    assert max(each.worker_tasks for each in day.minutes) > 1
    assert outcome_of(given, day).drain_seconds > 30


def test_the_days_quantile_is_that_of_its_answers() -> None:
    """Without waiting, latency is work and network: a lognormal whose quantiles are known."""
    quiet = Behaviour(day=(1.0,) * 24, cpu_ms=10.0, cpu_cv=1.0, network_ms=0.0)
    given = system(5, least=10, store=False)
    day = simulate(given, quiet, minutes=400, start_minute=0, seed=1)
    sigma = math.sqrt(math.log(2))
    expected = 0.010 * math.exp(-sigma * sigma / 2)
    assert day.quantile(0.5) == pytest.approx(expected, rel=0.03)
    assert day.quantile(0.99) == pytest.approx(expected * math.exp(2.3263 * sigma), rel=0.05)


@pytest.fixture(scope="module")
def shop() -> Graph:
    return load_workload(SHOP)


@pytest.mark.parametrize("rung", ["fargate", "host", "box", "eks", "serverless"])
def test_shop_can_be_forecast_on_every_rung(shop: Graph, rung: str) -> None:
    behaviour, visitors = Behaviour(), Traffic(concurrent_users=1_000, think_time="10s", reads=0.95)
    few = replace(shop, nodes=tuple(visitors if node.kind == "traffic" else node for node in shop.nodes))
    given = system_of(few, place(few, "prod", rung=rung), behaviour)
    day = simulate(given, behaviour, minutes=5, start_minute=1_200)
    assert sum(each.offered for each in day.minutes) == pytest.approx(30_000, rel=0.03)
    assert outcome_of(given, day).met
    assert given.store is not None


def test_a_workload_without_traffic_is_told_so(shop: Graph) -> None:
    without = replace(shop, nodes=tuple(node for node in shop.nodes if node.kind != "traffic"))
    with pytest.raises(ForecastError, match="R1201"):
        system_of(without, place(without, "prod", rung="fargate"), Behaviour())
    alone = replace(shop, edges=tuple(edge for edge in shop.edges if edge.verb != "route"))
    with pytest.raises(ForecastError, match="R1202"):
        system_of(alone, place(shop, "prod", rung="fargate"), Behaviour())


def test_traffic_beyond_a_region_is_told_so(shop: Graph) -> None:
    many = Traffic(concurrent_users=50_000_000, think_time="1s", peak=10)
    wrong = replace(shop, nodes=tuple(many if node.kind == "traffic" else node for node in shop.nodes))
    with pytest.raises(ForecastError, match="R1203"):
        system_of(wrong, place(shop, "prod", rung="fargate"), Behaviour())


def with_pods(least: int = 2, **pool: int) -> System:
    given = {"pods_each": 2, "least": 1, "most": 10, **pool}
    entrance = replace(
        system().entrances[0], scaling=PodAutoscaler(target=0.6), limits=Limits(least=least, most=40),
        start_seconds=10.0, nodes=Nodes(start_seconds=60.0, **given),
    )  # fmt: skip
    return system(400, store=False, entrances=(entrance,), kind="pod", peak=4.0, peak_seconds=600.0)


def test_pods_wait_for_a_machine_and_come_sooner_where_there_is_room() -> None:
    small, roomy = (run(with_pods(**pool), spikes=[NOON + 300]).minutes for pool in ({}, {"least": 10}))
    assert roomy[6].tasks > small[6].tasks
    assert small[0].nodes < max(each.nodes for each in small) <= 10
    assert sum(each.failed for each in roomy) < sum(each.failed for each in small)


def test_the_pool_s_most_machines_bind() -> None:
    day = run(with_pods(most=3), spikes=[NOON + 300])
    assert max(each.tasks for each in day.minutes) <= 6
    assert max(each.nodes for each in day.minutes) <= 3


def test_a_lost_machine_takes_its_pods() -> None:
    day = run(with_pods(), faults=(LostNode(at=NOON + 300),))
    assert day.minutes[5].tasks == day.minutes[4].tasks - 2
    assert day.minutes[8].tasks >= day.minutes[4].tasks


def test_a_lost_zone_takes_a_third_and_the_database_for_a_while() -> None:
    day = run(system(100, least=6), faults=(LostZone(at=NOON + 300),))
    assert day.minutes[5].tasks == 4
    assert day.minutes[5].failed > 100
    assert sum(each.failed for each in day.minutes[8:]) == 0


def function(most: int) -> System:
    entrance = replace(
        system().entrances[0], function=True, scaling=None, limits=Limits(least=0, most=most), start_seconds=0.0
    )
    return system(200, store=False, entrances=(entrance,), kind="environment", peak=4.0)


def test_a_function_starts_environments_and_is_throttled_at_its_limit() -> None:
    roomy = run(function(1_000), spikes=[NOON + 300])
    assert sum(each.cold_starts for each in roomy.minutes[1:5]) < 20
    assert roomy.minutes[5].cold_starts > 10
    assert sum(each.throttled for each in roomy.minutes) == 0
    assert run(function(3), spikes=[NOON + 300]).minutes[5].throttled > 100


def test_a_slow_host_outside_makes_slow_answers_and_nothing_else() -> None:
    given = system(100, store=False, call=Call(name="payments", seconds=0.2, at_once=50_000, per_second=1e9))
    day = run(given, faults=(SlowDependency(at=NOON + 300, seconds=60.0),))
    assert day.minutes[5].p99 > 5 * day.minutes[4].p99
    assert day.minutes[5].p50 == pytest.approx(day.minutes[4].p50, rel=0.1)


def test_connections_beyond_the_server_s_are_refused() -> None:
    given = system(2_000, least=20, most=20, store=False)
    limited = replace(
        given, store=Store(name="db", node="db", least_vcpu=4, most_vcpu=4, pool=5, most_connections=8)
    )
    day = run(limited, minutes=3)
    assert max(each.connections for each in day.minutes) <= 8
    assert sum(each.no_connection for each in day.minutes) > 0
    assert "connections" in outcome_of(limited, day).binds


def test_sessions_and_a_population_bring_the_same_load_as_long_as_answers_are_fast() -> None:
    given = system(100, users=1_000.0, think_seconds=10.0)
    counts = [sum(each.offered for each in run(given, 30, arrivals=way).minutes[15:]) for way in
              ("open", "sessions", "closed")]  # fmt: skip
    assert counts[1] == pytest.approx(counts[0], rel=0.15)
    assert counts[2] == pytest.approx(counts[0], rel=0.05)


def test_users_who_stay_slow_down_with_the_system_and_open_arrivals_do_not() -> None:
    given = system(900, least=2, most=2, store=False, users=9_000.0, think_seconds=10.0)
    patient = replace(FLAT, shed_seconds=60.0, timeout_seconds=60.0, retries=0.0)
    open_day, closed = (
        simulate(given, patient, minutes=20, start_minute=720, arrivals=way) for way in ("open", "closed")
    )
    assert closed.minutes[-1].offered == pytest.approx(500 * 60, rel=0.05), "what two tasks can answer"
    assert open_day.minutes[-1].offered == pytest.approx(900 * 60, rel=0.05)
    assert closed.minutes[-1].p50 < open_day.minutes[-1].p50


def test_a_recorded_trace_is_replayed_to_the_request() -> None:
    trace = [0.5, 1.0, 59.9, 60.1, 130.0]
    day = run(system(100), 4, trace=trace)
    assert [each.offered for each in day.minutes] == [3, 1, 1, 0]


def test_money_is_counted_minute_by_minute() -> None:
    day = run(system(100, least=3), 10, dollars_per_hour=lambda running: dict(running.tasks)["api"] * 0.06)
    assert sum(each.dollars or 0 for each in day.minutes) == pytest.approx(10 / 60 * 3 * 0.06)


def test_a_database_that_paused_wakes_up_for_its_first_request() -> None:
    store = Store(name="db", node="db", least_vcpu=0.125, most_vcpu=1.0, pool=5, pauses=True)
    quiet = system(0.0001, store=False, entrances=system().entrances)
    trace = [1.0, 1_200.0, 1_230.0]
    slow = replace(FLAT, timeout_seconds=60.0, database_share=1.0, retries=0.0)
    day = simulate(replace(quiet, store=store), slow, minutes=22, start_minute=720, trace=trace)
    assert day.minutes[20].p99 > 10
    assert day.minutes[20].answered == 2


def test_more_tasks_never_answer_fewer_requests() -> None:
    """Common random numbers: the same requests, one task more."""
    answered = [
        sum(each.answered for each in run(system(1_200, least=tasks, most=tasks, store=False), 5).minutes)
        for tasks in (2, 3, 4, 6, 8)
    ]
    assert answered == sorted(answered)


def test_scheduled_limits_hold_from_their_hour_on() -> None:
    entrance = replace(
        system().entrances[0],
        scheduled=(ScheduledLimits(hour=12.1, limits=Limits(least=6, most=10)),
                   ScheduledLimits(hour=1.0, limits=Limits(least=1, most=10))),
    )  # fmt: skip
    day = run(system(20, entrances=(entrance,)), 15)
    assert day.minutes[4].tasks < 6
    assert day.minutes[9].tasks == 6


def test_predictive_capacity_is_there_when_the_hour_begins() -> None:
    """A day whose eleventh hour needs ten times as much: target tracking alone comes too late."""
    curve = Behaviour(day=tuple(1.0 if hour == 11 else 0.1 for hour in range(24)), retries=0.0, cpu_ms=40.0)
    entrance = replace(system().entrances[0], limits=Limits(least=1, most=30))
    late, early = (
        simulate(system(150, store=False, entrances=(each,)), curve, minutes=80, start_minute=600)
        for each in (entrance, replace(entrance, predictive=Predictive(target=0.6)))
    )
    assert early.minutes[58].tasks > late.minutes[58].tasks or early.minutes[58].tasks >= 10
    assert sum(each.failed for each in early.minutes) <= sum(each.failed for each in late.minutes)

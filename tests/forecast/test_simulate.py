"""A simulated day: repeatable, complete, and right about what a spike, a fault and one task more do."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest

from rung.forecast.autoscaling import Limits, TargetTracking
from rung.forecast.behaviour import Behaviour
from rung.forecast.faults import ColdCache, Failover, Fault, LostTasks, SlowDatabase
from rung.forecast.outcome import outcome_of
from rung.forecast.simulate import Day, simulate
from rung.forecast.system import Backlog, Entrance, ForecastError, Store, System, system_of
from rung.model.graph import Graph
from rung.model.nodes import Traffic
from rung.model.read import load_workload
from rung.rungs import place

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


def test_equal_seeds_give_equal_days_and_others_do_not() -> None:
    assert run(system(), seed=3).minutes == run(system(), seed=3).minutes
    assert run(system(), seed=3).minutes != run(system(), seed=4).minutes


def test_every_request_is_answered_refused_or_lost() -> None:
    day = run(system(700, store=False), spikes=[NOON + 300], faults=(LostTasks(at=NOON + 120),))
    for minute in day.minutes:
        assert minute.offered == minute.answered + minute.shed + minute.timed_out
    with_database = run(system(300))
    ends = sum(each.answered + each.shed + each.timed_out for each in with_database.minutes)
    assert 0 <= sum(each.offered for each in with_database.minutes) - ends < 20, "only what is still under way"


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
    calm = run(system(300)).minutes[6].store_utilisation
    for fault in (ColdCache(at=NOON + 300), SlowDatabase(at=NOON + 300)):
        assert run(system(300), faults=(fault,)).minutes[6].store_utilisation > calm * 1.5


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


@pytest.mark.parametrize("rung", ["fargate", "host", "box"])
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

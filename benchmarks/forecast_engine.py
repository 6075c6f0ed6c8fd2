"""The simulator against SimPy and Ciw on the same model, and how long a day takes.

    python benchmarks/forecast_engine.py [--quick] [--json]

M/M/4 at 80 %: Poisson arrivals, four servers, one queue. Each engine draws its own numbers and reports the mean
wait, which must agree with Erlang's formula: an engine that is fast and wrong shows here. Then a day of one tier
at 1,000 requests a second (86.4 million), and of service and database with autoscaling.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import random
import statistics
import time
from collections.abc import Callable

import numpy as np

from rung.forecast import kernel
from rung.forecast.autoscaling import Limits, TargetTracking
from rung.forecast.behaviour import Behaviour
from rung.forecast.compiled import COMPILED
from rung.forecast.engine import Conditions, Engine, Tier
from rung.forecast.simulate import simulate
from rung.forecast.system import Entrance, Store, System

SERVERS, RHO, BATCH = 4, 0.8, 20_000
Simulator = Callable[[int], float]


def erlang_wait() -> float:
    """The mean wait, in units of the mean service time."""
    load = SERVERS * RHO
    term = load**SERVERS / math.factorial(SERVERS) * SERVERS / (SERVERS - load)
    some = sum(load**k / math.factorial(k) for k in range(SERVERS)) + term
    return term / some / (SERVERS * (1 - RHO))


def rung(requests: int) -> float:
    """Our engine, numbers drawn by numpy, twenty thousand requests at a time into the same memory."""
    stream, now, waited = np.random.default_rng(1), 0.0, 0.0
    engine = Engine([Tier(slots=SERVERS)], Conditions(traced=True))
    numbers = np.zeros((kernel.PURPOSES, min(BATCH, requests)))
    for _ in range(0, requests, numbers.shape[1]):
        arrivals = numbers[kernel.ARRIVAL]
        stream.standard_exponential(out=arrivals)
        arrivals /= SERVERS * RHO
        np.cumsum(arrivals, out=arrivals)
        arrivals += now
        now = float(arrivals[-1])
        stream.standard_exponential(out=numbers[kernel.CPU])
        engine.feed(numbers)
        engine.advance(math.nextafter(now, math.inf))
        waited += float(numbers[kernel.WAIT].sum())
    return waited / requests


def simpy_engine(requests: int) -> float:
    """SimPy: a process for each request, a resource with four places."""
    import simpy

    stream, waits = random.Random(1), []
    environment = simpy.Environment()
    servers = simpy.Resource(environment, capacity=SERVERS)

    def request() -> object:
        came = environment.now
        with servers.request() as place:
            yield place
            waits.append(environment.now - came)
            yield environment.timeout(stream.expovariate(1))

    def source() -> object:
        for _ in range(requests):
            yield environment.timeout(stream.expovariate(SERVERS * RHO))
            environment.process(request())

    environment.process(source())
    environment.run()
    return statistics.fmean(waits)


def ciw_engine(requests: int) -> float:
    """Ciw: a network of one node."""
    import ciw

    network = ciw.create_network(
        arrival_distributions=[ciw.dists.Exponential(rate=SERVERS * RHO)],
        service_distributions=[ciw.dists.Exponential(rate=1)], number_of_servers=[SERVERS],
    )  # fmt: skip
    ciw.seed(1)
    simulation = ciw.Simulation(network)
    simulation.simulate_until_max_customers(requests, method="Finish")
    return statistics.fmean(record.waiting_time for record in simulation.get_all_records())


def timed(engine: Simulator, requests: int, runs: int) -> tuple[list[float], float]:
    """Requests per second of each run, and the mean wait of the last."""
    rates, wait = [], 0.0
    for _ in range(runs):
        began = time.perf_counter()
        wait = engine(requests)
        rates.append(requests / (time.perf_counter() - began))
    return rates, wait


def day(*, database: bool) -> tuple[float, int]:
    """Seconds and requests of a flat day at 1,000 requests a second.

    With a database: a load balancer that takes turns over tasks, a cache, pools of connections, retries.
    """
    entrance = Entrance(
        name="api", node="api", vcpu=1.0, limits=Limits(least=2, most=20), scaling=TargetTracking(target=0.6),
        start_seconds=45.0, share=1.0,
    )  # fmt: skip
    store = Store(name="db", node="db", least_vcpu=1.0, most_vcpu=4.0, pool=7) if database else None
    system = System(
        workload="day", rung="fargate", environment="prod", kind="task", busy_rate=1_000.0, peak=1.0,
        peak_seconds=0.0, objective_seconds=0.1, availability=0.999, entrances=(entrance,), store=store,
        backlogs=(),
    )  # fmt: skip
    began = time.perf_counter()
    found = simulate(system, Behaviour(day=(1.0,) * 24))
    return time.perf_counter() - began, sum(each.offered for each in found.minutes)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    rung(1_000)  # compiles
    few, many = (50_000, 2_000_000) if options.quick else (300_000, 20_000_000)
    engines = (("rung", rung, many), ("SimPy", simpy_engine, few), ("Ciw", ciw_engine, few // 3))
    found = {name: timed(engine, count, 1 if options.quick else 3) for name, engine, count in engines}
    days = {"one tier": day(database=False), "balancer, cache, pool, database, retries": day(database=True)}
    machine = f"{os.cpu_count()} cores, Python {platform.python_version()}, numba {'yes' if COMPILED else 'no'}"
    if options.json:
        rows = {name: {"per_second": rates, "mean_wait": wait} for name, (rates, wait) in found.items()}
        print(json.dumps({"machine": machine, "engines": rows, "erlang": erlang_wait(), "days": days}, indent=2))
        return
    print(machine)
    print(
        f"\n{'M/M/4 at 80 %':24}{'requests/s':>14}{'(min - max)':>26}{'against':>10}{'mean wait':>11}{'Erlang':>9}"
    )
    ours = statistics.median(found["rung"][0])
    for name, (rates, wait) in found.items():
        middle = statistics.median(rates)
        spread = f"({min(rates):,.0f} - {max(rates):,.0f})"
        print(f"{name:24}{middle:>14,.0f}{spread:>26}{ours / middle:>9,.0f}x{wait:>11.4f}{erlang_wait():>9.4f}")
    print(f"\n{'a day at 1,000/s':42}{'requests':>14}{'seconds':>10}")
    for name, (seconds, count) in days.items():
        print(f"{name:42}{count:>14,}{seconds:>10.1f}")


if __name__ == "__main__":
    main()

"""A day, minute by minute: requests one by one through the engine, autoscalers when they would look.

Equal seeds give equal days. Designs are compared on the same arrivals (common random numbers, draws.py). A minute
is cut where something changes in it: tasks that start to serve, a fault, a look of the pod autoscaler.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from rung.forecast import kernel
from rung.forecast.behaviour import Behaviour
from rung.forecast.control import POD_PERIOD, Crew, Database, Fleet, percentiles, slots_of, speed_of
from rung.forecast.draws import MINUTE, Streams, Work, arrivals_in, fill_curve, rate_at
from rung.forecast.engine import Conditions, Engine, Routing, Tier, latency_at, quantile
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
from rung.forecast.intervals import BATCHES, half_interval
from rung.forecast.kernel import Counts, Floats
from rung.forecast.system import Entrance, System

#: How requests come: one by one whatever the answers (open); visits that begin so, whose next request waits for
#: the answer (sessions); or a number of users who stay (closed).
Arrivals = Literal["open", "sessions", "closed"]
_LATENCIES = np.array([latency_at(place) for place in range(kernel.BUCKETS)])


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """What ran in one minute, for whoever knows what it costs: tasks by part, the database's vCPU, machines."""

    tasks: tuple[tuple[str, int], ...]
    store_vcpu: float
    nodes: int
    requests: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Minute:
    """What one minute looked like. Latencies in seconds, of requests that were answered; nan when none was.

    The kinds of failures: `shed` by the service, `timed_out` for the client, `no_connection` to the database,
    `throttled` by Lambda, `broken` with its task, `call_refused` on the way to a host outside.
    """

    start: float
    offered: int
    answered: int
    shed: int
    timed_out: int
    no_connection: int
    throttled: int
    broken: int
    call_refused: int
    retries: int
    cold_starts: int
    p50: float
    p95: float
    p99: float
    late: int
    tasks: int
    utilisation: float
    store_vcpu: float
    store_utilisation: float
    connections: int
    backlog: float
    oldest_seconds: float
    worker_tasks: int
    nodes: int
    dollars: float | None

    @property
    def failed(self) -> int:
        """Requests that got no answer, after their retries."""
        return self.shed + self.timed_out + self.no_connection + self.throttled + self.broken + self.call_refused


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """The minutes, and how many answers took how long: `batches` by the logarithm of the latency, a row a batch.

    Each batch takes every BATCHES-th minute, so that all of them see the whole curve of the day.
    """

    minutes: tuple[Minute, ...]
    batches: Counts

    @property
    def histogram(self) -> Counts:
        """Of all answers."""
        found: Counts = self.batches.sum(axis=0)
        return found

    def quantile(self, share: float) -> float:
        """Seconds within which `share` of the answers came, to one per cent; nan without answers."""
        return quantile(self.histogram, share)

    def interval(self, share: float) -> tuple[float, float]:
        """Where the quantile lies with 95 %, by the means of batches; nan for a time of fewer than FEWEST minutes.

        It holds what chance does within this day's traffic and faults, and not what the assumptions leave open.
        """
        found = [quantile(batch, share) for batch in self.batches if batch.any()]
        middle, half = self.quantile(share), half_interval(found)
        return max(middle - half, 0.0), middle + half


@dataclass(slots=True)
class _Run:
    """Everything of one simulation."""

    system: System
    behaviour: Behaviour
    engine: Engine
    work: Work
    fleets: list[Fleet]
    database: Database | None
    crews: list[Crew]
    arrivals: Arrivals
    spikes: Sequence[float]
    faults: Sequence[Fault]
    trace: Floats | None
    dollars: Callable[[Running], float] | None
    began: float
    users: int = 0
    batches: Counts = field(default_factory=lambda: np.zeros((BATCHES, kernel.BUCKETS), dtype=np.int64))


def simulate(
    system: System, behaviour: Behaviour, *, minutes: int = 1_440, start_minute: int = 0, seed: int = 0,
    spikes: Sequence[float] = (), faults: Sequence[Fault] = (), progress: Callable[[int, int], None] | None = None,
    arrivals: Arrivals = "open", trace: Sequence[float] | None = None,
    dollars_per_hour: Callable[[Running], float] | None = None,
) -> Day:  # fmt: skip
    """Simulate `minutes` of a day from `start_minute` on.

    Args:
        spikes: seconds of the day at which a spike of the workload's own height and length begins.
        progress: called with (minutes done, minutes in all).
        trace: recorded arrivals in seconds from the beginning, in place of the workload's own traffic.
        dollars_per_hour: what a minute's capacity costs in an hour.
    """
    run = _run(system, behaviour, seed, start_minute * MINUTE, arrivals)
    run.spikes, run.faults, run.dollars = spikes, faults, dollars_per_hour
    run.trace = None if trace is None else np.sort(np.asarray(trace, dtype=float)) + run.began
    found: list[Minute] = []
    for minute in range(start_minute, start_minute + minutes):
        found.append(_minute(run, minute * MINUTE))
        if progress is not None:
            progress(len(found), minutes)
    return Day(minutes=tuple(found), batches=run.batches)


def _run(system: System, behaviour: Behaviour, seed: int, start: float, arrivals: Arrivals) -> _Run:
    rate = rate_at(system, behaviour, start, ())
    tiers = [_tier(entrance, behaviour, rate) for entrance in system.entrances]
    work = Work(system=system, behaviour=behaviour, streams=Streams.of(seed), sessions=arrivals != "open")
    size = max(1_000, int(rate * MINUTE))
    engine = Engine(tiers, _conditions(system, behaviour), lambda: work.numbers(size))
    engine.reals[kernel.MISS] = behaviour.database_share
    engine.reals[kernel.COLD_SECONDS] = behaviour.cold_start_ms / 1_000
    engine.set_fill(fill_curve(behaviour.cache_keys, behaviour.cache_skew))
    fleets = [
        Fleet(number, entrance, engine, behaviour, system.busy_rate)
        for number, entrance in enumerate(system.entrances)
    ]
    store = system.store
    database = None if store is None else Database(store, engine, slots_of(store.most_vcpu), store.least_vcpu)
    for fleet in fleets:
        fleet.begin(start, rate)
    if database is not None:
        database.begin(start)
    return _Run(
        system=system, behaviour=behaviour, engine=engine, work=work, fleets=fleets, database=database,
        crews=[Crew(backlog) for backlog in system.backlogs], arrivals=arrivals, spikes=(), faults=(), trace=None,
        dollars=None, began=start,
    )  # fmt: skip


def _tier(entrance: Entrance, behaviour: Behaviour, rate: float) -> Tier:
    """An entrance as it stands when the simulation begins: with the tasks that this hour's load asks for."""
    if entrance.function:
        return Tier(tasks=0, most=entrance.limits.most, speed=speed_of(entrance.vcpu), share=entrance.share,
                    routing=Routing.FUNCTION)  # fmt: skip
    target = getattr(entrance.scaling, "target", 1.0)
    wanted = math.ceil(rate * entrance.share * behaviour.cpu_ms / 1_000 / entrance.vcpu / target)
    scheduled = [each.limits.most for each in entrance.scheduled]
    routing = Routing.LEAST_OUTSTANDING if entrance.least_outstanding else Routing.ROUND_ROBIN
    return Tier(
        slots=slots_of(entrance.vcpu), tasks=max(1, entrance.limits.clamp(wanted)),
        most=max(1, entrance.limits.most, *scheduled), speed=speed_of(entrance.vcpu), share=entrance.share,
        routing=routing, turn=min(behaviour.turn_ms, behaviour.cpu_ms) / 1_000,
    )  # fmt: skip


def _conditions(system: System, behaviour: Behaviour) -> Conditions:
    store, call = system.store, system.call
    return Conditions(
        shed=behaviour.shed_seconds, timeout=behaviour.timeout_seconds, network=behaviour.network_ms / 1_000,
        retries=int(behaviour.retries), backoff=behaviour.backoff_ms / 1_000, retry_share=behaviour.retry_share,
        store_slots=slots_of(store.most_vcpu) if store else 0, pool=store.pool if store else 0,
        most_connections=store.most_connections if store else 0, pool_wait=behaviour.pool_wait_seconds,
        connect=behaviour.connect_ms / 1_000, call_share=behaviour.call_share if call else 0.0,
        calls_at_once=call.at_once if call else 1, calls_per_second=call.per_second if call else math.inf,
        objective=system.objective_seconds or math.inf, think=system.think_seconds,
    )  # fmt: skip


def _minute(run: _Run, start: float) -> Minute:
    engine, end = run.engine, start + MINUTE
    _feed(run, start)
    _doom(run, start)
    for now in _cuts(run, start):
        engine.advance(now)
        for fleet in run.fleets:
            fleet.start_ready(now)
            if fleet.by_pods and now % POD_PERIOD == 0:
                fleet.control(now)
        if now < end:
            _strike(run, now)
            _slow(run, now)
    counts = engine.clear_minute()
    histogram = engine.histogram.copy()
    engine.histogram[:] = 0
    run.batches[int(start // MINUTE) % BATCHES] += histogram
    fewest = sum(fleet.fewest for fleet in run.fleets)
    for fleet in run.fleets:
        fleet.end_minute(end)
        if not fleet.by_pods:
            fleet.control(end)
    size = run.database.vcpu if run.database else 0.0
    if run.database is not None:
        run.database.end_minute(end, int(counts[kernel.QUERIES]))
    for crew in run.crews:
        crew.consume(int(counts[kernel.OFFERED]) * crew.backlog.messages_per_request, end)
    return _as_minute(run, start, counts, histogram, size, fewest)


def _feed(run: _Run, start: float) -> None:
    """The minute's arrivals and their numbers."""
    system, behaviour, streams = run.system, run.behaviour, run.work.streams
    if run.trace is not None:
        low, high = np.searchsorted(run.trace, (start, start + MINUTE))
        moments = run.trace[low:high]
    elif run.arrivals == "closed":
        _populate(run, start)
        return
    else:
        share = 1.0 if run.arrivals == "open" else 1 / max(1.0, behaviour.session_requests)
        moments = arrivals_in(system, behaviour, streams["arrivals"], start, run.spikes, share)
    sessions = run.arrivals == "sessions" and run.trace is None
    count = (
        max(moments.size, int(rate_at(system, behaviour, start, run.spikes) * MINUTE))
        if sessions
        else moments.size
    )
    drawn = run.work.numbers(count)
    drawn[kernel.ARRIVAL, : moments.size] = moments
    if sessions:
        drawn[kernel.LEFT, : moments.size] = run.work.lengths(moments.size)
    run.engine.feed(drawn, moments.size)


def _populate(run: _Run, start: float) -> None:
    """A closed population follows the curve of the day."""
    system, behaviour = run.system, run.behaviour
    rate = rate_at(system, behaviour, start + MINUTE / 2, run.spikes)
    users = round(rate * system.think_seconds)
    run.engine.feed(run.work.numbers(max(1_000, int(rate * MINUTE))), 0)
    run.engine.enter(users - run.users, start)
    run.users = users


def _cuts(run: _Run, start: float) -> list[float]:
    """The moments of a minute at which something changes, and its end."""
    end = start + MINUTE
    found = {end}
    if any(fleet.by_pods for fleet in run.fleets):
        found |= {start + POD_PERIOD * step for step in range(1, 4)}
    moments = [fleet.next_ready() for fleet in run.fleets]
    moments += [at for fleet in run.fleets for at, _ in fleet.starting]
    moments += [fault.at for fault in run.faults]
    moments += [
        fault.at + fault.seconds for fault in run.faults if isinstance(fault, SlowDatabase | SlowDependency)
    ]
    return sorted(found | {at for at in moments if start < at < end} | ({start} & set(moments)))


def _as_minute(
    run: _Run, start: float, counts: Counts, histogram: Counts, size: float, fewest: int
) -> Minute:  # fmt: skip
    p50, p95, p99 = percentiles(histogram, _LATENCIES)
    engine, fleets = run.engine, run.fleets
    workers = sum(crew.running for crew in run.crews)
    nodes = sum(fleet.nodes for fleet in fleets)
    offered, answered, late, shed, timed_out, none, throttled, broken, refused, retries, cold, _ = map(int, counts)
    tasks = [(fleet.entrance.name, fleet.tasks) for fleet in fleets]
    tasks += [(crew.backlog.name, crew.running) for crew in run.crews]
    running = Running(tasks=tuple(tasks), store_vcpu=size, nodes=nodes, requests=offered)
    return Minute(
        start=start, offered=offered, answered=answered, shed=shed, timed_out=timed_out, no_connection=none,
        throttled=throttled, broken=broken, call_refused=refused, retries=retries, cold_starts=cold, p50=p50,
        p95=p95, p99=p99, late=late, tasks=fewest,
        utilisation=max(fleet.utilisation for fleet in fleets), store_vcpu=size,
        store_utilisation=run.database.utilisation if run.database else 0.0,
        connections=engine.count(kernel.CONNECTIONS), backlog=sum(crew.waiting for crew in run.crews),
        oldest_seconds=max((crew.oldest for crew in run.crews), default=0.0), worker_tasks=workers, nodes=nodes,
        dollars=None if run.dollars is None else run.dollars(running) / 60,
    )  # fmt: skip


def _lost(fault: Fault, fleet: Fleet) -> int:
    """How many of a fleet's tasks a fault takes."""
    if isinstance(fault, LostTasks):
        return math.ceil(fleet.tasks * fault.share)
    if isinstance(fault, LostZone):
        return math.ceil(fleet.tasks / fault.zones)
    if isinstance(fault, LostNode) and fleet.entrance.nodes is not None:
        return fault.nodes * fleet.entrance.nodes.pods_each
    return fault.nodes if isinstance(fault, LostNode) else 0


def _doom(run: _Run, start: float) -> None:
    """Tasks that die within this minute take with them what they hold then: it is known beforehand."""
    for fault in run.faults:
        if start <= fault.at < start + MINUTE:
            for fleet in run.fleets:
                lost = min(fleet.tasks - 1, _lost(fault, fleet))
                if lost > 0 and not fleet.entrance.function:
                    run.engine.doom(fleet.number, lost, fault.at)


def _strike(run: _Run, now: float) -> None:
    """Faults that happen at this moment."""
    for fault in run.faults:
        if fault.at != now:
            continue
        for fleet in run.fleets:
            machines = fault.nodes if isinstance(fault, LostNode) else 0
            fleet.lose(_lost(fault, fleet), now, machines=machines)
        if isinstance(fault, Failover):
            run.engine.stop_store(fault.at + fault.seconds)
        elif isinstance(fault, LostZone):
            run.engine.stop_store(fault.at + fault.failover_seconds)
        elif isinstance(fault, ColdCache):
            run.engine.empty_cache()


def _slow(run: _Run, now: float) -> None:
    """How slow the database and hosts elsewhere are from this moment on."""
    slow = [each for each in run.faults if isinstance(each, SlowDatabase | SlowDependency)]
    slow = [each for each in slow if each.at <= now < each.at + each.seconds]
    for kind, place in ((SlowDatabase, kernel.SLOWNESS), (SlowDependency, kernel.CALL_SLOWNESS)):
        run.engine.reals[place] = max([each.factor for each in slow if isinstance(each, kind)], default=1.0)

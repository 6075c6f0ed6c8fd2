"""A day, minute by minute: requests one by one through stations, autoscalers at the end of each minute.

Within a minute everything is arrays (station.py); between minutes the policies see what CloudWatch would show them
and decide. Equal seeds give equal days. Designs are compared on the same arrivals (common random numbers): who
comes, how much work it is and where it goes are drawn from streams of their own, and more tasks change neither.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from rung.forecast.autoscaling import Memory, decide
from rung.forecast.behaviour import Behaviour
from rung.forecast.faults import ColdCache, Failover, Fault, LostTasks, SlowDatabase
from rung.forecast.station import SERVED, SHED, TIMED_OUT, Floats, Routing, Station
from rung.forecast.system import Backlog, Entrance, Store, System
from rung.model.scaling import BacklogScaling, Observation, ScalingState, desired

MINUTE = 60.0
#: Aurora Serverless grows while its CPU is above this, and shrinks slowly below the other; by what share a minute.
#: No figure is published; "the rate grows with the capacity" (Aurora user guide) is read as half again a minute.
GROWS_ABOVE, SHRINKS_BELOW, GROWTH, SHRINKING = 0.7, 0.35, 1.5, 0.93
#: Latencies are counted in buckets of 1.1 %, from a tenth of a millisecond to an hour and a half.
_LEAST_SECONDS, _BUCKETS_PER_OCTAVE, _BUCKETS = 1e-4, 64, 64 * 26


@dataclass(frozen=True, slots=True, kw_only=True)
class Minute:
    """What one minute looked like. Latencies in seconds, of requests that were answered; nan when none was."""

    start: float
    offered: int
    answered: int
    shed: int
    timed_out: int
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """The minutes, and how many answers took how long: `histogram` by the logarithm of the latency."""

    minutes: tuple[Minute, ...]
    histogram: NDArray[np.int64]

    def quantile(self, share: float) -> float:
        """Seconds within which `share` of the answers came, to one per cent; nan without answers."""
        total = int(self.histogram.sum())
        if total == 0:
            return math.nan
        place = int(np.searchsorted(np.cumsum(self.histogram), share * total))
        return float(_LEAST_SECONDS * 2.0 ** ((place + 0.5) / _BUCKETS_PER_OCTAVE))


@dataclass(slots=True)
class _Streams:
    """Random numbers by what they are for."""

    arrivals: np.random.Generator
    work: np.random.Generator
    choices: np.random.Generator


@dataclass(slots=True)
class _Web:
    """An entrance while it runs."""

    entrance: Entrance
    station: Station
    memory: Memory = field(default_factory=Memory)
    #: Tasks that are starting: (ready at, how many).
    starting: list[tuple[float, int]] = field(default_factory=list)

    def wanted(self) -> int:
        return self.station.tasks + sum(count for _, count in self.starting)


@dataclass(slots=True)
class _Database:
    store: Store
    station: Station
    vcpu: float
    #: Requests that left the service after the minute's end: (arrival at the entrance, arrival here).
    carried: tuple[Floats, Floats] = field(default_factory=lambda: (np.empty(0), np.empty(0)))


@dataclass(slots=True)
class _Work:
    backlog: Backlog
    policy: BacklogScaling
    state: ScalingState
    waiting: float = 0.0
    oldest: float = 0.0
    starting: list[tuple[float, int]] = field(default_factory=list)
    running: int = 1


def simulate(
    system: System, behaviour: Behaviour, *, minutes: int = 1_440, start_minute: int = 0, seed: int = 0,
    spikes: Sequence[float] = (), faults: Sequence[Fault] = (), progress: Callable[[int, int], None] | None = None,
) -> Day:  # fmt: skip
    """Simulate `minutes` of a day from `start_minute` on.

    Args:
        spikes: seconds of the day at which a spike of the workload's own height and length begins.
        progress: called with (minutes done, minutes in all).
    """
    streams = _Streams(*(np.random.default_rng([seed, number]) for number in range(3)))
    webs = [_web(entrance, behaviour, system, start_minute) for entrance in system.entrances]
    database = None if system.store is None else _database(system.store, behaviour)
    works = [_work(backlog) for backlog in system.backlogs]
    found: list[Minute] = []
    histogram = np.zeros(_BUCKETS, dtype=np.int64)
    for minute in range(start_minute, start_minute + minutes):
        start = minute * MINUTE
        found.append(_minute(system, behaviour, streams, webs, database, works, start, spikes, faults, histogram))
        if progress is not None:
            progress(len(found), minutes)
    return Day(minutes=tuple(found), histogram=histogram)


def rate_at(system: System, behaviour: Behaviour, second: float, spikes: Sequence[float]) -> float:
    """Requests per second at a second of the day: the curve between its hours, times a spike."""
    hour = second / 3_600.0
    low, share = int(hour) % 24, hour - int(hour)
    curve = behaviour.day[low] * (1 - share) + behaviour.day[(low + 1) % 24] * share
    inside = any(begin <= second < begin + system.peak_seconds for begin in spikes)
    return system.busy_rate * curve * (system.peak if inside else 1.0)


def _minute(
    system: System, behaviour: Behaviour, streams: _Streams, webs: list[_Web], database: _Database | None,
    works: list[_Work], start: float, spikes: Sequence[float], faults: Sequence[Fault],
    histogram: NDArray[np.int64],
) -> Minute:  # fmt: skip
    arrivals = _arrivals(system, behaviour, streams.arrivals, start, spikes)
    _strike(webs, database, start, faults)
    entered: list[Floats] = []
    left: list[Floats] = []
    outcomes: list[np.ndarray] = []
    busy = 0.0
    for web, mine in zip(webs, _split(arrivals, webs, streams.choices), strict=True):
        _ready(web, start)
        services = _lognormal(streams.work, mine.size, behaviour.cpu_ms / 1_000, behaviour.cpu_cv)
        services /= _speed(web.entrance.vcpu)
        gone, how = web.station.serve(mine, services, streams.choices.random(mine.size))
        busy = max(busy, _scale(web, float(services[how == SERVED].sum()), start + MINUTE))
        entered.append(mine)
        left.append(gone)
        outcomes.append(how)
    how = np.concatenate(outcomes)
    through = how == SERVED
    size = database.vcpu if database else 0.0
    latencies, load = _through_database(
        database,
        behaviour,
        streams,
        np.concatenate(entered)[through],
        np.concatenate(left)[through],
        start,
        faults,
    )
    latencies = latencies + behaviour.network_ms / 1_000
    lost = latencies > behaviour.timeout_seconds
    answered = latencies[~lost]
    for work in works:
        _consume(work, arrivals.size * work.backlog.messages_per_request, start + MINUTE)
    histogram += _counted(answered)
    p50, p95, p99 = _quantiles(answered)
    limit = system.objective_seconds or math.inf
    return Minute(
        start=start, offered=arrivals.size, answered=answered.size, shed=int((how == SHED).sum()),
        timed_out=int((how == TIMED_OUT).sum() + lost.sum()), p50=p50, p95=p95, p99=p99,
        late=int((answered > limit).sum()), tasks=sum(web.station.tasks for web in webs), utilisation=busy,
        store_vcpu=size, store_utilisation=load,
        connections=_connections(webs, database), backlog=sum(work.waiting for work in works),
        oldest_seconds=max((work.oldest for work in works), default=0.0),
        worker_tasks=sum(work.running for work in works),
    )  # fmt: skip


def _arrivals(
    system: System, behaviour: Behaviour, stream: np.random.Generator, start: float, spikes: Sequence[float]
) -> Floats:
    """A Poisson process whose rate is that of each second: counts by second, uniform within."""
    rates = np.array([rate_at(system, behaviour, start + second, spikes) for second in range(60)])
    counts = stream.poisson(rates)
    gaps = stream.standard_exponential(int(counts.sum()) + 60)
    found, taken = [], 0
    for second, count in enumerate(counts):
        steps = np.cumsum(gaps[taken : taken + count + 1])
        taken += count + 1
        found.append(start + second + steps[:-1] / steps[-1])
    return np.concatenate(found)


def _split(arrivals: Floats, webs: list[_Web], stream: np.random.Generator) -> list[Floats]:
    if len(webs) == 1:
        return [arrivals]
    bounds = np.cumsum([web.entrance.share for web in webs])
    place = np.searchsorted(bounds / bounds[-1], stream.random(arrivals.size), side="right")
    return [arrivals[place == number] for number in range(len(webs))]


def _lognormal(stream: np.random.Generator, count: int, mean: float, cv: float) -> Floats:
    """Work with a long tail: `mean` seconds and a coefficient of variation; 0 makes it constant."""
    if cv <= 0:
        return np.full(count, mean)
    variance = math.log(1 + cv * cv)
    return np.asarray(np.exp(stream.standard_normal(count) * math.sqrt(variance) + math.log(mean) - variance / 2))


def _speed(vcpu: float) -> float:
    """How fast one slot is: a task of half a vCPU has one slot at half speed, one of 2 vCPU two at full."""
    return vcpu / _slots(vcpu)


def _slots(vcpu: float) -> int:
    return max(1, math.floor(vcpu + 1e-9))


def _web(entrance: Entrance, behaviour: Behaviour, system: System, start_minute: int) -> _Web:
    """An entrance as it stands when the simulation begins: with the tasks that this hour's load asks for."""
    rate = rate_at(system, behaviour, start_minute * MINUTE, ()) * entrance.share
    target = entrance.scaling.target if entrance.scaling else 1.0
    wanted = math.ceil(rate * behaviour.cpu_ms / 1_000 / entrance.vcpu / target)
    station = Station(
        name=entrance.name, slots=_slots(entrance.vcpu), tasks=max(1, entrance.limits.clamp(wanted)),
        most_wait=behaviour.shed_seconds, sheds=True,
    )  # fmt: skip
    return _Web(entrance=entrance, station=station)


def _database(store: Store, behaviour: Behaviour) -> _Database:
    station = Station(
        name=store.name, slots=_slots(store.most_vcpu), tasks=1, routing=Routing.ONE_QUEUE,
        most_wait=behaviour.timeout_seconds,
    )  # fmt: skip
    return _Database(store=store, station=station, vcpu=store.least_vcpu)


def _work(backlog: Backlog) -> _Work:
    policy = BacklogScaling(
        min_tasks=backlog.limits.least, max_tasks=backlog.limits.most,
        acceptable_latency_seconds=backlog.acceptable_seconds or 30.0, processing_time_seconds=backlog.seconds,
        concurrency=backlog.concurrency,
    )  # fmt: skip
    tasks = max(1, backlog.limits.least)
    return _Work(backlog=backlog, policy=policy, state=ScalingState(tasks=tasks), running=tasks)


def _ready(web: _Web, now: float) -> None:
    ready = sum(count for at, count in web.starting if at <= now)
    if ready:
        web.starting = [each for each in web.starting if each[0] > now]
        web.station.resize(web.station.tasks + ready, now)


def _scale(web: _Web, work_seconds: float, now: float) -> float:
    """The CPU of the last minute, and what the policy makes of it."""
    capacity = web.station.tasks * web.station.slots * MINUTE
    utilisation = min(1.0, work_seconds / capacity)
    policy = web.entrance.scaling
    if policy is None:
        return utilisation
    wanted, web.memory = decide(
        policy, web.memory, now=now, metric=utilisation, tasks=web.wanted(), limits=web.entrance.limits
    )
    if wanted > web.wanted():
        web.starting.append((now + web.entrance.start_seconds, wanted - web.wanted()))
    elif wanted < web.station.tasks:
        web.station.resize(max(1, wanted), now)
    return utilisation


def _through_database(
    database: _Database | None, behaviour: Behaviour, streams: _Streams, entered: Floats, left: Floats,
    start: float, faults: Sequence[Fault],
) -> tuple[Floats, float]:  # fmt: skip
    """Latencies without the network, and the database's load. What leaves the service later comes here later."""
    if database is None:
        return left - entered, 0.0
    needs = streams.work.random(left.size) < _database_share(behaviour, start, faults)
    direct = (left - entered)[~needs]
    came = np.concatenate([database.carried[0], entered[needs]])
    here = np.concatenate([database.carried[1], left[needs]])
    now = here < start + MINUTE
    database.carried = (came[~now], here[~now])
    order = np.argsort(here[now], kind="stable")
    came, here = came[now][order], here[now][order]
    services = _lognormal(streams.work, here.size, behaviour.database_ms / 1_000, behaviour.database_cv)
    slowness = max(
        [each.factor for each in faults if isinstance(each, SlowDatabase) and _during(each, start)] or [1]
    )
    services *= slowness / (database.vcpu / database.station.slots)
    gone, how = database.station.serve(here, services, np.empty(here.size))
    load = min(1.0, float(services[how == SERVED].sum()) / (database.station.slots * MINUTE))
    _grow(database, load)
    waited = np.where(how == SERVED, gone - came, behaviour.timeout_seconds + 1)
    return np.concatenate([direct, waited]), load


def _database_share(behaviour: Behaviour, start: float, faults: Sequence[Fault]) -> float:
    cold = any(isinstance(each, ColdCache) and _during(each, start) for each in faults)
    return 1.0 if cold else behaviour.database_share


def _during(fault: ColdCache | SlowDatabase, start: float) -> bool:
    return fault.at < start + MINUTE and start < fault.at + fault.seconds


def _grow(database: _Database, load: float) -> None:
    store = database.store
    if load > GROWS_ABOVE:
        database.vcpu = min(store.most_vcpu, database.vcpu * GROWTH)
    elif load < SHRINKS_BELOW:
        database.vcpu = max(store.least_vcpu, database.vcpu * SHRINKING)


def _strike(webs: list[_Web], database: _Database | None, start: float, faults: Sequence[Fault]) -> None:
    """Faults that happen within this minute, as it begins."""
    for fault in faults:
        if not start <= fault.at < start + MINUTE:
            continue
        if isinstance(fault, LostTasks):
            for web in webs:
                lost = min(web.station.tasks - 1, math.ceil(web.station.tasks * fault.share))
                if lost:
                    web.station.lose(lost, start)
                    web.starting.append((fault.at + web.entrance.start_seconds, lost))
        elif isinstance(fault, Failover) and database is not None:
            np.maximum(database.station.free, fault.at + fault.seconds, out=database.station.free)


def _consume(work: _Work, arrived: float, now: float) -> None:
    """Messages as a fluid: what arrives less what the tasks do; the oldest waits as long as the backlog takes."""
    ready = sum(count for at, count in work.starting if at <= now)
    work.starting = [each for each in work.starting if each[0] > now]
    work.running += ready
    speed = work.running * work.backlog.concurrency / work.backlog.seconds
    work.waiting = max(0.0, work.waiting + arrived - speed * MINUTE)
    work.oldest = work.waiting / speed
    wanted, work.state = desired(
        work.policy, Observation(backlog=int(work.waiting), oldest_age_seconds=work.oldest), work.state, now
    )
    total = work.running + sum(count for _, count in work.starting)
    if wanted > total:
        work.starting.append((now + work.backlog.start_seconds, wanted - total))
    elif wanted < work.running:
        work.running = max(1, wanted)


def _counted(latencies: Floats) -> NDArray[np.int64]:
    places = np.log2(np.maximum(latencies, _LEAST_SECONDS) / _LEAST_SECONDS) * _BUCKETS_PER_OCTAVE
    return np.bincount(np.minimum(places.astype(np.int64), _BUCKETS - 1), minlength=_BUCKETS)


def _quantiles(latencies: Floats) -> tuple[float, float, float]:
    if latencies.size == 0:
        return math.nan, math.nan, math.nan
    p50, p95, p99 = np.quantile(latencies, (0.5, 0.95, 0.99))
    return float(p50), float(p95), float(p99)


def _connections(webs: list[_Web], database: _Database | None) -> int:
    return 0 if database is None else sum(web.station.tasks for web in webs) * database.store.pool

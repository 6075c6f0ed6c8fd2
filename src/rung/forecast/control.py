"""What moves capacity while a simulation runs: fleets of tasks, workers beside them, the database's size.

Fleets and workers see what their autoscaler would be shown, at the times it would look, and capacity that was
asked for serves when it has started. The rules themselves are pure functions in autoscaling.py.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from rung.forecast import kernel
from rung.forecast.autoscaling import Limits, Memory, PodAutoscaler, decide, limits_at, pod_metric, predicted
from rung.forecast.behaviour import Behaviour
from rung.forecast.draws import MINUTE
from rung.forecast.engine import Engine
from rung.forecast.kernel import Floats
from rung.forecast.system import Backlog, Entrance, Store
from rung.model.scaling import BacklogScaling, Observation, ScalingState, desired

#: The pod autoscaler looks so often.
POD_PERIOD = 15.0
#: A machine without pods is taken away after so long: `scale-down-unneeded-time` of the Cluster Autoscaler.
NODE_KEPT = 600.0
#: Aurora Serverless grows while its CPU is above this, and shrinks slowly below the other; by what share a minute.
#: No figure is published; "the rate grows with the capacity" (Aurora user guide) is read as half again a minute.
GROWS_ABOVE, SHRINKS_BELOW, GROWTH, SHRINKING = 0.7, 0.35, 1.5, 0.93
#: Seconds without a request until a cluster that may pause does, and until it answers again.
PAUSES_AFTER, RESUMES_IN = 300.0, 15.0


@dataclass(slots=True)
class Fleet:
    """The tasks of an entrance while it runs."""

    number: int
    entrance: Entrance
    engine: Engine
    behaviour: Behaviour
    busy_rate: float
    memory: Memory = field(default_factory=Memory)
    #: Tasks that are starting: (ready at, how many).
    starting: list[tuple[float, int]] = field(default_factory=list)
    #: Machines under pods, and when fewer of them were enough for the first time.
    nodes: int = 0
    nodes_idle_since: float = math.inf
    utilisation: float = 0.0
    #: The fewest tasks of the present minute.
    fewest: int = 0
    #: Seconds that tasks served until `_counted_at`: what their CPU is compared with.
    _served: float = 0.0
    _counted_at: float = 0.0
    _measured: tuple[float, float, float] = (0.0, 0.0, 0.0)
    _minute: tuple[float, float, float] = (0.0, 0.0, 0.0)

    def begin(self, now: float, rate: float) -> None:
        """As it stands when the simulation begins, with `rate` requests per second before that."""
        if self.entrance.function:
            # Those that the minute before would have left: under way at once, by Little's law, and some chance.
            busy = rate * self.entrance.share * self.behaviour.cpu_ms / 1_000 / speed_of(self.entrance.vcpu)
            there = min(self.entrance.limits.most, math.ceil(busy + 3 * math.sqrt(busy)))
            self.engine.warm(self.number, max(self.entrance.warm, there), now)
        self._counted_at, self.fewest = now, self.tasks
        if self.entrance.nodes is not None:
            self.nodes = self._nodes_for(self.tasks)
        self._measured = self._minute = (0.0, 0.0, 0.0)

    @property
    def tasks(self) -> int:
        """Those that take requests."""
        return self.engine.tasks(self.number)

    @property
    def wanted(self) -> int:
        """Those, and those that are starting."""
        return self.tasks + sum(count for _, count in self.starting)

    @property
    def by_pods(self) -> bool:
        """Whether its autoscaler looks every 15 seconds, else every minute."""
        return isinstance(self.entrance.scaling, PodAutoscaler)

    def next_ready(self) -> float:
        """When the next task that is starting will serve."""
        return min((at for at, _ in self.starting), default=math.inf)

    def start_ready(self, now: float) -> None:
        """Tasks that have started serve."""
        ready = sum(count for at, count in self.starting if at <= now)
        if ready:
            self.starting = [each for each in self.starting if each[0] > now]
            self._resize(min(self.tasks + ready, self.engine.tiers[self.number].most), now)

    def control(self, now: float) -> None:
        """What the policy makes of the CPU since it looked last."""
        metric = self._load_since(self._measured, now)
        self._measured = self._point(now)
        policy, tasks = self.entrance.scaling, self.wanted
        limits = self._limits(now)
        wanted = limits.clamp(tasks)
        if policy is not None:
            seen: float | None = metric
            if isinstance(policy, PodAutoscaler):
                unready = sum(count for _, count in self.starting)
                seen = pod_metric([metric] * self.tasks, target=policy.target, unready=unready,
                                  tolerance=policy.tolerance)  # fmt: skip
            wanted, self.memory = decide(policy, self.memory, now=now, metric=seen, tasks=tasks, limits=limits)
        if wanted > tasks:
            self.add(wanted - tasks, now)
        elif wanted < tasks:
            self._take_away(tasks - wanted, now)

    def end_minute(self, now: float) -> None:
        """The CPU of the last minute, and what happens once in a minute."""
        self.utilisation = self._load_since(self._minute, now)
        self._minute = self._point(now)
        self.fewest = self.tasks
        if self.entrance.function:
            self.engine.retire(self.number, now - 60 * self.behaviour.function_idle_minutes, self.entrance.warm)
        nodes = self.entrance.nodes
        if nodes is not None and self._nodes_for(self.wanted) < self.nodes:
            self.nodes_idle_since = min(self.nodes_idle_since, now)
            if now - self.nodes_idle_since >= NODE_KEPT:
                self.nodes, self.nodes_idle_since = self._nodes_for(self.wanted), math.inf
        else:
            self.nodes_idle_since = math.inf

    def add(self, count: int, now: float, delay: float = 0.0) -> None:
        """So many more tasks start; pods that find no room wait for a machine, as far as there may be more."""
        nodes, seconds = self.entrance.nodes, self.entrance.start_seconds + delay
        if nodes is None:
            self.starting.append((now + seconds, count))
            return
        placed = min(count, self.nodes * nodes.pods_each - self.wanted)
        if placed > 0:
            self.starting.append((now + seconds, placed))
        more = min(count - max(0, placed), nodes.most * nodes.pods_each - self.wanted)
        if more > 0:
            self.starting.append((now + seconds + nodes.start_seconds, more))
            self.nodes = max(self.nodes, self._nodes_for(self.wanted))

    def lose(self, count: int, now: float, *, machines: int = 0) -> None:
        """So many tasks are gone; as many start. A function's environments are not affected."""
        lost = min(self.tasks - 1, count)
        if lost <= 0 or self.entrance.function:
            return
        self._resize(self.tasks - lost, now)
        if self.entrance.nodes is not None:
            self.nodes = max(1, self.nodes - machines)
        self.add(lost, now)

    def _take_away(self, count: int, now: float) -> None:
        """Those that are only starting first."""
        kept: list[tuple[float, int]] = []
        for at, starting in sorted(self.starting):
            gone = min(count, starting)
            count -= gone
            if starting > gone:
                kept.append((at, starting - gone))
        self.starting = kept
        if count:
            self._resize(max(1, self.tasks - count), now)

    def _limits(self, now: float) -> Limits:
        entrance = self.entrance
        limits = limits_at(now / 3_600 % 24, entrance.limits, entrance.scheduled)
        if entrance.predictive is None:
            return limits
        busy = self.busy_rate * entrance.share * self.behaviour.cpu_ms / 1_000
        least = predicted(entrance.predictive, [busy * each for each in self.behaviour.day], now, entrance.vcpu)
        return Limits(least=min(limits.most, max(limits.least, least)), most=limits.most)

    def _nodes_for(self, pods: int) -> int:
        nodes = self.entrance.nodes
        if nodes is None:
            return 0
        return max(nodes.least, min(nodes.most, math.ceil(pods / nodes.pods_each)))

    def _resize(self, tasks: int, now: float) -> None:
        self._count_served(now)
        self.engine.resize(self.number, tasks, now)
        self.fewest = min(self.fewest, tasks)

    def _count_served(self, now: float) -> None:
        self._served += self.tasks * (now - self._counted_at)
        self._counted_at = now

    def _point(self, now: float) -> tuple[float, float, float]:
        """Seconds served, work that came, work that waits."""
        self._count_served(now)
        work = float(self.engine.section("work")[self.number])
        return self._served, work, float(self.engine.backlog(now)[self.number])

    def _load_since(self, before: tuple[float, float, float], now: float) -> float:
        """Busy time over capacity: the work that came, and what waited before less what waits now."""
        if self.entrance.function:
            return self.engine.busy_environments(self.number) / self.entrance.limits.most
        served, work, backlog = self._point(now)
        busy = work - before[1] + before[2] - backlog
        capacity = (served - before[0]) * self.engine.tiers[self.number].slots
        return min(1.0, max(0.0, busy / capacity)) if capacity > 0 else 0.0


@dataclass(slots=True)
class Database:
    """The database's size while it runs."""

    store: Store
    engine: Engine
    slots: int
    vcpu: float
    utilisation: float = 0.0
    idle_since: float = math.inf
    paused: bool = False
    _before: tuple[float, float, float] = (0.0, 0.0, 0.0)

    def begin(self, now: float) -> None:
        """As it stands when the simulation begins."""
        self._before = (now, 0.0, 0.0)
        self._apply()

    def end_minute(self, now: float, queries: int) -> None:
        """Its load in the last minute, what Aurora makes of it, and a pause after five quiet ones."""
        work, backlog = float(self.engine.section("work")[-1]), float(self.engine.backlog(now)[-1])
        busy = work - self._before[1] + self._before[2] - backlog
        self.utilisation = min(1.0, max(0.0, busy / (self.slots * max(1e-9, now - self._before[0]))))
        self._before = (now, work, backlog)
        if self.utilisation > GROWS_ABOVE:
            self.vcpu = min(self.store.most_vcpu, self.vcpu * GROWTH)
        elif self.utilisation < SHRINKS_BELOW:
            self.vcpu = max(self.store.least_vcpu, self.vcpu * SHRINKING)
        self._apply()
        if self.store.pauses:
            self._rest(now, queries)

    def _rest(self, now: float, queries: int) -> None:
        """A paused cluster answers its first query after it has resumed."""
        if queries:
            self.paused, self.idle_since = False, math.inf
            return
        self.idle_since = min(self.idle_since, now)
        self.paused = self.paused or now - self.idle_since >= PAUSES_AFTER
        if self.paused:
            self.engine.stop_store(now + RESUMES_IN)

    def _apply(self) -> None:
        self.engine.reals[kernel.STORE_SPEED] = self.vcpu / self.slots


@dataclass(slots=True)
class Crew:
    """A worker's tasks and its queue, as a fluid: messages come, so many are done in a minute."""

    backlog: Backlog
    waiting: float = 0.0
    oldest: float = 0.0
    starting: list[tuple[float, int]] = field(default_factory=list)
    running: int = 1
    memory: Memory = field(default_factory=Memory)
    state: ScalingState = field(default_factory=lambda: ScalingState(tasks=1))

    def __post_init__(self) -> None:
        self.running = self.backlog.limits.least
        self.state = ScalingState(tasks=self.running)

    @property
    def wanted(self) -> int:
        """Tasks that run and tasks that are starting."""
        return self.running + sum(count for _, count in self.starting)

    def consume(self, arrived: float, now: float) -> None:
        """A minute: what came less what the tasks did; the oldest waits as long as the rest takes."""
        ready = sum(count for at, count in self.starting if at <= now)
        self.starting = [each for each in self.starting if each[0] > now]
        self.running += ready
        speed = self.running * self.backlog.concurrency / self.backlog.seconds
        before = self.waiting
        self.waiting = max(0.0, self.waiting + arrived - speed * MINUTE)
        self.oldest = self.waiting / speed if speed else (self.oldest + MINUTE if before else 0.0)
        wanted = self._wanted(arrived, now)
        if wanted > self.wanted:
            self.starting.append((now + self.backlog.start_seconds, wanted - self.wanted))
        elif wanted < self.running:
            self.running = wanted

    def _wanted(self, arrived: float, now: float) -> int:
        backlog, tasks = self.backlog, self.wanted
        if backlog.scaling is not None:
            # A target-tracking policy sees the average of a task, KEDA the queue with what is under way.
            under_way = min(self.running * backlog.concurrency, arrived / MINUTE * backlog.seconds)
            pods = not hasattr(backlog.scaling, "in_cooldown")
            metric = self.waiting + under_way if pods else self.waiting / max(1, self.running)
            wanted, self.memory = decide(
                backlog.scaling, self.memory, now=now, metric=metric, tasks=tasks, limits=backlog.limits
            )
            return wanted if tasks or wanted or not self.waiting else 1
        policy = BacklogScaling(
            min_tasks=min(backlog.limits.least, backlog.limits.most), max_tasks=max(1, backlog.limits.most),
            acceptable_latency_seconds=backlog.acceptable_seconds or 30.0,
            processing_time_seconds=backlog.seconds, concurrency=backlog.concurrency,
        )  # fmt: skip
        seen = Observation(backlog=int(self.waiting), oldest_age_seconds=self.oldest)
        wanted, self.state = desired(policy, seen, self.state, now)
        return wanted


def slots_of(vcpu: float) -> int:
    """A task of less than one vCPU has one slot, one of more a slot for each."""
    return max(1, math.floor(vcpu + 1e-9))


def speed_of(vcpu: float) -> float:
    """How fast one slot is: a task of half a vCPU has one slot at half speed, one of 2 vCPU two at full."""
    return vcpu / slots_of(vcpu)


def percentiles(histogram: np.ndarray, latency_of: Floats) -> tuple[float, float, float]:
    """p50, p95 and p99 of one minute's histogram; nan when nothing was answered."""
    total = int(histogram.sum())
    if total == 0:
        return math.nan, math.nan, math.nan
    places = np.searchsorted(np.cumsum(histogram), np.array((0.5, 0.95, 0.99)) * total)
    p50, p95, p99 = latency_of[places]
    return float(p50), float(p95), float(p99)

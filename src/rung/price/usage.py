"""From traffic to a month's quantities: requests, messages, bytes, hours, each with its derivation. Pure.

A month has 730 hours. The workload's traffic is the busy hour of an ordinary day; the curve of the day and the
spikes are assumptions (assumptions.py). Every quantity says how it came about, so that a reader can object.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from rung.model.environments import Figure
from rung.model.graph import Graph
from rung.model.nodes import Queue, Service, Worker
from rung.model.shares import service_shares
from rung.price.assumptions import Assumptions
from rung.price.book import HOURS_PER_MONTH

SECONDS_PER_MONTH = HOURS_PER_MONTH * 3_600
KIB_PER_GIB = 1_048_576.0
#: The answer "not modified": a few headers.
UNCHANGED_KIB = 0.3


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    """An amount in a month, its unit, and how it was derived.

    `hours`: how much of it falls into each hour of an ordinary day; empty where that is not known.
    """

    value: float
    unit: str
    because: str
    hours: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What one environment's visitors cause. Rates per second at the busy hour; the rest in a month."""

    assumptions: Assumptions
    users: float
    busy_rate: float
    peak_rate: float
    writes: float
    requests: Quantity
    messages: tuple[tuple[str, float], ...]
    shares: tuple[tuple[str, float], ...] = ()

    def share_of(self, service: str) -> float:
        """The share of all requests that one service answers; of what is no service, all of them."""
        return dict(self.shares).get(service, 1.0)

    def rate_at(self, hour: int) -> float:
        """Requests per second in one hour of an ordinary day."""
        return self.busy_rate * self.assumptions.day[hour % 24]

    def gib(self, kib_each: float) -> float:
        """GiB in a month when every request moves `kib_each`."""
        return self.requests.value * kib_each / KIB_PER_GIB

    @property
    def visits(self) -> float:
        """Sessions in a month: each starts with one load of the site."""
        return self.requests.value / max(1.0, self.assumptions.session_requests)

    def site_requests(self) -> Quantity:
        """Requests for files of the site. A browser that knows them asks for each whether it has changed."""
        given = self.assumptions
        because = (
            f"{self.visits:,.0f} visits of {given.session_requests:g} requests, {given.site_files:g} files each"
        )
        return Quantity(value=self.visits * given.site_files, unit="request", because=because)

    def site_gib(self) -> Quantity:
        """GiB of site files in a month: whole ones to new visitors, a few headers to those who have them."""
        given = self.assumptions
        known = given.known_visitors
        each = (1 - known) * given.site_kib + known * given.site_files * UNCHANGED_KIB
        because = (
            f"{given.site_kib:g} KiB of site for {1 - known:.0%} of {self.visits:,.0f} visits, "
            f'"not modified" for the others'
        )
        return Quantity(value=self.visits * each / KIB_PER_GIB, unit="GiB", because=because)

    def messages_per_month(self, queue: str) -> float:
        """Messages that are sent to one queue."""
        rate = dict(self.messages).get(queue, 0.0)
        return rate * self.assumptions.average_of_day() * SECONDS_PER_MONTH

    def task_hours(self, vcpu: float, minimum: int, maximum: int, share: float = 1.0) -> Quantity:
        """Task-hours of a service that scales on CPU between `minimum` and `maximum` over the day, with spikes."""
        each = self._requests_of_one(vcpu)
        hours = [tasks_for(self.rate_at(hour) * share, each, minimum, maximum) for hour in range(24)]
        days = HOURS_PER_MONTH / 24
        # A spike is paid for until the scale-in, a quarter of an hour after it.
        spike = self.spike_tasks(vcpu, minimum, maximum, share)
        value = sum(hours) * days + self.assumptions.spikes_per_month * spike * 0.5
        because = (
            f"{min(hours)} to {max(hours)} tasks over the day: {each:,.0f} requests/s a task at "
            f"{self.assumptions.cpu_target:.0%} of {vcpu:g} vCPU, {self.assumptions.cpu_ms:g} ms each"
        )
        running = tuple(float(tasks) for tasks in hours)
        return Quantity(value=value, unit="task-hour", because=because, hours=running)

    def spike_tasks(self, vcpu: float, minimum: int, maximum: int, share: float = 1.0) -> int:
        """Tasks that a spike needs beyond those of the busy hour."""
        each = self._requests_of_one(vcpu)
        peak, busy = (rate * share for rate in (self.peak_rate, self.busy_rate))
        return tasks_for(peak, each, minimum, maximum) - tasks_for(busy, each, minimum, maximum)

    def _requests_of_one(self, vcpu: float) -> float:
        return vcpu * 1_000 / self.assumptions.cpu_ms * self.assumptions.cpu_target

    def acu_hours(self, minimum: float, maximum: float) -> Quantity:
        """Aurora capacity unit hours of the writer over the day, in steps of half a unit."""
        share, per_acu = self.assumptions.database_share, self.assumptions.requests_per_acu
        hours = [
            min(maximum, max(minimum, math.ceil(2 * self.rate_at(hour) * share / per_acu) / 2))
            for hour in range(24)
        ]
        because = (
            f"{min(hours):g} to {max(hours):g} ACU over the day: {share:.0%} of requests reach the database, "
            f"{per_acu:g}/s on one ACU"
        )
        return Quantity(value=sum(hours) * HOURS_PER_MONTH / 24, unit="ACU-hour", because=because)


def usage_of(
    graph: Graph, *, production: bool, assumptions: Assumptions | None = None, figures: Sequence[Figure] = ()
) -> Usage:
    """What the visitors of one environment cause in a month. A workload without traffic causes nothing.

    `figures` of the environment replace the requests of the month (every rate follows) and a queue's messages.
    """
    given = assumptions or Assumptions()
    traffic = graph.traffic
    share = 1.0 if production else given.nonproduction_traffic
    rate = 0.0 if traffic is None else traffic.requests_per_second() * share
    peak = 1.0 if traffic is None or not production else traffic.peak
    spike_seconds = 0.0 if traffic is None else traffic.peak_seconds * given.spikes_per_month
    ordinary = rate * given.average_of_day() * SECONDS_PER_MONTH
    spikes = rate * (peak - 1) * spike_seconds
    because = f"{rate:,.4g} requests/s at the busy hour, {given.average_of_day():.0%} of that over the day"
    if spikes:
        because += f", {given.spikes_per_month:g} spikes of {peak:g}x"
    derived = Usage(
        assumptions=given,
        users=0.0 if traffic is None else traffic.concurrent_users * share,
        busy_rate=rate,
        peak_rate=rate * peak,
        writes=0.0 if traffic is None else 1 - traffic.reads,
        requests=Quantity(value=ordinary + spikes, unit="request", because=because),
        messages=tuple((queue.name, _message_rate(graph, queue, rate, share)) for queue in graph.of(Queue)),
        shares=tuple(service_shares(graph).items()),
    )
    return _with_figures(derived, figures)


def _with_figures(derived: Usage, figures: Sequence[Figure]) -> Usage:
    """The requests of the month and the messages of queues as they are given."""
    of_month = derived.assumptions.average_of_day() * SECONDS_PER_MONTH
    requests = next((each.value for each in figures if each.of is None and each.name == "requests"), None)
    messages = {each.of: each.value / of_month for each in figures if each.name == "messages"}
    if requests is not None:
        value = derived.requests.value
        factor = requests / value if value else 0.0
        rate = derived.busy_rate * factor if value else requests / of_month
        because = f"given in the workload file; derived {value:,.0f}: {derived.requests.because}"
        derived = replace(
            derived, users=derived.users * factor, busy_rate=rate, peak_rate=derived.peak_rate * factor or rate,
            requests=Quantity(value=requests, unit="request", because=because),
            messages=tuple((name, each * factor) for name, each in derived.messages),
        )  # fmt: skip
    return replace(derived, messages=tuple((name, messages.get(name, each)) for name, each in derived.messages))


def tasks_for(rate: float, rate_of_one: float, minimum: int, maximum: int) -> int:
    """The tasks that serve `rate`, within their limits."""
    return max(minimum, min(maximum, math.ceil(rate / rate_of_one - 1e-9)))


def _message_rate(graph: Graph, queue: Queue, rate: float, share: float) -> float:
    """Messages per second: what the workload says, or one for every write of a service that sends to it."""
    traffic = graph.traffic
    if traffic is None:
        return 0.0
    declared = {each.queue: each.messages_per_second for each in traffic.messages}
    if queue.name in declared:
        return declared[queue.name] * share
    senders = {edge.source for edge in graph.edges_to(queue.name, "send")}
    served = any(isinstance(graph.by_name.get(name), Service) for name in senders)
    relayed = any(isinstance(graph.by_name.get(name), Worker) for name in senders)
    return rate * (1 - traffic.reads) * (served + relayed)

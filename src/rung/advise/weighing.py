"""One rung in dollars a month: the bill, people's time, what outages lose, what spikes lose. And what it breaks.

Limits come first: a promise that cannot be kept, a law, more load than it can carry, hours that nobody has, a
budget. Only rungs that break none compete on dollars.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from rung.advise.capacity import Capacity, capacity_of, lost_in_spike, p99_seconds
from rung.advise.facts import Situation
from rung.advise.judgement import Judgement
from rung.advise.lean import Trim
from rung.advise.outages import (
    Outage,
    best_promise,
    hours_down,
    longest,
    minutes_allowed,
    outages_of,
)
from rung.advise.people import Effort, efforts_of, hours_of
from rung.errors import Finding
from rung.model.graph import Graph
from rung.parts.compute import Host
from rung.parts.design import Design
from rung.price.assumptions import Assumptions
from rung.price.bill import Bill

#: What keeps data and visitors on one machine cannot be certified: PCI DSS 4.0, requirement 1.4.4, wants stored
#: card data away from systems that untrusted networks reach; the others ask for the same separation.
SEPARATING = frozenset({"pci", "hipaa", "soc2", "iso27001"})
Kind = Literal["placing", "promise", "compliance", "load", "speed", "hours", "budget"]
#: What is given up first when no rung keeps every limit: money is a plan, physics and law are not.
SOFTEST_FIRST: tuple[Kind, ...] = ("budget", "hours", "speed", "promise", "load", "compliance", "placing")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """A limit that a rung breaks: which, and the numbers. `found` against `allowed`, in words that hold both."""

    kind: Kind
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """A rung, weighed. Dollars and hours are of a month. A rung that cannot hold the workload has no design.

    `bill_usd` is the total of `bill`, added up once: options are compared thousands of times.
    """

    rung: str
    design: Design | None = None
    trims: tuple[Trim, ...] = ()
    bill: Bill | None = None
    bill_usd: float = math.inf
    efforts: tuple[Effort, ...] = ()
    outages: tuple[Outage, ...] = ()
    capacity: Capacity | None = None
    p99_seconds: float | None = None
    lost_share: float = 0.0
    hour_usd: float = 0.0
    downtime_hour_usd: float = 0.0
    revenue_usd: float = 0.0
    limits: tuple[Limit, ...] = ()
    refusals: tuple[Finding, ...] = field(default=())

    @property
    def hours(self) -> float:
        """What people spend on it."""
        return hours_of(self.efforts)

    @property
    def people_usd(self) -> float:
        """What their time costs."""
        return self.hours * self.hour_usd

    @property
    def outage_usd(self) -> float:
        """What outages are expected to lose."""
        return hours_down(self.outages) * self.downtime_hour_usd

    @property
    def spike_usd(self) -> float:
        """What requests that are refused in spikes are worth: their share of the revenue."""
        return self.lost_share * self.revenue_usd

    @property
    def total_usd(self) -> float:
        """The one number by which rungs are compared."""
        return self.bill_usd + self.people_usd + self.outage_usd + self.spike_usd

    @property
    def possible(self) -> bool:
        """Whether it breaks no limit."""
        return self.design is not None and not self.limits


def weigh(
    graph: Graph, design: Design, bill: Bill, situation: Situation, assumptions: Assumptions, judgement: Judgement
) -> Option:
    """One design, weighed."""
    outages = outages_of(design, situation, judgement)
    efforts = efforts_of(design, outages, situation, judgement)
    capacity = capacity_of(graph, design, assumptions, judgement)
    rate = bill.usage.busy_rate
    p99 = p99_seconds(capacity, rate, assumptions, judgement) if rate else None
    option = Option(
        rung=design.rung, design=design, bill=bill, bill_usd=bill.total, efforts=efforts, outages=outages,
        capacity=capacity,
        p99_seconds=p99, lost_share=_lost_share(graph, bill, capacity), hour_usd=situation.hour_usd,
        downtime_hour_usd=situation.downtime_hour_usd,
        revenue_usd=(situation.revenue_usd or 0.0) if situation.production else 0.0,
    )  # fmt: skip
    return with_limits(option, situation)


def with_limits(option: Option, situation: Situation) -> Option:
    """The option with the limits that it breaks in a situation."""
    from dataclasses import replace

    return replace(option, limits=tuple(limits_of(option, situation)))


def limits_of(option: Option, situation: Situation) -> Iterator[Limit]:
    """Every limit that a rung breaks."""
    yield from _promise(option, situation)
    yield from _compliance(option, situation)
    yield from _load(option)
    yield from _speed(option, situation)
    if situation.production and situation.hours_available is not None and option.hours > situation.hours_available:
        text = f"it takes {option.hours:.1f} hours a month, {situation.hours_available:g} are there"
        yield Limit(kind="hours", text=text)
    if situation.budget_usd is not None and option.bill_usd > situation.budget_usd:
        yield Limit(
            kind="budget", text=f"${option.bill_usd:,.0f} a month, ${situation.budget_usd:,.0f} are planned"
        )


def _promise(option: Option, situation: Situation) -> Iterator[Limit]:
    promised = situation.availability
    if promised is not None and best_promise(option.outages) < promised:
        worst = longest(option.outages)
        text = (
            f"{worst.what}: {_minutes(worst.minutes)}; {percent(promised)} allow "
            f"{_minutes(minutes_allowed(promised))} in a month"
        )
        yield Limit(kind="promise", text=text)


def _compliance(option: Option, situation: Situation) -> Iterator[Limit]:
    regimes = [name for name in situation.compliance if name in SEPARATING]
    if situation.production and regimes and option.design is not None and option.design.of(Host):
        text = f"{', '.join(regimes)}: data and visitors meet on one machine (PCI DSS 4.0, 1.4.4, and its like)"
        yield Limit(kind="compliance", text=text)


def _load(option: Option) -> Iterator[Limit]:
    if option.capacity is None or option.bill is None:
        return
    most, binds = option.capacity.most()
    rate = option.bill.usage.busy_rate
    if rate > most:
        text = f"{rate:,.0f} requests/s at the busy hour; {binds} ends at {most:,.0f}"
        yield Limit(kind="load", text=text)
    arriving = dict(option.bill.usage.messages)
    for worker, queue, handled in option.capacity.workers:
        if arriving.get(queue, 0.0) > handled:
            text = f"{arriving[queue]:,.0f} messages/s in {queue}; {worker} ends at {handled:,.0f}"
            yield Limit(kind="load", text=text)


def _speed(option: Option, situation: Situation) -> Iterator[Limit]:
    wanted, found = situation.p99_seconds, option.p99_seconds
    if wanted is not None and found is not None and math.isfinite(found) and found > wanted:
        text = f"p99 {found * 1_000:,.0f} ms at the busy hour, {wanted * 1_000:,.0f} ms are promised"
        yield Limit(kind="speed", text=text)


def _lost_share(graph: Graph, bill: Bill, capacity: Capacity) -> float:
    """The share of a month's requests that its spikes lose."""
    traffic, usage = graph.traffic, bill.usage
    if traffic is None or not usage.requests.value or usage.peak_rate <= usage.busy_rate:
        return 0.0
    lost = lost_in_spike(capacity, usage.busy_rate, usage.peak_rate, traffic.peak_seconds)
    return min(1.0, usage.assumptions.spikes_per_month * lost / usage.requests.value)


def percent(share: float) -> str:
    """A share as people write an availability: `99.95 %`."""
    return f"{share * 100:.5g} %"


def _minutes(value: float) -> str:
    return f"{value:,.0f} min" if value >= 10 else f"{value:.1f} min"

"""When would the answer change? Found by bisection over real placing, pricing and capacity. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from rung.advise.comparing import HERE, Comparison, World
from rung.advise.facts import Situation
from rung.advise.weighing import Option

#: How far a change is looked for, and how exactly its place is found.
_STEPS = (2.0, 6.0, 32.0)
_EXACT = 0.06
#: A rung that costs more times than this has no break-even worth a search; nor has one that breaks a promise.
FAR, MONEY = 1.5, frozenset({"budget", "hours"})
Axis = Literal["traffic", "revenue"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """A change of the business that changes the answer.

    `factor` times today's traffic (revenue grows with it) or revenue alone: from there on `to` is best, because of
    `because`. `users` and `revenue_usd` are what it is then; `months` until then at the growth that was given.
    """

    axis: Axis
    up: bool
    factor: float
    to: str
    because: str
    users: int | None
    revenue_usd: float | None
    months: float | None


def triggers_of(comparison: Comparison, best: Option) -> tuple[Trigger, ...]:
    """The nearest change in each direction of traffic and of revenue."""
    return tuple(_found(comparison, best))


def _found(comparison: Comparison, best: Option) -> Iterator[Trigger]:
    situation, traffic = comparison.situation(), comparison.graph.traffic
    axes: list[Axis] = []
    if traffic is not None:
        axes.append("traffic")
    if situation.revenue_usd and situation.production:
        axes.append("revenue")
    for axis in axes:
        for up in (True, False):
            factor = _change(comparison, best.rung, axis, up=up)
            if factor is not None:
                yield _trigger(comparison, best.rung, axis, factor, situation)


def world_at(axis: Axis, factor: float) -> World:
    """The world at a point of an axis: more visitors bring more revenue; revenue alone brings nobody."""
    return World(traffic=factor, revenue=factor) if axis == "traffic" else World(revenue=factor)


def _change(comparison: Comparison, rung: str, axis: Axis, *, up: bool) -> float | None:
    """The least factor (or the largest below one) at which another rung is best, None within the reach."""
    near = 1.0
    for step in _STEPS:
        far = step if up else 1 / step
        rival = comparison.better_than(rung, world_at(axis, far))
        if rival is not None:
            return _bisected(comparison, rung, axis, near, far, rival)
        near = far
    return None


def _bisected(comparison: Comparison, rung: str, axis: Axis, near: float, far: float, rival: str) -> float:
    """What was better at `far` is most likely what is better nearer: it is asked first."""
    while abs(math.log(far / near)) > _EXACT:
        middle = math.sqrt(near * far)
        better = comparison.better_than(rung, world_at(axis, middle), likely=rival)
        if better is None:
            near = middle
        else:
            far, rival = middle, better
    return far


def _trigger(comparison: Comparison, rung: str, axis: Axis, factor: float, situation: Situation) -> Trigger:
    world = world_at(axis, factor)
    winner, loser = comparison.best(world), comparison.option(rung, world)
    traffic, revenue = comparison.graph.traffic, situation.revenue_usd
    users = None if traffic is None else max(1, round(traffic.concurrent_users * world.traffic))
    return Trigger(
        axis=axis, up=factor > 1, factor=factor, to=winner.rung, because=because(winner, loser),
        users=users, revenue_usd=None if revenue is None else revenue * world.revenue,
        months=_months(situation.growth, factor),
    )  # fmt: skip


def because(winner: Option, loser: Option) -> str:
    """Why one rung is better than another, in the number that decides."""
    kept = {limit.kind for limit in winner.limits}
    broken = [limit for limit in loser.limits if limit.kind not in kept]
    if broken:
        return broken[0].text
    name, difference = largest_difference(winner, loser)
    more = loser.total_usd - winner.total_usd
    return f"{loser.rung} costs ${more:,.0f} more in all, ${difference:,.0f} more {name}"


def largest_difference(winner: Option, loser: Option) -> tuple[str, float]:
    """What makes most of the difference between two rungs, and how many dollars a month."""
    terms = {
        "on the bill": loser.bill_usd - winner.bill_usd,
        "for people's time": loser.people_usd - winner.people_usd,
        "for outages": loser.outage_usd - winner.outage_usd,
        "for spikes": loser.spike_usd - winner.spike_usd,
    }
    return max(terms.items(), key=lambda term: term[1])


def break_even(comparison: Comparison, best: Option, other: Option) -> Trigger | None:
    """The nearest traffic, up or down, at which `other` costs no more than `best`, both without new limits."""
    near = other.total_usd < FAR * best.total_usd and {each.kind for each in other.limits} <= MONEY
    if other.design is None or comparison.graph.traffic is None or not near:
        return None
    found = [
        factor
        for up in (True, False)
        if (factor := _crossing(comparison, best.rung, other.rung, up=up)) is not None
    ]
    if not found:
        return None
    nearest = min(found, key=lambda factor: abs(math.log(factor)))
    trigger = _trigger(comparison, best.rung, "traffic", nearest, comparison.situation())
    return Trigger(
        axis="traffic", up=nearest > 1, factor=nearest, to=other.rung, because="the same dollars a month",
        users=trigger.users, revenue_usd=trigger.revenue_usd, months=trigger.months,
    )  # fmt: skip


def _crossing(comparison: Comparison, best: str, other: str, *, up: bool) -> float | None:
    near = 1.0
    for step in _STEPS:
        far = step if up else 1 / step
        if _no_dearer(comparison, best, other, far):
            while abs(math.log(far / near)) > _EXACT:
                middle = math.sqrt(near * far)
                if _no_dearer(comparison, best, other, middle):
                    far = middle
                else:
                    near = middle
            return far
        near = far
    return None


def _no_dearer(comparison: Comparison, best: str, other: str, factor: float) -> bool:
    world = world_at("traffic", factor) if factor != 1.0 else HERE
    return comparison.option(other, world).total_usd <= comparison.option(best, world).total_usd


def _months(growth: float | None, factor: float) -> float | None:
    if not growth or factor <= 1:
        return None
    return math.log(factor) / math.log(1 + growth)

"""What is known of the business in one environment, what is assumed instead, and which is which. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from rung.advise.judgement import Judgement
from rung.model.environments import PRODUCTION_NAMES
from rung.model.graph import Graph
from rung.model.nodes import Business, Environment
from rung.price.book import HOURS_PER_MONTH

Origin = Literal["given", "measured", "assumed", "unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One thing that the choice rests on. `value` is text for people; `why` says where it comes from."""

    name: str
    value: str
    origin: Origin
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """The business as the choice sees it: US dollars a month, hours a month, shares of one.

    `downtime_hour_usd` is what an hour of outage costs. None: nobody said, and nothing is assumed in its place.
    `rota`: enough people for somebody to be on call at any hour.
    """

    production: bool
    budget_usd: float | None
    revenue_usd: float | None
    hours_available: float | None
    hour_usd: float
    downtime_hour_usd: float
    engineers: int | None
    rota: bool
    growth: float | None
    customers: int
    compliance: tuple[str, ...]
    kubernetes: bool
    availability: float | None
    p99_seconds: float | None


#: People for a rota: with fewer, nights and holidays have nobody.
ROTA = 3


def situation_of(
    graph: Graph, environment: str, judgement: Judgement, *, revenue_factor: float = 1.0
) -> Situation:
    """The situation of one environment. A copy of production earns nothing and promises nothing."""
    business, objectives = graph.business or Business(), graph.objectives
    production = is_production(graph, environment)
    revenue = None if business.monthly_revenue_usd is None else business.monthly_revenue_usd * revenue_factor
    downtime = business.downtime_hour_usd
    if downtime is None:
        downtime = (revenue or 0.0) / HOURS_PER_MONTH * judgement.downtime_factor
    return Situation(
        production=production, budget_usd=business.monthly_budget_usd, revenue_usd=revenue,
        hours_available=business.operations_hours,
        hour_usd=business.engineer_hour_usd
        if business.engineer_hour_usd is not None
        else judgement.engineer_hour_usd,
        downtime_hour_usd=downtime if production else 0.0, engineers=business.engineers,
        rota=(business.engineers or 0) >= ROTA, growth=business.growth,
        customers=business.customers or 0, compliance=business.compliance,
        kubernetes=business.platform == "kubernetes",
        availability=objectives.availability if objectives and production else None,
        p99_seconds=objectives.p99_seconds if objectives and production else None,
    )  # fmt: skip


def is_production(graph: Graph, environment: str) -> bool:
    """Whether customers depend on the environment."""
    node = next((each for each in graph.of(Environment) if each.name == environment), None)
    return environment in PRODUCTION_NAMES if node is None else node.production


def facts_of(graph: Graph, situation: Situation, judgement: Judgement) -> tuple[Fact, ...]:
    """The facts of the business, in the order in which a reader asks for them."""
    business = graph.business or Business()
    said = "the workload file"
    found = [
        _money("revenue a month", situation.revenue_usd, said, "without it an outage costs nothing: say it"),
        _money("budget a month", situation.budget_usd, said, "no limit is applied"),
        _fact("engineers", business.engineers, said, "fewer than three are taken for: nobody is on call at night"),
        _fact("hours a month to run it", business.operations_hours, said, "no limit is applied"),
        _chosen(
            "an engineer's hour", business.engineer_hour_usd, situation.hour_usd, judgement, "engineer_hour_usd"
        ),
        _chosen(
            "an hour of outage",
            business.downtime_hour_usd,
            situation.downtime_hour_usd,
            judgement,
            "downtime_factor",
        ),
        _fact(
            "growth a month", None if business.growth is None else f"{business.growth:.0%}", said, "no dates given"
        ),
        _fact("compliance", ", ".join(business.compliance) or None, said, "none is asked for"),
    ]
    return tuple(found)


def _money(name: str, value: float | None, said: str, otherwise: str) -> Fact:
    return _fact(name, None if value is None else f"${value:,.0f}", said, otherwise)


def _fact(name: str, value: object, said: str, otherwise: str) -> Fact:
    if value is None:
        return Fact(name=name, value="not said", origin="unknown", why=otherwise)
    return Fact(name=name, value=str(value), origin="given", why=said)


def _chosen(name: str, said: float | None, used: float, judgement: Judgement, assumption: str) -> Fact:
    """A value in dollars that the workload file says, or that follows from an assumption."""
    if said is not None:
        return Fact(name=name, value=f"${said:,.0f}", origin="given", why="the workload file")
    from rung.model.assumed import described

    why = next(why for each, _, _, why in described(judgement) if each == assumption)
    origin: Origin = "given" if judgement.basis_of(assumption) == "given" else "assumed"
    return Fact(name=name, value=f"${used:,.2f}", origin=origin, why=why)

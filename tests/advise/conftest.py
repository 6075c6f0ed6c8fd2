"""Labelled workloads, the shop, and the advice on them: weighed once for a test session."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from rung import Business, Objectives, Traffic, Workload
from rung.advise import Advised, advise
from rung.model.graph import Graph
from rung.model.read import load_workload

LABELLED = Path(__file__).parent / "labelled"
SHOP = Path(__file__).parents[2] / "workloads" / "shop" / "workload.py"


@dataclass(frozen=True)
class Case:
    """A labelled workload."""

    name: str
    environment: str
    rung: str
    defensible: tuple[str, ...]
    graph: Graph


@cache
def labelled() -> tuple[Case, ...]:
    """Every labelled workload, by name."""
    found = []
    for file in sorted(LABELLED.glob("*/label.json")):
        label = json.loads(file.read_text(encoding="utf-8"))
        found.append(
            Case(
                name=file.parent.name, environment=label["environment"], rung=label["rung"],
                defensible=tuple(label["defensible"]), graph=load_workload(file.parent / "workload.py"),
            )
        )  # fmt: skip
    return tuple(found)


@cache
def shallow(name: str) -> Advised:
    """The recommendation for a labelled workload, without triggers and parts."""
    case = next(each for each in labelled() if each.name == name)
    return advise(case.graph, case.environment, deep=False)


@pytest.fixture(scope="session")
def shop() -> Graph:
    return load_workload(SHOP)


def small(
    *, users: int = 100, revenue: float | None = 3_000, engineers: int = 2, availability: str | None = "99.5%",
    budget: float | None = None, rung: str | None = None, hours: float | None = None, customers: int | None = None,
    compliance: tuple[str, ...] = (), think_time: str = "10s", p99: str | None = None,
) -> Graph:  # fmt: skip
    """A service with a database: every rung holds it."""
    work = Workload("tea")
    db = work.postgres("db")
    api = work.service("api", app="tea.api:app", health="/health", min_tasks=2, uses=[db])
    work.route("/*", api)
    work.traffic(Traffic(concurrent_users=users, think_time=think_time, peak=2))
    work.objectives(Objectives(availability=availability, p99=p99))
    work.business(
        Business(
            monthly_budget_usd=budget, monthly_revenue_usd=revenue, engineers=engineers, operations_hours=hours,
            customers=customers, compliance=compliance,
        )
    )  # fmt: skip
    work.environment("prod", rung=rung)
    work.notify("email:me@example.com")
    return work.freeze()

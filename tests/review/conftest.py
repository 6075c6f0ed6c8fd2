"""A workload that a reviewer has nothing to say about, each line of which a test may write otherwise."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

import pytest

from rung import load_workload
from rung.model.graph import Graph
from rung.parts.design import Design, Part
from rung.price.bill import bill, lines_of
from rung.price.book import PriceBook, shipped_book
from rung.price.charging import Charging
from rung.review import Advice, review
from rung.rungs import place

LINES: Mapping[str, str] = MappingProxyType({
    "workload": 'w = Workload("atlas", repository="example/atlas")',
    "db": 'db = w.postgres("db", max_connections=400)',
    "extra": "",
    "api": 'api = w.service("api", app="atlas.api:app", health="/health", uses=[db], min_tasks=2)',
    "more": "",
    "routes": 'w.route("/*", api)',
    "traffic": 'w.traffic(Traffic(concurrent_users=200, think_time="10s", peak=3))',
    "objectives": 'w.objectives(Objectives(availability="99.9%", p99="300ms"))',
    "business": "w.business(Business(monthly_budget_usd=1_000, monthly_revenue_usd=20_000, engineers=4))",
    "notify": 'w.notify("pagerduty:integration-key")',
    "staging": 'w.environment("staging", rung={rung!r}, scale=0.5{staging})',
    "prod": 'w.environment("prod", rung={rung!r}, domain="atlas.example.com", zone="example.com"{prod})',
})  # fmt: skip


@pytest.fixture(scope="session")
def book() -> PriceBook:
    return shipped_book()


@pytest.fixture
def written(tmp_path: Path) -> Callable[..., Graph]:
    """The workload file with some lines written otherwise, as it is read."""

    def write(*, rung: str = "fargate", in_prod: str = "", in_staging: str = "", **lines: str) -> Graph:
        texts = {**LINES, **lines}
        texts["prod"] = texts["prod"].format(rung=rung, prod=in_prod and f", {in_prod}")
        texts["staging"] = texts["staging"].format(
            rung="fargate" if rung == "box" and "staging" not in lines else rung,
            staging=(in_staging and f", {in_staging}") + ("" if rung in ("host", "serverless") else OFFICE),
        )
        file = tmp_path / "workload.py"
        head = "from rung import Business, Objectives, OfficeHours, Traffic, Workload, rls"
        file.write_text("\n".join((head, *texts.values())) + "\n")
        return load_workload(file)

    return write


OFFICE = ", office_hours=OfficeHours()"


def priced(design: Design, graph: Graph, book: PriceBook) -> Callable[[Part], float]:
    """What a part costs, by the shipped book."""
    charging = Charging(book=book, design=design, usage=bill(design, graph, book).usage)
    return lambda part: sum(line.usd for line in lines_of(part, charging))


def reviewed(graph: Graph, environment: str, book: PriceBook, rung: str | None = None) -> tuple[Advice, ...]:
    """The review of one environment, priced part by part."""
    design = place(graph, environment, rung=rung)
    return review(graph, design, monthly_dollars=priced(design, graph, book))

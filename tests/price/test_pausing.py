"""A database that may pause is paid for while it is awake: by chance visits, by messages, by the clock."""

from __future__ import annotations

import math
from typing import Any

import pytest

from rung import Traffic, Workload
from rung.model.graph import Graph
from rung.parts.data import AuroraCluster, TablePart
from rung.parts.design import Design
from rung.price.assumptions import Assumptions
from rung.price.bill import bill
from rung.price.book import PriceBook
from rung.price.charging import Charging
from rung.price.pausing import awake_share
from rung.price.usage import usage_of
from rung.rungs import place

STEADY = Assumptions(day=(1.0,) * 24, spikes_per_month=0.0, database_share=1.0, nonproduction_traffic=1.0)
#: Five minutes of Aurora's and ten of an idle environment.
SPAN = 900


def quiet(every: str | None = None, users: int = 0, think_time: str = "1000s") -> tuple[Graph, Design]:
    work = Workload("tea")
    db = work.postgres("db")
    work.route("/*", work.service("api", app="tea.api:app", health="/health", uses=[db]))
    if every:
        work.schedule("tidy", every=every, handler="tea.tidy:run", uses=[db])
    work.traffic(Traffic(concurrent_users=users, think_time=think_time))
    work.environment("dev", rung="serverless")
    graph = work.freeze()
    return graph, place(graph, "dev")


def share(book: PriceBook, **workload: Any) -> float:
    graph, design = quiet(**workload)
    (part,) = design.of(AuroraCluster)
    return awake_share(
        part, Charging(book=book, design=design, usage=usage_of(graph, production=False, assumptions=STEADY))
    )


def test_nobody_comes_and_it_sleeps(book: PriceBook) -> None:
    assert share(book) == 0.0


def test_visits_by_chance_wake_it(book: PriceBook) -> None:
    """One request in 1,000 s: exp(-0.9) of the spans of 15 minutes are empty."""
    assert share(book, users=1) == pytest.approx(1 - math.exp(-SPAN / 1_000))
    assert share(book, users=20) > 0.99


def test_a_schedule_wakes_it_for_its_span_and_one_each_minute_always(book: PriceBook) -> None:
    assert share(book, every="6 hours") == pytest.approx(SPAN / 21_600)
    assert share(book, every="1 minute") == 1.0


def test_what_sleeps_is_not_billed(book: PriceBook) -> None:
    """One visit in 1,000 s needs half a unit for 59 % of 730 hours, at 0.14 in Ireland."""
    graph, design = quiet(users=1)
    (line,) = [line for line in bill(design, graph, book, STEADY).lines if line.item == "capacity units"]
    assert line.usd == pytest.approx(0.5 * 730 * (1 - math.exp(-0.9)) * 0.14)
    assert "awake 59%" in line.because


def test_capacity_that_is_kept_for_a_table_is_paid_hour_by_hour(book: PriceBook) -> None:
    """us-east-1, 70 reads and 7 writes a second: 100 RCU and 10 WCU at 70 %; 0.00013 and 0.00065 an hour."""
    part = TablePart(name="cups", node="@workload", partition_key="id", billing="provisioned")
    design = Design(
        workload="tea", rung="serverless", environment="prod", production=True, region="us-east-1", parts=(part,)
    )
    work = Workload("tea")
    work.traffic(Traffic(concurrent_users=770, think_time="10s", reads=70 / 77))
    found = {line.item: line for line in bill(design, work.freeze(), book, STEADY).lines}
    assert found["reads"].quantity == pytest.approx(100 * 730)
    assert found["reads"].usd == pytest.approx(9.49)
    assert found["writes"].usd == pytest.approx(10 * 730 * 0.00065)

"""AWS Config by hand: nothing unless the environment says so, then an item for each change, and rules on each."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from price.parts import charging
from rung.model.environments import Figure
from rung.model.graph import Graph
from rung.model.nodes import Environment
from rung.parts.compute import Container, EcsJob, EcsService, OfficeHours, ScheduledTask
from rung.parts.design import Part
from rung.price.bill import bill
from rung.price.book import PriceBook
from rung.price.charging import Line
from rung.price.config_lines import config_lines
from rung.rungs import place

CONTAINER = Container(command=("run",), cpu=1.0, memory_mib=1_024)
WORKER = EcsService(name="fulfil", node="fulfil", role="worker", min_tasks=3, max_tasks=5, container=CONTAINER)
JOB = EcsJob(name="sweep", node="sweep", container=CONTAINER)
CLOCK = ScheduledTask(name="clock", node="sweep", job="sweep", expression="rate(1 minute)", every_seconds=60)


def lines(*parts: Part, **given: Any) -> dict[str, Line]:
    found = config_lines(charging(*parts, **{"config_recorded": 1.0, "deploys_per_month": 10.0, **given}))
    return {line.item: line for line in found}


def test_nothing_is_paid_where_nobody_says_that_changes_are_recorded(shop: Graph, book: PriceBook) -> None:
    assert lines(WORKER, config_recorded=0.0) == {}
    now = bill(place(shop, "prod", rung="fargate"), shop, book)
    assert not [line for line in now.lines if line.part == "aws-config"]


def test_a_deployment_is_a_definition_a_service_and_the_interfaces_of_its_tasks() -> None:
    """Ten deployments: two items for the service, and two for each of three tasks; ten rules look at each."""
    found = lines(WORKER)
    items = 10 * 2 + 10 * 3 * 2
    assert found["configuration items"].quantity == items
    assert found["configuration items"].usd == pytest.approx(items * 0.003)
    assert found["rule evaluations"].usd == pytest.approx(items * 10 * 0.001)
    assert "60 of interfaces of 3.0 tasks that each deployment replaces" in found["configuration items"].because


def test_a_job_each_minute_makes_and_removes_an_interface_each_minute() -> None:
    found = lines(JOB, CLOCK, deploys_per_month=0.0)
    assert found["configuration items"].usd == pytest.approx(2 * 43_800 * 0.003)


def test_evaluations_have_tiers() -> None:
    found = lines(JOB, CLOCK, deploys_per_month=0.0, config_rules=10.0)["rule evaluations"]
    assert found.quantity == 876_000
    assert found.usd == pytest.approx(100_000 * 0.001 + 400_000 * 0.0008 + 376_000 * 0.0005)


def test_scaling_and_mornings_start_tasks() -> None:
    web = EcsService(name="api", node="api", role="web", min_tasks=1, max_tasks=9, container=CONTAINER)
    charged = charging(web, config_recorded=1.0, deploys_per_month=0.0)
    assumptions = replace(charged.usage.assumptions, day=(0.5,) * 12 + (1.0,) * 12)
    busy = replace(
        charged, usage=replace(charged.usage, assumptions=assumptions, busy_rate=600.0, peak_rate=600.0)
    )
    (items, _) = config_lines(busy)
    assert items.quantity == pytest.approx(2 * (4 - 2) * 730 / 24), "at 150 requests/s each: 2 at night, 4 by day"
    hours = OfficeHours(
        node="@workload", start_cron="cron(0 7 ? * MON-FRI *)", stop_cron="cron(0 19 ? * MON-FRI *)"
    )
    assert lines(WORKER, hours, deploys_per_month=0.0)["configuration items"].quantity == 22 * 3 * 2


def test_a_part_of_the_changes_is_a_part_of_the_price() -> None:
    whole, half = (lines(WORKER, config_recorded=share) for share in (1.0, 0.5))
    assert half["configuration items"].usd == pytest.approx(whole["configuration items"].usd / 2)
    assert "50% of them are recorded" in half["configuration items"].because


def test_the_environment_names_it(shop: Graph, book: PriceBook) -> None:
    nodes = tuple(
        replace(node, usage=(Figure(of=None, name="config_recorded", value=1.0),))
        if isinstance(node, Environment) and node.name == "prod" else node
        for node in shop.nodes
    )  # fmt: skip
    graph = replace(shop, nodes=nodes)
    design = place(shop, "prod", rung="fargate")
    before, after = bill(design, shop, book), bill(design, graph, book)
    own = [line for line in after.lines if line.part == "aws-config"]
    assert [line.item for line in own] == ["configuration items", "rule evaluations"]
    assert after.total - before.total == pytest.approx(sum(line.usd for line in own))

"""What cannot be billed is refused with what is possible: regions, instance types, traffic, budgets."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from rung.errors import Finding
from rung.model.graph import Graph
from rung.model.nodes import Business, Traffic
from rung.parts.compute import Host, HostGroup
from rung.parts.data import CacheGroup, PostgresInstance
from rung.parts.design import Design, Part
from rung.price.bill import bill
from rung.price.book import PriceBook, PriceError


def refused(design: Design, graph: Graph, book: PriceBook) -> tuple[Finding, ...]:
    with pytest.raises(PriceError) as caught:
        bill(design, graph, book)
    return caught.value.findings


def with_fact(graph: Graph, fact: Traffic | Business) -> Graph:
    return replace(graph, nodes=tuple(fact if node.kind == fact.kind else node for node in graph.nodes))


@pytest.mark.parametrize(
    ("region", "near"), [("ap-south-1", ""), ("eu-west-2", "eu-west-1"), ("us-esat-1", "us-east-1")]
)
def test_a_region_without_prices_is_one_finding(
    fargate: Design, shop: Graph, book: PriceBook, region: str, near: str
) -> None:
    (finding,) = refused(replace(fargate, region=region), shop, book)
    assert finding.code == "R1108"
    assert near in (finding.found or "")
    assert f"rung prices update --region {region}" in (finding.help or "")


@pytest.mark.parametrize(
    ("part", "near", "possible"),
    [
        (Host(instance_type="t4g.smal"), "t4g.small", "t4g.medium"),
        (HostGroup(instance_type="t9.large"), "", "m7g.large"),
        (PostgresInstance(name="db", node="db", instance_class="db.t4g.mcro"), "db.t4g.micro", "db.t4g.large"),
        (CacheGroup(name="cache", node="cache", node_type="cache.t4g.tiny"), "cache.t4g", "cache.t4g.micro"),
    ],
)
def test_an_unknown_type_is_answered_with_those_there_are(
    shop: Graph, book: PriceBook, part: Part, near: str, possible: str
) -> None:
    design = Design(
        workload="shop", rung="host", environment="x", production=True, region="eu-west-1", parts=(part,)
    )
    (finding,) = refused(design, shop, book)
    assert finding.code == "R1109"
    assert near in (finding.found or "")
    assert possible in (finding.help or "")


@pytest.mark.parametrize(
    "given",
    [
        {"concurrent_users": 100, "think_time": 0},
        {"concurrent_users": 10**12, "think_time": "1s"},
        {"concurrent_users": 10**6, "think_time": "1s", "peak": 100.0},
        {"concurrent_users": -5, "think_time": "1s"},
        {"concurrent_users": 100, "reads": 1.5},
    ],
)
def test_impossible_traffic_is_refused(
    fargate: Design, shop: Graph, book: PriceBook, given: dict[str, Any]
) -> None:
    try:
        graph = with_fact(shop, Traffic(**given))
    except ValueError:
        return  # the model refuses it where it is written
    findings = refused(fargate, graph, book)
    assert {finding.code for finding in findings} == {"R1110"}
    assert "requests a second" in (findings[0].help or "")


@pytest.mark.parametrize("budget", [0.0, -1.0, float("nan")])
def test_a_budget_of_nothing_says_what_the_design_costs(
    fargate: Design, shop: Graph, book: PriceBook, budget: float
) -> None:
    graph = with_fact(shop, Business(monthly_budget_usd=budget))
    (finding,) = refused(fargate, graph, book)
    assert finding.code == "R1111"
    total = bill(fargate, shop, book).total
    assert f"${total:,.0f}" in (finding.help or "")


def test_no_budget_is_no_problem(fargate: Design, shop: Graph, book: PriceBook) -> None:
    assert bill(fargate, with_fact(shop, Business()), book).total > 0

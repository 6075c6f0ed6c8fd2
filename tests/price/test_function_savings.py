"""What costs less where functions answer: a load balancer from some traffic on, and ARM."""

from __future__ import annotations

from dataclasses import replace

import pytest

from price.conftest import with_users
from price.parts import BOOK, charging
from rung.model.graph import Graph
from rung.parts.edge import Forward, LoadBalancer
from rung.parts.functions import LambdaFunction
from rung.price.edge_lines import capacity_units
from rung.price.savings import savings
from rung.rungs import place

BALANCER = "a load balancer before the functions"


def test_an_api_by_the_request_is_dear_for_many_and_cheap_for_few(shop: Graph) -> None:
    """1.11 a million against some 18 a month and the units: level at some 25 million requests."""
    design = place(shop, "prod", rung="serverless")
    many = {each.name: each for each in savings(design, shop, BOOK)}
    few = {each.name for each in savings(design, with_users(shop, 10), BOOK)}
    assert many[BALANCER].usd > 1_000
    assert "above" in many[BALANCER].break_even
    assert BALANCER not in few


def test_a_unit_holds_less_for_a_function() -> None:
    """AWS, Elastic Load Balancing pricing: 0.4 GB an hour to Lambda, 1 GB to others."""
    function = LambdaFunction(name="api", node="@workload", role="web")
    balancer = LoadBalancer(forwards=(Forward(path="/*", target="api", node="@workload"),))
    units = [
        capacity_units(balancer, charging(*parts, requests=1e9, response_kib=100.0))[0]
        for parts in ((balancer,), (balancer, function))
    ]
    assert units[1] == pytest.approx(2.5 * units[0])


def test_arm_functions(shop: Graph) -> None:
    design = place(shop, "prod", rung="serverless")
    parts = tuple(
        replace(part, architecture="x86_64") if isinstance(part, LambdaFunction) and part.name == "api" else part
        for part in design.parts
    )
    found = {each.name: each for each in savings(replace(design, parts=parts), shop, BOOK)}
    assert found["ARM functions"].usd == pytest.approx(0.25 * 313.93, rel=0.01), "a fifth of what x86 costs"

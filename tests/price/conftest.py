"""The shop on its rungs, priced with the shipped book."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from rung.model.graph import Graph
from rung.model.nodes import Traffic
from rung.model.read import load_workload
from rung.parts.design import Design
from rung.price.book import PriceBook, shipped_book
from rung.rungs import place

SHOP = Path(__file__).parents[2] / "workloads" / "shop" / "workload.py"


@pytest.fixture(scope="session")
def shop() -> Graph:
    return load_workload(SHOP)


@pytest.fixture(scope="session")
def book() -> PriceBook:
    return shipped_book()


@pytest.fixture(scope="session")
def fargate(shop: Graph) -> Design:
    return place(shop, "prod", rung="fargate")


def with_users(graph: Graph, users: int) -> Graph:
    """The workload with other traffic."""
    assert graph.traffic is not None
    given = graph.traffic
    other = Traffic(
        concurrent_users=users, think_time=given.think_time_seconds, peak=given.peak,
        peak_duration=given.peak_seconds, reads=given.reads,
    )  # fmt: skip
    return replace(graph, nodes=tuple(other if isinstance(node, Traffic) else node for node in graph.nodes))

"""Each request is answered once: services share the visitors by the weights of their routes, else equally."""

from __future__ import annotations

import pytest

from rung import Traffic, Workload
from rung.model.graph import Graph
from rung.model.shares import service_shares
from rung.price.bill import bill
from rung.price.shelf import book_in_use
from rung.rungs import place


def two(weights: dict[str, float] | None = None) -> Graph:
    """Two services that visitors reach, one that another calls, a site."""
    work = Workload("tea")
    prices = work.service("prices", app="tea.prices:app", health="/health", port=8001, max_tasks=9)
    api = work.service("api", app="tea.api:app", health="/health", uses=[prices], max_tasks=9)
    admin = work.service("admin", app="tea.admin:app", health="/health", max_tasks=9)
    web = work.site("web", path="web")
    work.route("/api/*", api)
    work.route("/admin/*", admin)
    work.route("/*", web)
    work.traffic(Traffic(concurrent_users=10_000, think_time="10s", routes=weights))
    work.environment("prod")
    work.notify("email:me@example.com")
    return work.freeze()


def test_equal_parts_where_nobody_says() -> None:
    assert service_shares(two()) == {"api": 0.5, "admin": 0.5, "prices": 0.5}


def test_by_weight_where_the_traffic_says_so_and_without_what_sites_answer() -> None:
    weights = {"/api/orders": 3.0, "/admin/users": 1.0, "/index.html": 6.0}
    assert service_shares(two(weights)) == pytest.approx({"api": 0.75, "admin": 0.25, "prices": 0.75})


def test_a_bill_counts_each_request_once() -> None:
    """Two services at half of the visitors run the tasks of one at all of them, not of two."""
    graph = two()
    lines = bill(place(graph, "prod", rung="fargate"), graph, book_in_use()).lines
    hours = {line.part: line.quantity for line in lines if line.item == "vCPU"}
    alone = two({"/api/orders": 1.0})
    lines = bill(place(alone, "prod", rung="fargate"), alone, book_in_use()).lines
    whole = next(line.quantity for line in lines if line.part == "api" and line.item == "vCPU")
    assert hours["api"] == hours["admin"] == pytest.approx(whole / 2, rel=0.3)

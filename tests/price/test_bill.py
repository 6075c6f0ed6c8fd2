"""The bill: complete, explained to the last line, and monotone in what it depends on."""

from __future__ import annotations

import math
import time
from dataclasses import replace
from itertools import pairwise

import pytest

from price.conftest import with_users
from rung.model.graph import Graph
from rung.model.nodes import Business
from rung.parts.compute import EcsService, Host, OfficeHours
from rung.parts.design import Design
from rung.parts.edge import LoadBalancer
from rung.parts.messaging import SqsQueue
from rung.parts.network import Network
from rung.price.assumptions import Assumptions
from rung.price.bill import Bill, bill
from rung.price.book import HOURS_PER_MONTH, PriceBook, PriceError
from rung.price.charging import Charging, Line, hours_per_week
from rung.price.edge_lines import capacity_units
from rung.price.usage import usage_of
from rung.rungs import place


def of_part(found: Bill, part: str, item: str) -> Line:
    return next(line for line in found.lines if (line.part, line.item) == (part, item))


def with_part(design: Design, name: str, **changes: object) -> Design:
    parts = tuple(
        replace(part, **changes) if part.name == name else part  # type: ignore[type-var]
        for part in design.parts
    )
    return replace(design, parts=parts)  # type: ignore[arg-type]


def test_every_line_says_where_it_comes_from(fargate: Design, shop: Graph, book: PriceBook) -> None:
    found = bill(fargate, shop, book)
    assert [line for line in found.lines if not (line.because and line.source and line.unit)] == []
    nodes = {node.name for node in shop.nodes} | {"@workload", "@business", "@objectives"}
    assert {line.node for line in found.lines} <= nodes
    assert found.total == pytest.approx(sum(found.by_node().values()))


def test_no_line_is_charged_twice(fargate: Design, shop: Graph, book: PriceBook) -> None:
    keys = [(line.part, line.item) for line in bill(fargate, shop, book).lines]
    assert len(keys) == len(set(keys))


def test_tasks_over_the_day_by_hand(fargate: Design, shop: Graph, book: PriceBook) -> None:
    """1,000 requests a second at the busy hour, 4 ms each: the sum over the curve, task by task."""
    (api,) = [part for part in fargate.of(EcsService) if part.name == "api"]
    given = Assumptions()
    each = api.container.cpu * 1_000 / given.cpu_ms * given.cpu_target
    hours = [max(api.min_tasks, min(api.max_tasks, -(-1_000 * share // each))) for share in given.day]
    spikes = given.spikes_per_month * (api.max_tasks - max(hours)) * 0.5
    expected = (sum(hours) * HOURS_PER_MONTH / 24 + spikes) * api.container.cpu
    assert of_part(bill(fargate, shop, book), "api", "vCPU").quantity == pytest.approx(expected)


def test_the_largest_of_four_dimensions_makes_the_capacity_units(
    fargate: Design, shop: Graph, book: PriceBook
) -> None:
    (balancer,) = fargate.of(LoadBalancer)
    small = Charging(book=book, design=fargate, usage=usage_of(shop, production=True))
    units, because = capacity_units(balancer, small)
    assert "bytes" in because
    requests_per_hour = sum(small.usage.rate_at(hour) for hour in range(24)) / 24 * 3_600
    assert units == pytest.approx(requests_per_hour * 9 / 1_048_576 * HOURS_PER_MONTH)
    tiny = replace(
        small, usage=usage_of(shop, production=True, assumptions=Assumptions(response_kib=0, request_kib=0))
    )
    assert "connections" in capacity_units(balancer, tiny)[1]


def test_a_nat_in_each_zone_costs_its_hours_and_addresses(fargate: Design, shop: Graph, book: PriceBook) -> None:
    """The sources' own figure: a NAT for each of three zones is about 100 dollars more than none."""
    none = bill(with_part(fargate, "network", nat="none", zones=3), shop, book).total
    three = bill(with_part(fargate, "network", nat="per_zone", zones=3, interface_endpoints=()), shop, book)
    hours = of_part(three, "network", "NAT gateways")
    assert hours.usd == pytest.approx(3 * 730 * 0.048)
    assert of_part(three, "network", "public IPv4 of the NAT").usd == pytest.approx(3 * 730 * 0.005)
    assert 100 < hours.usd < 110
    assert none != three.total


def test_polls_that_find_nothing_are_paid_for(fargate: Design, shop: Graph, book: PriceBook) -> None:
    quiet = bill(fargate, with_users(shop, 1), book)
    lines = [line for line in quiet.lines if line.part in {queue.name for queue in fargate.of(SqsQueue)}]
    assert all(line.quantity * 1e6 > 730 * 3_600 / 20 for line in lines if line.item == "requests")


def test_an_environment_that_sleeps_pays_for_its_load_balancer(
    fargate: Design, shop: Graph, book: PriceBook
) -> None:
    hours = OfficeHours(node="@workload")
    awake, asleep = bill(fargate, shop, book), bill(replace(fargate, parts=(*fargate.parts, hours)), shop, book)
    assert hours_per_week(hours) == 65
    before, after = of_part(awake, "api", "vCPU").quantity, of_part(asleep, "api", "vCPU").quantity
    assert after == pytest.approx(before * 65 / 168)
    balancer = ("load-balancer", "load balancer")
    assert of_part(awake, *balancer).usd == of_part(asleep, *balancer).usd


def test_a_machine_pays_for_its_disks_and_its_address(shop: Graph, book: PriceBook) -> None:
    """The sources' small machine: about 20 dollars."""
    box = Host(instance_type="t4g.small", root_gib=20, data_gib=20)
    design = Design(
        workload="shop", rung="box", environment="production", production=True, region="eu-west-1", parts=(box,)
    )
    found = bill(design, with_users(shop, 10), book)
    assert of_part(found, "box", "t4g.small").usd == pytest.approx(730 * 0.0184)
    assert of_part(found, "box", "disks").usd == pytest.approx(40 * 0.088)
    assert of_part(found, "box", "public IPv4 address").usd == pytest.approx(3.65)
    assert 20 < found.fixed < 21


def test_every_missing_price_is_named_at_once(fargate: Design, shop: Graph, book: PriceBook) -> None:
    one = replace(next(row for row in book.rows if row.service == "kms"), region="ap-south-1")
    parts = tuple(part for part in fargate.parts if part.kind != "cache_group")
    design = replace(fargate, region="ap-south-1", parts=parts)
    with pytest.raises(PriceError) as caught:
        bill(design, shop, book.with_rows([one]))
    messages = [finding.message for finding in caught.value.findings]
    assert len(messages) == len(set(messages)) > 5
    assert all("ap-south-1" in message for message in messages)


@pytest.mark.parametrize("rung", ["host", "fargate", "eks", "serverless"])
def test_more_visitors_never_cost_less(shop: Graph, book: PriceBook, rung: str) -> None:
    """The same design: what is fixed stays as it is, what is used grows."""
    design = place(shop, "prod", rung=rung)
    bills = [bill(design, with_users(shop, users), book) for users in range(0, 60_000, 1_500)]
    assert all(one.total <= other.total + 1e-6 for one, other in pairwise(bills))


@pytest.mark.parametrize(
    "name",
    [
        "response_kib", "request_kib", "site_kib", "site_files", "cpu_ms", "database_ms", "database_share",
        "io_per_request", "log_kib_per_request", "log_kib_per_message", "database_gib", "object_gib", "image_gib",
        "deploys_per_month", "spikes_per_month", "external_kib_per_write",
    ],
)  # fmt: skip
@pytest.mark.parametrize("rung", ["host", "fargate"])
def test_more_of_anything_never_costs_less(shop: Graph, book: PriceBook, rung: str, name: str) -> None:
    """Each assumption alone, from a quarter of its default to sixteen times that."""
    design = place(shop, "prod", rung=rung)
    default = getattr(Assumptions(), name)
    most = 1.0 if name == "database_share" else math.inf
    values = [min(most, default * 2.0**step) for step in range(-2, 5)]
    given = [Assumptions().with_values({name: value}, "given", "in a test") for value in values]
    totals = [bill(design, shop, book, each).total for each in given]
    assert all(one <= other + 1e-9 for one, other in pairwise(totals))


def test_what_is_fixed_does_not_depend_on_visitors(fargate: Design, shop: Graph, book: PriceBook) -> None:
    bills = [bill(fargate, with_users(shop, users), book) for users in (1, 100, 10_000)]
    assert len({round(each.fixed, 6) for each in bills}) == 1


def test_the_bill_by_tenant_and_for_a_thousand_requests(fargate: Design, shop: Graph, book: PriceBook) -> None:
    nodes = tuple(
        Business(customers=40, monthly_revenue_usd=20_000) if node.kind == "business" else node
        for node in shop.nodes
    )
    found = bill(fargate, replace(shop, nodes=nodes), book)
    assert found.per_tenant() == pytest.approx(found.total / 40)
    assert found.share_of_revenue() == pytest.approx(found.total / 20_000)
    assert found.per_thousand_requests() == pytest.approx(found.total / found.usage.requests.value * 1_000)
    assert bill(fargate, shop, book).per_tenant() is None


def test_nobody_comes_and_the_fixed_lines_stay(fargate: Design, shop: Graph, book: PriceBook) -> None:
    without = replace(shop, nodes=tuple(node for node in shop.nodes if node.kind != "traffic"))
    found = bill(fargate, without, book)
    assert found.per_thousand_requests() is None
    assert found.fixed > 100


def test_one_design_is_priced_in_milliseconds(fargate: Design, shop: Graph, book: PriceBook) -> None:
    """Five architectures in less than 50 ms: one takes a fifth of it at most (the best of ten runs)."""
    bill(fargate, shop, book)
    spans = []
    for _ in range(10):
        began = time.perf_counter()
        bill(fargate, shop, book)
        spans.append(time.perf_counter() - began)
    assert min(spans) < 0.010


def test_the_network_of_somebody_else_costs_its_traffic_alone(
    fargate: Design, shop: Graph, book: PriceBook
) -> None:
    from rung.parts.network import ExistingNetwork

    theirs = with_part(fargate, "network", existing=ExistingNetwork(vpc_id="vpc-1"))
    items = {line.item for line in bill(theirs, shop, book).lines if line.part == "network"}
    assert items == {"between zones", "flow logs"}
    assert isinstance(theirs.part("network"), Network)

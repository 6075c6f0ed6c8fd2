"""Savings are the same design priced again: each by hand, with where it breaks even and what would undo it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from price.conftest import with_users
from price.parts import BOOK, charging, line
from rung.model.graph import Graph
from rung.parts.compute import Container, EcsService, HostGroup, TargetTracking
from rung.parts.data import AuroraCluster, BucketPart, CacheGroup, PostgresInstance
from rung.parts.design import Design, Part
from rung.parts.edge import Distribution, LoadBalancer
from rung.parts.network import Network
from rung.price.bill import bill, lines_of
from rung.price.book import Price, PriceBook
from rung.price.changes import changes
from rung.price.commitments import commitments, flat_rates
from rung.price.savings import Saving, break_even, savings
from rung.rungs import place


def design_of(*parts: Part, production: bool = True, region: str = "eu-west-1") -> Design:
    return Design(
        workload="shop", rung="fargate", environment="test", production=production, region=region, parts=parts
    )


def saving(name: str, graph: Graph, *parts: Part, production: bool = True, region: str = "eu-west-1") -> Saving:
    found = savings(design_of(*parts, production=production, region=region), graph, BOOK)
    names = [each.name for each in found]
    assert name in names, names
    return found[names.index(name)]


def worker(**changes_: object) -> EcsService:
    scaling = (TargetTracking(metric="backlog_per_task", target=10, queues=("orders",)),)
    given: dict[str, object] = {
        "name": "fulfil", "node": "fulfil", "role": "worker", "min_tasks": 2, "scaling": scaling,
        "container": Container(command=("run",), cpu=1.0, memory_mib=2_048),
    }  # fmt: skip
    return EcsService(**{**given, **changes_})  # type: ignore[arg-type]


@pytest.fixture
def quiet(shop: Graph) -> Graph:
    return with_users(shop, 10)


def test_arm_tasks(quiet: Graph) -> None:
    found = saving("ARM tasks", quiet, worker(architecture="x86_64"))
    hours = 2 * 730 + 4 * 2 * 0.5
    assert found.usd == pytest.approx(hours * (0.04048 - 0.03238) + hours * 2 * (0.004445 - 0.00356))
    assert found.undone_by == "a library that exists for x86 alone"


def test_arm_machines_databases_and_caches(quiet: Graph) -> None:
    hosts = HostGroup(instance_type="t3.large", architecture="x86_64", min_hosts=1, max_hosts=1)
    assert saving("ARM machines", quiet, hosts).usd == pytest.approx(730 * (0.0912 - 0.0736))
    database = PostgresInstance(name="db", node="db", instance_class="db.t3.large")
    assert any(each.name == "ARM database" for each in changes(design_of(database)))
    cache = CacheGroup(name="cache", node="cache", node_type="cache.t3.micro", nodes=2)
    assert saving("ARM cache", quiet, cache).usd == pytest.approx(2 * 730 * (0.0144 - 0.0136))


def test_workers_on_spot(quiet: Graph) -> None:
    found = saving("workers on Spot", quiet, worker(on_demand_base=2))
    hours = 2 * 730 + 4 * 2 * 0.5
    assert found.usd == pytest.approx(hours * (0.03238 - 0.009714) + 2 * hours * (0.00356 - 0.001068))


def test_workers_from_zero_pay_while_messages_come(quiet: Graph) -> None:
    parts = {each.name: each.changed for each in changes(design_of(worker()))}["workers from zero"]
    (changed,) = parts.of(EcsService)
    hourly = charging(changed, messages=(("orders", 730.0),))
    assert 0.07 < line(changed, "vCPU", hourly).quantity / 730 < 0.09
    busy = charging(changed, messages=(("orders", 1e6),))
    assert line(changed, "vCPU", busy).quantity == pytest.approx(730, rel=0.001)


def test_a_nat_for_each_zone_and_none(quiet: Graph) -> None:
    """The sources' own figure: a NAT in each of three zones is about 100 dollars."""
    network = Network(nat="per_zone", zones=3)
    assert saving("one NAT gateway", quiet, network).usd == pytest.approx(2 * 730 * (0.048 + 0.005))
    instance = saving("a NAT instance", quiet, Network(nat="single"))
    assert instance.usd == pytest.approx(730 * (0.048 - 0.0046), abs=0.1)


def test_endpoints_pay_above_a_traffic_and_gateways_always(shop: Graph) -> None:
    network = Network(nat="single", zones=2, interface_endpoints=("logs",), gateway_endpoints=("s3",))
    found = saving("no interface endpoints", with_users(shop, 2_000), network)
    assert found.break_even.startswith("pays below ")
    pulled = design_of(Network(gateway_endpoints=()), worker())
    assert any(each.name == "a gateway endpoint for S3" for each in changes(pulled))


def test_an_endpoint_pays_where_its_bytes_cost_more_in_the_nat(shop: Graph) -> None:
    """Ireland: 2 x 8.03 a month against 3.8 cents a GB saved: 423 GB of logs; measured from both sides."""
    network = Network(nat="single", zones=2)
    each = {"requests": 0.0, "log_kib_per_request": 1.0}
    with_it = replace(network, interface_endpoints=("logs",))
    for gib, cheaper in ((420.0, False), (426.0, True)):
        each["requests"] = gib * 1_048_576
        totals = [
            sum(found.usd for found in lines_of(part, charging(part, **each))) for part in (network, with_it)
        ]
        assert (totals[1] < totals[0]) is cheaper


def test_another_database_is_offered_where_it_carries_the_load(shop: Graph) -> None:
    cluster = AuroraCluster(name="db", node="db", min_acu=2.0)
    small = {each.name for each in savings(design_of(cluster), with_users(shop, 100), BOOK)}
    assert "RDS db.t4g.micro" in small
    design = design_of(cluster)
    busy = bill(design, with_users(shop, 50_000), BOOK).usage
    assert {each.name for each in changes(design, busy) if each.name.startswith("RDS")} == set()


def test_aurora_serverless_pays_below_a_load(shop: Graph) -> None:
    """An r7g.large in Ireland costs 0.268 an hour, two capacity units 0.28."""
    database = PostgresInstance(name="db", node="db", instance_class="db.r7g.large")
    found = saving("Aurora Serverless", with_users(shop, 1_000), database)
    assert found.break_even.startswith("pays below ")


def test_one_zone_and_one_node(quiet: Graph) -> None:
    database = PostgresInstance(name="db", node="db", instance_class="db.m7g.large", multi_zone=True)
    found = saving("database in one zone", quiet, database)
    assert found.usd == pytest.approx(730 * (0.372 - 0.186) + 20 * (0.254 - 0.127))
    cache = CacheGroup(name="cache", node="cache", nodes=2)
    assert saving("one cache node", quiet, cache).usd == pytest.approx(730 * 0.0136)


def test_older_logs_in_a_cheaper_class(shop: Graph) -> None:
    """Two thirds of 90 days, at 0.4 cents instead of 2.3, paid for 90 days although they stay 60."""
    bucket = BucketPart(name="logs", node="@workload", purpose="logs", expire_days=90)
    parts = (bucket, LoadBalancer(logs="logs"), Network())
    before = charging(*parts, requests=1e10)
    archived = replace(bucket, archive_days=30)
    size = line(bucket, "storage", before).quantity
    found = {each.item: each.usd for each in lines_of(archived, before)}
    assert found["storage"] == pytest.approx(size / 3 * 0.023)
    assert found["archive"] == pytest.approx(size * 2 / 3 * 1.5 * 0.004)


def test_office_hours_stop_tasks_and_not_the_load_balancer(quiet: Graph) -> None:
    service = worker(name="api", node="api", role="web", min_tasks=1, max_tasks=1, scaling=())
    found = saving("office hours", quiet, service, LoadBalancer(), Network(), production=False)
    assert found.usd == pytest.approx(730 * (1 - 65 / 168) * (0.03238 + 2 * 0.00356), rel=0.01)


def test_the_api_beside_cloudfront(shop: Graph, book: PriceBook, fargate: Design) -> None:
    (found,) = [each for each in savings(fargate, shop, book) if each.name == "the API beside CloudFront"]
    (change,) = [each for each in changes(fargate) if each.name == found.name]
    assert change.changed.of(LoadBalancer)[0].internal is False
    assert change.changed.of(Distribution)[0].load_balancer is None
    assert found.after_usd == pytest.approx(bill(change.changed, shop, book).total)


def test_a_flat_rate_covers_distribution_and_firewall(shop: Graph, book: PriceBook, fargate: Design) -> None:
    now = bill(fargate, shop, book)
    (offer,) = flat_rates(now.lines, book, "eu-west-1")
    metered = [each for each in now.lines if each.key[0] in ("cloudfront", "waf")]
    assert offer.usd_before == pytest.approx(sum(each.usd for each in metered))
    assert offer.usd_after == 6_000
    assert list(flat_rates([each for each in now.lines if each.key[0] == "waf"], book, "eu-west-1")) == []


def test_nothing_is_offered_beyond_the_largest_flat_rate(shop: Graph, book: PriceBook) -> None:
    design = place(shop, "prod", rung="fargate")
    assert list(flat_rates(bill(design, with_users(shop, 50_000), book).lines, book, "eu-west-1")) == []


def test_a_reservation_spreads_what_is_paid_at_once() -> None:
    """t3.medium in Virginia: 0.0416, for a year 0.0243, for three 0.018; it pays above 58 % of the hours."""
    hosts = HostGroup(instance_type="t3.medium", architecture="x86_64", min_hosts=2, max_hosts=2)
    charged = charging(hosts, region="us-east-1")
    found = list(commitments(list(lines_of(hosts, charged)), BOOK, "us-east-1"))
    year, three = found
    assert year.name == "t3.medium reserved for a year, all upfront"
    assert year.usd_before - year.usd_after == pytest.approx(2 * 730 * (0.0416 - 0.024315))
    assert three.usd_after == pytest.approx(2 * 730 * 0.018)
    assert "58%" in year.break_even
    assert (year.basis, year.as_of) == ("list", "2023-08-30")


def test_only_whole_machines_that_run_always_are_reserved() -> None:
    hosts = HostGroup(instance_type="t3.medium", architecture="x86_64", min_hosts=1, max_hosts=1)
    (hours, *_) = lines_of(hosts, charging(hosts, region="us-east-1"))
    half = replace(hours, quantity=700.0, hours=())
    assert list(commitments([half], BOOK, "us-east-1")) == []
    more = replace(hours, quantity=1_000.0, usd=1_000 * 0.0416)
    year, _ = commitments([more], BOOK, "us-east-1")
    assert year.usd_after == pytest.approx(730 * 0.024315 + 270 * 0.0416)


def test_a_reservation_that_is_paid_at_once_is_chosen_where_it_is_cheapest() -> None:
    rows = [
        Price(service="rds-postgresql", usage="db.t4g.small", mode=f"reserved-{term}-single-az", unit="hour",
              region="eu-west-1", usd=usd, source="test")
        for term, usd in (("1y-no-upfront", 0.025), ("1y-all-upfront", 0.023))
    ]  # fmt: skip
    database = PostgresInstance(name="db", node="db", instance_class="db.t4g.small")
    lines = list(lines_of(database, charging(database)))
    (found,) = commitments(lines, BOOK.with_rows(rows), "eu-west-1")
    assert found.name == "db.t4g.small reserved for a year, all upfront"
    assert found.usd_after == pytest.approx(730 * 0.023)


def test_the_break_even_is_found_from_both_sides() -> None:
    assert break_even(lambda factor: 10 * factor - 9, 1e6) == "pays above 1e+06 requests a month"
    assert break_even(lambda factor: 21 - 2 * factor, 1e6) == "pays below 1e+07 requests a month"
    assert "hundredth" in break_even(lambda _: 5.0, 1e6)
    assert "any traffic" in break_even(lambda _: 5.0, 0.0)


def test_every_saving_says_when_it_holds(shop: Graph, book: PriceBook) -> None:
    for environment, rung in (("prod", "fargate"), ("prod", "host"), ("staging", "fargate"), ("dev", "box")):
        for each in savings(place(shop, environment, rung=rung), shop, book):
            assert each.break_even and each.undone_by and each.gives_up and each.because  # noqa: PT018
            assert each.usd >= 1

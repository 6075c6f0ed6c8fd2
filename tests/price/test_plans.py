"""Savings Plans by hand: what a commitment buys hour by hour, which one saves most, and what would undo it."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from price.parts import BOOK, charging
from rung.model.graph import Graph
from rung.parts.compute import Container, EcsService, HostGroup
from rung.parts.data import CacheGroup
from rung.parts.functions import LambdaFunction
from rung.price.bill import lines_of
from rung.price.book import Basis, Price, PriceBook
from rung.price.charging import Line
from rung.price.commitments import commitments
from rung.price.plans import Plan, Use, plans, unpriced
from rung.price.savings import savings
from rung.rungs import place

VIRGINIA = "us-east-1"
MACHINES = HostGroup(instance_type="m7g.large", architecture="arm64", min_hosts=2, max_hosts=2)


def service(**changes: object) -> EcsService:
    given: dict[str, object] = {
        "name": "api", "node": "api", "role": "worker", "min_tasks": 2, "max_tasks": 2, "architecture": "x86_64",
        "container": Container(command=("run",), cpu=1.0, memory_mib=2_048),
    }  # fmt: skip
    return EcsService(**{**given, **changes})  # type: ignore[arg-type]


def lines(*parts: EcsService | HostGroup | LambdaFunction | CacheGroup, **given: float) -> list[Line]:
    charged = charging(*parts, region=VIRGINIA, **given)  # type: ignore[arg-type]
    return [line for part in parts for line in lines_of(part, charged)]


def plan(*uses: tuple[tuple[float, ...], float, float]) -> Plan:
    """Uses by the hours of a day, each with its price in the plan and on demand."""
    (line, *_) = lines(MACHINES)
    price = BOOK.tariff("ec2", "m7g.large", mode="on-demand", region=VIRGINIA).first
    found = [
        Use(line=replace(line, hours=hours), price=replace(price, usd=usd), on_demand=on_demand)
        for hours, usd, on_demand in uses
    ]
    return Plan(
        kind="compute-plan", years=1, payment="no-upfront", uses=tuple(sorted(found, key=lambda u: u.share))
    )


def test_tasks_that_always_run_are_committed_to_in_full() -> None:
    """Two tasks of a vCPU and 2 GB: 0.032384 and 0.003556 instead of 0.04048 and 0.004445 for a year."""
    year, three = plans(lines(service()), BOOK, VIRGINIA)
    on_demand, committed = 2 * (0.04048 + 2 * 0.004445), 2 * (0.032384 + 2 * 0.003556)
    assert year.usd_before - year.usd_after == pytest.approx(730 * (on_demand - committed))
    assert three.usd_before - three.usd_after == pytest.approx(730 * 2 * (0.04048 - 0.022264 + 2 * 0.00200025))
    assert year.name == "Compute Savings Plan for a year, no upfront"
    assert (year.break_even, three.break_even) == (
        "pays while more than 80% of the commitment is used", "pays while more than 55% of the commitment is used",
    )  # fmt: skip
    assert f"${committed * 8_760:,.0f} over a year, used or not" == year.gives_up
    assert "less use than it commits to" in year.undone_by
    assert (year.basis, year.as_of) == ("list", "2025-10-27")


def test_what_runs_too_seldom_is_left_on_demand() -> None:
    """At 80 % of the price a second task pays when it runs for 20 of 24 hours, and not for 19."""
    for busy, commitment in ((20, 1.6), (19, 0.8)):
        hours = (2.0,) * busy + (1.0,) * (24 - busy)
        assert plan((hours, 0.8, 1.0)).best() == pytest.approx(commitment)


def test_a_commitment_buys_what_saves_most_first_and_the_rest_is_lost() -> None:
    """1 dollar an hour: first two units at half price, worth 1.6, then a quarter of one at 0.8, worth 0.25."""
    found = plan(((2.0,) * 24, 0.4, 0.8), ((1.0,) * 24, 0.8, 1.0))
    assert found.saved(1.0) == pytest.approx(730 * (1.6 + 0.25 - 1.0))
    assert found.saved(3.0) == pytest.approx(730 * (1.6 + 1.0 - 3.0))
    assert found.break_even(0.8) == pytest.approx(0.5)


def test_the_best_commitment_is_not_beaten_by_another() -> None:
    """Saving is concave in the commitment, with corners where an hour's use is exhausted."""
    source = random.Random(5)
    for _ in range(40):
        found = plan(*(
            (tuple(float(source.randint(0, 6)) for _ in range(24)), share * price, price)
            for share, price in ((source.uniform(0.4, 0.95), source.uniform(0.01, 1)) for _ in range(3))
        ))  # fmt: skip
        best = found.saved(found.best())
        assert all(found.saved(source.uniform(0, 8)) <= best + 1e-6 for _ in range(20))


def test_a_plan_covers_machines_tasks_and_functions_together() -> None:
    function = LambdaFunction(name="f", node="f", role="web", memory_mib=1_024, architecture="x86_64")
    found = next(plans(lines(MACHINES, service(), function, requests=3e8), BOOK, VIRGINIA))
    assert found.part == "the account"
    assert "m7g.large" in found.because
    assert "api vCPU" in found.because
    assert "f memory" in found.because
    apart = [next(plans(lines(part, requests=3e8), BOOK, VIRGINIA)) for part in (MACHINES, service(), function)]
    saved = sum(each.usd_before - each.usd_after for each in apart)
    assert found.usd_before - found.usd_after == pytest.approx(saved)


def test_a_plan_for_a_family_is_undone_by_another_and_by_tasks() -> None:
    rows = [
        Price(service="ec2", usage="m7g.large", mode=f"instance-plan-1y-{paid}-standard", unit="hour",
              region=VIRGINIA, usd=usd, source="test", as_of="2026-10-01")
        for paid, usd in (("no-upfront", 0.055), ("all-upfront", 0.05))
    ]  # fmt: skip
    found = plans(lines(MACHINES, service()), BOOK.with_rows(rows), VIRGINIA)
    (own,) = [each for each in found if each.name.startswith("EC2 Instance Savings Plan for m7g")]
    assert own.usd_after == pytest.approx(2 * 730 * 0.05)
    assert own.name.endswith("a year, all upfront")
    assert "$876 over a year, $876 of it at once" in own.gives_up
    assert "another region, or tasks and functions" in own.undone_by


def test_spot_and_hours_that_nobody_knows_are_not_committed_to() -> None:
    spot = service(spot_share=1.0, on_demand_base=1)
    found = next(plans(lines(spot), BOOK, VIRGINIA))
    assert found.usd_before - found.usd_after == pytest.approx(730 * 0.2 * (0.04048 + 2 * 0.004445))
    unknown = [replace(line, hours=()) for line in lines(service())]
    assert list(plans(unknown, BOOK, VIRGINIA)) == []


@pytest.mark.parametrize("basis", ["memory", "estimate"])
def test_a_price_that_is_not_to_be_relied_on_marks_the_saving(basis: Basis) -> None:
    mode = "compute-plan-1y-no-upfront-x86_64"
    row = Price(service="fargate", usage="vcpu", mode=mode, unit="vCPU-hour", region=VIRGINIA, usd=0.03,
                source="somebody", basis=basis)  # fmt: skip
    found = next(plans(lines(service()), BOOK.with_rows([row]), VIRGINIA))
    assert (found.basis, found.as_of) == (basis, "")


def test_what_has_no_contract_price_is_named(shop: Graph, book: PriceBook) -> None:
    arm = service(architecture="arm64")
    assert unpriced(lines(arm, MACHINES), BOOK, VIRGINIA) == ("fargate arm64",)
    design = place(shop, "prod", rung="fargate")
    names = [each.name for each in savings(design, shop, book)]
    assert not any("Savings Plan" in name for name in names), "Ireland's rates are read by rung prices update"


def test_every_shipped_contract_is_below_the_price_on_demand() -> None:
    """And a longer term never costs more than a shorter one that is paid alike."""
    checked = 0
    for row in BOOK.rows:
        kind, _, rest = row.mode.partition("-1y-")
        if rest and not row.second and not rest.endswith("convertible"):
            suffix = rest.partition("upfront-")[2]
            hourly = BOOK.tariff(
                row.service, row.usage, mode="on-demand" if suffix == "standard" else suffix, region=row.region
            ) if row.usage != "cache.m6g.12xlarge" else None  # fmt: skip
            longer = BOOK.find(row.service, row.usage, mode=f"{kind}-3y-{rest}", region=row.region)
            assert hourly is None or row.usd < hourly.first.usd, row
            assert longer is None or longer.first.usd <= row.usd, row
            checked += 1
    assert checked > 100


def test_cache_nodes_are_reserved_in_both_regions() -> None:
    cache = CacheGroup(name="cache", node="cache", node_type="cache.t4g.micro", nodes=2)
    for region, year in (("eu-west-1", 0.0091835616), (VIRGINIA, 0.008200913242)):
        charged = charging(cache, region=region)
        found = next(commitments(list(lines_of(cache, charged)), BOOK, region))
        assert found.usd_after == pytest.approx(2 * 730 * year)
        assert "another engine" in found.undone_by

"""Dollars and limits: what each term of a rung's weight grows with, and what rules a rung out."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.advise.conftest import small

from rung.advise import advise
from rung.advise.comparing import Comparison, World
from rung.advise.judgement import Judgement
from rung.advise.weighing import Option
from rung.model.graph import Graph
from rung.price.assumptions import Assumptions
from rung.price.shelf import book_in_use


def options(graph: Graph, **changes: float) -> dict[str, Option]:
    """Every rung by name."""
    judgement = replace(Judgement(), **changes)  # type: ignore[arg-type]
    advised = advise(graph, "prod", judgement=judgement, deep=False)
    return {option.rung: option for option in advised.options}


def kinds(option: Option) -> set[str]:
    return {limit.kind for limit in option.limits}


def test_the_total_is_the_sum_of_its_terms() -> None:
    for option in options(small()).values():
        terms = option.bill_usd + option.people_usd + option.outage_usd + option.spike_usd
        assert option.total_usd == pytest.approx(terms)
        assert option.people_usd == pytest.approx(sum(each.hours for each in option.efforts) * option.hour_usd)


def test_an_outage_costs_what_the_business_says() -> None:
    poor, rich = options(small(revenue=1_000))["box"], options(small(revenue=100_000))["box"]
    assert rich.outage_usd == pytest.approx(100 * poor.outage_usd)
    assert rich.bill_usd == poor.bill_usd


def test_a_business_climbs_with_its_revenue() -> None:
    """What a box loses in outages pays, at some revenue, for a second machine."""
    order = ("box", "host", "fargate", "eks", "serverless")
    found = [
        advise(small(revenue=each), "prod", deep=False).recommended.rung for each in (0, 500, 50_000, 500_000)
    ]
    assert found[0] == found[1] == "box"
    assert order.index(found[-1]) > 0


def test_more_visitors_never_cost_less() -> None:
    comparison = Comparison(
        graph=small(), environment="prod", book=book_in_use(), assumptions=Assumptions(), judgement=Judgement()
    )
    for rung in comparison.rungs:
        bills = [comparison.option(rung, World(traffic=factor)).bill_usd for factor in (0.5, 1.0, 2.0, 4.0, 8.0)]
        assert bills == sorted(bills), rung


def test_one_machine_cannot_promise_three_nines() -> None:
    found = options(small(availability="99.9%"))
    assert "promise" in kinds(found["box"])
    assert "promise" not in kinds(found["fargate"])


def test_a_large_database_makes_the_restore_longer_than_the_promise() -> None:
    found = options(small(availability="99.5%"))
    assert "promise" not in kinds(found["box"])
    slow = options(small(availability="99.5%"), restore_gib_per_hour=1.0)
    assert "promise" in kinds(slow["box"])


@pytest.mark.parametrize(("regimes", "refused"), [(("pci",), True), (("gdpr",), False), ((), False)])
def test_auditors_want_data_and_visitors_apart(regimes: tuple[str, ...], *, refused: bool) -> None:
    assert ("compliance" in kinds(options(small(compliance=regimes))["box"])) == refused


def test_patched_machines_must_be_proved_to_auditors() -> None:
    plain, audited = options(small()), options(small(compliance=("soc2",)))
    assert audited["host"].hours - plain["host"].hours == pytest.approx(Judgement().audit_hours)
    assert audited["fargate"].hours == pytest.approx(plain["fargate"].hours)


def test_hours_and_budget_are_limits_that_give_way_first() -> None:
    found = options(small(hours=1.0, budget=5.0, availability="99.9%"))
    assert all("budget" in kinds(option) for option in found.values())
    best = next(iter(found.values()))
    assert "promise" not in kinds(best), "a promise is kept before a budget is"


def test_load_beyond_the_largest_box_is_a_limit() -> None:
    assert kinds(options(small(users=100_000, think_time="1s"))["box"]) & {"placing", "load"}


def test_a_promise_faster_than_a_cold_start_rules_functions_out_where_one_in_a_hundred_is_cold() -> None:
    quiet = options(small(users=1, think_time="60s", p99="300ms"))
    assert "speed" in kinds(quiet["serverless"])
    busy = options(small(users=1_000, p99="300ms"))
    assert "speed" not in kinds(busy["serverless"])


def test_lean_is_chosen_only_while_it_costs_less_in_all() -> None:
    """Copies are left out where nobody promised them and nothing is lost with them; revenue brings them back."""
    poor, rich = options(small(revenue=500))["host"], options(small(revenue=2_000_000))["host"]
    assert any(trim.field == "multi_zone" for trim in poor.trims)
    assert not any(trim.field == "multi_zone" for trim in rich.trims)

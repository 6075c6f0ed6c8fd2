"""The choice of each part: priced alternatives, what they give up, and where they would be right."""

from __future__ import annotations

import pytest
from tests.advise.conftest import labelled

from rung.advise import Advised, advise
from rung.model.graph import Graph


@pytest.fixture(scope="module")
def advised(shop: Graph) -> Advised:
    return advise(shop, "prod")


def test_every_part_worth_a_question_has_an_answer(advised: Advised) -> None:
    asked = {choice.question for choice in advised.choices}
    assert {"database", "cache", "queue", "firewall (WAF)", "way out (NAT)", "load balancer"} <= asked
    for choice in advised.choices:
        assert choice.alternatives
        assert choice.chosen
        assert all(each.gives_up or each.breaks for each in choice.alternatives)


def test_alternatives_come_the_cheapest_first(advised: Advised) -> None:
    for choice in advised.choices:
        totals = [each.total_usd for each in choice.alternatives]
        assert totals == sorted(totals)


def test_a_firewall_is_never_argued_away_by_its_price(advised: Advised) -> None:
    firewall = next(choice for choice in advised.choices if choice.question == "firewall (WAF)")
    assert firewall.best is None
    assert "minutes of outage" in firewall.alternatives[0].when


def test_without_a_cache_the_database_takes_it_all(advised: Advised) -> None:
    cache = next(choice for choice in advised.choices if choice.question == "cache")
    without = next(each for each in cache.alternatives if each.name == "no cache")
    assert without.bill_usd > -cache.bill_usd, "what it costs is not simply saved"


def test_tenants_choose_by_their_number() -> None:
    case = next(each for each in labelled() if each.name == "track-grown")
    choices = advise(case.graph, "prod").choices
    tenancy = next(choice for choice in choices if choice.question == "tenancy")
    by_name = {each.name: each for each in tenancy.alternatives}
    assert by_name["a database for each tenant"].bill_usd > 5_000, "800 databases"
    assert all(each.breaks for each in tenancy.alternatives)


def test_every_rung_is_reviewed(advised: Advised) -> None:
    assert [each.rung for each in advised.reviews] == [each.rung for each in advised.options if each.design]
    assert all(len(each.grave) == each.high for each in advised.reviews)
    assert any(each.grave for each in advised.reviews), "a sale of ten times the visitors is grave somewhere"


def test_monday_is_short_and_concrete(advised: Advised) -> None:
    assert 1 <= len(advised.steps) <= 5
    assert all(step.do and step.why for step in advised.steps)

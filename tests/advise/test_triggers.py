"""Triggers are true: on this side of one the recommendation stands, on the other it is what the trigger says."""

from __future__ import annotations

import pytest
from tests.advise.conftest import labelled, shallow, small

from rung.advise import advise
from rung.advise.comparing import Comparison, World
from rung.advise.judgement import Judgement
from rung.advise.steadiness import steadiness_of
from rung.advise.triggers import triggers_of, world_at
from rung.model.graph import Graph
from rung.price.assumptions import Assumptions
from rung.price.shelf import book_in_use


def comparison(graph: Graph) -> Comparison:
    return Comparison(
        graph=graph, environment="prod", book=book_in_use(), assumptions=Assumptions(), judgement=Judgement()
    )


@pytest.mark.parametrize("revenue", [500, 5_000, 20_000])
def test_a_trigger_is_where_the_answer_changes(revenue: int) -> None:
    compared = comparison(small(revenue=revenue))
    best = compared.best()
    found = triggers_of(compared, best)
    assert found, "some change of traffic or revenue by 32 changes it"
    for trigger in found:
        beyond = compared.best(world_at(trigger.axis, trigger.factor))
        before = compared.best(world_at(trigger.axis, trigger.factor * (0.95 if trigger.up else 1.05)))
        assert beyond.rung == trigger.to != best.rung
        assert before.rung == best.rung
        assert trigger.because


def test_growth_gives_a_trigger_its_date() -> None:
    graph = next(case.graph for case in labelled() if case.name == "chatbot-thirty-tenants")
    compared = comparison(graph)
    for trigger in triggers_of(compared, compared.best()):
        if trigger.up:
            assert trigger.months is not None
            assert 1.08**trigger.months == pytest.approx(trigger.factor)


def test_noise_flips_nothing_unless_it_is_called_a_toss_up() -> None:
    for case in labelled():
        advised = shallow(case.name)
        large = len(case.graph.nodes) > 20
        if large or not advised.steadiness.steady or case.environment != "prod":
            continue
        compared = comparison(case.graph)
        for factor in (0.9, 1.1):
            for world in (World(traffic=factor), World(revenue=factor), World(cpu=factor)):
                assert compared.best(world).rung == advised.recommended.rung, (case.name, world)


def test_two_rungs_at_the_same_dollars_are_a_toss_up() -> None:
    """Revenue at which a box and the next are level, found by the trigger itself."""
    compared = comparison(small(revenue=500))
    up = next(each for each in triggers_of(compared, compared.best()) if each.axis == "revenue" and each.up)
    level = comparison(small(revenue=up.revenue_usd))
    assert not steadiness_of(level, level.best()).steady


def test_a_cluster_that_is_too_big_goes_down() -> None:
    graph = next(case.graph for case in labelled() if case.name == "invoices-on-eks")
    advised = advise(graph, "prod", deep=False)
    assert advised.move is not None
    assert advised.move.rung == "eks"
    assert advised.move.pays
    assert advised.move.saves_usd > 1_000

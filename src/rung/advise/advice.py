"""The advice: every rung weighed, one recommended, what would change that, and what to do on Monday. Pure.

Placing, prices and capacity come from the rooms that own them; here they are put together in one currency.
"""

from __future__ import annotations

from dataclasses import dataclass

from rung.advise.comparing import Comparison, ranked
from rung.advise.contradictions import contradictions_of
from rung.advise.facts import Fact, Situation, facts_of
from rung.advise.judgement import Judgement
from rung.advise.monday import Step, steps_of
from rung.advise.part_choices import Choice, choices_of
from rung.advise.reviewing import Reviewed, reviews_of
from rung.advise.steadiness import Steadiness, steadiness_of
from rung.advise.triggers import Trigger, because, break_even, triggers_of
from rung.advise.weighing import Option
from rung.errors import Finding, ModelError
from rung.model.graph import Graph
from rung.model.nodes import Environment
from rung.price.assumptions import Assumptions
from rung.price.book import PriceBook
from rung.price.shelf import book_in_use
from rung.rungs import RUNGS


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """A rung that was not recommended: the number that decided, and the traffic at which it would be level."""

    option: Option
    because: str
    break_even: Trigger | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """From the rung that the environment names to the recommended one.

    `saves_usd` a month, people's time and expected losses included; `costs_usd` once. It pays when it is back
    within the judgement's `payback_months`, or when the rung it leaves breaks a limit.
    """

    rung: str
    saves_usd: float
    costs_usd: float
    pays: bool

    @property
    def payback_months(self) -> float | None:
        """Months until it is paid back; None: it saves nothing."""
        return self.costs_usd / self.saves_usd if self.saves_usd > 0 else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Advised:
    """The advice on one environment. `options` from the best to the worst."""

    workload: str
    environment: str
    region: str
    recommended: Option
    options: tuple[Option, ...]
    rejected: tuple[Rejected, ...]
    steadiness: Steadiness
    triggers: tuple[Trigger, ...]
    move: Move | None
    choices: tuple[Choice, ...]
    steps: tuple[Step, ...]
    facts: tuple[Fact, ...]
    findings: tuple[Finding, ...]
    situation: Situation
    assumptions: Assumptions
    judgement: Judgement
    reviews: tuple[Reviewed, ...]


def advise(
    graph: Graph, environment: str, *, book: PriceBook | None = None, assumptions: Assumptions | None = None,
    judgement: Judgement | None = None, rungs: tuple[str, ...] = RUNGS, deep: bool = True,
) -> Advised:  # fmt: skip
    """Weigh every rung for one environment and recommend one.

    Args:
        rungs: which are compared, from the smallest up.
        deep: also look for triggers and break-evens, choose parts, review each rung; else only weigh and rank.

    Raises ModelError when no rung can hold the workload (R1301, with each rung's own reason), UsageError for an
    unknown environment.
    """
    comparison = Comparison(
        graph=graph, environment=environment, book=book or book_in_use(), assumptions=assumptions or Assumptions(),
        judgement=judgement or Judgement(), rungs=rungs,
    )  # fmt: skip
    situation = comparison.situation()
    options = tuple(ranked(comparison.options()))
    findings = contradictions_of(graph, environment, situation, options)
    best = options[0]
    if best.design is None:
        raise ModelError(*findings)
    return _advised(comparison, situation, options, findings, deep=deep)


def _advised(
    comparison: Comparison, situation: Situation, options: tuple[Option, ...], findings: tuple[Finding, ...], *,
    deep: bool,
) -> Advised:  # fmt: skip
    best = options[0]
    assert best.design is not None
    comparison.drop_the_impossible()
    steadiness = steadiness_of(comparison, best)
    triggers = triggers_of(comparison, best) if deep else ()
    move = _move(comparison, best)
    choices = choices_of(comparison, best) if deep else ()
    rejected = tuple(
        Rejected(
            option=each, because=because(best, each) if each.design else each.limits[0].text,
            break_even=break_even(comparison, best, each) if deep else None,
        )
        for each in options[1:]
    )  # fmt: skip
    return Advised(
        workload=comparison.graph.name, environment=comparison.environment, region=best.design.region,
        recommended=best, options=options, rejected=rejected, steadiness=steadiness, triggers=triggers, move=move,
        choices=choices, steps=steps_of(comparison.graph, best, move, situation, choices),
        facts=facts_of(comparison.graph, situation, comparison.judgement), findings=findings, situation=situation,
        assumptions=comparison.assumptions, judgement=comparison.judgement,
        reviews=reviews_of(comparison, options) if deep else (),
    )  # fmt: skip


def _move(comparison: Comparison, best: Option) -> Move | None:
    """What it means to leave the rung that the environment names; None where it names none, or the best."""
    node = next((each for each in comparison.graph.of(Environment) if each.name == comparison.environment), None)
    if node is None or node.rung is None or node.rung == best.rung:
        return None
    there = comparison.option(node.rung)
    if there.design is None:
        return None
    judgement, order = comparison.judgement, RUNGS
    steps = abs(order.index(node.rung) - order.index(best.rung))
    saves, costs = there.total_usd - best.total_usd, steps * judgement.move_hours * best.hour_usd
    pays = bool({each.kind for each in there.limits} - {each.kind for each in best.limits})
    pays = pays or (saves > 0 and costs / saves <= judgement.payback_months)
    return Move(rung=node.rung, saves_usd=saves, costs_usd=costs, pays=pays)

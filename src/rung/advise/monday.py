"""What to do on Monday: the next concrete steps for the stage that the business is in. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rung.advise.facts import Situation
from rung.advise.part_choices import Choice
from rung.advise.weighing import Option
from rung.model.graph import Graph
from rung.model.nodes import Postgres, Subscriber

if TYPE_CHECKING:
    from rung.advise.advice import Move

#: The least that a cheaper part must save before somebody is asked to change it, US dollars a month.
WORTH_A_STEP_USD = 10.0
_STEPS_AT_MOST = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing to do, why, and the command or the line of the workload file, when there is one."""

    do: str
    why: str
    line: str = ""


def steps_of(
    graph: Graph, best: Option, move: Move | None, situation: Situation, choices: tuple[Choice, ...]
) -> tuple[Step, ...]:
    """The steps, the first first; five at most, since nobody does more on a Monday."""
    found = (*_learn(graph, situation), *_stage(graph, best, move, situation), *_cheaper(choices))
    return found[:_STEPS_AT_MOST]


def _learn(graph: Graph, situation: Situation) -> Iterator[Step]:
    """Facts that decide and that nobody said."""
    if situation.production and situation.revenue_usd is None:
        yield Step(
            do="say what the workload earns",
            why="without it an outage costs nothing, and a box always wins",
            line=f"{graph.name}.business(Business(monthly_revenue_usd=..., engineers=...))",
        )
    if not graph.of(Subscriber):
        yield Step(
            do="let alarms reach a person",
            why="an alarm that nobody receives is no alarm",
            line=f'{graph.name}.notify("email:you@example.com")',
        )


def _stage(graph: Graph, best: Option, move: Move | None, situation: Situation) -> Iterator[Step]:
    if move is not None and move.pays:
        yield Step(
            do=f"rehearse the move from {move.rung} to {best.rung} with a copy of the data",
            why=f"${move.saves_usd:,.0f} a month, against ${move.costs_usd:,.0f} once",
            line=f"rung synth --env <a new environment with rung={best.rung!r}>",
        )
    elif move is not None:
        yield Step(
            do=f"stay on {move.rung} for now",
            why=f"${move.saves_usd:,.0f} a month do not pay for a move of "
            f"${move.costs_usd:,.0f} within a year; start new environments on {best.rung}",
        )
    if best.rung == "box" and situation.production:
        yield Step(
            do="restore yesterday's backup on another machine, and time it",
            why="the backup is all that survives the machine: what was never restored is a hope",
            line="sudo rung-restore --newest",
        )
    if best.trims:
        yield Step(
            do="write down the sizes that were weighed",
            why="no copy of them is promised or paid for by what they lose",
            line=_sizes(best),
        )
    if graph.traffic is not None:
        yield Step(
            do="measure what one request costs, and advise again",
            why="measured beats assumed: CPU decides sizes",
            line="rung load --format json > load.json && rung advise --measured load.json",
        )
    if graph.of(Postgres) and best.rung in ("fargate", "eks"):
        yield Step(
            do="drill the loss of the database's writer",
            why="a failover that was tried takes a minute, not an evening",
            line="rung forecast --fault failover@12:00",
        )


def _sizes(best: Option) -> str:
    """The trims as a workload file writes them."""
    sizes: dict[str, dict[str, object]] = {}
    for trim in best.trims:
        sizes.setdefault(trim.part, {})[trim.field] = trim.after
    return f"sizes={sizes!r}"


def _cheaper(choices: tuple[Choice, ...]) -> Iterator[Step]:
    for choice in choices:
        better = choice.best
        if better is not None and better.total_usd <= -WORTH_A_STEP_USD:
            yield Step(
                do=f"{choice.part}: {better.name}",
                why=f"${-better.total_usd:,.0f} a month less in all; {better.gives_up}",
                line=better.line,
            )

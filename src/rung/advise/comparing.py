"""Every rung weighed under one change of the world: designs and bills are made once for each change. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from rung.advise.facts import Situation, situation_of
from rung.advise.judgement import Judgement
from rung.advise.lean import lean
from rung.advise.scaling import with_traffic
from rung.advise.weighing import SOFTEST_FIRST, Limit, Option, weigh, with_limits
from rung.errors import ModelError
from rung.model.graph import Graph
from rung.parts.design import Design
from rung.price.assumptions import Assumptions
from rung.price.bill import bill
from rung.price.book import PriceBook, PriceError
from rung.rungs import RUNGS, place


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """How much of everything there is, as factors of what the workload says: visitors, revenue, CPU a request."""

    traffic: float = 1.0
    revenue: float = 1.0
    cpu: float = 1.0


HERE = World()
#: More revenue than this is growth and not noise: the budget grows with it.
GROWN = 1.2


@dataclass(kw_only=True)
class Comparison:
    """Weighs rungs in worlds, and remembers designs and options: most questions ask the same again."""

    graph: Graph
    environment: str
    book: PriceBook
    assumptions: Assumptions
    judgement: Judgement
    rungs: tuple[str, ...] = RUNGS
    _weighed: dict[tuple[str, float, float], tuple[Option, ...]] = field(default_factory=dict)
    _placed: dict[tuple[str, float], tuple[Graph, Design]] = field(default_factory=dict)

    def options(self, world: World = HERE) -> tuple[Option, ...]:
        """Every rung in a world, from the smallest up."""
        return tuple(self.option(rung, world) for rung in self.rungs)

    def option(self, rung: str, world: World = HERE) -> Option:
        """One rung in a world, with copies or lean, whichever is better there.

        Money and limits are renewed; designs and bills are not made again.
        """
        situation = self.situation(world)
        return ranked([self._renewed(each, situation) for each in self._physical(rung, world)])[0]

    def situation(self, world: World = HERE) -> Situation:
        """The business in a world: who has grown beyond the noise plans more money for machines."""
        found = situation_of(self.graph, self.environment, self.judgement, revenue_factor=world.revenue)
        if found.budget_usd is None or world.revenue <= GROWN:
            return found
        return replace(found, budget_usd=found.budget_usd * world.revenue)

    def best(self, world: World = HERE) -> Option:
        """The rung to choose in a world."""
        return ranked(self.options(world))[0]

    def better_than(self, rung: str, world: World, *, likely: str | None = None) -> str | None:
        """A rung that is chosen before `rung` in a world, None when it is the best there.

        The first one found ends the search; `likely` is asked first, the others are then not even placed.
        """
        ours = self._order(rung, world)
        others = sorted((each for each in self.rungs if each != rung), key=lambda each: each != likely)
        return next((each for each in others if self._order(each, world) < ours), None)

    def drop_the_impossible(self) -> None:
        """Leave out rungs that cannot hold the workload whatever its traffic: no world brings them back."""
        self.rungs = tuple(rung for rung in self.rungs if not _whatever_the_traffic(self._physical(rung, HERE)[0]))

    def _order(self, rung: str, world: World) -> tuple[tuple[bool, ...], float, int]:
        """What `best` sorts by: of equal rungs the smaller one is chosen."""
        return (*_hardness(self.option(rung, world)), self.rungs.index(rung))

    def _physical(self, rung: str, world: World) -> tuple[Option, ...]:
        key = (rung, world.traffic, world.cpu)
        if key not in self._weighed:
            self._weighed[key] = self._weigh(rung, world)
        return self._weighed[key]

    def _renewed(self, option: Option, situation: Situation) -> Option:
        if option.design is None:
            return option
        revenue = (situation.revenue_usd or 0.0) if situation.production else 0.0
        renewed = replace(option, downtime_hour_usd=situation.downtime_hour_usd, revenue_usd=revenue)
        return with_limits(renewed, situation)

    def _weigh(self, rung: str, world: World) -> tuple[Option, ...]:
        assumptions = self.assumptions
        if world.cpu != 1.0:
            assumptions = replace(assumptions, cpu_ms=assumptions.cpu_ms * world.cpu)
        try:
            graph, design = self._place(rung, world.traffic)
            designs = [(design, ()), *lean(design)]
            bills = [bill(each, graph, self.book, assumptions) for each, _ in designs]
        except (ModelError, PriceError) as error:
            return (_refused(rung, error),)
        situation = self.situation(world)
        return tuple(
            replace(weigh(graph, each, written, situation, assumptions, self.judgement), trims=trims)
            for (each, trims), written in zip(designs, bills, strict=True)
        )

    def _place(self, rung: str, traffic: float) -> tuple[Graph, Design]:
        key = (rung, traffic)
        if key not in self._placed:
            graph = with_traffic(self.graph, traffic)
            self._placed[key] = (graph, place(graph, self.environment, rung=rung))
        return self._placed[key]


def _refused(rung: str, error: ModelError | PriceError) -> Option:
    first = error.findings[0]
    text = f"{first.message}: {first.found}" if first.found else first.message
    return Option(rung=rung, limits=(Limit(kind="placing", text=text),), refusals=error.findings)


def ranked(options: Sequence[Option]) -> list[Option]:
    """The best first: what breaks no limit by dollars, then what breaks the softest ones."""
    return sorted(options, key=_hardness)


def _hardness(option: Option) -> tuple[tuple[bool, ...], float]:
    broken = {limit.kind for limit in option.limits}
    return tuple(kind in broken for kind in reversed(SOFTEST_FIRST)), option.total_usd


def _whatever_the_traffic(option: Option) -> bool:
    return bool(option.refusals) and any(finding.code != "R0802" for finding in option.refusals)

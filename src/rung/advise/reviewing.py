"""What a reviewer says about each rung: how many findings of which severity, and the grave ones in words. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from rung.advise.comparing import Comparison
from rung.advise.lean import trimmed
from rung.advise.weighing import Option
from rung.parts.design import Part
from rung.price.bill import lines_of
from rung.price.book import PriceError
from rung.price.charging import Charging
from rung.review import Advice, review
from rung.rungs import place


@dataclass(frozen=True, slots=True, kw_only=True)
class Reviewed:
    """A rung's findings. `grave` holds those of the highest severity, the worst first."""

    rung: str
    high: int
    medium: int
    low: int
    grave: tuple[Advice, ...]


def reviews_of(comparison: Comparison, options: tuple[Option, ...]) -> tuple[Reviewed, ...]:
    """A review of every rung that holds the workload, in their order."""
    return tuple(_reviewed(comparison, option) for option in options if option.design is not None)


def _reviewed(comparison: Comparison, option: Option) -> Reviewed:
    assert option.bill is not None
    design = trimmed(place(comparison.graph, comparison.environment, rung=option.rung), option.trims)
    charging = Charging(book=comparison.book, design=design, usage=option.bill.usage)

    def dollars(part: Part) -> float:
        try:
            return sum(line.usd for line in lines_of(part, charging))
        except PriceError:
            return 0.0

    found = review(comparison.graph, design, monthly_dollars=dollars, behaviour=comparison.assumptions)
    counts = {name: sum(each.severity == name for each in found) for name in ("high", "medium", "low")}
    grave = tuple(each for each in found if each.severity == "high")
    return Reviewed(rung=option.rung, high=counts["high"], medium=counts["medium"], low=counts["low"], grave=grave)

"""What would cost less: each saving is the same design with something changed, priced again. No percentages.

A saving says what it gives up, what would undo it, and where it breaks even: at how many requests of a month it
saves nothing any more. What the book has no price for is not offered: a guess is not a saving.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from rung.model.graph import Graph
from rung.parts.design import Design
from rung.price.assumptions import Assumptions
from rung.price.bill import Bill, bill, total_at
from rung.price.book import Basis, PriceBook, PriceError, oldest, worst
from rung.price.changes import changes
from rung.price.commitments import commitments, flat_rates
from rung.price.plans import plans

__all__ = ["Saving", "break_even", "changes", "savings"]

#: Below this a change is not worth the reading, US dollars in a month.
LEAST_USD = 1.0
#: The traffic at which a saving is looked at again, as multiples of today's.
_FACTORS = (0.01, 0.1, 1.0, 10.0, 100.0)
_STEPS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Saving:
    """One change: what the month costs before and after it, why, what it gives up, and until when it holds.

    `basis` and `as_of` are of the prices that make the difference: how sure the least sure is, and the day on
    which the oldest was read, empty when one has no day.
    """

    name: str
    part: str
    before_usd: float
    after_usd: float
    because: str
    gives_up: str
    break_even: str = ""
    undone_by: str = ""
    basis: Basis = "list"
    as_of: str = ""

    @property
    def usd(self) -> float:
        """US dollars in a month."""
        return self.before_usd - self.after_usd


def savings(
    design: Design,
    graph: Graph,
    book: PriceBook,
    assumptions: Assumptions | None = None,
    *,
    before: Bill | None = None,
) -> tuple[Saving, ...]:
    """Every change that saves at least a dollar in a month, the largest first. `before`: the bill, if known."""
    now = before or bill(design, graph, book, assumptions)
    found = [*_by_design(design, graph, book, assumptions, now), *_by_contract(now, book, design.region)]
    return tuple(sorted(found, key=lambda each: (-each.usd, each.name, each.part)))


def _by_design(
    design: Design, graph: Graph, book: PriceBook, assumptions: Assumptions | None, now: Bill
) -> Iterator[Saving]:
    """Changes of parts, each priced again."""
    for change in changes(design, now.usage):
        after = _priced(change.changed, graph, book, assumptions)
        if after is None or now.total - after.total < LEAST_USD:
            continue

        def saved(factor: float, changed: Design = change.changed) -> float:
            one, other = (total_at(each, graph, book, assumptions, factor) for each in (design, changed))
            return one - other

        other = set(now.lines) ^ set(after.lines)
        yield Saving(
            name=change.name, part=change.part, before_usd=now.total, after_usd=after.total,
            because=change.because, gives_up=change.gives_up, undone_by=change.undone_by,
            break_even=break_even(saved, now.usage.requests.value),
            basis=worst(line.basis for line in other), as_of=oldest(line.as_of for line in other),
        )  # fmt: skip


def _by_contract(now: Bill, book: PriceBook, region: str) -> Iterator[Saving]:
    """The same parts paid for in another way: reserved hours, Savings Plans, a flat rate."""
    lines = now.lines
    for offer in (
        *commitments(lines, book, region),
        *plans(lines, book, region),
        *flat_rates(lines, book, region),
    ):
        if offer.usd_before - offer.usd_after >= LEAST_USD:
            yield Saving(
                name=offer.name, part=offer.part, before_usd=now.total,
                after_usd=now.total - offer.usd_before + offer.usd_after, because=offer.because,
                gives_up=offer.gives_up, break_even=offer.break_even, undone_by=offer.undone_by,
                basis=offer.basis, as_of=offer.as_of,
            )  # fmt: skip


def break_even(saved: Callable[[float], float], requests: float) -> str:
    """At how many requests of a month nothing is saved any more.

    `saved` says what is saved at a multiple of today's traffic; it is looked for from a hundredth of it to a
    hundred times.
    """
    if not requests:
        return "the same at any traffic that is known"
    at = {factor: saved(factor) for factor in _FACTORS}
    below = next((f for f in reversed(_FACTORS[:2]) if at[f] < LEAST_USD), None)
    above = next((f for f in _FACTORS[3:] if at[f] < LEAST_USD), None)
    texts = []
    if below is not None:
        texts.append(f"above {_crossing(saved, below, 1.0) * requests:,.3g} requests a month")
    if above is not None:
        texts.append(f"below {_crossing(saved, above, 1.0) * requests:,.3g} requests a month")
    return "pays " + " and ".join(texts) if texts else "pays from a hundredth to a hundred times the traffic"


def _crossing(saved: Callable[[float], float], without: float, with_it: float) -> float:
    """Between a multiple that saves nothing and one that does, where it changes: by halves of the ratio."""
    for _ in range(_STEPS):
        middle = (without * with_it) ** 0.5
        if saved(middle) < LEAST_USD:
            without = middle
        else:
            with_it = middle
    return with_it


def _priced(design: Design, graph: Graph, book: PriceBook, assumptions: Assumptions | None) -> Bill | None:
    try:
        return bill(design, graph, book, assumptions, strict=False)
    except PriceError:
        return None

"""The bill of one design: every part's lines, totals, and what they mean for the business. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import assert_never

from rung.errors import Finding
from rung.model.environments import Figure
from rung.model.graph import Graph
from rung.model.nodes import Business
from rung.parts.design import Design, Part
from rung.price import (
    compute_lines,
    data_lines,
    edge_lines,
    kubernetes_lines,
    operations_lines,
    serverless_lines,
)
from rung.price.assumptions import Assumptions
from rung.price.book import Basis, PriceBook, PriceError
from rung.price.charging import Charging, Line
from rung.price.compute_lines import ComputePart
from rung.price.config_lines import config_lines
from rung.price.data_lines import DataPart
from rung.price.edge_lines import EdgePart
from rung.price.figures import REQUESTS, figures_of, impossible, is_own, problems_of, with_figures, with_quantities
from rung.price.free_tier import Free, free_of
from rung.price.interval import Reprice, interval
from rung.price.kubernetes_lines import KubernetesPart
from rung.price.operations_lines import OperationsPart
from rung.price.possible import impossible_in, without_budget
from rung.price.serverless_lines import ServerlessPart
from rung.price.usage import Usage, usage_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """A month of one environment on one rung, in US dollars without tax and support.

    `free` is what AWS's free tier takes off, where the account has nothing else; it is not in the total.
    """

    workload: str
    environment: str
    rung: str
    region: str
    lines: tuple[Line, ...]
    usage: Usage
    free: tuple[Free, ...] = ()
    tenants: int | None = None
    monthly_revenue_usd: float | None = None
    monthly_budget_usd: float | None = None
    #: The total of the same design under other assumptions.
    reprice: Reprice | None = field(default=None, repr=False, compare=False)

    @property
    def total(self) -> float:
        """The sum of the lines."""
        return math.fsum(line.usd for line in self.lines)

    @property
    def fixed(self) -> float:
        """What is paid while nobody comes."""
        return math.fsum(line.usd for line in self.lines if line.depends == "fixed")

    @property
    def free_usd(self) -> float:
        """What the free tier takes off in an account that has nothing else."""
        return math.fsum(each.usd for each in self.free)

    def of_basis(self, basis: Basis) -> float:
        """US dollars of the lines whose price is known in one way: `memory` is not to be relied on."""
        return math.fsum(line.usd for line in self.lines if line.basis == basis)

    def interval(self) -> tuple[float, float]:
        """Least and most, from what is assumed and how prices are known; the free tier is taken off the least."""
        least, most = interval(self.total, self.lines, self.usage.assumptions, self.reprice or self._same)
        return max(0.0, least - self.free_usd), most

    def by_node(self) -> Mapping[str, float]:
        """What each node of the workload costs, the dearest first."""
        sums: dict[str, float] = {}
        for line in self.lines:
            sums[line.node] = sums.get(line.node, 0.0) + line.usd
        return dict(sorted(sums.items(), key=lambda item: (-item[1], item[0])))

    def per_thousand_requests(self) -> float | None:
        """US dollars for 1,000 requests, None without traffic."""
        return self.total / self.usage.requests.value * 1_000 if self.usage.requests.value else None

    def per_tenant(self) -> float | None:
        """US dollars for each tenant, None when the workload does not say how many there are."""
        return self.total / self.tenants if self.tenants else None

    def share_of_revenue(self) -> float | None:
        """The bill as a share of the monthly revenue, None when nobody said what that is."""
        return self.total / self.monthly_revenue_usd if self.monthly_revenue_usd else None

    def _same(self, _: Assumptions) -> float:
        return self.total


def bill(
    design: Design, graph: Graph, book: PriceBook, assumptions: Assumptions | None = None, *, strict: bool = True
) -> Bill:
    """Price every part of a design.

    `strict`: figures of the environment that name no line are findings; they never are on another rung than the
    environment's own, whose lines they name. Raises PriceError with one finding for each price that is missing
    (R1101), for each figure in vain (R1106, R1107), and for what cannot be billed (R1108 to R1111).
    """
    figures = figures_of(graph, design.environment)
    if unusable := [
        *impossible_in(design, graph, book), *impossible(graph, design.environment, figures)
    ]:  # fmt: skip
        raise PriceError(*unusable)
    given = with_figures(assumptions or Assumptions(), figures)
    usage = usage_of(graph, production=design.production, assumptions=given, figures=figures)
    strict = strict and is_own(graph, design.environment, design.rung)
    lines = _lines(design, graph, book, usage, figures, strict=strict)
    if unpaid := list(without_budget(graph, math.fsum(line.usd for line in lines))):
        raise PriceError(*unpaid)
    business = next(iter(graph.of(Business)), None)
    return Bill(
        workload=design.workload, environment=design.environment, rung=design.rung, region=design.region,
        lines=lines, usage=usage, free=free_of(lines, book, design.region),
        tenants=business.customers if business else None,
        monthly_revenue_usd=business.monthly_revenue_usd if business else None,
        monthly_budget_usd=business.monthly_budget_usd if business else None,
        reprice=partial(_total, design, graph, book, figures),
    )  # fmt: skip


def total_at(
    design: Design, graph: Graph, book: PriceBook, assumptions: Assumptions | None, factor: float
) -> float:
    """The total of a design at a multiple of its environment's traffic. Raises PriceError as `bill` does."""
    figures = figures_of(graph, design.environment)
    given = with_figures(assumptions or Assumptions(), figures)
    now = usage_of(graph, production=design.production, assumptions=given, figures=figures)
    others = tuple(each for each in figures if each.of is not None or each.name != REQUESTS)
    scaled = Figure(of=None, name=REQUESTS, value=now.requests.value * factor)
    return _total(design, graph, book, (*others, scaled), given)


def _lines(
    design: Design, graph: Graph, book: PriceBook, usage: Usage, figures: tuple[Figure, ...], *, strict: bool
) -> tuple[Line, ...]:
    found, problems = _all_lines(design.parts, Charging(book=book, design=design, usage=usage))
    if strict:
        problems += problems_of(graph, design.environment, figures, found, usage.assumptions)
    if problems:
        raise PriceError(*problems)
    return tuple(line for line in with_quantities(found, figures, book, design.region) if line.quantity > 0)


def _total(
    design: Design, graph: Graph, book: PriceBook, figures: tuple[Figure, ...], assumptions: Assumptions
) -> float:
    """The total alone, under other assumptions."""
    usage = usage_of(graph, production=design.production, assumptions=assumptions, figures=figures)
    return math.fsum(line.usd for line in _lines(design, graph, book, usage, figures, strict=False))


def lines_of(part: Part, charging: Charging) -> Iterator[Line]:
    """The lines of one part. Certificates, identities and budgets are free and have none."""
    if isinstance(part, ComputePart):
        return compute_lines.lines_of(part, charging)
    if isinstance(part, DataPart):
        return data_lines.lines_of(part, charging)
    if isinstance(part, EdgePart):
        return edge_lines.lines_of(part, charging)
    if isinstance(part, OperationsPart):
        return operations_lines.lines_of(part, charging)
    if isinstance(part, ServerlessPart):
        return serverless_lines.lines_of(part, charging)
    if isinstance(part, KubernetesPart):
        return kubernetes_lines.lines_of(part, charging)
    assert_never(part)


def _all_lines(parts: Iterable[Part], charging: Charging) -> tuple[list[Line], list[Finding]]:
    """Every line that has a price, and a finding for every price that is missing, each once."""
    found: list[Line] = []
    missing: dict[str, Finding] = {}
    for lines in (*(lines_of(part, charging) for part in parts), config_lines(charging)):
        try:
            found.extend(lines)
        except PriceError as error:
            missing.update({finding.message: finding for finding in error.findings})
    return found, list(missing.values())

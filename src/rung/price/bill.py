"""The bill of one design: every part's lines, totals, and what they mean for the business. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import assert_never

from rung.errors import Finding
from rung.model.graph import Graph
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
from rung.price.book import PriceBook, PriceError
from rung.price.charging import Charging, Line
from rung.price.compute_lines import ComputePart
from rung.price.data_lines import DataPart
from rung.price.edge_lines import EdgePart
from rung.price.kubernetes_lines import KubernetesPart
from rung.price.operations_lines import OperationsPart
from rung.price.serverless_lines import ServerlessPart
from rung.price.usage import Usage, usage_of

#: How far a line may be off, by how its price is known; and what use adds, since traffic is a forecast.
_PRICE_ERROR = {"list": 0.0, "derived": 0.03, "estimate": 0.15, "memory": 0.10}
_USE_ERROR = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """A month of one environment on one rung, in US dollars without tax and support."""

    workload: str
    environment: str
    rung: str
    region: str
    lines: tuple[Line, ...]
    usage: Usage

    @property
    def total(self) -> float:
        """The sum of the lines."""
        return math.fsum(line.usd for line in self.lines)

    @property
    def fixed(self) -> float:
        """What is paid while nobody comes."""
        return math.fsum(line.usd for line in self.lines if line.depends == "fixed")

    def interval(self) -> tuple[float, float]:
        """Least and most: use may be off by a quarter, prices by how they are known; errors do not add up in
        step, so they are joined as a root of squares, use as one error that all lines share."""
        use = math.fsum(line.usd for line in self.lines if line.depends == "use") * _USE_ERROR
        prices = math.sqrt(math.fsum((line.usd * _PRICE_ERROR[line.basis]) ** 2 for line in self.lines))
        half = math.hypot(use, prices)
        return self.total - half, self.total + half

    def by_node(self) -> Mapping[str, float]:
        """What each node of the workload costs, the dearest first."""
        sums: dict[str, float] = {}
        for line in self.lines:
            sums[line.node] = sums.get(line.node, 0.0) + line.usd
        return dict(sorted(sums.items(), key=lambda item: (-item[1], item[0])))

    def per_thousand_requests(self) -> float | None:
        """US dollars for 1,000 requests, None without traffic."""
        return self.total / self.usage.requests.value * 1_000 if self.usage.requests.value else None


def bill(design: Design, graph: Graph, book: PriceBook, assumptions: Assumptions | None = None) -> Bill:
    """Price every part of a design. Raises PriceError with one finding for each price that is missing."""
    usage = usage_of(graph, production=design.production, assumptions=assumptions)
    charging = Charging(book=book, design=design, usage=usage)
    found, missing = _all_lines(design.parts, charging)
    if missing:
        raise PriceError(*missing)
    return Bill(
        workload=design.workload, environment=design.environment, rung=design.rung, region=design.region,
        lines=tuple(line for line in found if line.quantity > 0), usage=usage,
    )  # fmt: skip


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
    for part in parts:
        try:
            found.extend(lines_of(part, charging))
        except PriceError as error:
            missing.update({finding.message: finding for finding in error.findings})
    return found, list(missing.values())

"""One finding about a design, and how bad it is: likelihood and harm are said, the severity follows from them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

from rung.errors import Location
from rung.review.cures import Change

if TYPE_CHECKING:
    from rung.review.subject import Subject

Pillar = Literal["operations", "security", "reliability", "performance", "cost", "sustainability"]
Severity = Literal["high", "medium", "low"]
Likelihood = Literal["often", "sometimes", "seldom"]
Harm = Literal["severe", "serious", "slight"]

#: The pillars of AWS's Well-Architected Framework, in its order, with the names that it gives them.
PILLARS: Mapping[Pillar, str] = MappingProxyType({
    "operations": "operational excellence",
    "security": "security",
    "reliability": "reliability",
    "performance": "performance efficiency",
    "cost": "cost optimisation",
    "sustainability": "sustainability",
})  # fmt: skip
SEVERITIES: tuple[Severity, ...] = ("high", "medium", "low")
LIKELIHOODS: Mapping[Likelihood, str] = MappingProxyType({
    "often": "expect it every month", "sometimes": "expect it every year", "seldom": "it may never happen",
})  # fmt: skip
HARMS: Mapping[Harm, str] = MappingProxyType({
    "severe": "sales, data or trust are lost", "serious": "customers notice",
    "slight": "money or effort is wasted",
})  # fmt: skip
_SEVERITY: Mapping[Likelihood, Mapping[Harm, Severity]] = MappingProxyType({
    "often": {"severe": "high", "serious": "high", "slight": "low"},
    "sometimes": {"severe": "high", "serious": "medium", "slight": "low"},
    "seldom": {"severe": "medium", "serious": "low", "slight": "low"},
})  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a rule found: about which node, with which numbers, and the changes that cure it.

    `message` is one sentence; `evidence` the numbers or the part that show it. `note` is said after the cure.
    """

    node: str
    message: str
    evidence: str
    changes: tuple[Change, ...]
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One kind of finding. `find` looks at a design, `effect` is what happens, `taxonomy` the failure's name."""

    code: str
    pillar: Pillar
    title: str
    likelihood: Likelihood
    harm: Harm
    effect: str
    find: Callable[[Subject], Iterator[Found]]
    taxonomy: str = ""

    @property
    def severity(self) -> Severity:
        """How bad it is."""
        return severity_of(self.likelihood, self.harm)


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """One finding of the review, complete.

    `cure` is what to write in the workload file, `changes` the same as data (`rung.review.apply` makes them).
    `cure_dollars_monthly` is what the cure adds to the month's bill, less than nothing where it saves; None where
    that could not be told.
    """

    code: str
    pillar: Pillar
    severity: Severity
    node: str
    location: Location | None
    found: str
    evidence: str
    effect: str
    likelihood: Likelihood
    harm: Harm
    cure: str
    cure_dollars_monthly: float | None
    changes: tuple[Change, ...] = ()
    taxonomy: str = ""


def severity_of(likelihood: Likelihood, harm: Harm) -> Severity:
    """The table of docs/reference/review.md: waste is never more than low, lost data never less than medium."""
    return _SEVERITY[likelihood][harm]

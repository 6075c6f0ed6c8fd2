"""One line of a bill, and how a quantity becomes one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

from rung.parts.compute import OfficeHours
from rung.parts.design import Design
from rung.price.book import Basis, PriceBook
from rung.price.usage import Quantity, Usage

HOURS_PER_WEEK = 168.0
WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of a month's bill.

    `depends` says what it grows with: nothing (`fixed`: it is paid while nobody comes) or the visitors (`use`).
    `because` is how the quantity came about, `basis` how sure the price is, `source` where it was read. `key` is
    what the price was found by: service, usage, mode. `given`: the workload file says how much it is. `hours` is
    how much of it falls into each hour of an ordinary day, empty where that is not known.
    """

    part: str
    node: str
    item: str
    quantity: float
    unit: str
    usd: float
    depends: Literal["fixed", "use"]
    because: str
    basis: Basis
    source: str
    as_of: str
    key: tuple[str, str, str]
    given: bool = False
    hours: tuple[float, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Charging:
    """What every line needs: the book, the design with its region, and what the visitors cause."""

    book: PriceBook
    design: Design
    usage: Usage

    @cached_property
    def readers(self) -> Mapping[str, frozenset[str]]:
        """Which principals have a statement about a part, by the part's name."""
        found: dict[str, set[str]] = {}
        for statement in self.design.statements:
            for resource in statement.resources:
                name = getattr(resource, "part", None)
                if name is not None:
                    found.setdefault(name, set()).add(statement.principal)
        return {name: frozenset(principals) for name, principals in found.items()}

    @property
    def on_share(self) -> float:
        """The share of a week in which the environment runs: all of it, unless it keeps office hours."""
        hours = self.design.of(OfficeHours)
        return hours_per_week(hours[0]) / HOURS_PER_WEEK if hours else 1.0

    def while_on(self, quantity: Quantity) -> Quantity:
        """The part of `quantity` that falls into the hours in which the environment runs."""
        if self.on_share == 1.0:
            return quantity
        because = f"{quantity.because}; on for {self.on_share:.0%} of the week"
        return replace(quantity, value=quantity.value * self.on_share, because=because, hours=())

    def always(self, amount: float = 1.0) -> tuple[float, ...]:
        """`amount` in every hour of the day; unknown where the environment keeps office hours."""
        return (amount,) * 24 if self.on_share == 1.0 else ()

    def line(
        self,
        part: str,
        node: str,
        item: str,
        key: tuple[str, str, str],
        quantity: float,
        because: str,
        *,
        depends: Literal["fixed", "use"] = "fixed",
        region: str | None = None,
        hours: tuple[float, ...] = (),
    ) -> Line:
        """A line for `quantity` units of the price `key` (service, usage, mode). Raises PriceError R1101."""
        service, usage, mode = key
        tariff = self.book.tariff(service, usage, mode=mode, region=region or self.design.region)
        price = tariff.first
        return Line(
            part=part, node=node, item=item, quantity=quantity, unit=price.unit, usd=tariff.charge(quantity),
            depends=depends, because=because, basis=price.basis, source=price.source, as_of=price.as_of, key=key,
            hours=hours,
        )  # fmt: skip


def hours_per_week(part: OfficeHours) -> float:
    """How long an environment runs in a week, by the two cron expressions that start and stop it."""
    start, stop = _cron_fields(part.start_cron), _cron_fields(part.stop_cron)
    return (_hour(stop) - _hour(start)) % 24 * _weekdays(start[4])


def _cron_fields(expression: str) -> list[str]:
    """Minutes, hours, day, month, weekdays of `cron(0 7 ? * MON-FRI *)`."""
    return expression.partition("(")[2].rstrip(")").split()


def _hour(fields: list[str]) -> float:
    return float(fields[1]) + float(fields[0]) / 60


def _weekdays(text: str) -> int:
    if text in ("*", "?"):
        return 7
    spans = [[WEEKDAYS.index(day) for day in span.upper().split("-")] for span in text.split(",")]
    return sum(span[-1] - span[0] + 1 for span in spans)

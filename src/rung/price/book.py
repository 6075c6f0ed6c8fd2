"""The price book: list prices of AWS in US dollars, each row with its source and its date.

A price is found by service, usage, mode (tenancy, storage mode, purchase option) and region, or not at all: there
is no fallback to another region and no factor, because regions differ by 0 to 25 % from one usage to the next.
Rows of the regions `global`, `edge` and `all` hold everywhere.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from importlib import resources
from typing import Literal

from rung.errors import Finding, UserError
from rung.near import suggestion

Basis = Literal["list", "derived", "estimate", "memory"]
BASES: tuple[Basis, ...] = ("list", "derived", "estimate", "memory")
EVERYWHERE = ("global", "edge", "all")
COLUMNS = (
    "service", "usage", "mode", "unit", "region", "tier_from", "usd", "basis", "role", "source", "as_of",
)  # fmt: skip
#: Months are AWS's own: 730 hours, the figure of its calculator.
HOURS_PER_MONTH = 730.0
#: Older than this, a row is shown as old.
STALE_DAYS = 120


def worst(found: Iterable[Basis]) -> Basis:
    """How sure a sum is: as its least sure part."""
    return BASES[max((BASES.index(each) for each in found), default=0)]


def oldest(days: Iterable[str]) -> str:
    """The day on which the oldest of several prices was read; empty when one has none."""
    known = list(days)
    return min(known) if known and all(known) else ""


class PriceError(UserError):
    """A price is missing, or a price book cannot be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """One row: `usd` for one `unit`, for what is beyond `tier_from` units in a month.

    `basis` says how sure it is: read from a `list`, `derived` from another row by a rule that was checked, an
    `estimate` that moves (Spot), or from `memory`. `second`: another source of a row that is there; it is
    compared and never charged.
    """

    service: str
    usage: str
    mode: str = ""
    unit: str
    region: str
    tier_from: float = 0.0
    usd: float
    basis: Basis = "list"
    second: bool = False
    source: str
    as_of: str = ""

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What it is looked up by."""
        return (self.service, self.usage, self.mode, self.region)

    def age_days(self, today: date) -> int | None:
        """Days since somebody read it, None when the row has no day. A year alone counts from its first day."""
        try:
            return (today - date.fromisoformat(self.as_of)).days
        except ValueError:
            return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tariff:
    """The tiers of one price, the cheapest quantity first."""

    tiers: tuple[Price, ...]

    @property
    def unit(self) -> str:
        """What is counted."""
        return self.tiers[0].unit

    @property
    def first(self) -> Price:
        """The price of the first unit."""
        return self.tiers[0]

    def charge(self, quantity: float) -> float:
        """US dollars for `quantity` units in a month. Continuous: a tier's price holds for what is above it."""
        if len(self.tiers) == 1:
            return max(0.0, quantity - self.first.tier_from) * self.first.usd
        ends = [*(tier.tier_from for tier in self.tiers[1:]), float("inf")]
        return sum(
            max(0.0, min(quantity, end) - tier.tier_from) * tier.usd
            for tier, end in zip(self.tiers, ends, strict=True)
        )


@dataclass(frozen=True, kw_only=True)
class PriceBook:
    """All rows. Two rows of one key and tier make it ambiguous, and it cannot be read."""

    rows: tuple[Price, ...]

    @cached_property
    def _tariffs(self) -> Mapping[tuple[str, str, str, str], Tariff]:
        tiers: dict[tuple[str, str, str, str], list[Price]] = {}
        for row in self.rows:
            if not row.second:
                tiers.setdefault(row.key, []).append(row)
        return {
            key: Tariff(tiers=tuple(sorted(found, key=lambda each: each.tier_from)))
            for key, found in tiers.items()
        }

    @cached_property
    def regions(self) -> tuple[str, ...]:
        """The regions with prices of their own."""
        return tuple(sorted({row.region for row in self.rows} - set(EVERYWHERE)))

    def types_of(self, service: str, mode: str, region: str) -> tuple[str, ...]:
        """The instance types with a price, in the order of the book: a dot tells them from other usages."""
        return self._types.get((service, mode, region), ())

    @cached_property
    def _types(self) -> Mapping[tuple[str, str, str], tuple[str, ...]]:
        found: dict[tuple[str, str, str], dict[str, None]] = {}
        for row in self.rows:
            if "." in row.usage:
                found.setdefault((row.service, row.mode, row.region), {})[row.usage] = None
        return {key: tuple(usages) for key, usages in found.items()}

    def tariff(self, service: str, usage: str, *, mode: str = "", region: str) -> Tariff:
        """The price of one usage in one region. Raises PriceError R1101 that names the key."""
        found = self.find(service, usage, mode=mode, region=region)
        if found is None:
            raise PriceError(self._missing(service, usage, mode, region))
        return found

    def find(self, service: str, usage: str, *, mode: str = "", region: str) -> Tariff | None:
        """The same, None where the book has no such price."""
        for place in (region, *EVERYWHERE):
            found = self._tariffs.get((service, usage, mode, place))
            if found is not None:
                return found
        return None

    def search(self, words: Iterable[str], region: str | None = None) -> Iterator[Price]:
        """The rows whose service, usage, mode or unit holds every word."""
        wanted = [word.lower() for word in words]
        for row in self.rows:
            text = f"{row.service} {row.usage} {row.mode} {row.unit} {row.region}".lower()
            if all(word in text for word in wanted) and region in (None, row.region):
                yield row

    def with_rows(self, rows: Iterable[Price]) -> PriceBook:
        """This book, where `rows` replace what they have the key and tier of."""
        changed = {(row.key, row.tier_from, row.second): row for row in (*self.rows, *rows)}
        return PriceBook(rows=tuple(changed.values()))

    def _missing(self, service: str, usage: str, mode: str, region: str) -> Finding:
        name = " ".join(part for part in (service, usage, mode) if part)
        elsewhere = sorted({row.region for row in self.rows if row.key[:3] == (service, usage, mode)})
        near = suggestion(f"{usage} {mode}".strip(), self._usages(service))
        found = f"prices of it in {', '.join(elsewhere)}" if elsewhere else f"no price of it at all{near}"
        return Finding(
            code="R1101",
            severity="error",
            message=f"no price for {name} in {region}",
            found=found,
            effect="a bill without it would be too small, and another region's price would be wrong",
            help=f"rung prices update --region {region}, or a region of the book: {', '.join(self.regions)}",
        )

    def _usages(self, service: str) -> tuple[str, ...]:
        return tuple({f"{row.usage} {row.mode}".strip() for row in self.rows if row.service == service})


def read_book(text: str, file: str = "prices.csv") -> PriceBook:
    """The price book in CSV text. Raises PriceError R1102 with every line that cannot be used."""
    reader = csv.DictReader(io.StringIO(text))
    if tuple(reader.fieldnames or ()) != COLUMNS:
        raise PriceError(_unusable(file, 1, f"columns {', '.join(reader.fieldnames or ())}"))
    rows: list[Price] = []
    findings: list[Finding] = []
    seen: dict[tuple[object, ...], int] = {}
    for number, fields in enumerate(reader, start=2):
        try:
            row = _row(fields)
        except (ValueError, TypeError) as error:
            findings.append(_unusable(file, number, str(error)))
            continue
        identity = (row.key, row.tier_from, row.source if row.second else "")
        if identity in seen:
            findings.append(_unusable(file, number, f"the key and tier of line {seen[identity]}: ambiguous"))
        seen.setdefault(identity, number)
        rows.append(row)
    if findings:
        raise PriceError(*findings)
    return PriceBook(rows=tuple(rows))


def write_book(book: PriceBook) -> str:
    """The book as CSV text that `read_book` reads, sorted, so that a change shows as a change."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in sorted(book.rows, key=lambda each: (each.key, each.tier_from, each.second, each.source)):
        writer.writerow([
            row.service, row.usage, row.mode, row.unit, row.region, f"{row.tier_from:.15g}", f"{row.usd:.12g}",
            row.basis, "second" if row.second else "", row.source, row.as_of,
        ])  # fmt: skip
    return out.getvalue()


def shipped_book() -> PriceBook:
    """The book that comes with rung."""
    return read_book(resources.files("rung.price").joinpath("prices.csv").read_text(encoding="utf-8"))


def _row(fields: Mapping[str, str | None]) -> Price:
    values = {name: (fields.get(name) or "").strip() for name in COLUMNS}
    basis = _basis(values["basis"])
    if not all(values[name] for name in ("service", "usage", "unit", "region", "source")):
        raise ValueError("service, usage, unit, region and source must not be empty")
    usd, tier_from = float(values["usd"]), float(values["tier_from"] or 0)
    if not (0 <= usd < 1e9 and 0 <= tier_from < 1e15):
        raise ValueError(f"usd {values['usd']!r}, tier_from {values['tier_from']!r}; both must not be negative")
    return Price(
        service=values["service"], usage=values["usage"], mode=values["mode"], unit=values["unit"],
        region=values["region"], tier_from=tier_from, usd=usd, basis=basis,
        second=values["role"] == "second", source=values["source"], as_of=values["as_of"],
    )  # fmt: skip


def _basis(text: str) -> Basis:
    for known in BASES:
        if text == known:
            return known
    raise ValueError(f"basis {text!r}; one of {', '.join(BASES)}")


def _unusable(file: str, line: int, found: str) -> Finding:
    from rung.errors import Location

    return Finding(
        code="R1102", severity="error", message="this line of the price book cannot be used",
        location=Location(file=file, line=line), found=found,
        effect="no bill is written from a book that is partly read",
        help=f"columns: {', '.join(COLUMNS)}; one row for each service, usage, mode, region and tier",
    )  # fmt: skip

"""Reading invoices from CSV files of the UCI "Online Retail" shape: good rows are kept, bad ones reported.

    InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country

An invoice number that begins with C is a cancellation; its quantities are negative.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from rung.errors import Finding, Location, Severity
from shop.domain.money import MoneyError, parse_minor

COLUMNS = (
    "InvoiceNo",
    "StockCode",
    "Description",
    "Quantity",
    "InvoiceDate",
    "UnitPrice",
    "CustomerID",
    "Country",
)
QUANTITY_LIMIT = 1_000_000

COUNTRIES = {
    "United Kingdom": "GB", "France": "FR", "Germany": "DE", "EIRE": "IE", "Norway": "NO", "Portugal": "PT",
    "Spain": "ES", "Lithuania": "LT", "Iceland": "IS", "Italy": "IT", "Australia": "AU", "Denmark": "DK",
    "Japan": "JP", "Channel Islands": "JE", "Belgium": "BE", "Poland": "PL", "Switzerland": "CH",
    "Netherlands": "NL", "Austria": "AT", "Sweden": "SE", "Finland": "FI", "Greece": "GR", "Cyprus": "CY",
    "Singapore": "SG", "USA": "US", "Canada": "CA", "Israel": "IL", "Malta": "MT", "Bahrain": "BH",
    "Hong Kong": "HK", "Lebanon": "LB", "Brazil": "BR", "Saudi Arabia": "SA", "Czech Republic": "CZ",
    "United Arab Emirates": "AE", "RSA": "ZA",
}  # fmt: skip
ELSEWHERE = "ZZ"  # what ISO 3166 leaves to users


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceLine:
    """One row. The quantity is positive, also in a cancellation; the code is in capitals."""

    code: str
    title: str
    quantity: int
    unit_price_minor: int

    @property
    def sku(self) -> str:
        """One variant for each price that a thing was ever sold at."""
        return f"{self.slug.removeprefix('retail-').upper()}-{self.unit_price_minor}"

    @property
    def slug(self) -> str:
        """The product's name in addresses."""
        letters = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in self.code.lower())
        return f"retail-{letters}"

    @property
    def total_minor(self) -> int:
        """What the line cost, or what was given back for it."""
        return self.quantity * self.unit_price_minor


@dataclass(slots=True, kw_only=True)
class Invoice:
    """One invoice or cancellation with its good rows. `customer` is None when the till did not ask."""

    number: str
    customer: str | None
    country: str
    issued_at: datetime
    lines: list[InvoiceLine] = field(default_factory=list)

    @property
    def cancelled(self) -> bool:
        """Whether it gives money back."""
        return self.number.startswith("C")

    @property
    def total_minor(self) -> int:
        """The sum of its lines."""
        return sum(line.total_minor for line in self.lines)


@dataclass(slots=True)
class Invoices:
    """What the files held: invoices in order of time, and every finding."""

    invoices: list[Invoice]
    findings: list[Finding]

    @property
    def sold_minor(self) -> int:
        """The sum of all invoices that are not cancellations."""
        return sum(invoice.total_minor for invoice in self.invoices if not invoice.cancelled)

    @property
    def cancelled_minor(self) -> int:
        """The sum of all cancellations."""
        return sum(invoice.total_minor for invoice in self.invoices if invoice.cancelled)


class _RowError(Exception):
    def __init__(self, code: str, message: str, found: str, help: str, severity: Severity = "error") -> None:  # noqa: A002
        super().__init__(message)
        self.code, self.message, self.found, self.help, self.severity = code, message, found, help, severity


def read_invoices(paths: Iterable[Path]) -> Invoices:
    """All invoices of all files. Never raises for what is in them: see `findings`."""
    invoices: dict[str, Invoice] = {}
    findings: list[Finding] = []
    for path in paths:
        for number, row in _rows(path, findings):
            try:
                _take(invoices, row)
            except _RowError as error:
                findings.append(_finding(error, path, number, row))
    in_order = sorted((one for one in invoices.values() if one.lines), key=lambda one: (one.issued_at, one.number))
    return Invoices(_titled(in_order), findings)


def _rows(path: Path, findings: list[Finding]) -> Iterator[tuple[int, list[str]]]:
    """The rows with their line numbers; a file that cannot be read is a finding, not the end."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            reader = csv.reader(stream)
            header = next(reader, [])
            if tuple(header) != COLUMNS:
                findings.append(_unreadable(path, f"its first line is {','.join(header)[:120]!r}"))
                return
            for row in reader:
                yield reader.line_num, row
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        findings.append(_unreadable(path, str(error)))


def _take(invoices: dict[str, Invoice], row: list[str]) -> None:
    if len(row) != len(COLUMNS):
        raise _RowError(
            "R0702", "a row does not have eight fields", f"{len(row)} fields", "quote texts with commas"
        )
    number, code, title, quantity_text, date_text, price_text, customer, country = (text.strip() for text in row)
    if not number or not code:
        raise _RowError("R0702", "a row lacks its invoice or article", ",".join(row)[:80], "fill in both fields")
    quantity = _quantity(number, quantity_text)
    line = InvoiceLine(
        code=code.upper(), title=title, quantity=abs(quantity), unit_price_minor=_unit_price(price_text)
    )
    issued_at = _date(date_text)
    invoice = invoices.get(number)
    if invoice is None:
        invoice = invoices[number] = Invoice(
            number=number, customer=_customer(customer), country=_country(country), issued_at=issued_at
        )
    elif invoice.customer != _customer(customer):
        raise _RowError(
            "R0707", f"invoice {number} has two customers", f"{customer or 'none'}, and before {invoice.customer}",
            "give each customer an invoice of their own",
        )  # fmt: skip
    invoice.lines.append(line)


def _quantity(number: str, text: str) -> int:
    try:
        quantity = int(text)
    except ValueError:
        quantity = 0
    if quantity == 0 or abs(quantity) > QUANTITY_LIMIT:
        raise _RowError(
            "R0703", "a quantity is not a whole number of pieces", repr(text[:40]), "write it as 6 or -6"
        )
    if (quantity < 0) != number.startswith("C"):
        raise _RowError(
            "R0705", f"the sign of a quantity does not fit invoice {number}", text,
            "a cancellation begins with C and is negative; book a correction of stock as one", "warning",
        )  # fmt: skip
    return quantity


def _unit_price(text: str) -> int:
    try:
        minor = parse_minor(text)
    except MoneyError as error:
        raise _RowError("R0704", "a price is not an amount", str(error), "write pounds and pence: 2.55") from None
    if minor < 0:
        raise _RowError("R0704", "a price is negative", repr(text[:40]), "cancel the invoice instead")
    return minor


def _date(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC)
    except ValueError:
        raise _RowError("R0706", "a date is not one", repr(text[:40]), "write it as 2010-12-01 08:26:00") from None


def _customer(text: str) -> str | None:
    """Spreadsheets turn 17850 into 17850.0."""
    return text.removesuffix(".0") or None


def _country(text: str) -> str:
    return COUNTRIES.get(text, ELSEWHERE)


def _titled(invoices: Sequence[Invoice]) -> list[Invoice]:
    """Rows without a description get the most frequent one of their article, or its code."""
    titles: dict[str, Counter[str]] = {}
    for invoice in invoices:
        for line in invoice.lines:
            if line.title:
                titles.setdefault(line.code, Counter())[line.title] += 1
    best = {code: counted.most_common(1)[0][0] for code, counted in titles.items()}
    for invoice in invoices:
        invoice.lines = [
            InvoiceLine(
                code=line.code,
                title=best.get(line.code, line.code),
                quantity=line.quantity,
                unit_price_minor=line.unit_price_minor,
            )
            for line in invoice.lines
        ]
    return list(invoices)


def _finding(error: _RowError, path: Path, number: int, row: list[str]) -> Finding:
    return Finding(
        code=error.code,
        severity=error.severity,
        message=error.message,
        location=Location(file=str(path), line=number, text=",".join(row)[:100]),
        found=error.found,
        effect="the row was left out; all others were imported",
        help=error.help,
    )


def _unreadable(path: Path, found: str) -> Finding:
    return Finding(
        code="R0701",
        severity="error",
        message="a file of invoices cannot be read",
        location=Location(file=str(path), line=1),
        found=found,
        effect="nothing, or nothing more, was imported from this file",
        help=f"give UTF-8 text whose first line is {','.join(COLUMNS)}",
    )

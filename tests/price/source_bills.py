"""The bills that four authors gave of their own systems, beside what rung makes of a workload file for each.

python -m tests.price.source_bills     writes the tables of docs/explanation/known-bills.md anew
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rung.model.read import load_workload
from rung.price.bill import Bill, bill
from rung.price.book import PriceBook, shipped_book
from rung.price.savings import Saving, savings
from rung.rungs import place

FOLDER = Path(__file__).parent / "sources"
PAGE = Path(__file__).parents[2] / "docs" / "explanation" / "known-bills.md"
#: Lines below this are told together, US dollars in a month.
SMALL_USD = 1.50


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One author's figure: the workload's folder and environment, what was said, and between which dollars."""

    name: str
    environment: str
    said: str
    least_usd: float
    most_usd: float


TOLD = (
    Told(name="saas", environment="prod", said="$250 to $300 a month", least_usd=250, most_usd=300),
    Told(name="startup", environment="prod", said="about $500 a month", least_usd=475, most_usd=525),
    Told(name="vps", environment="prod", said="a $20 machine", least_usd=20, most_usd=30),
)


def bill_of(name: str, environment: str, book: PriceBook) -> Bill:
    """The bill of one of the workload files."""
    graph = load_workload(FOLDER / name / "workload.py")
    return bill(place(graph, environment), graph, book)


def savings_of(name: str, environment: str, book: PriceBook) -> dict[str, Saving]:
    """Its savings by name."""
    graph = load_workload(FOLDER / name / "workload.py")
    return {each.name: each for each in savings(place(graph, environment), graph, book)}


def table_of(told: Told, book: PriceBook) -> str:
    """Every line that matters, the small ones together, the total and what was said."""
    found = bill_of(told.name, told.environment, book)
    rows = ["| part | line | amount | US dollars |", "|---|---|--:|--:|"]
    lines = sorted(found.lines, key=lambda line: (-line.usd, line.part, line.item))
    rows += [
        f"| {line.part} | {line.item} | {line.quantity:,.4g} {line.unit} | {line.usd:,.2f} |"
        for line in lines
        if line.usd >= SMALL_USD
    ]
    small = [line for line in lines if line.usd < SMALL_USD]
    rows.append(f"| | {len(small)} smaller lines | | {sum(line.usd for line in small):,.2f} |")
    rows.append(f"| | **together** | said: {told.said} | **{found.total:,.2f}** |")
    rows.append(f"| | less the free tier, where nothing else uses it | | {found.total - found.free_usd:,.2f} |")
    return "\n".join(rows)


def nat_table(book: PriceBook) -> str:
    """A NAT in each of three zones against one for all, line by line."""
    each, one = (bill_of("nat", environment, book) for environment in ("each", "one"))
    rows = ["| line | one for all | in each zone | difference |", "|---|--:|--:|--:|"]
    pairs = {(line.part, line.item): line.usd for line in one.lines}
    for line in each.lines:
        before = pairs.get((line.part, line.item), 0.0)
        if abs(line.usd - before) >= 0.01:
            rows.append(f"| {line.item} | {before:,.2f} | {line.usd:,.2f} | {line.usd - before:+,.2f} |")
    rows.append(f"| **together** | {one.total:,.2f} | {each.total:,.2f} | **{each.total - one.total:+,.2f}** |")
    return "\n".join(rows)


def savings_table(book: PriceBook) -> str:
    """What the startup could save, each priced alone."""
    rows = ["| saving | less a month | leaves |", "|---|--:|--:|"]
    rows += [
        f"| {each.name}: {each.because} | {each.usd:,.2f} | {each.after_usd:,.2f} |"
        for each in savings_of("startup", "prod", book).values()
    ]
    return "\n".join(rows)


def page_with(text: str, book: PriceBook) -> str:
    """The page with every table written anew."""
    tables = {told.name: table_of(told, book) for told in TOLD}
    tables |= {"nat": nat_table(book), "savings": savings_table(book)}
    for name, table in tables.items():
        head, begin, rest = text.partition(f"<!-- {name} -->\n")
        _, end, tail = rest.partition(f"<!-- /{name} -->")
        text = f"{head}{begin}{table}\n{end}{tail}"
    return text


if __name__ == "__main__":
    PAGE.write_text(page_with(PAGE.read_text(encoding="utf-8"), shipped_book()), encoding="utf-8")

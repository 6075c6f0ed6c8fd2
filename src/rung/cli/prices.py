"""`rung prices`: list and search the price book, show its age, bring it up to date from AWS's public offers."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from rung.errors import UsageError

if TYPE_CHECKING:
    from rung.price.book import Price, PriceBook

ROWS_SHOWN = 60


def configure(parser: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    command = parser.add_parser("prices", help="list, search and renew the price book")
    command.add_argument(
        "action", nargs="?", choices=("list", "age", "update"), default="list", help="list when left out"
    )
    command.add_argument(
        "words", nargs="*", metavar="WORD", help="show rows that hold every word: ec2 t4g on-demand"
    )
    command.add_argument("--region", help="one region alone")
    command.add_argument("--all", action="store_true", help=f"every row, not the first {ROWS_SHOWN}")
    command.add_argument(
        "--service", action="append", metavar="OFFER", help="update: this offer alone, such as AmazonRDS"
    )
    command.add_argument(
        "--from", dest="source", type=Path, metavar="DIR", help="update: offer files in this folder"
    )
    command.add_argument("--format", choices=("text", "json"), default="text", help="json is for programs")


def run(arguments: argparse.Namespace) -> int:
    """List, tell the age, or update. Raises PriceError and UsageError."""
    from rung.price.shelf import book_in_use

    if arguments.action == "update":
        return _update(arguments)
    book = book_in_use()
    if arguments.action == "age":
        return _age(book, arguments.format)
    rows = sorted(book.search(arguments.words, arguments.region), key=lambda row: (row.key, row.tier_from))
    if arguments.format == "json":
        print(json.dumps({"schema": "rung.prices/1", "prices": [asdict(row) for row in rows]}, indent=2))
        return 0
    shown = rows if arguments.all else rows[:ROWS_SHOWN]
    if shown:
        _print_rows(shown)
    if len(shown) < len(rows):
        print(f"{len(rows) - len(shown)} more: add words, --region, or --all")
    return 0 if rows else _nothing(arguments.words, arguments.region, book)


def _print_rows(rows: list[Price]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("service", "usage", "mode", "region", box=None, pad_edge=False)
    for heading in ("from", "US dollars"):
        table.add_column(heading, justify="right")
    for heading in ("for a", "how sure", "read on", "source"):
        table.add_column(heading, overflow="fold" if heading == "source" else "ellipsis")
    for row in rows:
        sure = "second source" if row.second else row.basis
        table.add_row(
            row.service, row.usage, row.mode, row.region, f"{row.tier_from:g}" if row.tier_from else "",
            f"{row.usd:.10g}", row.unit, sure, row.as_of or "?", row.source,
        )  # fmt: skip
    Console(soft_wrap=True, width=220, highlight=False).print(table)


def _nothing(words: list[str], region: str | None, book: PriceBook) -> int:
    if region is not None and region not in book.regions:
        print(f"the book has no prices of {region!r}; it has {', '.join(book.regions)}")
    else:
        print(f"no row holds {' and '.join([*words, *([region] if region else [])])}: leave a word away")
    return 1


def _age(book: PriceBook, wanted: str) -> int:
    """Rows by how old they are; old ones and those from memory, by name."""
    from rung.price.book import STALE_DAYS

    today = datetime.now(tz=UTC).date()
    rows = [row for row in book.rows if not row.second]
    old = [row for row in rows if _is_old(row, today, STALE_DAYS)]
    unsure = [row for row in rows if row.basis == "memory"]
    if wanted == "json":
        found = {"rows": len(rows), "old": len(old), "from_memory": len(unsure), "stale_days": STALE_DAYS}
        print(json.dumps({"schema": "rung.prices.age/1", **found}))
        return 0
    print(f"{len(rows)} prices, {len(old)} read more than {STALE_DAYS} days ago, {len(unsure)} from memory")
    print(f"regions: {', '.join(book.regions)}")
    for row in unsure:
        print(f"  from memory: {row.service} {row.usage} {row.mode} {row.region} {row.usd:g}")
    if old:
        print("renew them: rung prices update --region REGION")
    return 0


def _is_old(row: Price, today: date, days: int) -> bool:
    age = row.age_days(today)
    return age is None or age > days


def _update(arguments: argparse.Namespace) -> int:
    from rung.price.update import services_read, update_book

    if arguments.region is None:
        raise UsageError("say which region: rung prices update --region eu-west-1")
    known = services_read()
    unknown = sorted(set(arguments.service or ()) - set(known))
    if unknown:
        raise UsageError(f"no offer {', '.join(unknown)}; there are {', '.join(known)}")
    result = update_book(arguments.region, tuple(arguments.service or known), folder=arguments.source)
    if arguments.format == "json":
        print(json.dumps({"schema": "rung.prices.update/1", **result.as_json()}))
        return 0
    print(f"{result.changed} of {result.read} prices changed, {result.added} are new: {result.file}")
    for line in result.moves[:20]:
        print(f"  {line}")
    if result.nothing_in:
        print(f"nothing was found in {', '.join(result.nothing_in)}: their rows stay as they were")
    return 0

"""Bills and worked examples that others published, priced with the book from their own quantities.

    python benchmarks/price_published.py [--json]

The bills are in tests/price/published, each with its source and day. A line is right within 0.5 % or two cents,
a total within 0.2 %. A published line that contradicts AWS's list is named with the reason and counts in no total;
one that a row of the book was read from is circular and proves nothing.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from rung.price.book import PriceBook, shipped_book

FOLDER = Path(__file__).parents[1] / "tests" / "price" / "published"
LINE_SHARE, LINE_USD, TOTAL_SHARE = 0.005, 0.02, 0.002


def bills() -> list[dict[str, Any]]:
    """Every published bill, by name."""
    return [
        {"name": file.stem, **json.loads(file.read_text(encoding="utf-8"))}
        for file in sorted(FOLDER.glob("*.json"))
    ]


def charged(book: PriceBook, line: dict[str, Any], region: str) -> float:
    """US dollars that the book charges for the quantity of a published line."""
    tariff = book.tariff(line["service"], line["usage"], mode=line["mode"], region=region)
    return tariff.charge(line["quantity"])


def line_is_right(line: dict[str, Any], ours: float) -> bool:
    """Within 0.5 % or two cents of what was published."""
    return bool(abs(ours - line["usd"]) <= max(LINE_USD, LINE_SHARE * line["usd"]))


def total_is_right(published: float, ours: float) -> bool:
    """Within 0.2 %, or a cent where that is less than one."""
    return abs(ours - published) <= max(0.01, TOTAL_SHARE * published)


def row_of(book: PriceBook, bill: dict[str, Any]) -> dict[str, Any]:
    """One bill's figures: lines that are right, the worst line, the total. Contradicted lines stand apart."""
    counted = [line for line in bill["lines"] if "contradicts" not in line]
    ours = [charged(book, line, bill["region"]) for line in counted]
    total = sum(ours)
    errors = [abs(each - line["usd"]) for each, line in zip(ours, counted, strict=True)]
    return {
        "name": bill["name"], "kind": bill["kind"], "as_of": bill["as_of"], "lines": len(counted),
        "right": sum(line_is_right(line, each) for line, each in zip(counted, ours, strict=True)),
        "circular": sum(bool(line.get("circular")) for line in counted),
        "contradicted": len(bill["lines"]) - len(counted), "worst_usd": max(errors, default=0.0),
        "published_usd": bill["total"], "ours_usd": total,
        "off": (total - bill["total"]) / bill["total"] if bill["total"] else 0.0,
    }  # fmt: skip


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    wanted = parser.parse_args()
    book = shipped_book()
    rows = [row_of(book, bill) for bill in bills()]
    if wanted.json:
        print(json.dumps(rows, indent=2))
        return
    print(
        f"{'bill':34} {'kind':10} {'as of':10} {'right':>7} {'worst':>7} {'published':>10} {'ours':>10} {'off':>8}"
    )
    for row in rows:
        right = f"{row['right']}/{row['lines']}"
        print(
            f"{row['name']:34} {row['kind']:10} {row['as_of']:10} {right:>7} {row['worst_usd']:7.3f} "
            f"{row['published_usd']:10.2f} {row['ours_usd']:10.2f} {row['off']:+8.2%}"
        )
    for bill in bills():
        for line in bill["lines"]:
            if "contradicts" in line:
                ours = charged(book, line, bill["region"])
                print(f"{bill['name']}: {line['usage']} published {line['usd']:.2f}, {ours:.2f} by the list: "
                      f"it {line['contradicts']}")  # fmt: skip


if __name__ == "__main__":
    main()

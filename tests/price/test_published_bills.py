"""Bills and worked examples that others published: given their quantities, the book's lines come out the same.

Every line within 0.5 % or two cents, the total within 0.2 %: benchmarks/price_published.py prints the table.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from rung.price.book import PriceBook


def _benchmark() -> ModuleType:
    file = Path(__file__).parents[2] / "benchmarks" / "price_published.py"
    spec = importlib.util.spec_from_file_location("price_published", file)
    assert spec is not None and spec.loader is not None  # noqa: PT018 - for mypy
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


PUBLISHED = _benchmark()
BILLS: list[dict[str, Any]] = PUBLISHED.bills()
LINES = [(bill, line) for bill in BILLS for line in bill["lines"]]


@pytest.mark.parametrize(("bill", "line"), LINES, ids=lambda each: each.get("name") or each["usage"])
def test_each_line_is_right_or_contradicts_the_list(
    book: PriceBook, bill: dict[str, Any], line: dict[str, Any]
) -> None:
    ours = PUBLISHED.charged(book, line, bill["region"])
    assert PUBLISHED.line_is_right(line, ours) is ("contradicts" not in line)


@pytest.mark.parametrize("bill", BILLS, ids=lambda bill: str(bill["name"]))
def test_each_total_is_right(book: PriceBook, bill: dict[str, Any]) -> None:
    row = PUBLISHED.row_of(book, bill)
    assert PUBLISHED.total_is_right(row["published_usd"], row["ours_usd"]), row


def test_there_are_enough_of_them_and_each_has_its_source() -> None:
    independent = [bill for bill in BILLS if any(not line.get("circular") for line in bill["lines"])]
    assert len(independent) >= 20
    assert all(bill["source"] and bill["as_of"] and bill["title"] for bill in BILLS)
    services = {line["service"] for bill in BILLS for line in bill["lines"]}
    assert len(services) >= 12

"""HTML tables of the report."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rung.load.result import LoadResult, SecondResult
from rung.load.table import milliseconds
from rung.page import heading, row, table


def seconds_table(
    title: str, seconds: Sequence[SecondResult], names: Sequence[str],
    cells: Callable[[SecondResult], Sequence[str]],
) -> str:  # fmt: skip
    """One row per second."""
    return table(
        title, heading(("Second", *names)), (row(str(second.second), cells(second)) for second in seconds)
    )


def curve_table(title: str, result: LoadResult) -> str:
    """One row per percentile."""
    rows = (row(f"{percent:g} %", [milliseconds(value)]) for percent, value in result.curve)
    return table(title, heading(("Share of requests", "Took at most")), rows)

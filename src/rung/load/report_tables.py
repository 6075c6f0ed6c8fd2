"""HTML tables of the report."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from html import escape

from rung.load.result import LoadResult, SecondResult
from rung.load.table import milliseconds


def heading(names: Iterable[str]) -> str:
    """A row of column headings."""
    return "<tr>" + "".join(f"<th scope='col'>{escape(name)}</th>" for name in names) + "</tr>"


def row(name: str, cells: Iterable[str], *, total: bool = False) -> str:
    """A row; `name` is text, `cells` are HTML."""
    mark = " class=total" if total else ""
    return (
        f"<tr{mark}><th scope='row'>{escape(name)}</th>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"
    )


def table(caption: str, head: str, rows: Iterable[str]) -> str:
    """A table that scrolls on its own when it is wide, by keyboard too."""
    caption = escape(caption)
    return (
        f"<div class='scroll' tabindex='0' role='region' aria-label='{caption}'>"
        f"<table><caption>{caption}</caption>"
        f"<thead>{head}</thead><tbody>{''.join(rows)}</tbody></table></div>"
    )


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

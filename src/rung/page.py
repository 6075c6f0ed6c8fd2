"""Reports as one HTML file: no script, no request, readable without a pointer, light and dark."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from importlib.resources import files

from rung.charts import Plot, draw, legend


def page(title: str, body: str, what: str) -> str:
    """The whole document. `body` is HTML with an element `main` of the id `main`; `what` that element holds."""
    style = files("rung").joinpath("charts.css").read_text(encoding="utf-8")
    return (
        f"<!doctype html>\n<html lang='en'><head><meta charset='utf-8'><title>{escape(title)}</title>"
        "<meta name='viewport' content='width=device-width,initial-scale=1'>"
        f"<link rel='icon' href='data:,'><style>{style}</style></head>"
        f"<body><a class='skip' href='#main'>Skip to {escape(what)}</a>{body}</body></html>\n"
    )


def badge(text: str, kind: str) -> str:
    """A word in a colour: `good`, `bad` or `warn`."""
    return f"<span class='badge {kind}'>{escape(text)}</span>"


def as_tiles(tiles: Iterable[tuple[str, str, str]]) -> str:
    """The figures to see first: name, value, remark. Texts are HTML."""
    cells = "".join(f"<div><dt>{a}</dt><dd>{b}<small>{c}</small></dd></div>" for a, b, c in tiles)
    return f"<dl class='tiles'>{cells}</dl>"


def figure(plot: Plot, title: str, numbers: str, note: str) -> str:
    """A plot with its legend, and the same numbers as a table."""
    return (
        f"<section><h2>{title}</h2><p>{note}</p>{legend(plot)}{draw(plot)}"
        f"<details><summary>{title} as a table</summary>{numbers}</details></section>"
    )


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

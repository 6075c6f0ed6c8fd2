"""A run, or a declared workflow, as a picture: a graph of boxes, written as Mermaid or as SVG.

The picture of a run comes from its records: what was done, what failed, what it waits for, what was undone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Literal

from rung.runtime.workflow.records import Record, RunView

BoxState = Literal["plain", "done", "failed", "waiting", "undone"]
#: Fill and border, light enough for black text (contrast above 7:1), and a sign that needs no colour.
LOOKS: dict[BoxState, tuple[str, str, str]] = {
    "plain": ("#ffffff", "#555555", ""),
    "done": ("#dff5e1", "#1b6e2d", "done"),
    "failed": ("#fde2e1", "#a3201c", "failed"),
    "waiting": ("#fff4d6", "#7a5600", "waiting"),
    "undone": ("#e8e8f4", "#44447a", "undone"),
}
BOX_WIDTH, BOX_HEIGHT, GAP_X, GAP_Y, MARGIN = 190, 54, 30, 40, 20
NAME_CHARACTERS_MAX = 26


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """One thing that a workflow does. `key` names it in edges; `row` and `column` say where it stands."""

    key: str
    title: str
    remark: str = ""
    state: BoxState = "plain"
    row: int = 0
    column: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """Boxes, and who comes after whom; an edge may have a word on it."""

    title: str
    boxes: tuple[Box, ...]
    edges: tuple[tuple[str, str, str], ...]


def picture_of(view: RunView) -> Picture:
    """The picture of a run from its records."""
    layout = _Layout(view)
    shown = [record for record in view.records if record.kind not in ("version", "ending", "undo", "notice")]
    ends = layout.branch("", shown, ("@start",), column=0)
    layout.box(Box(key="@end", title=view.state, state=_of_run(view.state)), ends, layout.rows, 0)
    return Picture(title=f"{view.workflow} {view.id}", boxes=tuple(layout.boxes), edges=tuple(layout.edges))


class _Layout:
    def __init__(self, view: RunView) -> None:
        self.boxes: list[Box] = []
        self.edges: list[tuple[str, str, str]] = []
        self.rows = 0
        self._undone = {record.path.removeprefix("~") for record in view.records if record.kind == "undo"}
        self.box(Box(key="@start", title=view.workflow, remark=f"run {view.id}"), (), 0, 0)

    def box(self, box: Box, before: Sequence[str], row: int, column: int) -> None:
        self.boxes.append(
            Box(key=box.key, title=box.title, remark=box.remark, state=box.state, row=row, column=column)
        )
        self.edges += [(key, box.key, "") for key in before]
        self.rows = max(self.rows, row + 1)

    def branch(
        self, prefix: str, records: Sequence[Record], before: Sequence[str], *, column: int, row: int = 1
    ) -> tuple[str, ...]:
        """One after the other; a group is a row of branches. The keys of what comes last."""
        for position in sorted({_position(record.path, prefix) for record in records}):
            place = f"{prefix}{position}"
            own = next((record for record in records if record.path == place), None)
            inner = [record for record in records if record.path.startswith(f"{place}.")]
            if own is not None and own.kind != "group":
                self.box(self._box(own), before, row, column)
                before, row = (own.path,), row + 1
            elif inner:
                before = self._group(place, inner, before, column=column, row=row)
                row = self.rows
        return tuple(before)

    def _group(
        self, place: str, inner: Sequence[Record], before: Sequence[str], *, column: int, row: int
    ) -> tuple[str, ...]:
        ends: list[str] = []
        for offset, index in enumerate(sorted({int(each.path[len(place) + 1 :].split(".")[0]) for each in inner})):
            prefix = f"{place}.{index}."
            records = [each for each in inner if each.path.startswith(prefix)]
            ends += self.branch(prefix, records, before, column=column + offset, row=row)
        return tuple(ends)

    def _box(self, record: Record) -> Box:
        state: BoxState = "undone" if record.path in self._undone else _state(record)
        remark = record.kind if record.attempts < 2 else f"{record.kind}, {record.attempts} attempts"
        return Box(key=record.path, title=record.name, remark=remark, state=state)


def _position(path: str, prefix: str) -> int:
    return int(path[len(prefix) :].split(".", maxsplit=1)[0])


def _state(record: Record) -> BoxState:
    if record.state in ("done", "caught"):
        return "done"
    return "failed" if record.state == "failed" else "waiting"


def _of_run(state: str) -> BoxState:
    if state == "done":
        return "done"
    return "failed" if state in ("failed", "cancelled", "parked") else "waiting"


def as_mermaid(picture: Picture) -> str:
    """The picture as a Mermaid flowchart. Source: https://mermaid.js.org/syntax/flowchart.html (2026-11-21)."""
    keys = {box.key: f"n{number}" for number, box in enumerate(picture.boxes)}
    lines = ["flowchart TD", f"  %% {picture.title}"]
    for box in picture.boxes:
        sign = LOOKS[box.state][2]
        words = [
            _quoted(box.title),
            *([_quoted(box.remark)] if box.remark else []),
            *([f"({sign})"] if sign else []),
        ]
        lines.append(f'  {keys[box.key]}["{"<br/>".join(words)}"]:::{box.state}')
    for source, target, word in picture.edges:
        arrow = f"-->|{_quoted(word)}|" if word else "-->"
        lines.append(f"  {keys[source]} {arrow} {keys[target]}")
    used: dict[BoxState, None] = {box.state: None for box in picture.boxes}
    lines += [f"  classDef {state} fill:{LOOKS[state][0]},stroke:{LOOKS[state][1]},color:#111" for state in used]
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    for sign, code in (
        ("&", "&amp;"),
        ('"', "#quot;"),
        ("<", "&lt;"),
        (">", "&gt;"),
        ("|", "&#124;"),
        ("\n", " "),
    ):
        text = text.replace(sign, code)
    return text


def as_svg(picture: Picture) -> str:
    """The picture as an SVG image with a title and a description, for a page or a file."""
    columns, rows = max(box.column for box in picture.boxes) + 1, max(box.row for box in picture.boxes) + 1
    width = 2 * MARGIN + columns * BOX_WIDTH + (columns - 1) * GAP_X
    height = 2 * MARGIN + rows * BOX_HEIGHT + (rows - 1) * GAP_Y
    told = "; ".join(f"{box.title} {LOOKS[box.state][2]}".strip() for box in picture.boxes)
    places = {box.key: _corner(box) for box in picture.boxes}
    return (
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {width} {height}' "
        f"width='{width}' height='{height}' "
        f"role='img' aria-labelledby='t d' font-family='system-ui,sans-serif'>"
        f"<title id='t'>{escape(picture.title)}</title><desc id='d'>{escape(told)}</desc>"
        "<defs><marker id='a' viewBox='0 0 8 8' refX='8' refY='4' markerWidth='8' markerHeight='8' orient='auto'>"
        "<path d='M0 0 8 4 0 8z' fill='#555'/></marker></defs>"
        f"<rect width='{width}' height='{height}' fill='#fff'/>"
        + "".join(_line(places[source], places[target], word) for source, target, word in picture.edges)
        + "".join(_drawn(box, places[box.key]) for box in picture.boxes)
        + "</svg>\n"
    )


def _corner(box: Box) -> tuple[int, int]:
    return MARGIN + box.column * (BOX_WIDTH + GAP_X), MARGIN + box.row * (BOX_HEIGHT + GAP_Y)


def _line(source: tuple[int, int], target: tuple[int, int], word: str) -> str:
    x1, y1, x2, y2 = source[0] + BOX_WIDTH // 2, source[1] + BOX_HEIGHT, target[0] + BOX_WIDTH // 2, target[1]
    middle = (y1 + y2) // 2
    label = f"<text x='{(x1 + x2) // 2 + 6}' y='{middle}' font-size='11'>{escape(word)}</text>" if word else ""
    path = f"M{x1} {y1}C{x1} {middle} {x2} {middle} {x2} {y2}"
    return f"<path d='{path}' fill='none' stroke='#555' marker-end='url(#a)'/>{label}"


def _drawn(box: Box, corner: tuple[int, int]) -> str:
    x, y = corner
    fill, border, sign = LOOKS[box.state]
    middle = x + BOX_WIDTH // 2
    remark = ", ".join(each for each in (box.remark, sign) if each)
    return (
        f"<g><rect x='{x}' y='{y}' width='{BOX_WIDTH}' height='{BOX_HEIGHT}' rx='8' fill='{fill}' "
        f"stroke='{border}' stroke-width='2'/>"
        f"<text x='{middle}' y='{y + 23}' text-anchor='middle' font-size='14'>{escape(_short(box.title))}</text>"
        f"<text x='{middle}' y='{y + 42}' text-anchor='middle' font-size='11' fill='#333'>"
        f"{escape(_short(remark))}</text></g>"
    )


def _short(text: str) -> str:
    return text if len(text) <= NAME_CHARACTERS_MAX else text[: NAME_CHARACTERS_MAX - 1] + "…"

"""A picture drawn twice: as Mermaid, which GitHub shows, and as an SVG of its own that needs nobody's program.

The SVG follows the reader's light or dark theme, has a title and a description for those who do not see it, and
uses no colour alone to say something.
"""

from __future__ import annotations

from html import escape

from rung.delivery.picture import COLUMNS, Box, Picture

WIDTH, HEIGHT, GAP_X, GAP_Y, MARGIN, HEAD = 184, 54, 74, 20, 24, 66
_STYLE = """\
  .paper { fill: #ffffff; } .box { fill: #f4f6f8; stroke: #57606a; } .title { fill: #1f2328; }
  .kind, .head { fill: #57606a; } .arrow { stroke: #57606a; fill: none; } .tip { fill: #57606a; }
  @media (prefers-color-scheme: dark) {
    .paper { fill: #0d1117; } .box { fill: #161b22; stroke: #8b949e; } .title { fill: #e6edf3; }
    .kind, .head { fill: #9ea7b3; } .arrow { stroke: #8b949e; } .tip { fill: #8b949e; }
  }
  text { font: 12px system-ui, sans-serif; } .head { font-weight: 600; }
  .title { font-size: 14px; font-weight: 600; }
  .name { fill: #1f2328; font-size: 16px; font-weight: 600; }
  @media (prefers-color-scheme: dark) { .name { fill: #e6edf3; } }"""


def mermaid(picture: Picture) -> str:
    """A flow chart with a group for each column."""
    numbers = {box.key: f"n{number}" for number, box in enumerate(picture.boxes)}
    lines = ["flowchart LR"]
    for column, name in enumerate(COLUMNS):
        boxes = [box for box in picture.boxes if box.column == column]
        nodes = [
            f'{numbers[box.key]}["{_plain(box.title)}<br><small>{_plain(box.kind)}</small>"]' for box in boxes
        ]
        if name and nodes:
            lines += [f"  subgraph c{column}[{name}]", *(f"    {node}" for node in nodes), "  end"]
        else:
            lines += [f"  {node}" for node in nodes]
    for (source, target), label in picture.arrows.items():
        arrow = f"-->|{label}|" if label else "-->"
        lines.append(f"  {numbers[source]} {arrow} {numbers[target]}")
    return "\n".join(lines)


def svg(picture: Picture) -> str:
    """The drawing. Byte-stable: the same picture gives the same text."""
    used = sorted({box.column for box in picture.boxes})
    places = {
        box.key: (MARGIN + used.index(column) * (WIDTH + GAP_X), HEAD + row * (HEIGHT + GAP_Y))
        for column in used
        for row, box in enumerate(each for each in picture.boxes if each.column == column)
    }
    wide = 2 * MARGIN + len(used) * WIDTH + max(0, len(used) - 1) * GAP_X
    high = max((y for _, y in places.values()), default=HEAD) + HEIGHT + MARGIN
    design = picture.design
    name = f"{design.workload} in {design.environment} on {design.rung}"
    heads = [
        f'<text class="head" x="{MARGIN + number * (WIDTH + GAP_X)}" y="{HEAD - 12}">{COLUMNS[column]}</text>'
        for number, column in enumerate(used)
        if COLUMNS[column]
    ]
    arrows = [_arrow(places, ends, label, number) for number, (ends, label) in enumerate(picture.arrows.items())]
    return "\n".join([
        (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {high}" width="{wide}" height="{high}" '
        'role="img" aria-labelledby="title description">'),
        f'<title id="title">{escape(name)}</title>',
        f'<desc id="description">{escape(_description(picture))}</desc>',
        f"<style>\n{_STYLE}\n</style>",
        ('<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
        'orient="auto">'
        '<path class="tip" d="M0 0 8 4 0 8z"/></marker></defs>'),
        f'<rect class="paper" width="{wide}" height="{high}"/>',
        f'<text class="name" x="{MARGIN}" y="28">{escape(name)}</text>',
        *heads, *arrows, *(_drawn(box, *places[box.key]) for box in picture.boxes), "</svg>", "",
    ])  # fmt: skip


def _drawn(box: Box, x: int, y: int) -> str:
    return (
        f'<g><rect class="box" x="{x}" y="{y}" width="{WIDTH}" height="{HEIGHT}" rx="8"/>'
        f'<text class="title" x="{x + 12}" y="{y + 23}">{escape(_short(box.title, 21))}</text>'
        f'<text class="kind" x="{x + 12}" y="{y + 41}">{escape(_short(box.kind, 28))}</text></g>'
    )


def _arrow(places: dict[str, tuple[int, int]], ends: tuple[str, str], label: str, number: int) -> str:
    """From side to side; within a column round the right-hand side. Starts are spread: lines stay apart."""
    (x1, y1), (x2, y2) = places[ends[0]], places[ends[1]]
    leave = y1 + HEIGHT // 2 + (number % 5 - 2) * 7
    enter = y2 + HEIGHT // 2 + (number % 3 - 1) * 9
    if x2 > x1:
        start, end, bend = x1 + WIDTH, x2, (x2 - x1 - WIDTH) // 2
        path = f"M{start} {leave}C{start + bend} {leave} {end - bend} {enter} {end} {enter}"
    elif x2 < x1:
        start, end, bend = x1, x2 + WIDTH, GAP_X // 2
        path = f"M{start} {leave}C{start - bend} {leave} {end + bend} {enter} {end} {enter}"
    else:
        side = x1 + WIDTH
        path = f"M{side} {leave}C{side + 34} {leave} {side + 34} {enter} {side} {enter}"
    said = escape(f"{ends[0]} {label or 'to'} {ends[1]}")
    return f'<path class="arrow" marker-end="url(#tip)" d="{path}"><title>{said}</title></path>'


def _description(picture: Picture) -> str:
    titles = {box.key: box.title for box in picture.boxes}
    parts = "; ".join(f"{box.title} ({box.kind})" for box in picture.boxes)
    flows = "; ".join(
        f"{titles[one]} {label or 'sends to'} {titles[two]}" for (one, two), label in picture.arrows.items()
    )
    return f"Boxes: {parts}. Arrows: {flows}."


def _plain(text: str) -> str:
    return text.replace('"', "'").replace("<", "&lt;")


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"

"""Quantities that an environment gives in place of the derived ones: `usage={db: {"storage": 40}}`. Pure.

A figure replaces the quantity of one line of the bill, or what every line rests on: `requests` of a month, the
messages of a queue, a measured value. What it replaced stays in the line's derivation. A figure that names nothing
is a finding (R1106), and so is one that cannot be an amount (R1107).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields, replace

from rung.errors import Finding
from rung.model.environments import Figure
from rung.model.graph import Graph
from rung.model.nodes import Environment, Queue
from rung.near import suggestion
from rung.price.assumptions import Assumptions
from rung.price.book import PriceBook
from rung.price.charging import Line

#: What every line rests on beside the assumptions.
REQUESTS = "requests"
MESSAGES = "messages"
#: More is a slip of the unit.
_MOST = 1e15


def figures_of(graph: Graph, environment: str) -> tuple[Figure, ...]:
    """What one environment gives; nothing when the workload does not know it."""
    return next((each.usage for each in graph.of(Environment) if each.name == environment), ())


def is_base(figure: Figure, graph: Graph) -> bool:
    """Whether lines are derived from it: it is used before there are lines."""
    return figure.of is None or (figure.name == MESSAGES and figure.of in {each.name for each in graph.of(Queue)})


def with_figures(given: Assumptions, figures: Iterable[Figure]) -> Assumptions:
    """The assumptions with those that the environment gives. What was measured or given elsewhere stays."""
    names = _names(given)
    values = {
        each.name: each.value
        for each in figures
        if each.of is None and each.name in names and given.basis_of(each.name) == "assumed"
    }
    return given.with_values(values, "given", "given in the workload file") if values else given


def with_quantities(
    lines: Sequence[Line], figures: Sequence[Figure], book: PriceBook, region: str
) -> tuple[Line, ...]:
    """The lines, each with the quantity that is given for it, charged again."""
    given = {id(line): figure for figure in figures if len(meant := _meant(figure, lines)) == 1 for line in meant}
    return tuple(_given(line, given[id(line)], book, region) if id(line) in given else line for line in lines)


def is_own(graph: Graph, environment: str, rung: str) -> bool:
    """Whether the environment stands on this rung: its figures name the lines of that one."""
    own = next((each.rung for each in graph.of(Environment) if each.name == environment), None)
    return rung == (own or "fargate")


def impossible(graph: Graph, environment: str, figures: Sequence[Figure]) -> Iterator[Finding]:
    """R1107 for a figure that is no amount: nothing can be derived from it."""
    return (_no_amount(graph, environment, figure) for figure in figures if not _is_amount(figure))


def problems_of(
    graph: Graph, environment: str, figures: Sequence[Figure], lines: Sequence[Line], given: Assumptions
) -> Iterator[Finding]:
    """R1106 for a figure that names nothing, or too much."""
    for figure in figures:
        if figure.of is None:
            names = (REQUESTS, *sorted(_names(given)))
            if figure.name not in names:
                reason = f'nothing is called "{figure.name}"{suggestion(figure.name, names)}'
                yield _in_vain(graph, environment, figure, reason, f"there are {', '.join(names)}")
        elif not is_base(figure, graph):
            yield from _of_lines(graph, environment, figure, lines)


def _names(given: Assumptions) -> set[str]:
    return {each.name for each in fields(given) if isinstance(getattr(given, each.name), float)}


def _meant(figure: Figure, lines: Sequence[Line]) -> list[Line]:
    """A line of the part of that name, else the lines of the node's parts."""
    if figure.of is None:
        return []
    own = [line for line in lines if line.part == figure.of and line.item == figure.name]
    return own or [line for line in lines if line.node == figure.of and line.item == figure.name]


def _is_amount(figure: Figure) -> bool:
    return math.isfinite(figure.value) and 0 <= figure.value < _MOST


def _given(line: Line, figure: Figure, book: PriceBook, region: str) -> Line:
    service, usage, mode = line.key
    tariff = book.tariff(service, usage, mode=mode, region=region)
    because = f"given in the workload file; derived {line.quantity:,.4g}: {line.because}"
    factor = figure.value / line.quantity if line.quantity else 0.0
    return replace(
        line, quantity=figure.value, usd=tariff.charge(figure.value), because=because, given=True,
        hours=tuple(each * factor for each in line.hours),
    )  # fmt: skip


def _of_lines(graph: Graph, environment: str, figure: Figure, lines: Sequence[Line]) -> Iterator[Finding]:
    of = figure.of or ""
    meant = _meant(figure, lines)
    if len(meant) == 1:
        return
    named = [line for line in lines if of in (line.part, line.node)]
    if len(meant) > 1:
        parts = ", ".join(f'"{line.part}"' for line in meant)
        reason = f'"{of}" has several lines "{figure.name}"'
        yield _in_vain(graph, environment, figure, reason, f"name the part: {parts}")
    elif named:
        items = list(dict.fromkeys(line.item for line in named))
        reason = f'"{of}" has no line "{figure.name}"{suggestion(figure.name, items)}'
        yield _in_vain(graph, environment, figure, reason, f"its lines are {', '.join(items)}")
    else:
        names = list(dict.fromkeys(name for line in lines for name in (line.node, line.part)))
        reason = f'nothing on the bill is called "{of}"{suggestion(of, names)}'
        yield _in_vain(graph, environment, figure, reason, "rung estimate lists every part with its lines")


def _in_vain(graph: Graph, environment: str, figure: Figure, reason: str, advice: str) -> Finding:
    shown = figure.name if figure.of is None else f"{figure.of}: {figure.name}"
    return Finding(
        code="R1106", severity="error",
        message=f'the environment "{environment}" gives a figure in vain: {shown}',
        location=graph.locations.get(environment), found=reason,
        effect="the bill would be derived as if nothing had been given", help=advice,
    )  # fmt: skip


def _no_amount(graph: Graph, environment: str, figure: Figure) -> Finding:
    shown = figure.name if figure.of is None else f"{figure.of}: {figure.name}"
    return Finding(
        code="R1107", severity="error",
        message=f'the environment "{environment}" gives an impossible figure: {shown}',
        location=graph.locations.get(environment), found=f"{figure.value:g}",
        effect="no bill can be written with it",
        help=f"an amount of a month, 0 or more and less than {_MOST:g}, in the unit that the bill shows",
    )  # fmt: skip

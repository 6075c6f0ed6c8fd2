"""`rung review`: what a good reviewer would say about a design, and what each cure costs."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from rung.errors import ModelError

if TYPE_CHECKING:
    from rung.model.graph import Graph
    from rung.model.measured import Behaviour
    from rung.parts.design import Design, Part
    from rung.review.advice import Advice

SCHEMA = "rung.review/1"
_COLOURS = {"high": "1;31", "medium": "1;33", "low": "1;36"}


def configure(parser: argparse._SubParsersAction[Any]) -> None:
    """Add the command to the parser."""
    from rung.review.advice import PILLARS

    command = parser.add_parser("review", help="what a good reviewer would say about a design")
    command.add_argument(
        "file", nargs="?", default="workload.py", metavar="FILE", help="the workload file, or a graph (.json)"
    )
    command.add_argument(
        "--env", "--environment", dest="env", metavar="NAME", help="the environment, else the one in production"
    )
    command.add_argument("--rung", metavar="RUNG", help="another rung than the environment's own")
    command.add_argument("--pillar", action="append", choices=tuple(PILLARS), metavar="PILLAR",
                         help=f"this pillar alone: {', '.join(PILLARS)}; repeatable")  # fmt: skip
    command.add_argument(
        "--fail-on", choices=("high", "medium", "low", "never"), default="high",
        help="exit 1 when there is a finding of this severity or worse (%(default)s)",
    )  # fmt: skip
    command.add_argument("--details", action="store_true", help="spikes, blast radius and recovery, part by part")
    command.add_argument(
        "--measured", type=Path, metavar="LOAD.json", help="values from a result of rung load --format json"
    )
    command.add_argument("--format", choices=("text", "json"), default="text", help="json is for programs")


def run(arguments: argparse.Namespace) -> int:
    """Review one environment. 0 when nothing is as bad as --fail-on, 1 otherwise."""
    from rung.cli.production import environment_or_production
    from rung.model.measured import Behaviour, read_load
    from rung.model.read import load_workload
    from rung.rungs import place

    graph = load_workload(arguments.file)
    name = environment_or_production(graph, arguments.env)
    behaviour = read_load(Behaviour(), arguments.measured)
    design = place(graph, name, rung=arguments.rung)
    found = [
        each
        for each in _reviewed(graph, design, behaviour, arguments.rung)
        if not arguments.pillar or each.pillar in arguments.pillar
    ]
    if arguments.format == "json":
        from rung.cli.review_details import details_as_json

        details = details_as_json(graph, design, behaviour)
        print(json.dumps({**_document(design, found), **details}, indent=2))
    else:
        print_text(design, found, sys.stdout)
        if arguments.details:
            from rung.cli.review_details import detail_lines

            print("\n".join(detail_lines(graph, design, behaviour)))
    return int(_fails(found, arguments.fail_on))


def _reviewed(graph: Graph, design: Design, behaviour: Behaviour, rung: str | None) -> tuple[Advice, ...]:
    from rung.review import review

    dollars, cured = _prices(graph, design, rung)
    return review(graph, design, monthly_dollars=dollars, cured=cured, behaviour=behaviour)


def _prices(
    graph: Graph, design: Design, rung: str | None
) -> tuple[Callable[[Part], float], Callable[[Graph], float | None]]:
    """What a part costs, and what a changed workload costs more. Without prices of the region: nothing, nobody
    knows."""
    from rung.price.bill import bill, lines_of
    from rung.price.book import PriceError
    from rung.price.charging import Charging
    from rung.price.shelf import book_in_use

    book = book_in_use()
    try:
        whole = bill(design, graph, book)
    except PriceError:
        return (lambda _: 0.0), (lambda _: None)
    charging = Charging(book=book, design=design, usage=whole.usage)

    def monthly_dollars(part: Part) -> float:
        return sum(line.usd for line in lines_of(part, charging))

    def total(graph: Graph, of: Design) -> float:
        return whole.total if of is design else bill(of, graph, book).total

    def cured(changed: Graph) -> float | None:
        return _difference(graph, changed, design, rung, total)

    return monthly_dollars, cured


def _difference(
    graph: Graph, changed: Graph, design: Design, rung: str | None, total: Callable[[Graph, Design], float]
) -> float | None:
    """What the environment, and every other that the change made or touched, costs more in a month."""
    from rung.model.nodes import Environment
    from rung.rungs import place

    before = {each.name: each for each in graph.of(Environment)}
    more = 0.0
    try:
        for name in dict.fromkeys((design.environment, *(each.name for each in changed.of(Environment)))):
            after = next((each for each in changed.of(Environment) if each.name == name), None)
            if name == design.environment:
                same = before.get(name) is None or after is None or before[name].rung == after.rung
                more += total(changed, place(changed, name, rung=rung if same else None)) - total(graph, design)
            elif before.get(name) != after:
                more += total(changed, place(changed, name))
                more -= total(graph, place(graph, name)) if name in before else 0.0
    except ModelError:
        return None  # the cure alone does not fit: the finding of its placing would say why
    return more


def _fails(found: Sequence[Advice], threshold: str) -> bool:
    from rung.review.advice import SEVERITIES

    order: tuple[str, ...] = SEVERITIES
    return threshold != "never" and any(order.index(each.severity) <= order.index(threshold) for each in found)


def _document(design: Design, found: Sequence[Advice]) -> dict[str, object]:
    return {
        "schema": SCHEMA, "workload": design.workload, "environment": design.environment, "rung": design.rung,
        "region": design.region, "summary": _counts(found), "findings": [_as_json(each) for each in found],
    }  # fmt: skip


def _counts(found: Sequence[Advice]) -> dict[str, dict[str, int]]:
    from rung.review.advice import PILLARS, SEVERITIES

    return {
        pillar: {
            severity: sum(each.pillar == pillar and each.severity == severity for each in found)
            for severity in SEVERITIES
        }
        for pillar in PILLARS
    }


def _as_json(advice: Advice) -> dict[str, object]:
    place = advice.location
    dollars = advice.cure_dollars_monthly
    return {
        "code": advice.code, "pillar": advice.pillar, "severity": advice.severity,
        "likelihood": advice.likelihood, "harm": advice.harm, "taxonomy": advice.taxonomy or None,
        "node": advice.node,
        "location": None if place is None else {"file": place.file, "line": place.line, "text": place.text},
        "found": advice.found, "evidence": advice.evidence, "effect": advice.effect, "cure": advice.cure,
        "cure_dollars_monthly": None if dollars is None else round(dollars, 2),
    }  # fmt: skip


def print_text(design: Design, found: Sequence[Advice], stream: TextIO) -> None:
    """The table by pillar, then every finding."""
    from rung.cli.printing import colour_wanted

    colour = colour_wanted(stream)
    print(f"{design.workload} {design.environment} on {design.rung}, {design.region}\n", file=stream)
    for line in _table(found):
        print(line, file=stream)
    for advice in found:
        print("\n" + "\n".join(_rendered(advice, colour=colour)), file=stream)


def _table(found: Sequence[Advice]) -> Iterator[str]:
    from rung.review.advice import PILLARS, SEVERITIES

    counts = _counts(found)
    yield f"{'pillar':<24}" + "".join(f"{severity:>8}" for severity in SEVERITIES)
    for pillar, title in PILLARS.items():
        yield f"{title:<24}" + "".join(f"{counts[pillar][severity] or '-':>8}" for severity in SEVERITIES)
    sums = [sum(each[severity] for each in counts.values()) for severity in SEVERITIES]
    yield f"{'together':<24}" + "".join(f"{each or '-':>8}" for each in sums)


def _rendered(advice: Advice, *, colour: bool) -> Iterator[str]:
    from rung.review.advice import HARMS, LIKELIHOODS, PILLARS

    head = f"{advice.severity}[{advice.code}]"
    yield (f"\x1b[{_COLOURS[advice.severity]}m{head}\x1b[0m" if colour else head) + f": {advice.found}"
    if advice.location is not None:
        place = advice.location
        yield f"  --> {place.file}:{place.line}   {place.text}".rstrip()
    name = f", {advice.taxonomy}" if advice.taxonomy else ""
    yield f"   pillar: {PILLARS[advice.pillar]}{name}"
    yield f"   evidence: {advice.evidence}"
    yield f"   effect: {advice.effect}"
    yield f"   severity: {LIKELIHOODS[advice.likelihood]}, and {HARMS[advice.harm]}"
    yield f"   cure: {advice.cure}"
    yield f"   cost: {_cost(advice.cure_dollars_monthly)}"
    yield f"   more: rung explain {advice.code}"


def _cost(dollars: float | None) -> str:
    if dollars is None:
        return "unknown"
    if abs(dollars) < 0.5:
        return "nothing"
    return f"${dollars:,.0f} a month more" if dollars > 0 else f"${-dollars:,.0f} a month less"

"""`rung estimate`: the bill of an environment, line by line, before anything is built."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rung.errors import UsageError

if TYPE_CHECKING:
    from rung.model.graph import Graph
    from rung.price.assumptions import Assumptions
    from rung.price.bill import Bill
    from rung.price.book import PriceBook
    from rung.price.charging import Line
    from rung.price.savings import Saving


def configure(parser: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    command = parser.add_parser("estimate", help="the bill of an environment, line by line")
    command.add_argument("workload", nargs="?", type=Path, default=Path("workload.py"))
    command.add_argument("--env", help="the environment, else the one in production")
    command.add_argument("--rung", help="another rung than the environment's own")
    command.add_argument("--compare", nargs="+", metavar="RUNG", help="the totals of these rungs side by side")
    command.add_argument("--diff", metavar="REF", help="what changed since a commit, as a comment in Markdown")
    command.add_argument("--explain", metavar="NODE", help="where the quantities of one node or part come from")
    command.add_argument("--savings", action="store_true", help="what would cost less, and what it gives up")
    command.add_argument("--assume", action="append", default=[], metavar="NAME=VALUE", help="a measured value")
    command.add_argument("--format", choices=("text", "json"), default="text")


def run(arguments: argparse.Namespace) -> int:
    """Print the bill, the comparison, the difference or the derivations. Raises UserError with findings."""
    from rung.cli.production import environment_or_production
    from rung.model.assumed import assumed
    from rung.model.read import load_workload
    from rung.price.assumptions import Assumptions
    from rung.price.shelf import book_in_use

    graph = load_workload(arguments.workload)
    arguments.env = environment_or_production(graph, arguments.env)
    book = book_in_use()
    assumptions = assumed(Assumptions(), arguments.assume)
    if arguments.compare:
        return _compare(graph, book, assumptions, arguments)
    bill = _bill(graph, book, assumptions, arguments.env, arguments.rung)
    if arguments.diff:
        return _diff(bill, book, assumptions, arguments)
    if arguments.explain:
        return _explain(bill, arguments)
    found = _savings(graph, book, assumptions, arguments) if arguments.savings else ()
    if arguments.format == "json":
        print(json.dumps(_as_json(bill, graph, found), indent=2))
    else:
        _print_bill(bill, graph, found)
    return 0


def _bill(graph: Graph, book: PriceBook, assumptions: Assumptions, environment: str, rung: str | None) -> Bill:
    from rung.price.bill import bill
    from rung.rungs import place

    return bill(place(graph, environment, rung=rung), graph, book, assumptions)


def _savings(
    graph: Graph, book: PriceBook, assumptions: Assumptions, arguments: argparse.Namespace
) -> tuple[Saving, ...]:
    from rung.price.savings import savings
    from rung.rungs import place

    return savings(place(graph, arguments.env, rung=arguments.rung), graph, book, assumptions)


def _compare(graph: Graph, book: PriceBook, assumptions: Assumptions, arguments: argparse.Namespace) -> int:
    bills = [_bill(graph, book, assumptions, arguments.env, rung) for rung in arguments.compare]
    if arguments.format == "json":
        rows = [{"rung": bill.rung, **_totals(bill, graph)} for bill in bills]
        print(json.dumps({"schema": "rung.estimate.compare/1", "rungs": rows}, indent=2))
        return 0
    from rich.console import Console
    from rich.table import Table

    nodes = dict.fromkeys(node for bill in bills for node in bill.by_node())
    table = Table("", box=None, pad_edge=False)
    for bill in bills:
        table.add_column(bill.rung, justify="right")
    for node in nodes:
        table.add_row(_label(node), *(_dollars(bill.by_node().get(node, 0.0)) for bill in bills))
    table.add_section()
    table.add_row("a month", *(_dollars(bill.total) for bill in bills), style="bold")
    table.add_row("of it while nobody comes", *(_dollars(bill.fixed) for bill in bills))
    Console(highlight=False).print(table)
    return 0


def _diff(bill: Bill, book: PriceBook, assumptions: Assumptions, arguments: argparse.Namespace) -> int:
    from rung.cli.earlier import workload_at
    from rung.model.read import load_workload
    from rung.price.compare import as_markdown, moves

    with workload_at(arguments.workload, arguments.diff) as earlier:
        before = _bill(load_workload(earlier), book, assumptions, arguments.env, arguments.rung)
    if arguments.format == "json":
        document = {"schema": "rung.estimate.diff/1", "before_usd": before.total, "after_usd": bill.total}
        print(json.dumps({**document, "moves": [asdict(each) for each in moves(before, bill)]}, indent=2))
    else:
        print(as_markdown(before, bill, arguments.diff), end="")
    return 0


def _explain(bill: Bill, arguments: argparse.Namespace) -> int:
    from rung.model.near import suggestion

    wanted = arguments.explain
    lines = [line for line in bill.lines if wanted in (line.part, line.node)]
    if not lines:
        names = {line.part for line in bill.lines} | {line.node for line in bill.lines}
        raise UsageError(f"nothing on the bill is called {wanted!r}{suggestion(wanted, names)}")
    if arguments.format == "json":
        print(
            json.dumps({"schema": "rung.estimate.explain/1", "lines": [asdict(line) for line in lines]}, indent=2)
        )
        return 0
    for line in lines:
        print(f"{line.part}: {line.item}   {_dollars(line.usd)}")
        print(f"   {line.quantity:,.6g} {line.unit}: {line.because}")
        print(f"   price: {line.basis}, {line.source}, {line.as_of or 'without a day'}\n")
    return 0


def _print_bill(bill: Bill, graph: Graph, found: tuple[Saving, ...]) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)
    table = Table("part", "item", box=None, pad_edge=False)
    for heading in ("quantity", "unit", "US dollars"):
        table.add_column(heading, justify="left" if heading == "unit" else "right")
    sums = bill.by_node()
    for node in sums:
        table.add_row(f"[bold]{_label(node)}[/]", "", "", "", f"[bold]{_dollars(sums[node])}[/]")
        for line in _of(bill, node):
            mark = {"list": "", "derived": " ~", "estimate": " ~", "memory": " ?"}[line.basis]
            quantity = f"{line.quantity:,.4g}" if line.quantity < 1e6 else f"{line.quantity:,.0f}"
            table.add_row(f"  {line.part}", line.item, quantity, line.unit, _dollars(line.usd) + mark)
    console.print(table)
    console.print()
    for text in _summary(bill, graph):
        console.print(text)
    for saving in found:
        console.print(f"[bold]{_dollars(saving.usd)} less[/]  {saving.name} ({saving.part}): {saving.because}")
        console.print(f"    gives up: {saving.gives_up}")


def _of(bill: Bill, node: str) -> list[Line]:
    return sorted((line for line in bill.lines if line.node == node), key=lambda line: (line.part, -line.usd))


def _summary(bill: Bill, graph: Graph) -> list[str]:
    totals = _totals(bill, graph)
    least, most = bill.interval()
    name = f"{bill.workload} {bill.environment} on {bill.rung}, {bill.region}"
    between = f"{_dollars(least)} to {_dollars(most)}, {_dollars(bill.fixed)} of it while nobody comes"
    texts = [f"{name}: [bold]{_dollars(bill.total)} a month[/] ({between})"]
    if totals["per_thousand_requests_usd"] is not None:
        texts.append(f"${totals['per_thousand_requests_usd']:.5f} for 1,000 requests")
    if totals["share_of_revenue"] is not None:
        texts.append(f"{totals['share_of_revenue']:.1%} of the revenue")
    if any(line.basis != "list" for line in bill.lines):
        texts.append("~ derived or estimated, ? from memory: rung prices update reads the price list")
    texts.append("without tax and support; rung estimate --explain PART says where a quantity comes from")
    return texts


def _totals(bill: Bill, graph: Graph) -> dict[str, float | None]:
    least, most = bill.interval()
    revenue = graph.business.monthly_revenue_usd if graph.business else None
    return {
        "total_usd": bill.total, "fixed_usd": bill.fixed, "least_usd": least, "most_usd": most,
        "per_thousand_requests_usd": bill.per_thousand_requests(),
        "share_of_revenue": bill.total / revenue if revenue else None,
    }  # fmt: skip


def _as_json(bill: Bill, graph: Graph, found: tuple[Saving, ...]) -> dict[str, Any]:
    return {
        "schema": "rung.estimate/1", "workload": bill.workload, "environment": bill.environment,
        "rung": bill.rung, "region": bill.region, **_totals(bill, graph),
        "lines": [asdict(line) for line in bill.lines], "savings": [asdict(each) for each in found],
    }  # fmt: skip


def _label(node: str) -> str:
    return {"@workload": "platform", "@business": "business", "@objectives": "objectives"}.get(node, node)


def _dollars(usd: float) -> str:
    return f"${usd:,.2f}"

"""`rung estimate`: the bill of an environment, line by line, before anything is built."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rung.errors import Finding, ModelError, UsageError

if TYPE_CHECKING:
    from rung.model.graph import Graph
    from rung.parts.design import Design
    from rung.price.assumptions import Assumptions
    from rung.price.bill import Bill
    from rung.price.book import PriceBook
    from rung.price.savings import Saving


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What a bill is made of, read once."""

    graph: Graph
    book: PriceBook
    assumptions: Assumptions
    arguments: argparse.Namespace

    def design(self, rung: str | None) -> Design:
        """The environment on a rung; None: on its own."""
        from rung.rungs import place

        return place(self.graph, self.arguments.env, rung=rung)

    def bill(self, design: Design) -> Bill:
        """The bill of a design."""
        from rung.price.bill import bill

        return bill(design, self.graph, self.book, self.assumptions)


def configure(parser: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    command = parser.add_parser("estimate", help="the bill of an environment, line by line")
    command.add_argument(
        "workload", nargs="?", type=Path, default=Path("workload.py"), metavar="FILE", help="the workload file"
    )
    command.add_argument(
        "--env", "--environment", dest="env", metavar="NAME", help="the environment, else the one in production"
    )
    command.add_argument("--rung", metavar="RUNG", help="another rung than the environment's own")
    command.add_argument("--compare", nargs="+", metavar="RUNG", help="the totals of these rungs side by side")
    command.add_argument("--diff", metavar="REF", help="what changed since a commit, as a comment in Markdown")
    command.add_argument("--explain", metavar="NODE", help="where the quantities of one node or part come from")
    command.add_argument("--savings", action="store_true", help="what would cost less, and what it gives up")
    command.add_argument("--free-tier", action="store_true", help="take off what AWS's free tier covers")
    command.add_argument(
        "--assume", action="append", default=[], metavar="NAME=VALUE", help="a better value; repeatable"
    )
    command.add_argument(
        "--measured", type=Path, metavar="LOAD.json", help="values from a result of rung load --format json"
    )
    command.add_argument("--format", choices=("text", "json"), default="text", help="json is for programs")


def run(arguments: argparse.Namespace) -> int:
    """Print the bill, the comparison, the difference or the derivations. Raises UserError with findings."""
    asked = _asked(arguments)
    if arguments.compare:
        return _compare(asked)
    design = asked.design(arguments.rung)
    bill = asked.bill(design)
    if arguments.diff:
        return _diff(asked, bill)
    if arguments.explain:
        return _explain(bill, arguments)
    return _print(asked, design, bill)


def _asked(arguments: argparse.Namespace) -> Asked:
    from rung.cli.production import environment_or_production
    from rung.model.assumed import assumed
    from rung.model.measured import read_load
    from rung.model.read import load_workload
    from rung.price.assumptions import Assumptions
    from rung.price.shelf import book_in_use

    graph = load_workload(arguments.workload)
    arguments.env = environment_or_production(graph, arguments.env)
    assumptions = assumed(read_load(Assumptions(), arguments.measured), arguments.assume)
    return Asked(graph=graph, book=book_in_use(), assumptions=assumptions, arguments=arguments)


def _print(asked: Asked, design: Design, bill: Bill) -> int:
    from rung.cli import estimate_text

    found, without = _savings(asked, design, bill) if asked.arguments.savings else ((), ())
    if asked.arguments.format == "json":
        print(json.dumps(estimate_text.as_json(bill, found, without), indent=2))
    else:
        estimate_text.print_bill(bill, found, free_tier=asked.arguments.free_tier, unpriced=without)
    return 0


def _savings(asked: Asked, design: Design, bill: Bill) -> tuple[tuple[Saving, ...], tuple[str, ...]]:
    """What would cost less, and the services whose contracts have no price in the book."""
    from rung.price.plans import unpriced
    from rung.price.savings import savings

    found = savings(design, asked.graph, asked.book, asked.assumptions, before=bill)
    return found, unpriced(bill.lines, asked.book, bill.region)


def _compare(asked: Asked) -> int:
    from rung.cli import estimate_text
    from rung.cli.printing import finding_as_json

    bills, refused = _bills(asked)
    if asked.arguments.format == "json":
        rows = [{"rung": bill.rung, **estimate_text.totals(bill)} for bill in bills]
        document: dict[str, object] = {"schema": "rung.estimate.compare/1", "rungs": rows}
        if refused:
            document["refused"] = [
                {"rung": rung, "findings": [finding_as_json(each) for each in findings]}
                for rung, findings in refused.items()
            ]
        print(json.dumps(document, indent=2))
    else:
        estimate_text.print_comparison(bills)
        for rung, findings in refused.items():
            codes = ", ".join(dict.fromkeys(finding.code for finding in findings))
            print(f"{rung} cannot hold it ({codes}): {findings[0].message}")
    return 0


def _bills(asked: Asked) -> tuple[list[Bill], dict[str, tuple[Finding, ...]]]:
    """The bills of the rungs that hold the workload, and what the others refuse. Raises ModelError if all do."""
    bills: list[Bill] = []
    refused: dict[str, tuple[Finding, ...]] = {}
    for rung in asked.arguments.compare:
        try:
            design = asked.design(rung)
        except ModelError as error:
            refused[rung] = error.findings
            continue
        bills.append(asked.bill(design))
    if not bills:
        raise ModelError(*(finding for findings in refused.values() for finding in findings))
    return bills, refused


def _diff(asked: Asked, bill: Bill) -> int:
    from rung.price.compare import as_markdown, moves

    before, why = _earlier(asked)
    if asked.arguments.format == "json":
        total = before.total if before else None
        document = {"schema": "rung.estimate.diff/1", "before_usd": total, "after_usd": bill.total, "new": why}
        print(json.dumps({**document, "moves": [asdict(each) for each in moves(before, bill)]}, indent=2))
    else:
        print(as_markdown(before, bill, asked.arguments.diff, why=why), end="")
    return 0


def _earlier(asked: Asked) -> tuple[Bill | None, str]:
    """The bill as of the commit; or None and why there was none: a pull request may add what it changes."""
    from dataclasses import replace

    from rung.cli.earlier import NotThereError, workload_at
    from rung.errors import UserError
    from rung.model.nodes import Environment
    from rung.model.read import load_workload

    reference, environment = asked.arguments.diff, asked.arguments.env
    try:
        with workload_at(asked.arguments.workload, reference) as earlier:
            graph = load_workload(earlier)
    except NotThereError as missing:
        return None, str(missing)
    except ModelError as error:
        return None, f"the workload file of `{reference}` cannot be read ({error.findings[0].code})"
    if environment not in {each.name for each in graph.of(Environment)}:
        return None, f"`{reference}` has no environment {environment}"
    then = replace(asked, graph=graph)
    try:
        return then.bill(then.design(asked.arguments.rung)), ""
    except UserError as error:
        codes = ", ".join(dict.fromkeys(finding.code for finding in getattr(error, "findings", ())))
        return None, f"`{reference}` could not be priced ({codes or error})"


def _explain(bill: Bill, arguments: argparse.Namespace) -> int:
    from rung.cli.estimate_text import print_line
    from rung.near import suggestion

    wanted = arguments.explain
    lines = [line for line in bill.lines if wanted in (line.part, line.node)]
    if not lines:
        names = {line.part for line in bill.lines} | {line.node for line in bill.lines}
        raise UsageError(f"nothing on the bill is called {wanted!r}{suggestion(wanted, names)}")
    if arguments.format == "json":
        document = {"schema": "rung.estimate.explain/1", "lines": [asdict(line) for line in lines]}
        print(json.dumps(document, indent=2))
        return 0
    for line in lines:
        print_line(line)
    return 0

"""`rung advise`: which rung the business has earned, why not the others, and what would change that."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from rung.errors import UsageError

if TYPE_CHECKING:
    from rung.advise.advice import Advised
    from rung.advise.judgement import Judgement
    from rung.forecast.outcome import Outcome
    from rung.price.assumptions import Assumptions


def configure(parser: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    command = parser.add_parser("advise", help="which rung the business has earned, with the reasons")
    command.add_argument(
        "workload", nargs="?", type=Path, default=Path("workload.py"), metavar="FILE", help="the workload file"
    )
    command.add_argument(
        "--env", "--environment", dest="env", metavar="NAME", help="the environment, else the one in production"
    )
    command.add_argument(
        "--measured", type=Path, metavar="LOAD.json", help="values from a result of rung load --format json"
    )
    command.add_argument(
        "--assume", action="append", default=[], metavar="NAME=VALUE", help="a better value; repeatable"
    )
    command.add_argument("--assumptions", action="store_true", help="list every assumption with its reason")
    command.add_argument("--forecast", action="store_true", help="simulate a day of the recommended rung as well")
    command.add_argument("--adr", action="store_true", help="write the decision to docs/adr/ beside the workload")
    command.add_argument("--report", type=Path, metavar="FILE.html", help="write the advice as an HTML page")
    command.add_argument("--format", choices=("text", "json"), default="text", help="json is for programs")


def run(arguments: argparse.Namespace) -> int:
    """Print the advice; 1 when the workload contradicts itself. Raises UserError with findings."""
    from rung.advise.advice import advise
    from rung.cli.production import environment_or_production
    from rung.model.measured import read_load
    from rung.model.read import load_workload

    graph = load_workload(arguments.workload)
    environment = environment_or_production(graph, arguments.env)
    assumptions, judgement = _given(arguments)
    if arguments.assumptions:
        return _list(assumptions, judgement)
    advised = advise(
        graph, environment, assumptions=read_load(assumptions, arguments.measured), judgement=judgement
    )
    outcome = None
    if arguments.forecast:
        from rung.cli.advise_forecast import day_of

        outcome = day_of(graph, advised)
    return _say(advised, outcome, arguments)


def _say(advised: Advised, outcome: Outcome | None, arguments: argparse.Namespace) -> int:
    from rung.cli.printing import finding_as_json, print_findings

    written = _write_decision(advised, arguments.workload.parent) if arguments.adr else None
    if arguments.report is not None:
        from rung.advise.report import as_page

        arguments.report.write_text(as_page(advised), encoding="utf-8")
    if arguments.format == "json":
        from rung.advise.document import as_document

        document = as_document(advised)
        document["findings"] = [finding_as_json(each) for each in advised.findings]
        document["adr"] = None if written is None else str(written)
        if outcome is not None:
            from rung.cli.advise_forecast import forecast_as_json

            document["forecast"] = forecast_as_json(outcome)
        print(json.dumps(document, indent=2, allow_nan=False))
    else:
        from rung.cli.advise_text import print_advice

        print_findings(advised.findings, sys.stderr)
        print_advice(advised)
        if outcome is not None:
            from rung.cli.advise_forecast import forecast_text

            print(f"\n{forecast_text(outcome)}")
        for path in (written, arguments.report):
            if path is not None:
                print(f"\nwritten: {path}")
    return int(any(finding.severity == "error" for finding in advised.findings))


def _given(arguments: argparse.Namespace) -> tuple[Assumptions, Judgement]:
    """`--assume` for either table: a name belongs to one of them."""
    from dataclasses import fields

    from rung.advise.judgement import Judgement
    from rung.model.assumed import assumed
    from rung.near import suggestion
    from rung.price.assumptions import Assumptions

    own = {each.name for each in fields(Judgement)}
    priced = {each.name for each in fields(Assumptions)}
    texts: dict[bool, list[str]] = {True: [], False: []}
    for text in arguments.assume:
        name = text.partition("=")[0]
        if name not in own | priced:
            raise UsageError(f"no assumption {name!r}{suggestion(name, own | priced)}; rung advise --assumptions")
        texts[name in own].append(text)
    return assumed(Assumptions(), texts[False]), assumed(Judgement(), texts[True])


def _list(assumptions: Assumptions, judgement: Judgement) -> int:
    from rung.model.assumed import described

    for table in (judgement, assumptions):
        for name, value, unit, why in described(table):
            print(f"{name}={value:g} {unit}: {why}")
    return 0


def _write_decision(advised: Advised, folder: Path) -> Path:
    """The next record in docs/adr. What is there is never written over."""
    from datetime import UTC, datetime

    from rung.advise.decision import as_decision, file_name, next_number

    records = folder / "docs" / "adr"
    records.mkdir(parents=True, exist_ok=True)
    number = next_number(each.name for each in records.iterdir())
    path = records / file_name(number, advised)
    day = datetime.now(UTC).date().isoformat()
    with path.open("x", encoding="utf-8") as file:
        file.write(as_decision(advised, number, day))
    return path

"""`rung events match FILE EVENT`: which rules of a workload take an event, and where the others differ.

The other actions of `rung events` are in `event_archive.py`.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rung.errors import Finding, Location, ModelError, UsageError

if TYPE_CHECKING:
    from rung.model.graph import Graph
    from rung.model.nodes import Rule
    from rung.patterns.evaluate import Difference

SCHEMA = "rung.events/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One rule, and why it does not take the event; None: it does."""

    rule: Rule
    difference: Difference | None


def configure(parser: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    from rung.cli import event_archive

    events = parser.add_parser("events", help="which rules take an event; what a bus has kept, and a replay of it")
    actions = events.add_subparsers(dest="action", required=True, metavar="ACTION")
    command = actions.add_parser(
        "match",
        help="say which rules of a workload take an event, and why the others do not",
        description="Compares one event with the pattern of every rule. Nothing has to run or to be deployed.",
    )
    event_archive.configure(actions)
    command.add_argument("file", type=Path, metavar="FILE", help="the workload file, or a graph (.json)")
    command.add_argument("event", metavar="EVENT", help="a file with the event as JSON; - reads standard input")
    command.add_argument("--bus", metavar="NAME", help="the rules of this bus only")
    command.add_argument("--format", choices=("text", "json"), default="text", help="json is for programs")


def run(arguments: argparse.Namespace) -> int:
    """Compare and print; 0 whether or not a rule takes it.

    Raises ModelError: what is wrong with the file, R0155 for its patterns, R0214 for the event.
    """
    if arguments.action != "match":
        from rung.cli import event_archive

        return event_archive.run(arguments)
    from rung.model.read import load_workload

    graph = load_workload(arguments.file)
    rules = _rules(graph, arguments.bus)
    verdicts = _judge(graph, rules, read_event(arguments.event))
    if arguments.format == "json":
        print(
            json.dumps({"schema": SCHEMA, "workload": graph.name, "rules": [*map(_as_json, verdicts)]}, indent=2)
        )
    else:
        print(_as_text(verdicts))
    return 0


def read_event(source: str) -> dict[str, Any]:
    """The event in a file, or in standard input for `-`. Raises ModelError with R0214 when there is none."""
    try:
        text = sys.stdin.read() if source == "-" else Path(source).read_text(encoding="utf-8")
        event = json.loads(text)
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(_no_event(source, str(error))) from None
    if not isinstance(event, dict):
        raise ModelError(_no_event(source, f"{type(event).__name__} where an object should be"))
    return event


def _rules(graph: Graph, bus: str | None) -> list[Rule]:
    from rung.model.nodes import Bus, Rule

    names = [each.name for each in graph.of(Bus)]
    if bus is not None and bus not in names:
        raise UsageError(f"no bus {bus!r}; there are {', '.join(names) or 'none'}")
    return [each for each in graph.of(Rule) if bus in (None, each.bus)]


def _judge(graph: Graph, rules: list[Rule], event: dict[str, Any]) -> list[Verdict]:
    from rung.model.checks.rules import invalid_pattern
    from rung.patterns.evaluate import first_difference
    from rung.patterns.matcher import Matcher
    from rung.patterns.parse import parse

    patterns = {each.name: parse(each.pattern).pattern for each in rules}
    good = {name: pattern for name, pattern in patterns.items() if pattern is not None}
    if len(good) < len(rules):
        raise ModelError(*invalid_pattern(graph))
    taking = set(Matcher(good).match(event))
    return [
        Verdict(rule=each, difference=None if each.name in taking else first_difference(good[each.name], event))
        for each in rules
    ]


def _as_text(verdicts: list[Verdict]) -> str:
    if not verdicts:
        return "the workload has no rule"
    rows = [("rule", "bus", "target", "takes it", "because")]
    rows += [(each.rule.name, each.rule.bus, each.rule.target, *_because(each.difference)) for each in verdicts]
    taking = sum(each.difference is None for each in verdicts)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
    return "\n".join([*lines, "", f"{taking} of {len(verdicts)} rules take this event"])


def _because(difference: Difference | None) -> tuple[str, str]:
    if difference is None:
        return "yes", ""
    more = f" (and {difference.other_branches} more of $or)" if difference.other_branches else ""
    return "no", f"{difference.path}: wants {difference.wanted}, found {difference.found}{more}"


def _as_json(verdict: Verdict) -> dict[str, object]:
    difference = verdict.difference
    return {
        "name": verdict.rule.name,
        "bus": verdict.rule.bus,
        "target": verdict.rule.target,
        "takes": difference is None,
        "path": None if difference is None else difference.path,
        "wanted": None if difference is None else difference.wanted,
        "found": None if difference is None else difference.found,
        "other_branches": 0 if difference is None else difference.other_branches,
    }


def _no_event(source: str, found: str) -> Finding:
    return Finding(
        code="R0214", severity="error", message="the event cannot be read",
        location=Location(file="standard input" if source == "-" else source, line=1), found=found,
        effect="there is nothing to compare the rules with",
        help='write one JSON object, such as {"source": "shop", "detail-type": "order.paid", "detail": {}}',
    )  # fmt: skip

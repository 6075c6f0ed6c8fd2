"""How many events a second one core compares with 1 to 10,000 rules.

    python benchmarks/event_patterns.py [--rounds 5] [--seconds 0.3] [--json]

Rivals in the same run: a loop over the rules that asks each pattern on its own, and a loop over moto's matcher
(moto.events.models.EventPattern), both with patterns that were parsed before. Exact rules name a source, a type
and a state; every fifth rule of a mixed set has a test of another kind instead, on its own or beside a source.
Events are parsed already; each takes a rule of the set or, one in four, none. Medians of rounds in turn.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import statistics
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import cycle, islice
from typing import Any

from moto.events.models import EventPattern

from rung.patterns.evaluate import matches
from rung.patterns.grammar import Pattern
from rung.patterns.matcher import Matcher
from rung.patterns.parse import parse

#: Events a second on one core.
AIMS = {
    "1 exact rule": 50_000,
    "1,000 rules, 80 % exact": 10_000,
    "the same, others without a source": 10_000,
}
SLOWEST_SECONDS = 0.3


@dataclass(frozen=True)
class RuleSet:
    """A row of the table: rules as JSON, and the events that are compared with them."""

    name: str
    rules: dict[str, dict[str, Any]]
    events: list[dict[str, Any]]


def exact(number: int) -> dict[str, Any]:
    """A rule of exact values: 40 sources, 25 types, as many states as it takes."""
    return {
        "source": [f"shop.part{number % 40}"],
        "detail-type": [f"kind {number // 40 % 25}"],
        "detail": {"state": [f"state {number // 1000}", f"other {number}"]},
    }


def inexact(number: int, *, with_source: bool) -> dict[str, Any]:
    """A rule whose test of the details is not exact, of one of six kinds."""
    tests: list[tuple[str, dict[str, Any]]] = [
        ("city", {"prefix": f"city {number}-"}), ("file", {"suffix": f"{number}.png"}),
        ("total", {"numeric": [">", number * 10, "<=", number * 10 + 10]}),
        ("address", {"cidr": f"10.{number % 250}.0.0/16"}), ("name", {"equals-ignore-case": f"NAME {number}"}),
        ("path", {"wildcard": f"/home/{number}/*.txt"}),
    ]  # fmt: skip
    field, test = tests[number // 5 % len(tests)]
    pattern: dict[str, Any] = {"detail": {field: [test]}}
    return {"source": [f"shop.part{number % 40}"], **pattern} if with_source else pattern


def event(number: int) -> dict[str, Any]:
    """An event of the usual shape, of about 600 bytes as JSON; the exact rule of the same number takes it."""
    rule = exact(number)
    return {
        "version": "0", "id": f"6a7e8feb-b491-4cf7-a9f1-{number:012d}", "account": "111122223333",
        "time": "2026-11-21T10:00:00Z", "region": "eu-central-1", "resources": [f"arn:aws:shop:::order/{number}"],
        "source": rule["source"][0], "detail-type": rule["detail-type"][0],
        "detail": {
            "state": rule["detail"]["state"][0], "order": number, "total": number * 7.5, "address": "10.7.0.9",
            "city": f"city {number}-north", "file": f"picture-{number}.png", "name": f"name {number}",
            "path": f"/home/{number}/note.txt", "lines": ["apple", "pear", "plum"], "paid": True,
            "customer": {"id": number, "country": "NO", "tags": ["new", "loyal"], "address": {"street": "Main"}},
        },
    }  # fmt: skip


def rule_sets() -> list[RuleSet]:
    """The rows, small to large."""
    random_source = random.Random(7)
    sets = [
        ("1 exact rule", 1, None),
        *((f"{count:,} exact rules", count, None) for count in (10, 100, 1_000, 10_000)),
    ]
    mixed = [("1,000 rules, 80 % exact", 1_000, True), ("the same, others without a source", 1_000, False)]
    result = []
    for name, count, with_source in (*sets, *mixed):
        rules = {
            f"rule {number}": inexact(number, with_source=with_source)
            if with_source is not None and number % 5 == 0 else exact(number)
            for number in range(count)
        }  # fmt: skip
        numbers = [random_source.randrange(count) for _ in range(300)]
        events = [event(number if random_source.random() < 0.75 else number + 20_000) for number in numbers]
        result.append(RuleSet(name, rules, events))
    return result


def parsed(rules: dict[str, dict[str, Any]]) -> dict[str, Pattern]:
    """The rules as patterns; all of them are valid."""
    found = {name: parse(json.dumps(each)).pattern for name, each in rules.items()}
    return {name: each for name, each in found.items() if each is not None}


def rivals(rules: dict[str, dict[str, Any]]) -> dict[str, Callable[[dict[str, Any]], tuple[str, ...]]]:
    """Each way to find the rules that take an event."""
    patterns = parsed(rules)
    index = Matcher(patterns)
    others: dict[str, Any] = {name: EventPattern.load(json.dumps(each)) for name, each in rules.items()}
    return {
        "index": index.match,
        "loop": lambda event: tuple(name for name, each in patterns.items() if matches(each, event)),
        "moto loop": lambda event: tuple(name for name, each in others.items() if each.matches_event(event)),
    }


def rate(match: Callable[[dict[str, Any]], object], events: Iterable[dict[str, Any]], seconds: float) -> float:
    """Events a second, over at least `seconds` of processor time of this process."""
    endless, done, started = cycle(events), 0, time.process_time()
    while (elapsed := time.process_time() - started) < seconds:
        for each in islice(endless, 1 if done < 20 else 100):
            match(each)
            done += 1
            if done % 10 == 0 and time.process_time() - started > 2 * seconds:
                break
    return done / elapsed


def measure(rounds: int, seconds: float) -> dict[str, dict[str, list[float]]]:
    """Rates of every row and rival; before, that all find the same rules."""
    result: dict[str, dict[str, list[float]]] = {}
    for rule_set in rule_sets():
        ways = rivals(rule_set.rules)
        for each in rule_set.events[:10]:
            found = {name: way(each) for name, way in ways.items()}
            assert len(set(found.values())) == 1, (rule_set.name, found)
        rates: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(rounds):
            for name, way in ways.items():
                rates[name].append(rate(way, rule_set.events, seconds))
        result[rule_set.name] = rates
    return result


def machine() -> str:
    """Where it was measured."""
    load = os.getloadavg()[0]
    return f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, load {load:.1f}"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=SLOWEST_SECONDS)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    table = measure(options.rounds, options.seconds)
    rows = {
        row: {name: {"median": statistics.median(found), "min": min(found), "max": max(found)}
              for name, found in rates.items()}
        for row, rates in table.items()
    }  # fmt: skip
    if options.json:
        print(json.dumps({"machine": machine(), "rounds": options.rounds, "aims": AIMS, "rows": rows}, indent=2))
        return
    print(f"{machine()}; events/s on one core, median (min to max) of {options.rounds} rounds\n")
    for row, ways in rows.items():
        cells = "".join(
            f"{each['median']:>12,.0f} ({each['min']:,.0f} to {each['max']:,.0f})" for each in ways.values()
        )
        print(f"{row:36}{cells}   aim {AIMS[row]:,}" if row in AIMS else f"{row:36}{cells}")
    print(f"{'':36}columns: {', '.join(next(iter(rows.values())))}")


if __name__ == "__main__":
    main()

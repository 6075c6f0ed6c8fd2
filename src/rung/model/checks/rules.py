"""Buses and rules: what a rule takes, what it makes of it, and where it goes when its target fails."""

from __future__ import annotations

from collections.abc import Iterator

from rung.errors import Finding
from rung.model.checks.report import label, problem
from rung.model.durations import render_seconds
from rung.model.graph import Graph
from rung.model.nodes import DAY_SECONDS, Bus, External, Job, Node, Queue, Rule, Service, Workflow

#: What EventBridge retries: 0 to 185 times, for a minute to a day; and how long it waits for an answer at most.
#: https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_RetryPolicy.html and .../userguide/
#: eb-api-destinations.html, both read on 2026-11-21.
MOST_ATTEMPTS, LEAST_AGE_SECONDS, MOST_AGE_SECONDS = 185, 60.0, DAY_SECONDS
MOST_DEADLINE_SECONDS = 5.0


def invalid_pattern(graph: Graph) -> Iterator[Finding]:
    """R0155: an event pattern that matches nothing, or is no pattern."""
    rules = graph.of(Rule)
    if not rules:
        return
    from rung.patterns.parse import parse

    for rule in rules:
        for mistake in parse(rule.pattern).mistakes:
            yield problem(
                graph, "R0155", rule.name, f"the pattern of {label(rule)} is not valid",
                found=f"{mistake.found}, at {mistake.path}",
                effect="the rule is refused, or never matches an event", advice=mistake.possible,
            )  # fmt: skip


def rule_without_dead_letter_queue(graph: Graph) -> Iterator[Finding]:
    """R0156: an event whose target fails for a day is dropped."""
    for rule in graph.of(Rule):
        if rule.dead_letter is None:
            yield problem(
                graph, "R0156", rule.name, f"{label(rule)} has no dead-letter queue", severity="warning",
                found=f"dead_letter is not set, at most {rule.max_attempts} attempts",
                effect="an event that its target does not take within a day is dropped without a trace",
                advice="add dead_letter=...: a queue for what could not be delivered",
            )  # fmt: skip


def invalid_transform(graph: Graph) -> Iterator[Finding]:
    """R0157: an input that EventBridge would refuse, or could never make."""
    for rule in graph.of(Rule):
        if rule.transform is None:
            continue
        from rung.transforms.transformer import parse_transformer

        for mistake in parse_transformer(rule.transform).mistakes:
            at = "" if mistake.path == "$" else f", at {mistake.path}"
            yield problem(
                graph, "R0157", rule.name, f"the transform of {label(rule)} is not valid",
                found=f"{mistake.found}{at}", effect="the rule is refused, or delivers nothing",
                advice=mistake.possible,
            )  # fmt: skip


def impossible_delivery(graph: Graph) -> Iterator[Finding]:
    """R0158: retries, an age, a deadline, a path or an archive that no bus keeps."""
    for rule in graph.of(Rule):
        for found, possible in _limits(rule, graph.by_name.get(rule.target)):
            yield problem(
                graph, "R0158", rule.name, f"{label(rule)} cannot deliver so", found=found,
                effect="EventBridge refuses the rule, and so does every other bus", advice=possible,
            )  # fmt: skip
    for bus in graph.of(Bus):
        if bus.archive_days is not None and bus.archive_days < 1:
            yield problem(
                graph, "R0158", bus.name, f"{label(bus)} cannot keep its events so",
                found=f"archive of {bus.archive_days} days", effect="nothing would be there to replay",
                advice='write whole days, such as archive="30 days", or leave it out',
            )  # fmt: skip


def _limits(rule: Rule, target: Node | None) -> Iterator[tuple[str, str]]:
    """What is wrong, and what is possible."""
    if not 0 <= rule.max_attempts <= MOST_ATTEMPTS:
        yield f"max_attempts={rule.max_attempts}", f"0 to {MOST_ATTEMPTS} tries after the first"
    if not LEAST_AGE_SECONDS <= rule.max_age_seconds <= MOST_AGE_SECONDS:
        yield f"max_age={render_seconds(rule.max_age_seconds)}", "a minute to 24 hours"
    match target:
        case Service() | External():
            if not 0 < rule.deadline_seconds <= MOST_DEADLINE_SECONDS:
                yield f"deadline={render_seconds(rule.deadline_seconds)}", "more than nothing, and at most 5 s"
            if not rule.path.startswith("/") or any(character <= " " for character in rule.path):
                yield f"path={rule.path!r}", 'a path such as "/events", without spaces'
        case Queue() | Workflow() | Job():
            if rule.path != "/":
                yield f"path={rule.path!r} for {label(target)}", "a path is for a service, or a host outside"
        case _:
            return


def dead_letters_into_the_target(graph: Graph) -> Iterator[Finding]:
    """R0159: what could not be delivered to a queue would go to the same queue."""
    for rule in graph.of(Rule):
        if rule.dead_letter is not None and rule.dead_letter == rule.target:
            yield problem(
                graph, "R0159", rule.name, f"{label(rule)} has its target as its dead-letter queue",
                found=f"target and dead_letter are both {rule.target!r}",
                effect="what could not be delivered there cannot be kept there either",
                advice="declare a queue of its own for dead_letter=...", related=(rule.target,),
            )  # fmt: skip


CHECKS = (
    invalid_pattern, rule_without_dead_letter_queue, invalid_transform, impossible_delivery,
    dead_letters_into_the_target,
)  # fmt: skip

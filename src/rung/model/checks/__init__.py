"""What is wrong with a workload: pure functions from a graph to findings, and the table that runs them all."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from rung.errors import Finding
from rung.model.checks import (
    capacity,
    environments,
    names,
    queues,
    reach,
    routes,
    rules,
    schedules,
    security,
    workflows,
)  # fmt: skip
from rung.model.graph import Graph, in_environment
from rung.model.nodes import Environment

Check = Callable[[Graph], Iterator[Finding]]
EnvironmentCheck = Callable[[Graph, Environment], Iterator[Finding]]

#: Run on the graph, and on the graph of every environment that overrides something.
CHECKS: tuple[Check, ...] = (
    *names.CHECKS,
    *reach.CHECKS,
    *routes.CHECKS,
    *security.CHECKS,
    *queues.CHECKS,
    *rules.CHECKS,
    *workflows.CHECKS,
    *schedules.CHECKS,
    *capacity.CHECKS,
    *environments.CHECKS,
)
#: Run once for each environment, on its graph.
ENVIRONMENT_CHECKS: tuple[EnvironmentCheck, ...] = environments.ENVIRONMENT_CHECKS


def check(graph: Graph, *, environment: str | None = None) -> tuple[Finding, ...]:
    """Every finding, in the order of the file: of one environment, or of the graph and all its environments.

    Raises UsageError when there is no environment of that name.
    """
    if environment is not None:
        chosen = in_environment(graph, environment)
        found = [*_of_graph(chosen), *_of_environment(chosen, environment)]
    else:
        found = list(_of_graph(graph))
        for each in graph.of(Environment):
            found.extend(_new_in(each.name, in_environment(graph, each.name), found))
    return tuple(sorted(dict.fromkeys(found), key=_order))


def _of_graph(graph: Graph) -> Iterator[Finding]:
    for each in CHECKS:
        yield from each(graph)


def _of_environment(graph: Graph, name: str) -> Iterator[Finding]:
    environment = next(each for each in graph.of(Environment) if each.name == name)
    for each in ENVIRONMENT_CHECKS:
        yield from each(graph, environment)


def _new_in(name: str, graph: Graph, known: list[Finding]) -> list[Finding]:
    """What an environment adds: the findings its overrides cause, which say so, and those about itself."""
    caused = [finding for finding in _of_graph(graph) if finding not in known]
    marked = [replace(each, message=f'{each.message} (in environment "{name}")') for each in caused]
    return [*marked, *_of_environment(graph, name)]


def _order(finding: Finding) -> tuple[str, int, str]:
    place = finding.location
    return (place.file, place.line, finding.code) if place is not None else ("\uffff", 0, finding.code)

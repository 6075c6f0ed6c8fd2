"""Environments: what production must not be without, and overrides that override something."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rung.errors import Finding
from rung.model.checks.report import label, problem
from rung.model.graph import Graph
from rung.model.nodes import Environment, Postgres, Route, Service, Site, Subscriber
from rung.model.shapes import field_types, mismatches
from rung.near import suggestion

#: One task that is replaced, or crashes, takes longer than this share of a month allows.
_SINGLE_TASK_AVAILABILITY = 0.999
_ADDRESSES = {
    "email": re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+\Z"),
    "slack": re.compile(r"[#@]?[\w.-]+\Z"),
    "pagerduty": re.compile(r"\S+\Z"),
    "pushover": re.compile(r"\S+\Z"),
    "sms": re.compile(r"\+\d{6,15}\Z"),
    "webhook": re.compile(r"https://\S+\Z"),
}


def single_task(graph: Graph, environment: Environment) -> Iterator[Finding]:
    """R0180: an availability that one task cannot reach."""
    objectives = graph.objectives
    if (
        not environment.production
        or objectives is None
        or (objectives.availability or 0) < _SINGLE_TASK_AVAILABILITY
    ):
        return
    for service in graph.of(Service):
        if service.min_tasks < 2 and graph.edges_to(service.name, "route"):
            yield problem(
                graph, "R0180", service.name, f'{label(service)} is a single task in "{environment.name}"',
                severity="warning",
                found=f"min_tasks={service.min_tasks}, objective {(objectives.availability or 0) * 100:g}%",
                effect="one crash, one full disk or one lost zone is an outage until a new task is ready",
                advice=f'add overrides={{{service.name.replace("-", "_")}: {{"min_tasks": 2}}}} to the '
                f'environment',
                related=("@objectives", environment.name),
            )  # fmt: skip


def nobody_is_told(graph: Graph, environment: Environment) -> Iterator[Finding]:
    """R0181: alarms that fire into the void."""
    told = [
        each for each in graph.of(Subscriber) if not each.environments or environment.name in each.environments
    ]
    if environment.production and not told:
        yield problem(
            graph, "R0181", environment.name, f'nobody receives the alarms of "{environment.name}"',
            found="0 subscribers", effect="alarms fire, nobody is called, and customers report the outage",
            advice='add notify("email:oncall@example.com"), or slack:, pagerduty:, pushover:',
        )  # fmt: skip


def no_backups(graph: Graph, environment: Environment) -> Iterator[Finding]:
    """R0183: a production database that cannot be brought back."""
    for database in graph.of(Postgres):
        if environment.production and database.backup_days < 1 and database.existing is None:
            yield problem(
                graph, "R0183", database.name, f'{label(database)} has no backups in "{environment.name}"',
                found=f"backup_days={database.backup_days}",
                effect="a dropped table or a lost disk is the end of the data", advice="set backup_days=7 or more",
                related=(environment.name,),
            )  # fmt: skip


def production_sleeps(graph: Graph, environment: Environment) -> Iterator[Finding]:
    """R0186: customers who wake the system up."""
    if environment.production and environment.stop_when_idle_seconds is not None:
        yield problem(
            graph, "R0186", environment.name, f'the production environment "{environment.name}" stops when idle',
            severity="warning", found=f"stop_when_idle={environment.stop_when_idle_seconds:g}s",
            effect="the first customer of the morning waits for machines to start; schedules and "
            "workers stand still",
            advice="keep it for test environments, or say production=False",
        )  # fmt: skip


def override_of_nothing(graph: Graph) -> Iterator[Finding]:
    """R0182: an override of a node or a field that does not exist, or a value the field cannot hold."""
    for environment in graph.of(Environment):
        for override in environment.overrides:
            reason, near = _override_problem(graph, override.node, override.field, override.value)
            if reason:
                yield problem(
                    graph, "R0182", environment.name,
                    f'the environment "{environment.name}" overrides {override.node}.{override.field} in vain',
                    found=reason, effect="the environment would be the same as the others, without a word",
                    advice=f"name a parameter of the node and a value it can have{near}", related=(override.node,),
                )  # fmt: skip


def unknown_address(graph: Graph) -> Iterator[Finding]:
    """R0184: an address that alarms cannot reach."""
    for subscriber in graph.of(Subscriber):
        kind, _, rest = subscriber.name.partition(":")
        others = ", ".join(f"{each}:" for each in list(_ADDRESSES)[1:])
        reason = f"{rest!r} after {kind}:" if kind in _ADDRESSES else f"{kind!r} is not a kind of address"
        if kind not in _ADDRESSES or not _ADDRESSES[kind].match(rest):
            yield problem(
                graph, "R0184", subscriber.name, f'alarms cannot reach "{subscriber.name}"',
                found=reason, effect="alarms fire, and nobody is called",
                advice=f'write "email:oncall@example.com", or {others}{suggestion(kind, _ADDRESSES)}',
            )  # fmt: skip


def unknown_environment(graph: Graph) -> Iterator[Finding]:
    """R0185: a subscriber to an environment that does not exist."""
    names = [environment.name for environment in graph.of(Environment)]
    for subscriber in graph.of(Subscriber):
        for name in subscriber.environments:
            if name not in names:
                yield problem(
                    graph, "R0185", subscriber.name, f'"{subscriber.name}" subscribes to an unknown environment',
                    found=f'"{name}"; there are {", ".join(names) or "none"}', effect="nobody is called there",
                    advice=f"name an environment of the workload{suggestion(name, names)}",
                )  # fmt: skip


CHECKS = (override_of_nothing, unknown_address, unknown_environment)
ENVIRONMENT_CHECKS = (single_task, nobody_is_told, no_backups, production_sleeps)


def _override_problem(graph: Graph, name: str, field: str, value: object) -> tuple[str, str]:
    node = graph.by_name.get(name)
    if node is None:
        return f'there is no node "{name}"', suggestion(name, graph.by_name)
    if isinstance(node, Route | Site) or field in ("kind", "name"):
        return f"{label(node)} is the same in every environment", ""
    known = field_types(type(node))
    if field not in known:
        return f'{label(node)} has no "{field}"', suggestion(field, known)
    wrong = next(mismatches(value, known[field], field), None)
    return (f"expected {wrong.expected}, found {wrong.found}", "") if wrong is not None else ("", "")

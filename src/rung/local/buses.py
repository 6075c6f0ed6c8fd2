"""How a bus is run here: one router, the rules in a file, and the bindings of what they deliver to. Pure."""

from __future__ import annotations

import hashlib
from typing import assert_never

import msgspec

from rung.local.environment import base_environment, variables_of
from rung.local.machine import Machine
from rung.local.specification import ProcessSpec
from rung.model.edges import Use
from rung.model.graph import Graph
from rung.model.nodes import Bus, External, Node, Queue, Rule, Service, Workflow
from rung.runtime.bus.rules import QueueTarget, ServiceTarget, Target, WebhookTarget, WorkflowTarget, encode_rules
from rung.runtime.bus.rules import Rule as RunningRule

#: What a router opens beside the queues that it writes to: transactions, events, deliveries, announcements.
ROUTER_CONNECTIONS = 10


def router(graph: Graph, bus: Bus, machine: Machine) -> ProcessSpec:
    """The process that routes a bus. A changed rule makes another specification, of this process alone."""
    rules = rules_of(graph, bus)
    digest = hashlib.sha256(encode_rules(rules).encode()).hexdigest()[:16]
    called = [graph.node(rule.target.name) for rule in rules if isinstance(rule.target, ServiceTarget)]
    return ProcessSpec(
        name=bus.name,
        kind="worker",
        command=(
            machine.python, "-m", "rung.runtime.bus", "--name", bus.name,
            "--rules", str(machine.state / rules_file(bus)),
        ),
        environment=_environment(graph, bus, rules, machine) | {"RUNG_RULES_DIGEST": digest},
        directory=machine.folder,
        location=graph.location(bus.name),
        needs=tuple(dict.fromkeys(each.name for each in called)),
    )  # fmt: skip


def rules_file(bus: Bus) -> str:
    """The file below `.rung/` that tells the router its rules."""
    return f"rules-{bus.name}.json"


def rules_table(graph: Graph, bus: Bus) -> object:
    """The content of that file."""
    return msgspec.to_builtins(rules_of(graph, bus))


def rules_of(graph: Graph, bus: Bus) -> tuple[RunningRule, ...]:
    """The rules of a bus that can be delivered here."""
    found = []
    for rule in graph.of(Rule):
        target = target_of(rule, graph.by_name.get(rule.target))
        if rule.bus == bus.name and target is not None:
            found.append(
                RunningRule(
                    name=rule.name, pattern=rule.pattern, target=target, transform=rule.transform,
                    max_attempts=rule.max_attempts, max_age_seconds=rule.max_age_seconds,
                    dead_letter=rule.dead_letter,
                )
            )  # fmt: skip
    return tuple(found)


def target_of(rule: Rule, node: Node | None) -> Target | None:
    """What the router delivers to; None for what nothing on this machine takes."""
    match node:
        case Queue():
            return QueueTarget(name=node.name)
        case Service():
            return ServiceTarget(name=node.name, path=rule.path, deadline_seconds=rule.deadline_seconds)
        case External():
            return WebhookTarget(name=node.name, path=rule.path, deadline_seconds=rule.deadline_seconds)
        case Workflow():
            return WorkflowTarget(name=node.name)
        case _:
            return None


def _environment(graph: Graph, bus: Bus, rules: tuple[RunningRule, ...], machine: Machine) -> dict[str, str]:
    """The bus, and what its rules deliver to or give up to; no plain variables for other programs."""
    uses = [Use(target=bus.name, verbs=("publish",)), *(_use(rule.target) for rule in rules)]
    uses += [Use(target=rule.dead_letter, verbs=("send",)) for rule in rules if rule.dead_letter]
    variables = base_environment(graph, bus.name, machine)
    for use in dict.fromkeys(uses):
        found = variables_of(graph, use, machine, ROUTER_CONNECTIONS, already=variables)
        variables |= {name: value for name, value in found.items() if name.startswith("RUNG_BINDING_")}
    return variables


def _use(target: Target) -> Use:
    match target:
        case QueueTarget():
            return Use(target=target.name, verbs=("send",))
        case ServiceTarget():
            return Use(target=target.name, verbs=("call",))
        case WebhookTarget():
            return Use(target=target.name, verbs=("connect",))
        case WorkflowTarget():
            return Use(target=target.name, verbs=("start",))
        case _:
            assert_never(target)

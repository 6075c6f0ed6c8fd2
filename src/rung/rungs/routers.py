"""The process of rung's own that brings a bus's events to where its rules say. Pure.

On a box it is the router of the bus, which keeps events in Postgres. Where EventBridge routes, it is the relay for
targets that EventBridge does not reach: each of their rules has a queue of SQS between. Its edges are no line of
the workload file: they follow from the rules, so that it may do what they deliver, and nothing when they are gone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from rung.model.edges import Edge, Verb
from rung.model.graph import Graph
from rung.model.nodes import Bus, External, Node, Process, Queue, Rule, Service, Variable, Workflow
from rung.parts.values import Document, Reference, Sequence, Value

#: What the runtime calls each kind of target, and what the router does to it.
KINDS: dict[type[Node], tuple[str, Verb]] = {
    Queue: ("queue", "send"), Service: ("service", "call"), External: ("webhook", "connect"),
    Workflow: ("workflow", "start"),
}  # fmt: skip
#: The longest that one delivery takes: to a queue, or the start of a run. Calls are answered within 5 s.
DELIVERY_SECONDS = 10.0
#: And so much more until a delivery whose process has died comes back.
MARGIN_SECONDS = 25.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Router:
    """`rules` of the bus `bus` that this process delivers. `relays`: EventBridge routes, and hands them over."""

    kind: Literal["router"] = "router"
    name: str
    bus: str
    rules: tuple[Rule, ...]
    relays: bool = False
    variables: tuple[Variable, ...] = ()


def node_of(process: Process | Router) -> str:
    """The node that a process is there for."""
    return process.bus if isinstance(process, Router) else process.name


def router_name(bus: str) -> str:
    """What the process is called."""
    return f"{bus}-router"


def routers_of(graph: Graph, wanted: Callable[[Rule], bool], *, always: bool) -> Iterator[Router]:
    """One for each bus with rules that are `wanted`; `always`: also for a bus that has none."""
    for bus in graph.of(Bus):
        rules = tuple(rule for rule in heard_rules(graph, bus.name) if wanted(rule))
        if rules or always:
            yield Router(name=router_name(bus.name), bus=bus.name, rules=rules, relays=not always)


def heard_rules(graph: Graph, bus: str) -> Iterator[Rule]:
    """The rules that hear the bus and lead somewhere: those with both of their edges."""
    for rule in graph.of(Rule):
        targets = {edge.target for edge in graph.edges_from(rule.name)}
        hears = any(edge.source == bus for edge in graph.edges_to(rule.name, "deliver"))
        if rule.bus == bus and hears and rule.target in targets and type(graph.by_name[rule.target]) in KINDS:
            yield rule


def edges_of(graph: Graph, router: Router) -> Iterator[Edge]:
    """What the router does to the targets of its rules, and to the queues that they give up to."""
    for rule in router.rules:
        verb = KINDS[type(graph.by_name[rule.target])][1]
        yield Edge(source=router.name, target=rule.target, verb=verb)
        if (dead := dead_letter_of(graph, rule)) is not None:
            yield Edge(source=router.name, target=dead, verb="send")


def dead_letter_of(graph: Graph, rule: Rule) -> str | None:
    """The queue that the rule gives up to, if its edge is there."""
    return next((edge.target for edge in graph.edges_from(rule.name) if edge.target == rule.dead_letter), None)


def deliveries_part(rule: str) -> str:
    """The queue between EventBridge and the relay."""
    return f"{rule}-deliveries"


def rules_document(graph: Graph, router: Router) -> Sequence:
    """The rules as `python -m rung.runtime.bus` reads them."""
    return Sequence(items=tuple(_rule(graph, rule, relayed=router.relays) for rule in router.rules))


def _rule(graph: Graph, rule: Rule, *, relayed: bool) -> Document:
    kind, verb = KINDS[type(graph.by_name[rule.target])]
    target: dict[str, Value] = {"kind": kind, "name": rule.target}
    if verb in ("call", "connect"):
        target |= {"path": rule.path, "deadline_seconds": rule.deadline_seconds}
    fields: dict[str, Value] = {
        "name": rule.name, "pattern": rule.pattern, "target": Document(fields=tuple(target.items())),
        "max_attempts": rule.max_attempts, "max_age_seconds": rule.max_age_seconds,
    }  # fmt: skip
    if rule.transform is not None:
        fields["transform"] = rule.transform
    if (dead := dead_letter_of(graph, rule)) is not None:
        fields["dead_letter"] = dead
    if relayed:
        fields["arn"] = Reference(part=rule.name, output="arn")
    return Document(fields=tuple(fields.items()))

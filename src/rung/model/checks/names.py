"""Names and references to code: unique, safe everywhere, and complete."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

from rung.errors import Finding
from rung.model.checks.report import label, place, problem
from rung.model.graph import Graph
from rung.model.nodes import (
    Business,
    Cache,
    Job,
    Node,
    Objectives,
    Postgres,
    Route,
    Schedule,
    Service,
    Subscriber,
    Traffic,
    Worker,
    Workflow,
)  # fmt: skip

LONGEST = 40
_DNS = re.compile(r"[a-z](?:[a-z0-9]|-(?=[a-z0-9]))*\Z")
_TARGET = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*:[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*\Z")
#: Nodes whose names are identities of our own making, and never become a host, a table or a variable.
_UNNAMED = (Route, Subscriber, Traffic, Objectives, Business)


def used_twice(graph: Graph) -> Iterator[Finding]:
    """R0101: two nodes of one name."""
    seen: dict[str, Node] = {}
    for node in graph.nodes:
        first = seen.setdefault(node.name, node)
        if first is not node and not isinstance(node, _UNNAMED):
            second = f"{node.name}#2"
            yield problem(
                graph, "R0101", second if graph.location(second) else node.name,
                f'the name "{node.name}" is used twice',
                found=f"{place(graph, first.name)}, and now a {node.kind}",
                effect="bindings, grants and resources are found by name: one of the two would get the other's",
                advice=f'rename one, for example "{node.name}-{node.kind}"', related=(first.name,),
            )  # fmt: skip


def nearly_the_same(graph: Graph) -> Iterator[Finding]:
    """R0102: names that a reader takes for one another."""
    seen: dict[str, Node] = {}
    for node in _named(graph):
        first = seen.setdefault(node.name.lower().replace("-", "").removesuffix("s"), node)
        if first.name != node.name:
            yield problem(
                graph, "R0102", node.name, f'the names "{first.name}" and "{node.name}" are almost the same',
                severity="note", found=f"{place(graph, first.name)}; {place(graph, node.name)}",
                effect="in an alarm at night they will be taken for one another",
                advice="rename one after what it does", related=(first.name,),
            )  # fmt: skip


def not_safe_everywhere(graph: Graph) -> Iterator[Finding]:
    """R0103: names that cannot be a host, a bucket or a resource."""
    reason = _unsafe(graph.name)
    if reason:
        yield problem(
            graph, "R0103", "@workload", f'the name "{graph.name}" {reason}', found="the workload itself",
            effect="every host, bucket and resource begins with it, and some rungs refuse it",
            advice=f'rename it, for example "{_safe(graph.name)}"',
        )  # fmt: skip
    for node in _named(graph):
        reason = _unsafe(node.name)
        if reason:
            yield problem(
                graph, "R0103", node.name, f'the name "{node.name}" {reason}',
                found=f"a {node.kind}",
                effect="names become hosts, buckets and resources, which refuse it on some rungs",
                advice=f'rename it, for example "{_safe(node.name)}"',
            )  # fmt: skip


def takes_a_plain_variable(graph: Graph) -> Iterator[Finding]:
    """R0104: a node whose `<NAME>_URL` is DATABASE_URL or REDIS_URL, but which is neither."""
    kinds = {"database": (Postgres, "postgres"), "redis": (Cache, "cache")}
    for node in _named(graph):
        expected = kinds.get(node.name)
        if expected is not None and not isinstance(node, expected[0]):
            variable = f"{node.name.upper()}_URL"
            yield problem(
                graph, "R0104", node.name, f"the name of {label(node)} takes the variable {variable}",
                found=f"{variable} belongs to the {expected[1]}",
                effect=f"programs that read {variable} would connect to the wrong thing",
                advice=f'rename it, for example "{node.name}-{node.kind}"',
            )  # fmt: skip


def not_a_target(graph: Graph) -> Iterator[Finding]:
    """R0105: an app or handler that is not "package.module:object"."""
    for node in graph.nodes:
        if isinstance(node, Service):
            parameter, target = "app", node.app
        elif isinstance(node, Worker | Schedule | Job | Workflow):
            parameter, target = "handler", node.handler
        else:
            continue
        if target is not None and not _TARGET.match(target):
            yield problem(
                graph, "R0105", node.name, f'the {parameter} of {label(node)} is not "package.module:object"',
                found=f"{parameter}={target!r}", effect="nothing can be imported by that name",
                advice=f'write {parameter}="{_probable_target(target)}"',
            )  # fmt: skip


def nothing_to_run(graph: Graph) -> Iterator[Finding]:
    """R0106: neither or both of app (handler) and command."""
    for node in graph.nodes:
        if isinstance(node, Service):
            yield from _one_of(graph, node, "app", node.app, node.command)
        elif isinstance(node, Worker | Schedule | Job):
            yield from _one_of(graph, node, "handler", node.handler, node.command)


CHECKS = (used_twice, nearly_the_same, not_safe_everywhere, takes_a_plain_variable, not_a_target, nothing_to_run)


def _one_of(
    graph: Graph, node: Node, parameter: Literal["app", "handler"], target: str | None, command: object
) -> Iterator[Finding]:
    if (target is None) == (command is None):
        found = "neither" if target is None else "both"
        yield problem(
            graph, "R0106", node.name, f"{label(node)} has {found} of {parameter} and command",
            effect="there is nothing to run" if target is None else "it is not clear which of them runs",
            advice=f'give it {parameter}="package.module:object", or command="..." for a program of its own',
        )  # fmt: skip


def _named(graph: Graph) -> Iterator[Node]:
    return (node for node in graph.nodes if not isinstance(node, _UNNAMED))


def _unsafe(name: str) -> str:
    if len(name) > LONGEST:
        return f"is {len(name)} characters long, {LONGEST} are the most"
    if not _DNS.match(name):
        return "is not lower-case letters, digits and single hyphens, beginning with a letter"
    return ""


def _safe(name: str) -> str:
    text = re.sub(r"[^a-z0-9]+", "-", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", name).lower()).strip("-")
    return (text if text[:1].isalpha() else f"n-{text}".rstrip("-"))[:LONGEST].rstrip("-")


def _probable_target(target: str) -> str:
    text = target.removesuffix(".py").replace("/", ".").strip(".: ")
    module, dot, name = text.replace(":", ".").rpartition(".")
    candidate = f"{module}:{name}" if dot else f"{name}:handle"
    return candidate if _TARGET.match(candidate) else "package.module:object"

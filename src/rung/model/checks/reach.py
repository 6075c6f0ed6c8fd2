"""Who reaches whom: what is declared and never used, and what must not be reached."""

from __future__ import annotations

from collections.abc import Iterator

from rung.errors import Finding
from rung.model.checks.report import label, place, problem
from rung.model.graph import Graph
from rung.model.nodes import (
    Bucket,
    Bus,
    Cache,
    External,
    Files,
    Job,
    Node,
    Postgres,
    Queue,
    Route,
    Rule,
    Schedule,
    Search,
    Secret,
    Service,
    Site,
    Table,
    Worker,
    Workflow,
)  # fmt: skip

STORES = (Postgres, Cache, Table, Bucket, Files, Search)


def service_nobody_calls(graph: Graph) -> Iterator[Finding]:
    """R0111: no route, no caller, no rule."""
    for service in graph.of(Service):
        if not graph.edges_to(service.name):
            yield problem(
                graph, "R0111", service.name, f"nobody calls {label(service)}", severity="warning",
                found="0 routes, 0 callers", effect="it runs, costs money, and answers nobody",
                advice=f'add a route("/{service.name}/*", ...) to it, or name it in the uses of another service',
            )  # fmt: skip


def store_reachable_from_a_site(graph: Graph) -> Iterator[Finding]:
    """R0112: a browser must never hold the means to reach a store, a queue or a secret."""
    forbidden = (*STORES, Queue, Secret, Bus, Workflow, Job)
    for site in graph.of(Site):
        for target in dict.fromkeys(edge.target for edge in graph.edges_from(site.name)):
            node = graph.by_name.get(target)
            if isinstance(node, forbidden):
                yield _exposed(graph, site, node, f"{label(node)} is reachable from {label(site)}")
    for route in graph.of(Route):
        node = graph.by_name.get(route.target)
        if isinstance(node, forbidden):
            yield _exposed(graph, route, node, f'the route "{route.name}" leads to {label(node)}')


def secret_read_by_nobody(graph: Graph) -> Iterator[Finding]:
    """R0113."""
    for secret in graph.of(Secret):
        if not graph.edges_to(secret.name):
            yield problem(
                graph, "R0113", secret.name, f"nobody reads {label(secret)}", severity="warning",
                found="0 readers",
                effect="a value worth stealing is kept for no use, and the process that needs it cannot read it",
                advice="name it in the uses of the process that reads it, or delete the line",
            )  # fmt: skip


def used_by_nobody(graph: Graph) -> Iterator[Finding]:
    """R0114: a store or an external host without any edge."""
    for node in graph.nodes:
        if isinstance(node, (*STORES, External)) and not graph.edges_to(node.name):
            external = isinstance(node, External)
            yield problem(
                graph, "R0114", node.name, f"nobody uses {label(node)}", severity="warning", found="0 users",
                effect="a way out of the network is opened for "
                "nobody" if external else "it costs money for nothing",
                advice="name it in the uses of a process, or delete the line",
            )  # fmt: skip


def never_started(graph: Graph) -> Iterator[Finding]:
    """R0115: a job that nobody runs, a workflow that nobody starts."""
    for node in graph.nodes:
        by_itself = isinstance(node, Job) and node.on_first_start
        if isinstance(node, Job | Workflow) and not by_itself and not graph.edges_to(node.name):
            verb = "run" if isinstance(node, Job) else "start"
            yield problem(
                graph, "R0115", node.name, f"nobody {verb}s {label(node)}", severity="warning",
                found="0 callers, 0 rules",
                effect=f"nothing has the permission to {verb} it, so it never will",
                advice=f"add {node.name.replace('-', '_')}.{verb} to the uses of a process, or make it "
                f"a rule's target",
            )  # fmt: skip


def bus_without_rule(graph: Graph) -> Iterator[Finding]:
    """R0116: events that match no rule are dropped without a trace."""
    for bus in graph.of(Bus):
        if graph.edges_to(bus.name, "publish") and not _rules(graph, bus):
            yield problem(
                graph, "R0116", bus.name, f"{label(bus)} has publishers and no rule", severity="warning",
                found=f"0 rules, published to by {place(graph, graph.edges_to(bus.name)[0].source)}",
                effect="every event is accepted, matches nothing and is dropped without a trace",
                advice="add a rule(..., bus=..., pattern=..., target=...)",
            )  # fmt: skip


def rule_without_publisher(graph: Graph) -> Iterator[Finding]:
    """R0117: rules on a bus of our own to which nobody publishes."""
    for bus in graph.of(Bus):
        rules = _rules(graph, bus)
        if rules and bus.existing is None and not graph.edges_to(bus.name, "publish"):
            yield problem(
                graph, "R0117", bus.name, f"nobody publishes to {label(bus)}", severity="warning",
                found=f"{len(rules)} rules, 0 publishers", effect="its rules never match anything",
                advice="add the bus's publish to the uses of a process, or name the bus that exists: existing=...",
                related=[rule.name for rule in rules],
            )  # fmt: skip


def site_without_route(graph: Graph) -> Iterator[Finding]:
    """R0118."""
    for site in graph.of(Site):
        if not graph.edges_to(site.name, "route"):
            yield problem(
                graph, "R0118", site.name, f"no route leads to {label(site)}", severity="warning",
                found="0 routes",
                effect="its files are built, shipped and never seen",
                advice='add a route("/*", ...) to it',
            )  # fmt: skip


def startup_cycle(graph: Graph) -> Iterator[Finding]:
    """R0120: processes that wait for each other before they start."""
    waits = {
        node.name: node.starts_after for node in graph.nodes if isinstance(node, Service | Worker | Schedule)
    }  # fmt: skip
    reported: set[frozenset[str]] = set()
    for name in waits:
        cycle = _cycle(name, waits)
        if cycle and frozenset(cycle) not in reported:
            reported.add(frozenset(cycle))
            yield problem(
                graph, "R0120", name, "processes wait for each other before they start",
                found=" -> ".join([*cycle, cycle[0]]), effect="none of them would ever be ready",
                advice="drop one starts_after; to call each other, processes need no order of starting",
                related=cycle[1:],
            )  # fmt: skip


CHECKS = (
    service_nobody_calls, store_reachable_from_a_site, secret_read_by_nobody, used_by_nobody, never_started,
    bus_without_rule, rule_without_publisher, site_without_route, startup_cycle,
)  # fmt: skip


def _exposed(graph: Graph, source: Node, node: Node, message: str) -> Finding:
    return problem(
        graph, "R0112", source.name, message, found=place(graph, node.name),
        effect="whoever can load the page can read and write it: there is no service between to ask who they are",
        advice="put a service between: the site calls the service, and the service uses the rest",
        related=(node.name,),
    )  # fmt: skip


def _rules(graph: Graph, bus: Bus) -> list[Rule]:
    return [rule for rule in graph.of(Rule) if rule.bus == bus.name]


def _cycle(start: str, waits: dict[str, tuple[str, ...]]) -> list[str]:
    """The way from `start` back to it, or nothing."""
    paths = [[start]]
    seen = {start}
    while paths:
        path = paths.pop()
        for following in waits.get(path[-1], ()):
            if following == start:
                return path
            if following not in seen:
                seen.add(following)
                paths.append([*path, following])
    return []

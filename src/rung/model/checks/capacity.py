"""Numbers that cannot hold together: tasks, pools, deadlines, traffic, promises and money."""

from __future__ import annotations

import math
from collections.abc import Iterator

from rung.errors import Finding
from rung.model.checks.report import label, place, problem
from rung.model.durations import render_seconds
from rung.model.edges import Edge
from rung.model.graph import Graph
from rung.model.nodes import (
    External,
    Job,
    Postgres,
    Queue,
    Route,
    Schedule,
    Service,
    Traffic,
    Worker,
    Workflow,
)  # fmt: skip
from rung.near import suggestion

#: The share of a server's connections that pools may take: the rest is for people, migrations and monitoring.
USABLE_CONNECTIONS = 0.8
#: What a process that runs one handler at a time needs: one for the handler, one for its lock.
SINGLE_CONNECTIONS = 2
#: The longest time that a container gets to finish after it was told to stop.
LONGEST_DRAIN_SECONDS = 120.0
#: Spending more of the revenue than this on machines is worth a word.
USUAL_BUDGET_SHARE = 1 / 3


def fewest_above_most(graph: Graph) -> Iterator[Finding]:
    """R0171: min_tasks above max_tasks."""
    for node in graph.nodes:
        if isinstance(node, Service | Worker) and node.min_tasks > node.max_tasks:
            yield problem(
                graph, "R0171", node.name, f"{label(node)} has a minimum above its maximum",
                found=f"min_tasks={node.min_tasks}, max_tasks={node.max_tasks}",
                effect="there is no number of tasks it could have",
                advice=f"set max_tasks={node.min_tasks} or more",
            )  # fmt: skip


def impossible_number(graph: Graph) -> Iterator[Finding]:
    """R0172: a number that nothing can have."""
    for node in graph.nodes:
        for field, lowest, highest in _LIMITS:
            value = getattr(node, field, None)
            if isinstance(value, int | float) and not isinstance(value, bool) and not lowest <= value <= highest:
                name = field.removesuffix("_seconds")
                limit = f"at least {lowest:g}" if value < lowest else f"at most {highest:g}"
                yield problem(
                    graph, "R0172", node.name, f"the {name} of {label(node)} is impossible",
                    found=f"{name}={value:g}",
                    effect="it could not start, or nothing would ever be done", advice=f"it must be {limit}",
                )  # fmt: skip


def pools_above_the_server(graph: Graph) -> Iterator[Finding]:
    """R0173: the connections of all tasks together, above what the server has."""
    for database in graph.of(Postgres):
        users = [graph.by_name[name] for name in _users(graph, database) if name in graph.by_name]
        pools = [(node.max_tasks, node.name) for node in users if isinstance(node, Service | Worker)]
        single = [node.name for node in users if isinstance(node, Schedule | Job | Workflow)]
        fixed = len(single) * SINGLE_CONNECTIONS
        wanted = sum(tasks for tasks, _ in pools) * database.pool_size + fixed
        usable = math.floor(database.max_connections * USABLE_CONNECTIONS)
        if wanted > usable:
            terms = [f"{tasks} x {name} x {database.pool_size}" for tasks, name in pools]
            terms += [f"{name} {SINGLE_CONNECTIONS}" for name in single]
            most = max(1, (usable - fixed) // max(1, sum(tasks for tasks, _ in pools)))
            yield problem(
                graph, "R0173", database.name, f"the pools of {label(database)} are larger than the server",
                found=f"{' + '.join(terms)} = {wanted}; {usable} of {database.max_connections} are usable",
                effect="scaled out, new tasks get 'too many clients already', and so does the person sent to help",
                advice=f"set pool_size={most}, fewer max_tasks, or a larger max_connections",
            )  # fmt: skip


def too_slow_for_the_peak(graph: Graph) -> Iterator[Finding]:
    """R0152: the last message of a spike waits longer than is acceptable, with every task running."""
    traffic = graph.traffic
    queues = {queue.name: queue for queue in graph.of(Queue)}
    for worker in graph.of(Worker):
        if traffic is None or not worker.processing_time_seconds or worker.acceptable_latency_seconds is None:
            continue
        if worker.consumes not in queues:
            continue
        arriving, source = _arrivals(graph, traffic, worker.consumes)
        handled = sum(_rate(each) for each in graph.of(Worker) if each.consumes == worker.consumes)
        wait = (arriving * traffic.peak - handled) * traffic.peak_seconds / handled if handled else math.inf
        if wait > worker.acceptable_latency_seconds:
            yield problem(
                graph, "R0152", worker.name, f"{label(worker)} cannot keep up with the peak",
                severity="error" if source == "declared" else "warning",
                found=f"{arriving * traffic.peak:g} messages/s at the peak ({source}), {handled:g}/s "
                f"with every task; "
                f"after {render_seconds(traffic.peak_seconds)} the last waits {render_seconds(round(wait))}",
                effect=f"messages wait longer than the acceptable "
                f"{render_seconds(worker.acceptable_latency_seconds)}",
                advice=f"set max_tasks={_tasks_needed(worker, arriving * traffic.peak)}, or more concurrency",
                related=(worker.consumes, "@traffic"),
            )  # fmt: skip


def latency_below_processing(graph: Graph) -> Iterator[Finding]:
    """R0153: one message takes longer than any may wait."""
    for worker in graph.of(Worker):
        wanted, takes = worker.acceptable_latency_seconds, worker.processing_time_seconds
        if wanted is not None and takes is not None and takes > wanted:
            yield problem(
                graph, "R0153", worker.name, f"{label(worker)} takes longer than its acceptable latency",
                found=f"processing time {render_seconds(takes)}, acceptable latency {render_seconds(wanted)}",
                effect="the promise is broken by a single message on an idle system, and scaling never settles",
                advice="raise acceptable_latency, or split the work into smaller messages",
            )  # fmt: skip


def longer_than_a_drain(graph: Graph) -> Iterator[Finding]:
    """R0154: work that no deployment waits for."""
    for worker in graph.of(Worker):
        if worker.deadline_seconds > LONGEST_DRAIN_SECONDS:
            yield problem(
                graph, "R0154", worker.name, f"{label(worker)} may work longer than a deployment waits",
                severity="warning",
                found=f"deadline {render_seconds(worker.deadline_seconds)}, a task is killed "
                f"{render_seconds(LONGEST_DRAIN_SECONDS)} after it was told to stop",
                effect="every deployment and every scale-in cuts messages off in the middle",
                advice="split the work, or let the worker start a job(...) that nothing interrupts",
            )  # fmt: skip


def slower_outside_than_promised(graph: Graph) -> Iterator[Finding]:
    """R0174: a promise shorter than what the service waits for."""
    objectives = graph.objectives
    externals = {external.name: external for external in graph.of(External)}
    if objectives is None:
        return
    for service in graph.of(Service):
        for edge in graph.edges_from(service.name):
            external = externals.get(edge.target)
            if external is None or external.p99_seconds is None or not graph.edges_to(service.name, "route"):
                continue
            allowed = [each.p99_seconds for each in objectives.routes if _serves(graph, service, each.path)]
            wanted = max([*allowed, objectives.p99_seconds or 0.0])
            if wanted and external.p99_seconds >= wanted:
                yield problem(
                    graph, "R0174", "@objectives", f'the objective is shorter than "{external.host}" takes',
                    found=f"p99 {render_seconds(wanted)} for {place(graph, service.name)}, "
                    f"which waits {render_seconds(external.p99_seconds)} for {external.host}",
                    effect="no code and no machine of yours can keep the promise",
                    advice="call it from a worker behind a queue, cache its answer, or promise what it can give",
                    related=(external.name,),
                )  # fmt: skip


def objective_for_nothing(graph: Graph) -> Iterator[Finding]:
    """R0175: a promise, or traffic, for a path that no route serves."""
    routes = [route.path for route in graph.of(Route)]
    facts = (
        ("@objectives", graph.objectives.routes if graph.objectives else ()),
        (
            "@traffic",
            graph.traffic.routes if graph.traffic else (),
        ),
    )
    for name, paths in facts:
        for each in paths:
            if not any(_matches(route, each.path) for route in routes):
                yield problem(
                    graph, "R0175", name, f'no route serves "{each.path}"',
                    found=f"routes: {', '.join(routes) or 'none'}",
                    effect="it can neither be measured nor kept",
                    advice=f"mend the path{suggestion(each.path, routes)}, or add the route",
                )  # fmt: skip


def budget_against_revenue(graph: Graph) -> Iterator[Finding]:
    """R0176: machines that eat the business."""
    business = graph.business
    if business is None or not business.monthly_budget_usd or business.monthly_revenue_usd is None:
        return
    budget, revenue = business.monthly_budget_usd, business.monthly_revenue_usd
    if budget > revenue * USUAL_BUDGET_SHARE:
        share = "there is no revenue" if not revenue else f"{budget / revenue:.0%} of the revenue"
        yield problem(
            graph, "R0176", "@business", "the budget is large for the revenue", severity="warning",
            found=f"{budget:,.0f} USD a month for machines, {share}",
            effect="infrastructure has not earned its complexity yet: the money is missing elsewhere",
            advice=f"plan with {revenue * USUAL_BUDGET_SHARE:,.0f} USD or less, on a lower rung",
        )  # fmt: skip


def callee_outlives_caller(graph: Graph) -> Iterator[Finding]:
    """R0178: work that goes on after whoever asked has left."""
    services = {service.name: service for service in graph.of(Service)}
    for edge in graph.edges:
        caller, callee = services.get(edge.source), services.get(edge.target)
        if edge.verb == "call" and caller and callee and callee.deadline_seconds > caller.deadline_seconds:
            yield problem(
                graph, "R0178", callee.name, f"{label(callee)} works on after its caller has given up",
                severity="warning",
                found=f"deadline {render_seconds(callee.deadline_seconds)}, its caller {label(caller)} waits "
                f"{render_seconds(caller.deadline_seconds)}",
                effect="under load it spends its time on answers that nobody reads, and load grows",
                advice=f'set deadline="{caller.deadline_seconds:g}s" or less', related=(caller.name,),
            )  # fmt: skip


CHECKS = (
    fewest_above_most, impossible_number, pools_above_the_server, too_slow_for_the_peak, latency_below_processing,
    longer_than_a_drain, slower_outside_than_promised, objective_for_nothing, budget_against_revenue,
    callee_outlives_caller,
)  # fmt: skip

_LIMITS: tuple[tuple[str, float, float], ...] = (
    ("min_tasks", 0, 10_000), ("max_tasks", 1, 10_000), ("concurrency", 1, 10_000), ("batch", 1, 10_000),
    ("port", 1, 65_535), ("pool_size", 1, 10_000), ("max_connections", 4, 262_143),
    ("max_receive_count", 1, 1_000),
    ("deadline_seconds", 0.001, math.inf), ("visibility_timeout_seconds", 1, math.inf), ("cpu", 0.01, 192),
    ("memory_mib", 1, 1_048_576), ("rotate_days", 1, 3_650), ("concurrent_users", 1, math.inf),
    ("think_time_seconds", 0.001, math.inf), ("peak", 1, math.inf), ("scale", 0.01, 100),
    ("storage_gib", 1, math.inf), ("backup_days", 0, 3_650), ("engineers", 0, 100_000), ("customers", 0, math.inf),
    ("operations_hours", 0, math.inf), ("engineer_hour_usd", 0, math.inf), ("downtime_hour_usd", 0, math.inf),
    ("monthly_revenue_usd", 0, math.inf),
)  # fmt: skip


def _users(graph: Graph, database: Postgres) -> list[str]:
    return list(dict.fromkeys(edge.source for edge in graph.edges_to(database.name)))


def _arrivals(graph: Graph, traffic: Traffic, queue: str) -> tuple[float, str]:
    """Messages per second at ordinary load: declared, or else one for each request that writes."""
    for rate in traffic.messages:
        if rate.queue == queue:
            return rate.messages_per_second, "declared"
    sent: tuple[Edge, ...] = graph.edges_to(queue, "send")
    writes = traffic.requests_per_second() * (1 - traffic.reads)
    return (writes if sent else 0.0), "one for each request that writes"


def _rate(worker: Worker) -> float:
    return (
        worker.max_tasks * worker.concurrency / worker.processing_time_seconds
        if worker.processing_time_seconds
        else 0.0
    )


def _tasks_needed(worker: Worker, arriving: float) -> int:
    return math.ceil(arriving * (worker.processing_time_seconds or 0.0) / max(1, worker.concurrency))


def _serves(graph: Graph, service: Service, path: str) -> bool:
    """Whether the most specific route for `path` leads to the service."""
    fitting = [route for route in graph.of(Route) if _matches(route.path, path)]
    best = max(fitting, key=lambda route: len(route.path), default=None)
    return best is not None and best.target == service.name


def _matches(route: str, path: str) -> bool:
    if route.endswith("/*"):
        return path == route[:-2] or path.startswith(route[:-1])
    return path.rstrip("/") == route.rstrip("/")

"""What placing knows: the graph as it is in one environment, and the few answers that every rung needs of it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from rung.model.edges import Edge
from rung.model.environments import PRODUCTION_NAMES
from rung.model.existing import ExistingCache, ExistingDatabase, ExistingFiles, ExistingQueue
from rung.model.graph import Graph, in_environment
from rung.model.nodes import (
    Bus,
    Environment,
    Job,
    Node,
    Postgres,
    Process,
    Queue,
    Route,
    Rule,
    Schedule,
    Service,
    Site,
    Worker,
    Workflow,
)
from rung.model.shares import service_shares
from rung.rungs.routers import KINDS, Router, edges_of, routers_of

DEFAULT_RUNG = "fargate"
#: Lambda ends a function after 15 minutes (AWS, "Lambda quotas"); some seconds are for ending in order.
LONGEST_FUNCTION_SECONDS = 895.0
RUNNING = (Service, Worker, Schedule, Job, Workflow)
#: What never ends, and so runs on the machines of a host.
LASTING = (Service, Worker, Workflow, Router)
#: Where functions run beside machines and tasks, for what must grow beyond them.
FUNCTIONS_BESIDE = ("host", "fargate")


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One workload in one environment on one rung. The overrides of the environment are applied to `graph`."""

    graph: Graph
    environment: Environment
    rung: str

    @property
    def production(self) -> bool:
        """Whether customers depend on it."""
        return self.environment.production

    @property
    def region(self) -> str:
        """The AWS region."""
        return self.environment.region

    @property
    def prefix(self) -> str:
        """What every resource's full name begins with: `shop-prod`."""
        return f"{self.graph.name}-{self.environment.name}"

    @cached_property
    def processes(self) -> tuple[Process | Router, ...]:
        """What runs, in the order of the file; then what rung runs for its buses."""
        declared = (node for node in self.graph.nodes if isinstance(node, RUNNING))
        return (*declared, *self.routers)

    @cached_property
    def routers(self) -> tuple[Router, ...]:
        """What brings events to targets: on a box for every bus, else where EventBridge does not."""
        match self.rung:
            case "box":
                return tuple(routers_of(self.graph, lambda _: True, always=True))
            case "host" | "fargate":
                return tuple(routers_of(self.graph, self.is_relayed, always=False))
            case _:
                return ()

    def is_relayed(self, rule: Rule) -> bool:
        """Whether EventBridge hands its events to a process of ours: it delivers to queues of SQS alone."""
        target = self.graph.by_name.get(rule.target)
        return type(target) in KINDS and (not isinstance(target, Queue) or self.in_postgres(target))

    def process(self, name: str) -> Process | Router | None:
        """What runs under this name, if anything does."""
        return self._processes.get(name)

    @cached_property
    def _processes(self) -> Mapping[str, Process | Router]:
        return {process.name: process for process in self.processes}

    @cached_property
    def whole(self) -> Graph:
        """The graph with the edges of what rung runs for a node.

        A workflow's process keeps its own runs, a bus's router its own events, and it delivers what rules say.
        """
        kept = (Edge(source=each.name, target=each.name, verb="start") for each in self.graph.of(Workflow))
        taken = (edge for each in self.routers for edge in self._taken(each))
        delivered = (edge for each in self.routers for edge in edges_of(self.graph, each))
        return replace(self.graph, edges=(*self.graph.edges, *kept, *taken, *dict.fromkeys(delivered)))

    def _taken(self, router: Router) -> Iterator[Edge]:
        """Where a router has its events from: the bus itself, or the queues that its rules fill."""
        if self.rung == "box":
            yield Edge(source=router.name, target=router.bus, verb="publish")
            return
        for rule in router.rules:
            yield Edge(source=router.name, target=rule.name, verb="consume")

    @property
    def availability(self) -> float:
        """The availability that is promised here: nothing outside of production."""
        objectives = self.graph.objectives
        return (objectives.availability or 0.0) if self.production and objectives else 0.0

    @cached_property
    def routed(self) -> frozenset[str]:
        """The services and sites that visitors reach."""
        return frozenset(edge.target for edge in self.graph.edges if edge.verb == "route")

    @cached_property
    def shares(self) -> Mapping[str, float]:
        """The share of all requests that each service answers."""
        return service_shares(self.graph)

    @cached_property
    def routes(self) -> tuple[Route, ...]:
        """The routes that lead somewhere: those with their edge."""
        leading = {edge.source for edge in self.graph.edges if edge.verb == "route"}
        return tuple(route for route in self.graph.of(Route) if route.name in leading)

    @cached_property
    def sites(self) -> tuple[Site, ...]:
        """The sites."""
        return self.graph.of(Site)

    def platform(self, base: str) -> str:
        """The name of a part that no node asked for. A node of the same name keeps it, and the part moves."""
        return f"platform-{base}" if base in self.graph.by_name else base

    def scaled(self, count: int) -> int:
        """A number of tasks at this environment's scale; nothing stays nothing, something stays at least one."""
        return count if count < 1 else max(1, math.ceil(count * self.environment.scale))

    def on_machine(self, process: str) -> bool:
        """Whether a process runs in Docker on a machine: everything of the box, what never ends of a host."""
        node = self.process(process)
        lasting = isinstance(node, LASTING) and not self.is_function(process)
        return self.rung == "box" or (self.rung == "host" and lasting)

    def is_function(self, process: str) -> bool:
        """Whether a service or worker is a function: on serverless, and a worker of host or fargate that asks."""
        node = self.graph.by_name.get(process)
        if self.rung in FUNCTIONS_BESIDE:
            return isinstance(node, Worker) and node.compute == "lambda"
        return self.rung == "serverless" and isinstance(node, Service | Worker)

    def starts_function(self, node: Schedule | Job) -> bool:
        """Whether what it starts is a function: on serverless, when it ends within what Lambda allows."""
        return self.rung == "serverless" and node.deadline_seconds <= LONGEST_FUNCTION_SECONDS

    def uses_sqs(self, queue: Queue) -> bool:
        """Whether SQS carries the queue here: when the workload does not say otherwise."""
        return queue.broker in (None, "sqs") and self.rung != "box"

    def in_postgres(self, queue: Queue) -> bool:
        """Whether tables of the carrier hold the queue here: on a box when the workload does not say otherwise."""
        return queue.broker == "postgres" or (queue.broker is None and self.rung == "box")

    def existing_database(self, name: str) -> ExistingDatabase | None:
        """How a database is reached that is there already."""
        return next((each for each in self.environment.existing_databases if each.node == name), None)

    def existing_cache(self, name: str) -> ExistingCache | None:
        """How a cache is reached that is there already."""
        return next((each for each in self.environment.existing_caches if each.node == name), None)

    def existing_files(self, name: str) -> ExistingFiles | None:
        """How a file system is reached that is there already."""
        return next((each for each in self.environment.existing_files if each.node == name), None)

    def existing_lanes(self, queue: Queue) -> Mapping[str, ExistingQueue]:
        """The lanes of a queue that is there already; none of one that is made."""
        there = [each for each in self.environment.existing_queues if each.node == queue.name]
        if not there and queue.existing is not None:
            there = [ExistingQueue(node=queue.name, arn=queue.existing)]
        return {each.lane or queue.lanes[0]: each for each in there}

    def carrier(self) -> Postgres | None:
        """The database that carries queues kept in Postgres: the first of the file, as on a laptop."""
        return next(iter(self.graph.of(Postgres)), None)

    def is_carried(self, node: Node | None) -> bool:
        """Whether the carrier keeps what a node holds: messages, events, runs of a workflow."""
        match node:
            case Queue():
                return self.in_postgres(node)
            case Workflow():
                return True
            case Bus():
                return self.rung == "box"
            case _:
                return False

    def reaches(self, process: str, database: str) -> bool:
        """Whether a process opens connections to a database: it uses it, or something that it carries."""
        carrier = self.carrier()
        for edge in self.whole.edges_from(process):
            carried = carrier is not None and carrier.name == database
            if edge.target == database or (carried and self.is_carried(self.graph.by_name.get(edge.target))):
                return True
        return False

    def outbox(self, process: str) -> Postgres | None:
        """The database in whose transactions a process sends to a broker or a bus: the first that it uses."""
        used = {edge.target for edge in self.graph.edges_from(process)}
        outside = any(queue.name in used and not self.in_postgres(queue) for queue in self.graph.of(Queue))
        on_bus = self.rung != "box" and any(bus.name in used for bus in self.graph.of(Bus))
        databases = (node for node in self.graph.of(Postgres) if node.name in used)
        return next(databases, None) if outside or on_bus else None

    def queue_parts(self, queue: Queue, lanes: tuple[str, ...] = ()) -> Iterator[tuple[str, str]]:
        """Lane and part name of every lane of the queue, or of those in `lanes`."""
        for lane in queue.lanes:
            if not lanes or lane in lanes:
                yield lane, queue.name if len(queue.lanes) == 1 else f"{queue.name}-{lane}"

    def dead_letter_parts(self, queue: Queue, lanes: tuple[str, ...] = ()) -> Iterator[tuple[str, str]]:
        """The same, of the lanes that have a dead-letter queue."""
        there = self.existing_lanes(queue)
        for lane, part in self.queue_parts(queue, lanes):
            given = there[lane].dead_letter_arn if there else queue.max_receive_count
            if given is not None:
                yield lane, part


def setting_of(graph: Graph, environment: str, rung: str | None) -> Setting:
    """The setting of an environment. Raises UsageError when the workload has environments, and not this one.

    A workload that declares none has whichever is asked for, without overrides.
    """
    declared = graph.of(Environment)
    if not declared:
        implied = Environment(name=environment, production=environment in PRODUCTION_NAMES)
        return Setting(graph=graph, environment=implied, rung=rung or DEFAULT_RUNG)
    chosen = in_environment(graph, environment)
    node = next(each for each in declared if each.name == environment)
    return Setting(graph=chosen, environment=node, rung=rung or node.rung or DEFAULT_RUNG)


def credentials_part(database: str, principal: str) -> str:
    """The secret with the user and the password by which one process reaches one database."""
    return f"{database}-{principal}"


def approval_part(setting: Setting) -> str:
    """The secret with the key that links for approvals are signed with."""
    return setting.platform("approval-key")


def migration_part(database: str) -> str:
    """The job that sets up the roles of a database and applies its migrations."""
    return f"{database}-migrate"

"""What every rule looks at: the graph in its environment, the design, and the arithmetic on both. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from rung.model.environments import PRODUCTION_NAMES
from rung.model.graph import Graph, in_environment
from rung.model.measured import BOX_SERVING_SHARE, Behaviour
from rung.model.nodes import Cache, Environment, Postgres, Route, Service, Worker
from rung.model.shares import service_shares
from rung.parts.compute import EcsService, Host, HostGroup
from rung.parts.data import AuroraCluster, PostgresInstance
from rung.parts.design import Design, Part
from rung.parts.edge import Distribution, LoadBalancer
from rung.parts.functions import HttpApi
from rung.parts.instances import vcpus_of
from rung.parts.kubernetes import KubernetesService
from rung.parts.network import Network
from rung.parts.operations import Alarm

#: Minutes of a month of 730 hours.
MINUTES_PER_MONTH = 43_800.0
#: Target tracking adds tasks after three one-minute points above its target. Source: AWS, "Target tracking scaling
#: policies" of the Application Auto Scaling guide; about a minute until a Fargate task with a slim image answers
#: (30 to 60 s in https://www.vladionescu.me/posts/scaling-containers-on-aws-in-2022/), three for a machine.
NOTICED_SECONDS, TASK_START_SECONDS, HOST_START_SECONDS = 180.0, 60.0, 180.0
#: The HPA looks every 15 seconds; Karpenter needs about a minute for a machine, the pod half of one.
POD_NOTICED_SECONDS, POD_START_SECONDS = 15.0, 90.0

Database = AuroraCluster | PostgresInstance


@dataclass(frozen=True, slots=True, kw_only=True)
class Front:
    """What answers visitors: `least` to `most` tasks or machines, each good for `each` requests per second.

    `load` is its share of the visitors' requests, `starts_seconds` the time from too many requests to one more.
    """

    part: EcsService | KubernetesService | HostGroup | Host
    node: str
    least: int
    most: int
    each: float
    share: float
    starts_seconds: float

    @property
    def unit(self) -> str:
        """What it is made of."""
        names = {"ecs_service": "task", "kubernetes_service": "pod"}
        return names.get(self.part.kind, "machine")

    def counted(self, count: int) -> str:
        """`1 task`, `4 tasks`."""
        return f"{count} {self.unit}{'' if count == 1 else 's'}"

    def running(self, load: float, target: float) -> int:
        """How many there are at a steady `load`, when each is held at `target` of its CPU."""
        return min(self.most, max(self.least, math.ceil(load / (self.each * target))))


@dataclass(frozen=True, kw_only=True)
class Subject:
    """One workload in one environment, as a design, with what it costs.

    `declared` is the workload as its file says it, `graph` the same with the environment's overrides.
    """

    declared: Graph
    graph: Graph
    design: Design
    behaviour: Behaviour
    monthly_dollars: Callable[[Part], float]

    @property
    def production(self) -> bool:
        """Whether customers depend on it."""
        return self.design.production

    @cached_property
    def environment(self) -> Environment:
        """The environment, or the one that a workload without any is placed in."""
        declared = (each for each in self.declared.of(Environment) if each.name == self.design.environment)
        name = self.design.environment
        return next(declared, Environment(name=name, production=name in PRODUCTION_NAMES))

    @cached_property
    def availability(self) -> float:
        """What is promised here: nothing outside of production."""
        objectives = self.graph.objectives
        return (objectives.availability or 0.0) if self.production and objectives else 0.0

    @property
    def budget_minutes(self) -> float:
        """The minutes of a month that the promise allows to be lost."""
        return (1 - self.availability) * MINUTES_PER_MONTH if self.availability else math.inf

    @cached_property
    def ordinary(self) -> float:
        """Requests per second at the busy hour of an ordinary day."""
        traffic = self.graph.traffic
        return traffic.requests_per_second() * self.environment.scale if traffic else 0.0

    @cached_property
    def peak(self) -> float:
        """Requests per second at a spike, in production; a copy has no spikes."""
        traffic = self.graph.traffic
        return self.ordinary * traffic.peak if traffic and self.production else self.ordinary

    @cached_property
    def writes(self) -> float:
        """The share of requests that change something."""
        return 1 - self.graph.traffic.reads if self.graph.traffic else 0.0

    @cached_property
    def total_dollars(self) -> float:
        """A month of the design."""
        return math.fsum(self.costs.values())

    @cached_property
    def costs(self) -> Mapping[str, float]:
        """A month of each part, by its name."""
        return {part.name: self.monthly_dollars(part) for part in self.design.parts}

    @cached_property
    def routed(self) -> frozenset[str]:
        """The services and sites that visitors reach."""
        return frozenset(edge.target for edge in self.graph.edges if edge.verb == "route")

    @cached_property
    def services(self) -> tuple[Service, ...]:
        """The services that visitors reach."""
        return tuple(node for node in self.graph.of(Service) if node.name in self.routed)

    @cached_property
    def network(self) -> Network | None:
        """The network, when the design makes one."""
        return next((each for each in self.design.of(Network) if each.existing is None), None)

    @cached_property
    def databases(self) -> tuple[Database, ...]:
        """The databases that AWS runs."""
        return (*self.design.of(AuroraCluster), *self.design.of(PostgresInstance))

    @cached_property
    def encrypted(self) -> bool:
        """Whether visitors arrive by TLS: a certificate of their own domain, or CloudFront's."""
        domain = self.design.domain is not None or self.environment.domain is not None
        return domain or bool(self.design.of(Distribution) or self.design.of(HttpApi))

    @cached_property
    def fronts(self) -> tuple[Front, ...]:
        """What answers visitors, part by part."""
        return tuple(self._fronts())

    def uses(self, process: str, kind: str) -> list[str]:
        """The nodes of one kind that a process uses."""
        names = dict.fromkeys(edge.target for edge in self.graph.edges_from(process))
        return [name for name in names if name in self.graph.by_name and self.graph.node(name).kind == kind]

    def users(self, name: str) -> list[str]:
        """The processes that use a node."""
        return list(dict.fromkeys(edge.source for edge in self.graph.edges_to(name)))

    def messages_per_second(self, queue: str) -> float | None:
        """Ordinary load of one queue, where the workload says it."""
        traffic = self.graph.traffic
        rates = {each.queue: each.messages_per_second for each in traffic.messages} if traffic else {}
        return rates[queue] * self.environment.scale if queue in rates else None

    def usable_connections(self, database: Database) -> float | None:
        """The connections that pools may take: where the alarm of the database rings."""
        alarm = self.design.by_name.get(f"{database.name}-connections-high")
        return alarm.threshold if isinstance(alarm, Alarm) else None

    def database_capacity(self, database: Database) -> float:
        """Requests per second that the database answers at its largest."""
        if isinstance(database, AuroraCluster):
            return database.max_acu * self.behaviour.requests_per_acu
        return vcpus_of(database.instance_class) * self.behaviour.requests_per_database_vcpu

    def share_of(self, service: str) -> float:
        """The share of the visitors' requests that one service answers."""
        return self.shares.get(service, 0.0)

    @cached_property
    def shares(self) -> Mapping[str, float]:
        """Every service with its share of the visitors' requests."""
        return service_shares(self.graph)

    def share_on(self, routes: Iterable[Route]) -> float | None:
        """The share of the visitors' requests that some routes carry."""
        traffic, names = self.graph.traffic, {route.name for route in routes}
        if traffic is None:
            return None
        if not traffic.routes:
            services = {route.target for route in self.graph.of(Route) if route.name in names}
            return sum(self.share_of(each.name) for each in self.services if each.name in services)
        whole = sum(each.weight for each in traffic.routes)
        own = sum(each.weight for each in traffic.routes if self._route(each.path) in names)
        return own / whole if whole else None

    def _route(self, path: str) -> str:
        """The route of a path: the most specific wins."""
        routes = [route for route in self.graph.of(Route) if _leads(route.path, path)]
        return max(routes, key=lambda route: len(route.path)).name if routes else ""

    def _fronts(self) -> Iterator[Front]:
        rate = self.behaviour.requests_per_vcpu
        for part in self.design.of(EcsService):
            if part.node in self.routed:
                yield Front(
                    part=part, node=part.node, least=part.min_tasks, most=part.max_tasks,
                    each=rate * part.container.cpu, share=self.share_of(part.node),
                    starts_seconds=NOTICED_SECONDS + TASK_START_SECONDS,
                )  # fmt: skip
        for pods in self.design.of(KubernetesService):
            if pods.node in self.routed:
                yield Front(
                    part=pods, node=pods.node, least=pods.min_replicas, most=pods.max_replicas,
                    each=rate * pods.container.cpu, share=self.share_of(pods.node),
                    starts_seconds=POD_NOTICED_SECONDS + POD_START_SECONDS,
                )  # fmt: skip
        if not self.services:
            return
        node = self.services[0].name
        for group in self.design.of(HostGroup):
            yield Front(
                part=group, node=node, least=group.min_hosts, most=group.max_hosts,
                each=rate * vcpus_of(group.instance_type), share=1.0,
                starts_seconds=NOTICED_SECONDS + HOST_START_SECONDS,
            )  # fmt: skip
        for box in self.design.of(Host):
            each = rate * vcpus_of(box.instance_type) * BOX_SERVING_SHARE
            yield Front(part=box, node=node, least=1, most=1, each=each, share=1.0, starts_seconds=math.inf)

    def behind_cache(self) -> bool:
        """Whether a cache stands before the databases."""
        return bool(self.graph.of(Cache))

    def balanced(self) -> bool:
        """Whether visitors come through a load balancer, or an API of AWS's."""
        return bool(self.design.of(LoadBalancer) or self.design.of(HttpApi))

    def workers_of(self, queue: str) -> list[Worker]:
        """The workers that consume one queue."""
        return [node for node in self.graph.of(Worker) if node.consumes == queue]

    def pool_of(self, database: str) -> Postgres | None:
        """The node of a database, when it is one of the workload's own."""
        node = self.graph.by_name.get(database)
        return node if isinstance(node, Postgres) and node.existing is None else None


def subject_of(
    graph: Graph, design: Design, monthly_dollars: Callable[[Part], float], behaviour: Behaviour | None = None
) -> Subject:
    """The subject of a review: the graph gets the overrides of the design's environment."""
    named = any(each.name == design.environment for each in graph.of(Environment))
    here = in_environment(graph, design.environment) if named else graph
    return Subject(
        declared=graph, graph=here, design=design, behaviour=behaviour or Behaviour(),
        monthly_dollars=monthly_dollars,
    )  # fmt: skip


def _leads(route: str, path: str) -> bool:
    """Whether a route's path covers a path of the traffic."""
    if route.endswith("/*"):
        return path == route[:-2] or path.startswith(route[:-1])
    return path.rstrip("/") == route.rstrip("/")

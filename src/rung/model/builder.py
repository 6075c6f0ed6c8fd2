"""The workload file's vocabulary: plain calls on a `Workload`, each returning a handle to the node it declared."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import TypeVar

from rung.errors import Finding, Location, ModelError
from rung.model.differences import (
    Figures,
    Overrides,
    Sizes,
    There,
    read_existing,
    read_figures,
    read_overrides,
    read_sizes,
)
from rung.model.durations import Duration
from rung.model.edges import Edge, Use
from rung.model.environments import (
    DEFAULT_REGION,
    IDLE_SECONDS,
    PRODUCTION_NAMES,
    ExistingVpc,
    OfficeHours,
    QuietHours,
)
from rung.model.existing import ExistingLoadBalancer
from rung.model.graph import Graph
from rung.model.handles import (
    BucketHandle,
    BusHandle,
    CacheHandle,
    ExternalHandle,
    FilesHandle,
    Handle,
    JobHandle,
    PostgresHandle,
    ProcessHandle,
    QueueHandle,
    RuleHandle,
    ScheduleHandle,
    SearchHandle,
    SecretHandle,
    ServiceHandle,
    SiteHandle,
    TableHandle,
    Usable,
    WorkerHandle,
    WorkflowHandle,
)  # fmt: skip
from rung.model.nodes import (
    DAY_SECONDS,
    Bucket,
    Bus,
    Business,
    Cache,
    Environment,
    External,
    Files,
    Job,
    Node,
    Objectives,
    Postgres,
    Queue,
    Route,
    Rule,
    Schedule,
    Search,
    Secret,
    Service,
    Site,
    Subscriber,
    Table,
    Tenancy,
    Traffic,
    Worker,
    Workflow,
)  # fmt: skip
from rung.model.rules import TARGETS, Target, Transform, pattern_text, transform_text
from rung.model.shapes import build, field_types
from rung.model.statement import Statement

HandleType = TypeVar("HandleType", bound=Handle)
_Values = dict[str, object]


class Workload:
    """A workload as it is being described. `freeze()` makes it a graph; `load_workload` calls it.

    Every call takes a name first, then keywords. Durations are texts such as `"30s"` or numbers of seconds.
    `repository` is where its code is on GitHub, `owner/name`; its pipeline is trusted there and nowhere else.
    """

    def __init__(self, name: str, *, repository: str | None = None) -> None:
        if not isinstance(name, str):
            raise TypeError(f"Workload's name is a text, not {name!r}")
        if not isinstance(repository, str | None):
            raise TypeError(f'Workload\'s repository is a text such as "owner/name", not {repository!r}')
        self._repository = repository
        self._statement = Statement(self, "Workload")
        self._name = name
        self._values: dict[str, tuple[type[Node], _Values]] = {}
        self._edges: dict[Edge, None] = {}
        self._locations: dict[str, Location] = {"@workload": self._statement.location}
        self._problems: list[Finding] = []

    @property
    def name(self) -> str:
        """The name of the workload."""
        return self._name

    @property
    def names(self) -> Iterable[str]:
        """The names of the nodes declared so far."""
        return self._values.keys()

    @property
    def problems(self) -> tuple[Finding, ...]:
        """The mistakes in the calls so far."""
        return tuple(self._problems)

    @property
    def location(self) -> Location:
        """The line that made it."""
        return self._statement.location

    def handlers(self) -> tuple[str, ...]:
        """Every `"package.module:object"` that was named."""
        texts = (values.get(field) for _, values in self._values.values() for field in ("app", "handler"))
        return tuple(text for text in texts if isinstance(text, str))

    # What runs

    def service(
        self, name: str, *, app: str | None = None, command: str | Sequence[str] | None = None,
        health: str | None = None, port: int | None = None, uses: Sequence[Usable] = (), min_tasks: int = 1,
        max_tasks: int = 4, cpu: float | None = None, memory: int | None = None, deadline: Duration = "30s",
        variables: Mapping[str, str] | None = None, starts_after: Sequence[ProcessHandle] = (),
    ) -> ServiceHandle:  # fmt: skip
        """A long-running process that answers requests: an ASGI `app`, or a `command` that listens on `port`."""
        statement = Statement(self, "service")
        values: _Values = {
            "app": app, "command": statement.command(command), "health": health, "port": port,
            "min_tasks": min_tasks, "max_tasks": max_tasks, "cpu": cpu, "memory_mib": memory,
            "deadline_seconds": statement.seconds("deadline", deadline),
            "variables": statement.variables(variables),
            "starts_after": statement.references("starts_after", starts_after, (ProcessHandle,)),
        }  # fmt: skip
        return self._add(statement, Service, ServiceHandle, name, values, statement.uses(uses))

    def worker(
        self, name: str, *, consumes: QueueHandle, handler: str | None = None,
        command: str | Sequence[str] | None = None, lanes: Sequence[str] = (), uses: Sequence[Usable] = (),
        acceptable_latency: Duration | None = None, processing_time: Duration | None = None, min_tasks: int = 1,
        max_tasks: int = 4, concurrency: int = 10, batch: int = 20, deadline: Duration = "25s",
        cpu: float | None = None, memory: int | None = None, variables: Mapping[str, str] | None = None,
        starts_after: Sequence[ProcessHandle] = (), compute: str | None = None,
    ) -> WorkerHandle:  # fmt: skip
        """A process that takes messages from the queue it consumes, `concurrency` at a time."""
        statement = Statement(self, "worker")
        queue = statement.reference("consumes", consumes, (QueueHandle,))
        values: _Values = {
            "handler": handler, "command": statement.command(command), "consumes": queue,
            "lanes": statement.words("lanes", lanes),
            "acceptable_latency_seconds": statement.seconds_or_none("acceptable_latency", acceptable_latency),
            "processing_time_seconds": statement.seconds_or_none("processing_time", processing_time),
            "min_tasks": min_tasks, "max_tasks": max_tasks, "concurrency": concurrency, "batch": batch,
            "deadline_seconds": statement.seconds("deadline", deadline), "cpu": cpu, "memory_mib": memory,
            "variables": statement.variables(variables), "compute": compute,
            "starts_after": statement.references("starts_after", starts_after, (ProcessHandle,)),
        }  # fmt: skip
        consume = Use(target=queue, verbs=("consume",))
        return self._add(statement, Worker, WorkerHandle, name, values, (consume, *statement.uses(uses)))

    def schedule(
        self, name: str, *, every: Duration | None = None, cron: str | None = None, timezone: str = "UTC",
        handler: str | None = None, command: str | Sequence[str] | None = None, uses: Sequence[Usable] = (),
        deadline: Duration = "60s", variables: Mapping[str, str] | None = None,
        starts_after: Sequence[ProcessHandle] = (),
    ) -> ScheduleHandle:  # fmt: skip
        """A handler that runs at fixed times: `every="1 minute"`, or `cron="30 4 * * *"` in a time zone."""
        statement = Statement(self, "schedule")
        values: _Values = {
            "handler": handler, "command": statement.command(command),
            "every_seconds": statement.seconds_or_none("every", every), "cron": cron, "timezone": timezone,
            "deadline_seconds": statement.seconds("deadline", deadline),
            "variables": statement.variables(variables),
            "starts_after": statement.references("starts_after", starts_after, (ProcessHandle,)),
        }  # fmt: skip
        return self._add(statement, Schedule, ScheduleHandle, name, values, statement.uses(uses))

    def job(
        self, name: str, *, handler: str | None = None, command: str | Sequence[str] | None = None,
        uses: Sequence[Usable] = (), deadline: Duration = "1 hour", cpu: float | None = None,
        memory: int | None = None, variables: Mapping[str, str] | None = None, on_first_start: bool = False,
    ) -> JobHandle:  # fmt: skip
        """A process that is started when something asks for it (`render.run`), does one thing and ends.

        `on_first_start=True`: it also runs once by itself when the databases are new, to fill them.
        """
        statement = Statement(self, "job")
        values: _Values = {
            "handler": handler, "command": statement.command(command), "cpu": cpu, "memory_mib": memory,
            "deadline_seconds": statement.seconds("deadline", deadline),
            "variables": statement.variables(variables), "on_first_start": on_first_start,
        }  # fmt: skip
        return self._add(statement, Job, JobHandle, name, values, statement.uses(uses))

    def workflow(
        self, name: str, *, handler: str, uses: Sequence[Usable] = (), deadline: Duration = "1 day",
        concurrency: int = 100, variables: Mapping[str, str] | None = None,
    ) -> WorkflowHandle:  # fmt: skip
        """A durable sequence of steps that survives restarts; `handler` is an `async def run(context, given)`."""
        statement = Statement(self, "workflow")
        values: _Values = {"handler": handler, "deadline_seconds": statement.seconds("deadline", deadline)}
        values |= {"concurrency": concurrency, "variables": statement.variables(variables)}
        return self._add(statement, Workflow, WorkflowHandle, name, values, statement.uses(uses))

    # What carries messages

    def queue(
        self, name: str, *, lanes: Sequence[str] | frozenset[str] = ("default",),
        max_receive_count: int | None = 5,
        visibility_timeout: Duration = "30s", retention: Duration = "4 days", delay: Duration = 0.0,
        retry_delay: Duration = "1s", retry_delay_max: Duration = "15 minutes", broker: str | None = None,
        fair: bool = False, existing: str | None = None,
    ) -> QueueHandle:  # fmt: skip
        """Messages that wait for a worker. Lanes by priority, the highest first; `fair`: tenants take turns."""
        statement = Statement(self, "queue")
        values: _Values = {
            "lanes": statement.words("lanes", lanes), "lanes_ordered": not isinstance(lanes, set | frozenset),
            "max_receive_count": max_receive_count,
            "visibility_timeout_seconds": statement.seconds("visibility_timeout", visibility_timeout),
            "retention_seconds": statement.seconds("retention", retention),
            "delay_seconds": statement.seconds("delay", delay),
            "retry_delay_seconds": statement.seconds("retry_delay", retry_delay),
            "retry_delay_max_seconds": statement.seconds("retry_delay_max", retry_delay_max),
            "broker": broker, "fair": fair, "existing": existing,
        }  # fmt: skip
        return self._add(statement, Queue, QueueHandle, name, values)

    def bus(self, name: str, *, archive: Duration | None = None, existing: str | None = None) -> BusHandle:
        """Events for whoever is interested; rules choose. `archive`: kept so long (whole days) for a replay."""
        statement = Statement(self, "bus")
        days = None if archive is None else math.ceil(statement.seconds("archive", archive) / DAY_SECONDS)
        return self._add(statement, Bus, BusHandle, name, {"archive_days": days, "existing": existing})

    def rule(
        self, name: str, *, bus: BusHandle, pattern: Mapping[str, object], target: Target,
        transform: Transform | None = None, path: str = "/", deadline: Duration = "5s", max_attempts: int = 185,
        max_age: Duration = "24h", dead_letter: QueueHandle | None = None,
    ) -> RuleHandle:  # fmt: skip
        """Events of `bus` that match an EventBridge `pattern` go to one target, as `transform` makes them.

        A worker as the target means the queue that it consumes. A service, or a host outside, is called: POST to
        `path`, answered within `deadline`.
        """
        statement = Statement(self, "rule")
        source = statement.reference("bus", bus, (BusHandle,))
        goal = statement.reference("target", target, TARGETS)
        goal = str(self._values[goal][1]["consumes"]) if isinstance(target, WorkerHandle) and goal else goal
        dead = None if dead_letter is None else statement.reference("dead_letter", dead_letter, (QueueHandle,))
        values: _Values = {
            "bus": source, "target": goal, "pattern": pattern_text(pattern),
            "transform": transform_text(transform), "path": path,
            "deadline_seconds": statement.seconds("deadline", deadline), "max_attempts": max_attempts,
            "max_age_seconds": statement.seconds("max_age", max_age), "dead_letter": dead,
        }  # fmt: skip
        handle = self._add(statement, Rule, RuleHandle, name, values)
        for origin, end in ((source, name), (name, goal), (name, dead)):
            if origin and end:
                self._edges[Edge(source=origin, target=end, verb="deliver")] = None
        return handle

    # What keeps data

    def postgres(
        self, name: str, *, version: str = "18", migrations: str | None = None, tenancy: Tenancy | None = None,
        extensions: Sequence[str] = (), pool_size: int = 8, max_connections: int = 100,
        storage: int | None = None, statement_timeout: Duration = "5s", backup_days: int = 7, public: bool = False,
        existing: str | None = None,
    ) -> PostgresHandle:  # fmt: skip
        """A PostgreSQL database. `migrations` is a folder of `NNNN_name.sql`, relative to the workload file."""
        statement = Statement(self, "postgres")
        values: _Values = {
            "version": version, "migrations": migrations, "tenancy": tenancy,
            "extensions": statement.words("extensions", extensions), "pool_size": pool_size,
            "max_connections": max_connections, "storage_gib": storage,
            "statement_timeout_seconds": statement.seconds("statement_timeout", statement_timeout),
            "backup_days": backup_days, "public": public, "existing": existing,
        }  # fmt: skip
        return self._add(statement, Postgres, PostgresHandle, name, values)

    def cache(
        self, name: str, *, memory: int = 256, eviction: str = "allkeys-lru", existing: str | None = None
    ) -> CacheHandle:
        """A Redis or Valkey of `memory` MiB that may lose what it holds."""
        statement = Statement(self, "cache")
        values: _Values = {"memory_mib": memory, "eviction": eviction, "existing": existing}
        return self._add(statement, Cache, CacheHandle, name, values)

    def table(
        self, name: str, *, partition_key: str, sort_key: str | None = None, ttl_attribute: str | None = None,
        billing: str = "on-demand", existing: str | None = None,
    ) -> TableHandle:  # fmt: skip
        """A key-value table (DynamoDB and its like)."""
        statement = Statement(self, "table")
        values: _Values = {
            "partition_key": partition_key, "sort_key": sort_key, "ttl_attribute": ttl_attribute,
            "billing": billing, "existing": existing,
        }  # fmt: skip
        return self._add(statement, Table, TableHandle, name, values)

    def bucket(
        self, name: str, *, versioned: bool = True, public: bool = False, archive_days: int | None = None,
        expire_days: int | None = None, existing: str | None = None,
    ) -> BucketHandle:  # fmt: skip
        """Objects by key, with their lifecycle in days."""
        statement = Statement(self, "bucket")
        values: _Values = {
            "versioned": versioned, "public": public, "archive_days": archive_days, "expire_days": expire_days,
            "existing": existing,
        }  # fmt: skip
        return self._add(statement, Bucket, BucketHandle, name, values)

    def files(self, name: str, *, mount: str, existing: str | None = None) -> FilesHandle:
        """A shared file system, mounted at `mount` wherever it is used."""
        statement = Statement(self, "files")
        return self._add(statement, Files, FilesHandle, name, {"mount": mount, "existing": existing})

    def search(self, name: str, *, engine: str = "postgres", existing: str | None = None) -> SearchHandle:
        """A search index: in Postgres, or an OpenSearch."""
        statement = Statement(self, "search")
        return self._add(statement, Search, SearchHandle, name, {"engine": engine, "existing": existing})

    # What stands at the edges

    def site(self, name: str, *, path: str, spa: bool = True, uses: Sequence[Usable] = ()) -> SiteHandle:
        """Static files in the folder `path`; `uses` names what the browser calls."""
        statement = Statement(self, "site")
        return self._add(statement, Site, SiteHandle, name, {"path": path, "spa": spa}, statement.uses(uses))

    def secret(self, name: str, *, rotate_days: int | None = None, existing: str | None = None) -> SecretHandle:
        """A value that only its readers may see, read when running."""
        statement = Statement(self, "secret")
        return self._add(statement, Secret, SecretHandle, name, {"rotate_days": rotate_days, "existing": existing})

    def external(
        self, host: str, *, port: int | None = None, name: str | None = None, p99: Duration | None = None
    ) -> ExternalHandle:
        """A host outside that some of it talks to. Its name is the host with `-` for `.`, unless given."""
        statement = Statement(self, "external")
        values: _Values = {"host": host, "port": port, "p99_seconds": statement.seconds_or_none("p99", p99)}
        own_name = str(host).replace(".", "-") if name is None else name
        return self._add(statement, External, ExternalHandle, own_name, values)

    def route(
        self, path: str, target: ServiceHandle | SiteHandle, *, host: str | None = None, sticky: bool = False
    ) -> None:
        """Requests for `path` go to a service or a site. The most specific path wins."""
        statement = Statement(self, "route")
        name = f"{host or ''}{path}"
        goal = statement.reference("target", target, (Handle,))
        values: _Values = {"path": path, "host": host, "target": goal, "sticky": sticky}
        self._add(statement, Route, Handle, name, values)
        if goal:
            self._edges[Edge(source=name, target=goal, verb="route")] = None

    # What is known about it

    def traffic(self, traffic: Traffic) -> None:
        """What visitors do."""
        self._fact(Statement(self, "traffic"), traffic, Traffic)

    def objectives(self, objectives: Objectives) -> None:
        """What is promised."""
        self._fact(Statement(self, "objectives"), objectives, Objectives)

    def business(self, business: Business) -> None:
        """What the money says."""
        self._fact(Statement(self, "business"), business, Business)

    def notify(self, address: str, *, environments: Sequence[str] = ()) -> None:
        """Alarms reach `address`: `email:…`, `slack:…`, `pagerduty:…`, `pushover:…`, `sms:…`, `webhook:…`."""
        statement = Statement(self, "notify")
        values: _Values = {"environments": statement.words("environments", environments)}
        self._add(statement, Subscriber, Handle, address, values)

    def environment(
        self, name: str, *, production: bool | None = None, rung: str | None = None,
        region: str = DEFAULT_REGION, scale: float = 1.0, domain: str | None = None, zone: str | None = None,
        nat: str | None = None, distribution: bool | None = None, firewall: bool | None = None,
        office_hours: OfficeHours | None = None, stop_when_idle: Duration | bool | None = None,
        quiet_hours: QuietHours | bool | None = None,
        existing_vpc: ExistingVpc | None = None, existing_load_balancer: ExistingLoadBalancer | None = None,
        existing: There | None = None,
        overrides: Overrides | None = None, sizes: Sizes | None = None, usage: Figures | None = None,
    ) -> None:  # fmt: skip
        """A copy of the workload. `production` is assumed of the names production, prod and live.

        `stop_when_idle=True` is four hours. `usage` replaces quantities of its bill.
        """
        statement = Statement(self, "environment")
        idle = IDLE_SECONDS if isinstance(stop_when_idle, bool) and stop_when_idle else stop_when_idle or None
        types = {name: node_type for name, (node_type, _) in self._values.items()}
        values: _Values = {
            "production": name in PRODUCTION_NAMES if production is None else production, "rung": rung,
            "region": region, "scale": scale, "domain": domain, "zone": zone, "nat": nat,
            "distribution": distribution, "firewall": firewall, "office_hours": office_hours,
            "stop_when_idle_seconds": statement.seconds_or_none("stop_when_idle", idle),
            "quiet_hours": quiet_hours, "existing_vpc": existing_vpc,
            "existing_load_balancer": existing_load_balancer,
            **read_existing(statement, existing or {}),
            "overrides": read_overrides(statement, overrides or {}, types),
            "sizes": read_sizes(statement, sizes or {}), "usage": read_figures(statement, usage or {}),
        }  # fmt: skip
        self._add(statement, Environment, Handle, name, values)

    # What was forgotten above

    def use(self, source: ProcessHandle, *uses: Usable) -> None:
        """Say that `source` uses more, once a node exists that did not when `source` was declared."""
        statement = Statement(self, "use")
        name = statement.reference("source", source, (ProcessHandle, SiteHandle))
        self._connect(name, statement.uses(uses))
        self._problems.extend(statement.problems)

    def start_after(self, later: ProcessHandle, *earlier: ProcessHandle) -> None:
        """Say that `later` must not start before `earlier` is ready."""
        statement = Statement(self, "start_after")
        name = statement.reference("later", later, (ProcessHandle,))
        names = statement.references("earlier", earlier, (ProcessHandle,))
        if not statement.problems:
            _, values = self._values[name]
            values["starts_after"] = (*_texts(values.get("starts_after")), *names)
        self._problems.extend(statement.problems)

    def amend(self, handle: Handle, **values: object) -> None:
        """Set fields of a node that was declared before; the handles' own methods call it."""
        self._values[handle.name][1].update(values)

    def freeze(self) -> Graph:
        """The graph. Raises ModelError with every mistake made in the calls."""
        if self._problems:
            raise ModelError(*self._problems)
        nodes = tuple(build(node_type, values) for node_type, values in self._values.values())
        edges = tuple(edge for edge in self._edges if edge.source and edge.target)
        return Graph(
            name=self._name, repository=self._repository, nodes=nodes, edges=edges,
            locations=MappingProxyType(dict(self._locations)),
        )  # fmt: skip

    def _add(
        self, statement: Statement, node_type: type[Node], handle_type: type[HandleType], name: str,
        values: _Values,
        uses: Iterable[Use] = (),
    ) -> HandleType:  # fmt: skip
        values = {"name": name, **values}
        if statement.check(node_type, values):
            key = self._key(name)
            self._values[key] = (node_type, values)
            self._locations[key] = statement.location
            self._connect(name, uses)
        else:
            self._values.setdefault(str(name), (node_type, values))
        self._problems.extend(statement.problems)
        return handle_type(self, name)

    def _connect(self, name: str, uses: Iterable[Use]) -> None:
        for use in uses:
            for verb in use.verbs:
                self._edges[Edge(source=name, target=use.target, verb=verb)] = None

    def _key(self, name: str) -> str:
        """The name, or `name#2` for the second node of that name: both are kept, and R0101 shows both lines."""
        key, count = name, 1
        while key in self._values:
            count += 1
            key = f"{name}#{count}"
        return key

    def _fact(self, statement: Statement, fact: Traffic | Objectives | Business, expected: type) -> None:
        if not isinstance(fact, expected):
            statement.wrong_fact(expected.__name__, fact)
        elif fact.name in self._values:
            statement.repeated(fact.kind, self._locations.get(fact.name))
        else:
            values: _Values = {field: getattr(fact, field) for field in field_types(type(fact))}
            self._add(statement, type(fact), Handle, fact.name, values)
            return
        self._problems.extend(statement.problems)


def _texts(value: object) -> tuple[str, ...]:
    return tuple(each for each in value if isinstance(each, str)) if isinstance(value, tuple) else ()

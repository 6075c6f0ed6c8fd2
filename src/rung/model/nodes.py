"""Every node a workload can have: inert, frozen records in one closed union.

A node says what something *is*, in the user's words; who uses what are edges (edges.py), and where it was
written is a side table of the graph, so that two equal nodes are equal. Durations are float seconds, memory is
MiB, cpu is vCPU. References to other nodes are their names: the builder takes objects and never strings, and a
name is unique in a workload.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from rung.model.business import Business as Business  # noqa: PLC0414 - a node like the others
from rung.model.durations import Duration, parse_seconds, parse_share
from rung.model.entries import entries, paths
from rung.model.entries import set_fields as set_fields  # noqa: PLC0414 - what others know from here
from rung.model.environments import Environment as Environment  # noqa: PLC0414 - a node like the others
from rung.model.environments import Override as Override  # noqa: PLC0414 - a node like the others
from rung.model.environments import Scalar as Scalar  # noqa: PLC0414 - a node like the others

DAY_SECONDS = 86_400.0


class Named(Protocol):
    """What the builder returns: a handle that knows its node's name."""

    @property
    def name(self) -> str:
        """The node's name."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """A plain environment variable of a process. Never a secret: anybody who may list tasks can read it."""

    name: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenancy:
    """How the rows of several tenants are kept apart in one database.

    `rls`: shared tables, row-level security on `column`. `schema`, `database`: one for each tenant.
    `single`: there is one tenant, and a tenant column is only a label. `tiers`: some tenants may have a schema or
    a database of their own; a tenant map says which.
    """

    mode: Literal["rls", "schema", "database", "single"]
    column: str | None = None
    tiers: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A long-running process that answers requests: an ASGI `app`, or any `command` that listens on `port`."""

    kind: Literal["service"] = "service"
    name: str
    app: str | None = None
    command: tuple[str, ...] | None = None
    health: str | None = None
    port: int | None = None
    min_tasks: int = 1
    max_tasks: int = 4
    cpu: float | None = None
    memory_mib: int | None = None
    deadline_seconds: float = 30.0
    variables: tuple[Variable, ...] = ()
    starts_after: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """A process that consumes one queue. `concurrency` messages at a time in each of its tasks.

    `acceptable_latency_seconds` is how long a message may wait; `processing_time_seconds` what one message takes.
    """

    kind: Literal["worker"] = "worker"
    name: str
    handler: str | None = None
    command: tuple[str, ...] | None = None
    consumes: str
    lanes: tuple[str, ...] = ()
    acceptable_latency_seconds: float | None = None
    processing_time_seconds: float | None = None
    min_tasks: int = 1
    max_tasks: int = 4
    concurrency: int = 10
    batch: int = 20
    deadline_seconds: float = 25.0
    cpu: float | None = None
    memory_mib: int | None = None
    variables: tuple[Variable, ...] = ()
    starts_after: tuple[str, ...] = ()
    compute: Literal["lambda"] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """A handler that runs at fixed times: `every_seconds`, or a five-field `cron` in `timezone`."""

    kind: Literal["schedule"] = "schedule"
    name: str
    handler: str | None = None
    command: tuple[str, ...] | None = None
    every_seconds: float | None = None
    cron: str | None = None
    timezone: str = "UTC"
    deadline_seconds: float = 60.0
    variables: tuple[Variable, ...] = ()
    starts_after: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A process that is started when somebody asks for it, does one thing and ends.

    `on_first_start`: it also runs once by itself, after the migrations of a new database: it seeds.
    """

    kind: Literal["job"] = "job"
    name: str
    handler: str | None = None
    command: tuple[str, ...] | None = None
    deadline_seconds: float = 3_600.0
    cpu: float | None = None
    memory_mib: int | None = None
    variables: tuple[Variable, ...] = ()
    on_first_start: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """Messages that wait for a worker. `lanes` in order of priority, the highest first.

    A message that was received `max_receive_count` times without success goes to the dead-letter queue; None:
    there is no dead-letter queue. `broker` None: the rung chooses. `drained_by` names a consumer outside.
    `fair`: tenants take turns within a lane; in Postgres, on Redis and on SQS.
    """

    kind: Literal["queue"] = "queue"
    name: str
    lanes: tuple[str, ...] = ("default",)
    lanes_ordered: bool = True
    max_receive_count: int | None = 5
    visibility_timeout_seconds: float = 30.0
    retention_seconds: float = 4 * DAY_SECONDS
    delay_seconds: float = 0.0
    retry_delay_seconds: float = 1.0
    retry_delay_max_seconds: float = 900.0
    broker: Literal["postgres", "redis", "rabbitmq", "sqs"] | None = None
    fair: bool = False
    drained_by: str | None = None
    filled_by: str | None = None
    existing: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bus:
    """Events for whoever is interested; rules choose. `archive_days`: kept so long for a replay; 0: for ever."""

    kind: Literal["bus"] = "bus"
    name: str
    archive_days: int | None = None
    existing: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One filter and one target on a bus, with its own retries and dead-letter queue.

    `pattern` is an EventBridge pattern, `transform` the input fields of an EventBridge target (`InputPathsMap` and
    `InputTemplate`, `Input`, or `InputPath`), both as JSON text. `path` and `deadline_seconds` are for targets
    that are called: a service, a host outside. `max_attempts` counts tries after the first.
    """

    kind: Literal["rule"] = "rule"
    name: str
    bus: str
    pattern: str
    target: str
    transform: str | None = None
    path: str = "/"
    deadline_seconds: float = 5.0
    max_attempts: int = 185
    max_age_seconds: float = DAY_SECONDS
    dead_letter: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Workflow:
    """A durable sequence of steps that survives restarts. `concurrency` runs at once in one process."""

    kind: Literal["workflow"] = "workflow"
    name: str
    handler: str
    deadline_seconds: float = DAY_SECONDS
    concurrency: int = 100
    variables: tuple[Variable, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Postgres:
    """A PostgreSQL database: `pool_size` connections for each task that uses it, `max_connections` in all.

    `storage_gib` is how much data it will hold; None: little, as yet.
    """

    kind: Literal["postgres"] = "postgres"
    name: str
    version: str = "18"
    migrations: str | None = None
    tenancy: Tenancy | None = None
    extensions: tuple[str, ...] = ()
    pool_size: int = 8
    max_connections: int = 100
    storage_gib: int | None = None
    statement_timeout_seconds: float = 5.0
    backup_days: int = 7
    public: bool = False
    existing: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cache:
    """A Redis or Valkey that may lose what it holds."""

    kind: Literal["cache"] = "cache"
    name: str
    memory_mib: int = 256
    eviction: Literal["allkeys-lru", "allkeys-lfu", "volatile-lru", "volatile-ttl", "noeviction"] = "allkeys-lru"
    existing: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A key-value table (DynamoDB and its like)."""

    kind: Literal["table"] = "table"
    name: str
    partition_key: str
    sort_key: str | None = None
    ttl_attribute: str | None = None
    billing: Literal["on-demand", "provisioned"] = "on-demand"
    existing: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """Objects by key. `archive_days`, `expire_days`: the lifecycle, None for never."""

    kind: Literal["bucket"] = "bucket"
    name: str
    versioned: bool = True
    public: bool = False
    archive_days: int | None = None
    expire_days: int | None = None
    existing: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """A shared file system, mounted at `mount` in every process that uses it."""

    kind: Literal["files"] = "files"
    name: str
    mount: str
    existing: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """A search index."""

    kind: Literal["search"] = "search"
    name: str
    engine: Literal["opensearch", "postgres"] = "postgres"
    existing: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Static files. `spa`: paths that are no file answer with the index page."""

    kind: Literal["site"] = "site"
    name: str
    path: str
    spa: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """A value that only its readers may see, read when running. `rotate_days` None: nobody rotates it."""

    kind: Literal["secret"] = "secret"
    name: str
    rotate_days: int | None = None
    existing: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class External:
    """A host outside of the workload that some of it talks to. `p99_seconds` is what its owner promises."""

    kind: Literal["external"] = "external"
    name: str
    host: str
    port: int | None = None
    p99_seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """What a visitor's request reaches. The most specific path wins; `*` may stand at the end only."""

    kind: Literal["route"] = "route"
    name: str
    path: str
    host: str | None = None
    target: str
    sticky: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscriber:
    """A person or a channel that alarms reach: `email:…`, `slack:…`. No environments: all of them."""

    kind: Literal["subscriber"] = "subscriber"
    name: str
    environments: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteShare:
    """How much of the traffic goes to one path: a weight, not necessarily a fraction."""

    path: str
    weight: float


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueRate:
    """How many messages arrive in one queue in one second of ordinary load."""

    queue: str
    messages_per_second: float


@dataclass(frozen=True, slots=True, kw_only=True, init=False)
class Traffic:
    """What visitors do: `concurrent_users`, each pausing `think_time`; `peak` times that at a spike.

    Args:
        concurrent_users: people connected at an ordinary busy time.
        think_time: between two requests of one person, a duration.
        peak: the spike, as a multiple of ordinary load.
        peak_duration: how long a spike lasts.
        reads: the share of requests that change nothing, `0.95` or `"95%"`.
        routes: weights by path, the mix that `rung load` sends.
        messages: messages per second at ordinary load, by queue: `{orders: 5.0}`.
    """

    kind: Literal["traffic"]
    name: str
    concurrent_users: int
    think_time_seconds: float
    peak: float
    peak_seconds: float
    reads: float
    routes: tuple[RouteShare, ...]
    messages: tuple[QueueRate, ...]

    def __init__(
        self,
        *,
        concurrent_users: int,
        think_time: Duration = 10.0,
        peak: float = 1.0,
        peak_duration: Duration = "60s",
        reads: float | str = 0.9,
        routes: Mapping[str, float] | None = None,
        messages: Mapping[Named, float] | None = None,
    ) -> None:
        set_fields(
            self,
            kind="traffic",
            name="@traffic",
            concurrent_users=concurrent_users,
            think_time_seconds=parse_seconds(think_time),
            peak=peak,
            peak_seconds=parse_seconds(peak_duration),
            reads=parse_share(reads),
            routes=tuple(
                RouteShare(path=path, weight=weight) for path, weight in entries(routes, '{"/api/checkout": ...}')
            ),
            messages=tuple(
                QueueRate(queue=queue.name, messages_per_second=each)
                for queue, each in entries(messages, "{orders: 5.0}")
            ),
        )

    def requests_per_second(self) -> float:
        """Ordinary load: people divided by their pause (Little's law with a response time near zero)."""
        return self.concurrent_users / self.think_time_seconds if self.think_time_seconds else float("inf")


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteObjective:
    """The 99th percentile promised for one path."""

    path: str
    p99_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True, init=False)
class Objectives:
    """What is promised: `availability` over a month, the 99th percentile of latency, in all and by route.

    `critical` are path prefixes that are refused last when there is more to do than can be done.
    """

    kind: Literal["objectives"]
    name: str
    availability: float | None
    p99_seconds: float | None
    routes: tuple[RouteObjective, ...]
    critical: tuple[str, ...] = ()

    def __init__(
        self,
        *,
        availability: float | str | None = None,
        p99: Duration | None = None,
        routes: Mapping[str, Duration] | None = None,
        critical: Sequence[str] = (),
    ) -> None:
        set_fields(
            self,
            kind="objectives",
            name="@objectives",
            availability=None if availability is None else parse_share(availability),
            p99_seconds=None if p99 is None else parse_seconds(p99),
            routes=tuple(
                RouteObjective(path=path, p99_seconds=parse_seconds(p99))
                for path, p99 in entries(routes, '{"/api/checkout": ...}')
            ),
            critical=paths(critical),
        )


Process = Service | Worker | Schedule | Job | Workflow
Store = Postgres | Cache | Table | Bucket | Files | Search
Node = (
    Service | Worker | Schedule | Job | Queue | Bus | Rule | Workflow | Postgres | Cache | Table | Bucket | Files
    | Search | Site | Secret | External | Route | Subscriber | Environment | Traffic | Objectives | Business
)  # fmt: skip
NODE_TYPES: tuple[type[Node], ...] = (
    Service, Worker, Schedule, Job, Queue, Bus, Rule, Workflow, Postgres, Cache, Table, Bucket, Files,
    Search, Site, Secret, External, Route, Subscriber, Environment, Traffic, Objectives, Business,
)  # fmt: skip


def rls(column: str = "tenant_id", *, tiers: bool = False) -> Tenancy:
    """Shared tables with row-level security: every table with `column` shows a tenant its own rows only.

    `tiers`: with a map of tenants that are elsewhere (`rung tenants move`), asked at each transaction.
    """
    return Tenancy(mode="rls", column=column, tiers=tiers)


def schema_per_tenant() -> Tenancy:
    """A schema of its own for each tenant: for tens of tenants, since every migration runs once for each."""
    return Tenancy(mode="schema")


def database_per_tenant() -> Tenancy:
    """A database of its own for each tenant: for a few tenants whose contracts ask for it."""
    return Tenancy(mode="database")


def single_tenant() -> Tenancy:
    """There is one tenant; a column named like a tenant's is only a label."""
    return Tenancy(mode="single")

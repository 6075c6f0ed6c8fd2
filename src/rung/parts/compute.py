"""What runs: containers, and the things that keep a number of them running."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from rung.parts.values import Value

Architecture = Literal["arm64", "x86_64"]

#: A database's files, its log of changes and the dump that is being written, for each GiB of data.
DISK_SHARE = 1.3
#: How full a machine's disk may be before somebody is told.
DISK_ALARM_PERCENT = 70


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """An environment variable of a container. Never a secret: anybody who may list tasks can read it."""

    name: str
    value: Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """A shared file system at a path."""

    file_system: str
    path: str
    read_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretFile:
    """A secret that a container reads from a file. `part` None: the machine makes it at its first start."""

    name: str
    path: str
    part: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """One process. `image` names the registry part whose image it runs; with a tag (`postgres:17`) it is a public
    image. `cpu` is vCPU, memory MiB.

    `health_path` is asked inside the container and by the load balancer. `stop_seconds` is how long a SIGTERM
    may take.
    """

    command: tuple[str, ...]
    image: str = "images"
    cpu: float = 0.25
    memory_mib: int = 512
    port: int | None = None
    health_path: str | None = None
    stop_seconds: int = 60
    variables: tuple[Variable, ...] = ()
    mounts: tuple[Mount, ...] = ()
    secrets: tuple[SecretFile, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetTracking:
    """Keep `metric` near `target`. Cooldowns in seconds: out fast, in slowly."""

    kind: Literal["target_tracking"] = "target_tracking"
    metric: Literal["cpu", "memory", "requests_per_task", "backlog_per_task"]
    target: float
    #: For `backlog_per_task`: the queue parts whose visible messages are added up.
    queues: tuple[str, ...] = ()
    scale_out_cooldown_seconds: int = 60
    scale_in_cooldown_seconds: int = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class StepFromZero:
    """Start the first task as soon as a message waits: target tracking divides by zero tasks and never acts."""

    kind: Literal["step_from_zero"] = "step_from_zero"
    queues: tuple[str, ...]
    cooldown_seconds: int = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduledScaling:
    """From `cron` on (EventBridge syntax, in `timezone`), between `min_tasks` and `max_tasks`."""

    kind: Literal["scheduled"] = "scheduled"
    name: str
    cron: str
    timezone: str = "UTC"
    min_tasks: int
    max_tasks: int


Scaling = TargetTracking | StepFromZero | ScheduledScaling


@dataclass(frozen=True, slots=True, kw_only=True)
class Registry:
    """Where the workload's image is kept: scanned on push, tags never move, old images expire."""

    kind: Literal["registry"] = "registry"
    name: str = "images"
    node: str = "@workload"
    why: str = ""
    keep_images: int = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """An ECS cluster on Fargate. `namespace`: the private DNS zone in which services find one another."""

    kind: Literal["cluster"] = "cluster"
    name: str = "cluster"
    node: str = "@workload"
    why: str = ""
    container_insights: bool = True
    namespace: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EcsService:
    """A service or worker as an ECS service. `spot_share` of its tasks, beyond `on_demand_base`, run on Spot.

    `rollback_alarms` are the alarm parts that end a deployment and bring the last version back.
    """

    kind: Literal["ecs_service"] = "ecs_service"
    name: str
    node: str
    why: str = ""
    role: Literal["web", "worker", "scheduler"]
    cluster: str = "cluster"
    container: Container
    architecture: Architecture = "arm64"
    min_tasks: int = 1
    max_tasks: int = 4
    scaling: tuple[Scaling, ...] = ()
    rollback_alarms: tuple[str, ...] = ()
    on_demand_base: int = 1
    spot_share: float = 0.0
    log_days: int = 30
    grace_seconds: int = 60
    sticky: bool = False
    #: Other tasks find it at `http://<name>.<namespace of the cluster>:<port>`.
    discoverable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class EcsJob:
    """A task that is started, does one thing and ends: a migration, a job, what a schedule runs.

    `on_deploy`: the pipeline runs it and waits, before the services change.
    """

    kind: Literal["ecs_job"] = "ecs_job"
    name: str
    node: str
    why: str = ""
    cluster: str = "cluster"
    container: Container
    architecture: Architecture = "arm64"
    deadline_seconds: int = 3_600
    on_deploy: bool = False
    log_days: int = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """Containers on one machine, as Docker Compose runs them. `replicas` 0: it runs when it is started.

    `role`: a `migration` runs before the others are replaced, a `job` when somebody starts it; a `store` keeps
    its data on the machine's data volume.
    """

    name: str
    role: Literal["proxy", "web", "worker", "scheduler", "job", "migration", "store"] = "web"
    container: Container
    replicas: int = 1
    node: str = "@workload"
    #: Where the reverse proxy sends which requests: (host or None, path pattern).
    routes: tuple[tuple[str | None, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class HostSite:
    """Static files that a machine's reverse proxy serves itself. `routes`: (host or None, path pattern)."""

    name: str
    node: str
    source: str
    spa: bool = True
    routes: tuple[tuple[str | None, str], ...] = ()


def disk_for(data_gib: int) -> int:
    """GiB of a disk that holds so much data, its log and a dump, and stays below the alarm of its machine."""
    return math.ceil(data_gib * DISK_SHARE * 100 / DISK_ALARM_PERCENT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """One small machine that runs everything with Docker Compose, databases included (the box).

    `hop_limit` 2: a container needs AWS itself and asks the machine for its role; 1 keeps containers from it.
    """

    kind: Literal["host"] = "host"
    name: str = "box"
    node: str = "@workload"
    why: str = ""
    instance_type: str = "t4g.small"
    architecture: Architecture = "arm64"
    root_gib: int = 20
    data_gib: int = 20
    #: Data that its disk is made for: what must be restored when the machine is lost.
    stored_gib: int = 20
    stacks: tuple[Stack, ...] = ()
    sites: tuple[HostSite, ...] = ()
    #: Its name, and the hosted zone in which the record of its address is written.
    domain: str | None = None
    zone: str | None = None
    hop_limit: int = 1
    log_days: int = 30
    backup_bucket: str = "backups"
    backup_hours: int = 24
    backup_days: int = 7
    management: Literal["ssm", "tailscale"] = "ssm"
    disk_alarm_percent: int = DISK_ALARM_PERCENT


@dataclass(frozen=True, slots=True, kw_only=True)
class HostGroup:
    """Replaceable machines in an auto-scaling group, each running the stateless containers with Docker."""

    kind: Literal["host_group"] = "host_group"
    name: str = "hosts"
    node: str = "@workload"
    why: str = ""
    instance_type: str = "t4g.medium"
    architecture: Architecture = "arm64"
    root_gib: int = 30
    min_hosts: int = 1
    max_hosts: int = 3
    cpu_target: float = 60.0
    stacks: tuple[Stack, ...] = ()
    #: Where the load balancer reaches the reverse proxy of each machine.
    port: int = 80
    health_path: str = "/ping"
    hop_limit: int = 2
    log_days: int = 30
    management: Literal["ssm", "tailscale"] = "ssm"
    portainer: bool = False
    disk_alarm_percent: int = DISK_ALARM_PERCENT


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduledTask:
    """EventBridge Scheduler starts the job or function `job` at `expression` in `timezone`.

    The expression is one of its own: `rate(1 minute)`, `cron(...)`.
    `every_seconds` is the usual time between two runs: what its alarm takes for silence.
    """

    kind: Literal["scheduled_task"] = "scheduled_task"
    name: str
    node: str
    why: str = ""
    job: str
    expression: str
    timezone: str = "UTC"
    every_seconds: int
    max_attempts: int = 2
    maximum_age_seconds: int = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class OfficeHours:
    """Outside of working hours the environment is stopped: tasks to 0, databases stopped or paused.

    `idle_seconds`: it stops after that long without a request, and starts on demand (a QA environment).
    """

    kind: Literal["office_hours"] = "office_hours"
    name: str = "office-hours"
    node: str
    why: str = ""
    start_cron: str = "cron(0 7 ? * MON-FRI *)"
    stop_cron: str = "cron(0 20 ? * MON-FRI *)"
    timezone: str = "UTC"
    #: Whether the two times hold; False: it starts on demand alone.
    by_clock: bool = True
    idle_seconds: int | None = None

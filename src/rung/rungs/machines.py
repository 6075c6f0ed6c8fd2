"""What runs in Docker on a machine: a stack for each process, the reverse proxy, and the size that takes.

Sizes of containers are limits, not reservations: what one does not use, the others may.
"""

from __future__ import annotations

import math

from rung.model.measured import FULL
from rung.model.nodes import Bus, Cache, Job, Postgres, Queue, Schedule, Service, Site, Worker, Workflow
from rung.parts.compute import Container, HostSite, SecretFile, Stack, Variable
from rung.rungs.boxed import Running, database_url, files_of, password_file
from rung.rungs.brokers import SECRETS_FOLDER
from rung.rungs.containers import command_of, drain_seconds, mounts_of, started, variables_of
from rung.rungs.reach import CACHE_PORT, HTTP_PORT, POSTGRES_PORT, port_of
from rung.rungs.routers import Router, node_of
from rung.rungs.setting import Setting, migration_part
from rung.rungs.sizes import BEHAVIOUR, REQUESTS_PER_VCPU_SECOND, ordinary_requests, peak_requests
from rung.rungs.tasks import migration_command

#: Public images, by major version: minors are security fixes.
POSTGRES_IMAGE, CACHE_IMAGE = "postgres:{major}", "valkey/valkey:8"
#: A box ends TLS itself and serves its sites; behind a load balancer there is only routing to do.
PROXY_IMAGES = {"box": "caddy:2.10-alpine", "host": "traefik:v3.5"}
#: MiB that a process may use when nobody says: a Python service with its pools needs 150 to 300.
SERVICE_MIB, WORKER_MIB, TASK_MIB, PROXY_MIB, POSTGRES_MIB = 384, 320, 256, 128, 768
#: What the system, Docker and the agents of AWS need.
SYSTEM_MIB = 512
STORE_STOP_SECONDS = 60
#: Instance types with their vCPU and MiB, Graviton, from the smallest. Source: AWS, "Amazon EC2 T4g and M7g".
INSTANCES: tuple[tuple[str, int, int], ...] = (
    ("t4g.small", 2, 2_048), ("t4g.medium", 2, 4_096), ("t4g.large", 2, 8_192), ("m7g.large", 2, 8_192),
    ("m7g.xlarge", 4, 16_384),
    ("m7g.2xlarge", 8, 32_768), ("m7g.4xlarge", 16, 65_536),
)  # fmt: skip
#: The share of each vCPU that a burstable machine may use without end: it earns credits for that much, and keeps
#: those of a day. Source: AWS, "Key concepts for burstable performance instances" of the EC2 user guide.
BASELINES = {"t4g.small": 0.2, "t4g.medium": 0.2, "t4g.large": 0.3}


def stack_of(setting: Setting, node: Running, replicas: int = 1) -> Stack:
    """A process of the workload."""
    match node:
        case Service():
            return _stack(setting, node, "web", node.memory_mib or SERVICE_MIB, replicas)
        case Worker():
            return _stack(setting, node, "worker", node.memory_mib or WORKER_MIB, replicas)
        case Workflow():
            return _stack(setting, node, "worker", WORKER_MIB, replicas)
        case Router():
            return _stack(setting, node, "worker", TASK_MIB, replicas)
        case Schedule():
            return _stack(setting, node, "scheduler", TASK_MIB, 1)
        case Job():
            return _stack(setting, node, "job", node.memory_mib or TASK_MIB, 0)


def _stack(setting: Setting, node: Running, role: str, memory_mib: int, replicas: int) -> Stack:
    cpu = 1.0 if not isinstance(node, Service | Worker | Job) else node.cpu or 1.0
    service = node if isinstance(node, Service) else None
    container = Container(
        command=started(setting, node, command_of(node, cpu, stays=True)), image=setting.platform("images"),
        cpu=cpu,
        memory_mib=memory_mib,
        port=port_of(service) if service else None, health_path=service.health if service else None,
        stop_seconds=math.ceil(min(drain_seconds(node), 120.0)) + 5, variables=variables_of(setting, node, cpu),
        mounts=mounts_of(setting, node),
        secrets=files_of(setting, node.name) if setting.rung == "box" else (),
    )  # fmt: skip
    return Stack(
        name=node.name, role=role, node=node_of(node), container=container, replicas=replicas,  # type: ignore[arg-type]
        routes=routes_to(setting, node.name),
    )  # fmt: skip


def routes_to(setting: Setting, target: str) -> tuple[tuple[str | None, str], ...]:
    """Host and path pattern of each route that leads to a service or a site."""
    return tuple((route.host, route.path) for route in setting.routes if route.target == target)


def proxy_stack(setting: Setting) -> Stack:
    """The reverse proxy: the only container that a port of the machine leads to."""
    return Stack(
        name="proxy", role="proxy",
        container=Container(
            command=(), image=PROXY_IMAGES[setting.rung], memory_mib=PROXY_MIB, port=HTTP_PORT
        ),
    )  # fmt: skip


def postgres_stack(setting: Setting, node: Postgres) -> Stack:
    """A database on the machine's data volume. Its roles and passwords are made at the first start."""
    name = setting.graph.name.replace("-", "_")
    major = node.version.split(".", maxsplit=1)[0]
    container = Container(
        command=("postgres", "-c", f"max_connections={node.max_connections}"),
        image=POSTGRES_IMAGE.format(major=major),
        memory_mib=POSTGRES_MIB, port=POSTGRES_PORT, stop_seconds=STORE_STOP_SECONDS,
        variables=(Variable(name="POSTGRES_DB", value=name), Variable(name="POSTGRES_USER", value=f"{name}_owner"),
                   Variable(name="POSTGRES_PASSWORD_FILE", value=f"{SECRETS_FOLDER}/{node.name}-owner")),
        secrets=(owner_file(node),),
    )  # fmt: skip
    return Stack(name=node.name, role="store", node=node.name, container=container)


def owner_file(node: Postgres) -> SecretFile:
    """The owner's password, made on the machine."""
    return SecretFile(name=f"{node.name}-owner", path=f"{SECRETS_FOLDER}/{node.name}-owner")


def cache_stack(node: Cache) -> Stack:
    """A cache that may lose what it holds: it keeps nothing on disk."""
    command = (
        "valkey-server", "--maxmemory", f"{node.memory_mib}mb", "--maxmemory-policy", node.eviction,
        "--save", "", "--appendonly", "no",
    )  # fmt: skip
    container = Container(
        command=command, image=CACHE_IMAGE, memory_mib=node.memory_mib + node.memory_mib // 4 + 32,
        port=CACHE_PORT,
        stop_seconds=10,
    )  # fmt: skip
    return Stack(name=node.name, role="store", node=node.name, container=container)


def migration_stack(setting: Setting, node: Postgres) -> Stack:
    """Roles, grants and migrations, as the owner, before the others are replaced."""
    name = migration_part(node.name)
    owner = f"{setting.graph.name}_owner".replace("-", "_")
    url = database_url(setting, node.name, name).replace(f"{setting.graph.name}_{name}".replace("-", "_"), owner)
    variables = (
        Variable(name="RUNG_WORKLOAD", value=setting.graph.name),
        Variable(name="RUNG_ENVIRONMENT", value=setting.environment.name),
        Variable(name="RUNG_NODE", value=name),
        Variable(name="DATABASE_URL", value=url),
        Variable(name="PGPASSFILE", value=password_file(name).path),
    )
    container = Container(
        command=_migration(setting, node), image=setting.platform("images"), memory_mib=TASK_MIB,
        stop_seconds=STORE_STOP_SECONDS, variables=variables, secrets=(password_file(name),),
    )  # fmt: skip
    return Stack(name=name, role="migration", node=node.name, container=container, replicas=0)


def _migration(setting: Setting, node: Postgres) -> tuple[str, ...]:
    """The tables of what it carries, then the migrations: nobody but the owner may make either."""
    kinds = kept_kinds(setting, node)
    alone = kinds and node.migrations is None
    words = ("python", "-m", "rung.cli.main", "migrate") if alone else migration_command(node)
    return (*words, *(word for kind in kinds for word in ("--tables", kind)))


def kept_kinds(setting: Setting, node: Postgres) -> tuple[str, ...]:
    """What rung keeps in a database of the box, as `rung migrate --tables` calls it."""
    carries = setting.carrier() is node
    queues = tuple(queue for queue in setting.graph.of(Queue) if carries and setting.is_carried(queue))
    outboxes = any(setting.outbox(process.name) is node for process in setting.processes)
    kinds = {
        "queues": bool(queues) or outboxes, "fair": any(queue.fair for queue in queues),
        "events": carries and any(setting.is_carried(bus) for bus in setting.graph.of(Bus)),
        "workflows": carries and bool(setting.graph.of(Workflow)),
    }  # fmt: skip
    return tuple(kind for kind, is_kept in kinds.items() if is_kept)


def site_of(setting: Setting, node: Site) -> HostSite:
    """A site that the machine's proxy serves."""
    return HostSite(
        name=node.name, node=node.name, source=node.path, spa=node.spa, routes=routes_to(setting, node.name)
    )


def memory_of(stacks: tuple[Stack, ...]) -> int:
    """MiB that the stacks and the system may use together."""
    return SYSTEM_MIB + sum(
        stack.container.memory_mib * max(1, stack.replicas) for stack in stacks if stack.replicas
    )


def instance_for(vcpu: float, memory_mib: int, lasting: float = 0.0) -> str | None:
    """The smallest instance type that has both, and `lasting` vCPU day after day; None when none has."""
    return next(
        (name for name, cores, mib in INSTANCES
         if cores >= vcpu and mib >= memory_mib and cores * BASELINES.get(name, 1.0) >= lasting),
        None,
    )  # fmt: skip


def serving_vcpu(setting: Setting) -> float:
    """The vCPU that answer the peak."""
    return peak_requests(setting) / (REQUESTS_PER_VCPU_SECOND * FULL) if setting.routed else 0.0


def lasting_vcpu(setting: Setting) -> float:
    """The vCPU that are busy on the mean of an ordinary day: what a burstable machine must earn in credits."""
    mean = math.fsum(BEHAVIOUR.day) / len(BEHAVIOUR.day)
    return ordinary_requests(setting) * mean / REQUESTS_PER_VCPU_SECOND if setting.routed else 0.0


def backup_hours(setting: Setting) -> int:
    """How often a box writes a backup: production loses an hour at most, a copy a day."""
    return 1 if setting.production else 24

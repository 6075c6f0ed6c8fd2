"""The compose file of a machine: each container with a limit, a check and no more rights than it needs.

Three networks: the proxy and what it serves are on `public`; databases are on `private`, which has no way out;
what must reach the internet without being served is on `outbound`. Only the proxy has a port of the machine.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rung.compose.brokers import broker_of, broker_service
from rung.compose.machine import Machine, is_ours
from rung.compose.proxy import proxy_service
from rung.compose.values import environment_of
from rung.compose.yaml import document
from rung.model.nodes import Postgres
from rung.parts.compute import Container, Host, HostGroup, Stack

#: Users inside the images: ours, and the one of the public images of PostgreSQL and Valkey.
OUR_USER, STORE_USER = 10_001, 999
DATA = "/var/lib/rung"
#: 127.0.0.1: localhost may be ::1, where nothing listens.
_ASK = "import urllib.request as web; web.urlopen('http://127.0.0.1:{port}{path}', timeout=4)"
_PORTAINER = "portainer/portainer-ce:2.27.9"


def compose_file(machine: Machine) -> str:
    """The text of compose.yaml."""
    services = {stack.name: _service(machine, stack) for stack in machine.part.stacks}
    if isinstance(machine.part, HostGroup) and machine.part.portainer:
        services["portainer"] = _portainer(machine)
    content: dict[str, Any] = {
        "name": machine.design.workload,
        "services": services,
        "networks": {
            "public": {"name": f"{machine.design.workload}-public"},
            "private": {"name": f"{machine.design.workload}-private", "internal": True},
            "outbound": {"name": f"{machine.design.workload}-outbound"},
        },
    }
    secrets = {name: {"file": f"/run/rung/secrets/{name}"} for name in machine.secret_files()}
    if secrets:
        content["secrets"] = secrets
    return document(content, f"What runs on {machine.name}. IMAGE_TAG and what is known late come from .env.")


def _service(machine: Machine, stack: Stack) -> Mapping[str, Any]:
    match stack.role:
        case "proxy":
            own = proxy_service(machine, stack)
        case "store":
            own = _store(machine, stack)
        case "migration" | "job":
            own = {**_process(machine, stack), "profiles": [stack.role], "restart": "no"}
        case "web" | "worker" | "scheduler":
            own = _process(machine, stack)
    return {**own, **_limits(machine, stack)}


def _limits(machine: Machine, stack: Stack) -> dict[str, Any]:
    """What holds for every container: memory, processes, rights, logs, time to end."""
    container = stack.container
    return {
        "mem_limit": f"{container.memory_mib}m",
        "pids_limit": 512,
        "init": True,
        "read_only": True,
        "cap_drop": ["ALL"],
        **({"cap_add": ["NET_BIND_SERVICE"]} if stack.role == "proxy" and isinstance(machine.part, Host) else {}),
        "security_opt": ["no-new-privileges:true"],
        "stop_grace_period": f"{container.stop_seconds}s",
        "logging": {
            "driver": "awslogs",
            "options": {
                "awslogs-region": machine.design.region, "awslogs-group": f"/host/{machine.name}",
                "tag": stack.name + "/{{.ID}}", "mode": "non-blocking", "max-buffer-size": "4m",
            },
        },
    }  # fmt: skip


def _process(machine: Machine, stack: Stack) -> dict[str, Any]:
    container = stack.container
    stores = [each.name for each in machine.part.stacks if each.role == "store"]
    service: dict[str, Any] = {
        "image": image_of(machine, stack),
        "command": [word.replace("$", "$$") for word in container.command],
        "environment": dict(environment_of(container)),
        "user": f"{OUR_USER}:{OUR_USER}",
        "restart": "unless-stopped",
        "healthcheck": _check(container),
        "networks": ["private", "public" if stack.role == "web" else "outbound"],
        "tmpfs": ["/tmp"],  # noqa: S108 - a folder in the container's memory
    }
    if stack.replicas > 1:
        service["deploy"] = {"replicas": stack.replicas}
    if stores:
        service["depends_on"] = {name: {"condition": "service_healthy"} for name in stores}
    if container.secrets:
        service["secrets"] = [secret.name for secret in container.secrets]
    if container.mounts:
        service["volumes"] = [_mount(machine, stack, each) for each in range(len(container.mounts))]
    return service


def _mount(machine: Machine, stack: Stack, index: int) -> str:
    mount = stack.container.mounts[index]
    origin = f"{DATA}/files" if isinstance(machine.part, Host) else "/mnt"
    return f"{origin}/{mount.file_system}:{mount.path}{':ro' if mount.read_only else ''}"


def image_of(machine: Machine, stack: Stack) -> str:
    """The image: ours by the release's tag, public ones by their own; PostgreSQL with vectors where used."""
    if is_ours(stack):
        return "${IMAGES_REPOSITORY_URL}:${IMAGE_TAG:?scripts/release sets it}"
    node = machine.graph.by_name.get(stack.node)
    if isinstance(node, Postgres) and "vector" in node.extensions:
        return f"pgvector/pgvector:pg{node.version.split('.')[0]}"
    return stack.container.image


def _check(container: Container) -> dict[str, Any]:
    if container.port is None:
        return {"disable": True}  # the image's own check asks for a port that this process does not have
    ask = _ASK.format(port=container.port, path=container.health_path or "/health")
    return {
        "test": ["CMD", "python", "-c", ask],
        "interval": "10s", "timeout": "5s", "retries": 3, "start_period": "30s",
    }  # fmt: skip


def _store(machine: Machine, stack: Stack) -> dict[str, Any]:
    node = machine.graph.by_name.get(stack.node)
    service: dict[str, Any] = {
        "image": image_of(machine, stack),
        "user": f"{STORE_USER}:{STORE_USER}",
        "restart": "unless-stopped",
        "networks": ["private"],
    }
    if (broker := broker_of(machine, stack)) is not None:
        return {**service, **broker_service(stack, broker, DATA)}
    if not isinstance(node, Postgres):
        ping = {"test": ["CMD", "valkey-cli", "ping"], "interval": "10s", "timeout": "3s", "retries": 3}
        return {**service, "command": list(stack.container.command), "healthcheck": ping, "tmpfs": ["/data"]}
    major = node.version.split(".")[0]
    environment = {**environment_of(stack.container), "PGDATA": f"/var/lib/postgresql/{major}/data"}
    database, owner = environment.get("POSTGRES_DB", "postgres"), environment.get("POSTGRES_USER", "postgres")
    ready = ["CMD", "pg_isready", "--quiet", "--username", owner, "--dbname", database]
    return {
        **service,
        "command": [*stack.container.command, *_tuned(stack.container.memory_mib)],
        "environment": environment,
        "healthcheck": {
            "test": ready, "interval": "10s", "timeout": "5s", "retries": 5, "start_period": "60s",
        },
        "secrets": [secret.name for secret in stack.container.secrets],
        "shm_size": f"{max(64, stack.container.memory_mib // 4)}m",
        "tmpfs": ["/tmp", f"/var/run/postgresql:uid={STORE_USER},gid={STORE_USER}"],  # noqa: S108
        "volumes": [f"{DATA}/{stack.name}:/var/lib/postgresql"],
    }  # fmt: skip


def _tuned(memory_mib: int) -> list[str]:
    """PostgreSQL for so much memory: a quarter for its buffers, the rest is the kernel's cache."""
    settings = {
        "shared_buffers": f"{memory_mib // 4}MB",
        "effective_cache_size": f"{memory_mib * 6 // 10}MB",
        "maintenance_work_mem": f"{max(16, memory_mib // 12)}MB",
        "work_mem": f"{max(2, memory_mib // 128)}MB",
        "random_page_cost": "1.1",
        "wal_compression": "on",
        "log_min_duration_statement": "500",
    }
    return [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]


def _portainer(machine: Machine) -> dict[str, Any]:
    """A view of the containers for people who come through the tunnel: bound to the machine's own loopback."""
    return {
        "image": _PORTAINER, "restart": "unless-stopped",
        "ports": ["127.0.0.1:9443:9443"], "networks": ["outbound"],
        "mem_limit": "256m", "pids_limit": 256, "security_opt": ["no-new-privileges:true"],
        "volumes": ["/var/run/docker.sock:/var/run/docker.sock", f"{DATA}/portainer:/data"],
        "logging": {"driver": "local", "options": {"max-size": "10m", "max-file": "3"}},
    }  # fmt: skip

"""Small designs of each rung, built by hand: just enough for what is generated from them."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

from rung.errors import Location
from rung.parts.compute import Cluster, Container, EcsJob, EcsService, Host, HostGroup, Registry, Stack
from rung.parts.data import AuroraCluster, BucketPart, CacheGroup, PostgresInstance, SecretPart
from rung.parts.design import Design
from rung.parts.edge import Distribution, LoadBalancer, SitePart
from rung.parts.network import Network
from rung.parts.operations import UptimeCheck

API = Container(
    command=("python", "-m", "rung.runtime.serve", "--app", "shop.api:app", "--port", "8000"),
    port=8000,
    health_path="/health",
)
FULFIL = Container(command=("python", "-m", "rung.runtime.worker", "--name", "fulfil"))
MIGRATE = Container(command=("rung", "migrate"))
RELEASE = SecretPart(name="release", node="@workload")
LOCATIONS = MappingProxyType({
    "api": Location(file="workload.py", line=5), "db": Location(file="workload.py", line=4),
    "fulfil": Location(file="workload.py", line=9),
})  # fmt: skip


def fargate(environment: str = "prod", *, production: bool = True, **fields: Any) -> Design:
    """A load-balanced service, a worker, a migration, Aurora, a site."""
    common: dict[str, Any] = {
        "workload": "shop", "rung": "fargate", "environment": environment, "production": production,
        "region": "eu-central-1", "locations": LOCATIONS,
        "parts": (
            Network(), Registry(), Cluster(), LoadBalancer(), Distribution(),
            EcsService(name="api", node="api", role="web", container=API, min_tasks=2, max_tasks=10),
            EcsService(name="fulfil", node="fulfil", role="worker", container=FULFIL),
            EcsJob(name="db-migrate", node="db", container=MIGRATE, on_deploy=True),
            AuroraCluster(name="db", node="db"), CacheGroup(name="cache", node="cache"),
            SitePart(name="web", node="web", source="web/dist"),
            UptimeCheck(domain=f"{environment}.example.com", path="/health"),
        ),
    }  # fmt: skip
    return Design(**(common | fields))


def box(environment: str = "dev", **fields: Any) -> Design:
    """One machine with everything on it."""
    stacks = (
        Stack(name="api", container=API, node="api", routes=((None, "/*"),)),
        Stack(name="fulfil", container=FULFIL, node="fulfil", replicas=2),
    )
    common: dict[str, Any] = {
        "workload": "shop", "rung": "box", "environment": environment, "production": False,
        "region": "eu-central-1", "locations": LOCATIONS, "domain": "dev.example.com",
        "parts": (
            Registry(), RELEASE, Host(stacks=stacks),
            BucketPart(name="backups", node="@workload", purpose="backups"),
        ),
    }  # fmt: skip
    return Design(**(common | fields))


def host(environment: str = "staging", **fields: Any) -> Design:
    """Replaceable machines behind a load balancer, with a database of RDS."""
    stacks = (Stack(name="api", container=API, node="api", routes=((None, "/*"),)),)
    common: dict[str, Any] = {
        "workload": "shop", "rung": "host", "environment": environment, "production": False,
        "region": "eu-central-1", "locations": LOCATIONS,
        "parts": (
            Network(), Registry(), RELEASE, LoadBalancer(), HostGroup(stacks=stacks, min_hosts=2),
            PostgresInstance(name="db", node="db"),
        ),
    }  # fmt: skip
    return Design(**(common | fields))

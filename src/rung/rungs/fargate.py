"""The rung fargate: CloudFront, a load balancer, ECS, Aurora Serverless v2, Valkey, SQS. Node by node."""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_never

from rung.model.nodes import (
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
    Traffic,
    Worker,
    Workflow,
)
from rung.parts.compute import Cluster, EcsJob, EcsService, Registry
from rung.parts.design import Design, Part
from rung.parts.messaging import EventBus
from rung.parts.network import Connection, Network
from rung.parts.operations import Keys
from rung.rungs import stores, tasks
from rung.rungs.access import statements_of, with_unique_sids
from rung.rungs.containers import namespace_of
from rung.rungs.entrance import edge_connections, edge_parts
from rung.rungs.messages import queue_parts, rule_of
from rung.rungs.networks import network_of, platform_connections
from rung.rungs.reach import POSTGRES_PORT, connections_of, egress_of, grants_of
from rung.rungs.setting import Setting, migration_part
from rung.rungs.watching import watching_parts, with_rollback_alarms


def design(setting: Setting) -> Design:
    """What the workload becomes."""
    network = network_of(setting)
    named = tuple(part for node in setting.graph.nodes for part in parts_of(setting, node))
    base: tuple[Part, ...] = (network, *_platform(setting), *named, *edge_parts(setting))
    base = (*base, *stores.backups_of(setting, base))
    parts = with_rollback_alarms((*base, *watching_parts(setting, base)))
    statements = (*statements_of(setting, _itself), *tasks.migration_statements(setting))
    return Design(
        workload=setting.graph.name, rung=setting.rung, environment=setting.environment.name,
        production=setting.production, region=setting.region, domain=setting.environment.domain, parts=parts,
        statements=with_unique_sids(statements), connections=_connections(setting, network, base),
        egress=egress_of(setting, _itself), database_grants=grants_of(setting), locations=setting.graph.locations,
    )  # fmt: skip


def parts_of(setting: Setting, node: Node) -> Iterator[Part]:  # noqa: C901 - a table, one line for each kind
    """What one node becomes here."""
    match node:
        case Service():
            yield tasks.service_of(setting, node)
        case Worker():
            yield tasks.worker_of(setting, node)
        case Schedule():
            yield from tasks.schedule_of(setting, node)
        case Job():
            yield tasks.job_of(setting, node)
        case Queue():
            yield from queue_parts(setting, node)
        case Postgres():
            yield stores.aurora_of(setting, node)
            yield from stores.credentials_of(setting, node.name)
            yield tasks.migration_of(setting, node)
        case Cache():
            yield stores.cache_of(setting, node)
        case Table():
            yield stores.table_of(node)
        case Bucket():
            yield stores.bucket_of(node)
        case Files():
            yield stores.files_of(node)
        case Secret():
            yield stores.secret_of(node)
        case Bus():
            yield EventBus(name=node.name, node=node.name)
        case Rule():
            yield rule_of(setting, node)
        case Site() | Route() | External() | Subscriber() | Environment() | Traffic() | Objectives() | Business():
            return  # the entrance, the egress list, the topic; or facts that sizes are made of
        case Search() | Workflow():
            return  # refused before: see refusals.py
        case _:
            assert_never(node)


def _platform(setting: Setting) -> Iterator[Part]:
    called = any(edge.verb == "call" for edge in setting.graph.edges)
    yield Keys(name=setting.platform("keys"), why="one key for data, one for logs and topics")
    yield Registry(name=setting.platform("images"), why="the one image that every process runs")
    yield Cluster(
        name=setting.platform("cluster"), namespace=namespace_of(setting) if called else None,
        why="where every process runs",
    )  # fmt: skip


def _connections(setting: Setting, network: Network, parts: tuple[Part, ...]) -> tuple[Connection, ...]:
    running = tuple(part.name for part in parts if isinstance(part, EcsService | EcsJob))
    migrations = [
        Connection(
            source=migration_part(node.name), target=node.name, port=POSTGRES_PORT,
            why="sets up roles and applies the migrations",
        )
        for node in setting.graph.of(Postgres)
    ]  # fmt: skip
    return (
        *edge_connections(setting), *connections_of(setting, _itself), *migrations,
        *platform_connections(setting, network, running),
    )  # fmt: skip


def _itself(name: str) -> str:
    """Each process is a part of its own, with a role and a security group of its own."""
    return name

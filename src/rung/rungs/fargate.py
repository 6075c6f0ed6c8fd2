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
from rung.parts.compute import Cluster, Registry
from rung.parts.design import Design, Part
from rung.parts.operations import Keys
from rung.rungs import functions, stores, tasks
from rung.rungs.assembly import design_of, entrance_and_tasks
from rung.rungs.containers import namespace_of
from rung.rungs.entrance import edge_parts
from rung.rungs.managed import managed_parts
from rung.rungs.networks import network_of
from rung.rungs.setting import Setting


def design(setting: Setting) -> Design:
    """What the workload becomes."""
    network = network_of(setting)
    named = (part for node in setting.graph.nodes for part in parts_of(setting, node))
    parts = (network, *_platform(setting), *named, *edge_parts(setting))
    return design_of(
        setting, parts, part_of=_itself, statements=tasks.migration_statements(setting),
        connections=entrance_and_tasks(setting, network, parts),
    )  # fmt: skip


def parts_of(setting: Setting, node: Node) -> Iterator[Part]:
    """What one node becomes here."""
    match node:
        case Service():
            yield tasks.service_of(setting, node)
        case Worker() if setting.is_function(node.name):
            yield functions.worker_of(setting, node)
        case Worker():
            yield tasks.worker_of(setting, node)
        case Workflow():
            yield tasks.workflow_of(setting, node)
        case Schedule():
            yield from tasks.schedule_of(setting, node)
        case Job():
            yield tasks.job_of(setting, node)
        case Postgres():
            yield stores.aurora_of(setting, node)
            yield from stores.credentials_of(setting, node.name)
            yield tasks.migration_of(setting, node)
        case Queue() | Cache() | Table() | Bucket() | Files() | Secret() | Bus() | Rule():
            yield from managed_parts(setting, node)
        case Site() | Route() | External() | Subscriber() | Environment() | Traffic() | Objectives() | Business():
            return  # the entrance, the egress list, the topic; or facts that sizes are made of
        case Search():
            return  # refused before: see refusals.py
        case _:
            assert_never(node)


def _platform(setting: Setting) -> Iterator[Part]:
    called = any(edge.verb == "call" for edge in setting.whole.edges)
    yield Keys(name=setting.platform("keys"), why="one key for data, one for logs and topics")
    yield Registry(name=setting.platform("images"), why="the one image that every process runs")
    yield Cluster(
        name=setting.platform("cluster"), namespace=namespace_of(setting) if called else None,
        why="where every process runs",
    )  # fmt: skip
    yield from stores.approval_of(setting)
    yield from (tasks.router_of(setting, router) for router in setting.routers)


def _itself(name: str) -> str:
    """Each process is a part of its own, with a role and a security group of its own."""
    return name

"""The rung serverless: CloudFront, an HTTP API, functions, Aurora that pauses, DynamoDB, SQS. Node by node.

Nothing that computes is paid for while nobody comes. What cannot be a function is refused (function_refusals.py);
what ends, and takes longer than a function may, runs as a task on Fargate.
"""

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
from rung.rungs.assembly import design_of, migration_connections
from rung.rungs.entrance import edge_parts
from rung.rungs.function_network import function_connections, function_network
from rung.rungs.managed import managed_parts
from rung.rungs.setting import Setting


def design(setting: Setting) -> Design:
    """What the workload becomes."""
    network = function_network(setting)
    named = (part for node in setting.graph.nodes for part in parts_of(setting, node))
    around = () if network is None else (network,)
    parts = (*around, *_platform(setting), *named, *edge_parts(setting))
    return design_of(
        setting, parts, part_of=_itself, statements=tasks.migration_statements(setting),
        connections=(*migration_connections(setting), *function_connections(setting, network)),
    )  # fmt: skip


def parts_of(setting: Setting, node: Node) -> Iterator[Part]:
    """What one node becomes here."""
    match node:
        case Service():
            yield functions.service_of(setting, node)
        case Worker():
            yield functions.worker_of(setting, node)
        case Schedule():
            yield from functions.schedule_of(setting, node)
        case Job():
            yield functions.job_of(setting, node)
        case Postgres():
            yield stores.aurora_of(setting, node)
            yield from stores.credentials_of(setting, node.name)
            yield functions.migration_of(setting, node)
        case Queue() | Cache() | Table() | Bucket() | Files() | Secret() | Bus() | Rule():
            yield from managed_parts(setting, node)
        case Site() | Route() | External() | Subscriber() | Environment() | Traffic() | Objectives() | Business():
            return  # the entrance, the egress list, the topic; or facts that sizes are made of
        case Search() | Workflow():
            return  # refused before: see refusals.py
        case _:
            assert_never(node)


def _platform(setting: Setting) -> Iterator[Part]:
    yield Keys(name=setting.platform("keys"), why="one key for data, one for logs and topics")
    yield Registry(name=setting.platform("images"), why="the one image that every function runs")
    if functions.long_tasks(setting):
        yield Cluster(
            name=setting.platform("cluster"), container_insights=False,
            why="where tasks run that take longer than a function may",
        )  # fmt: skip


def _itself(name: str) -> str:
    """Each function is a part of its own, with a role of its own."""
    return name

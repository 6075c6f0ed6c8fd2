"""The rung box: one small machine with Docker Compose, databases included. Node by node.

About 20 US dollars a month. What it loses with the machine is what was written since the last backup.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_never

from rung.model.measured import BOX_SERVING_SHARE
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
from rung.parts.compute import Host, Registry, Stack, disk_for
from rung.parts.data import BucketPart
from rung.parts.design import Design, Part
from rung.parts.network import Connection, Network
from rung.parts.operations import Keys, UptimeCheck
from rung.rungs import machines, stores
from rung.rungs.assembly import design_of
from rung.rungs.boxed import Running
from rung.rungs.broker_stacks import broker_stacks
from rung.rungs.entrance import public_path
from rung.rungs.machine_access import backup_statements, machine_statements, release_part
from rung.rungs.networks import FLOW_LOG_DAYS
from rung.rungs.reach import HTTP_PORT, HTTPS_PORT
from rung.rungs.setting import Setting
from rung.rungs.tasks import log_days

LEAST_DATA_GIB, ROOT_GIB = 20, 20
#: Compressed dumps of a week take about as much as the data itself.
BACKUP_DAYS, BACKUP_DAYS_OF_PRODUCTION = 7, 35
#: Nobody deletes a backup of production before this, not even an administrator in haste.
LOCKED_DAYS = 7


def design(setting: Setting) -> Design:
    """What the workload becomes."""
    box = box_of(setting)
    named = (part for node in setting.graph.nodes for part in parts_of(setting, node))
    parts = (*_platform(setting, box), *named, box)
    statements = (*machine_statements(setting, box.name), *backup_statements(setting, box.name, box.backup_bucket))

    def part_of(name: str) -> str:
        return box.name if setting.on_machine(name) or _is_inside(setting, name) else name

    return design_of(
        setting, parts, part_of=part_of, statements=statements,
        connections=_connections(setting, box.name),
    )  # fmt: skip


def parts_of(setting: Setting, node: Node) -> Iterator[Part]:
    """What one node becomes beside the machine."""
    match node:
        case Service() | Worker() | Workflow() | Schedule() | Job() | Postgres() | Cache():
            return  # containers
        case Queue() | Bus() | Files() | Site():
            return  # tables, folders of the machine
        case Table():
            yield stores.table_of(node)
        case Bucket():
            yield stores.bucket_of(node)
        case Secret():
            yield stores.secret_of(node)
        case Route() | External() | Subscriber() | Environment() | Traffic() | Objectives() | Business():
            return  # the proxy's routes, the egress list, the topic; or facts that sizes are made of
        case Rule():
            return  # the bus's router reads it
        case Search():
            return  # refused before: see refusals.py
        case _:
            assert_never(node)


def box_of(setting: Setting) -> Host:
    """The machine: so large that every container fits and the peak is answered beside the databases."""
    stacks = stacks_of(setting)
    memory = machines.memory_of(stacks)
    vcpu = machines.serving_vcpu(setting) / BOX_SERVING_SHARE
    instance = machines.instance_for(vcpu, memory) or machines.INSTANCES[-1][0]
    declared = [node.storage_gib for node in setting.graph.of(Postgres)]
    disk = sum(disk_for(gib) if gib else LEAST_DATA_GIB for gib in declared)
    return Host(
        name=setting.platform("box"), instance_type=instance, root_gib=ROOT_GIB, stacks=stacks,
        data_gib=max(LEAST_DATA_GIB, disk),
        stored_gib=sum(gib or LEAST_DATA_GIB for gib in declared) or LEAST_DATA_GIB,
        sites=tuple(machines.site_of(setting, site) for site in setting.sites),
        domain=setting.environment.domain, zone=setting.environment.zone,
        hop_limit=2 if _containers_ask_aws(setting) else 1, log_days=log_days(setting),
        backup_bucket=setting.platform("backups"), backup_hours=machines.backup_hours(setting),
        backup_days=BACKUP_DAYS_OF_PRODUCTION if setting.production else BACKUP_DAYS,
        why=f"{memory:,} MiB for {len(stacks)} containers",
    )  # fmt: skip


def stacks_of(setting: Setting) -> tuple[Stack, ...]:
    """Every container, in the order in which they are needed."""
    databases = setting.graph.of(Postgres)
    return (
        machines.proxy_stack(setting),
        *(machines.postgres_stack(setting, node) for node in databases),
        *(machines.cache_stack(node) for node in setting.graph.of(Cache)),
        *broker_stacks(setting),
        *(machines.migration_stack(setting, node) for node in databases),
        *(machines.stack_of(setting, node, _replicas(setting, node)) for node in setting.processes),
    )  # fmt: skip


def _replicas(setting: Setting, node: Running) -> int:
    return max(1, setting.scaled(node.min_tasks)) if isinstance(node, Service | Worker) else 1


def _platform(setting: Setting, box: Host) -> Iterator[Part]:
    yield Network(
        name=setting.platform("network"), zones=1, tiers=("public",), nat="none", flow_log_days=FLOW_LOG_DAYS,
        why="one public subnet: there is nothing to hide behind",
    )  # fmt: skip
    yield Keys(name=setting.platform("keys"), why="one key for data, one for logs and topics")
    yield Registry(name=setting.platform("images"), why="the one image that every process runs")
    yield release_part(setting)
    yield from stores.approval_of(setting)
    yield BucketPart(
        name=box.backup_bucket, node="@workload", purpose="backups", expire_days=box.backup_days,
        locked_days=LOCKED_DAYS if setting.production else None, why="what is left when the machine is lost",
    )  # fmt: skip
    domain = setting.environment.domain
    if setting.production and domain and setting.routed:
        yield UptimeCheck(
            name=setting.platform("uptime"),
            domain=domain,
            path=public_path(setting),
            why="asks from outside of AWS",
        )


def _connections(setting: Setting, box: str) -> Iterator[Connection]:
    if setting.routed:
        yield Connection(source="internet", target=box, port=HTTPS_PORT, why="visitors")
        yield Connection(
            source="internet", target=box, port=HTTP_PORT, why="sent on to HTTPS; certificates are proven"
        )
    yield Connection(source=box, target="internet", port=HTTPS_PORT, why="AWS, images and updates")


def _containers_ask_aws(setting: Setting) -> bool:
    return any(isinstance(setting.graph.by_name.get(edge.target), Bucket | Table) for edge in setting.graph.edges)


def _is_inside(setting: Setting, name: str) -> bool:
    return isinstance(setting.graph.by_name.get(name), Postgres | Cache | Files)

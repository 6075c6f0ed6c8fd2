"""The rung host: replaceable machines with Docker behind a load balancer, RDS, Valkey, SQS. Node by node.

Services, workers and workflows run on the machines; what starts and ends (schedules, jobs, migrations) runs as a
task on Fargate, so that it runs once however many machines there are; a worker with `compute="lambda"` is a
function, which its queue starts as often at once as it must. Everything on a machine shares the machine's role:
the statements say which edge each is for.
"""

from __future__ import annotations

import math
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
from rung.parts.access import Statement
from rung.parts.compute import Cluster, HostGroup, Registry, Stack
from rung.parts.data import SecretPart
from rung.parts.design import Design, Part
from rung.parts.operations import Keys
from rung.rungs import functions, stores, tasks
from rung.rungs.assembly import design_of, entrance_and_tasks
from rung.rungs.entrance import edge_parts
from rung.rungs.machine_access import machine_statements, release_part
from rung.rungs.machines import (
    INSTANCES,
    instance_for,
    lasting_vcpu,
    memory_of,
    proxy_stack,
    serving_vcpu,
    stack_of,
)
from rung.rungs.managed import managed_parts
from rung.rungs.networks import network_of
from rung.rungs.overriding import overridden
from rung.rungs.setting import LASTING, Setting
from rung.rungs.sizes import CPU_TARGET, REQUESTS_PER_VCPU_SECOND, ordinary_requests

#: A production group survives the loss of a machine, and of a zone.
FEWEST_IN_PRODUCTION = 2
#: The least that a group may grow to: a machine that is replaced runs beside its successor for a while.
LEAST_MOST = 2
TAILSCALE_SECRET = "tailscale-key"  # noqa: S105 - the name of a secret


def design(setting: Setting) -> Design:
    """What the workload becomes."""
    network = network_of(setting)
    hosts = overridden(setting, (hosts_of(setting),))[0]
    assert isinstance(hosts, HostGroup)
    named = (part for node in setting.graph.nodes for part in parts_of(setting, node))
    parts = (network, *_platform(setting, hosts), *named, *edge_parts(setting))

    def part_of(name: str) -> str:
        return hosts.name if setting.on_machine(name) else name

    return design_of(
        setting, parts, part_of=part_of, statements=_statements(setting, hosts),
        connections=entrance_and_tasks(setting, network, parts),
    )  # fmt: skip


def parts_of(setting: Setting, node: Node) -> Iterator[Part]:
    """What one node becomes here."""
    match node:
        case Worker() if setting.is_function(node.name):
            yield functions.worker_of(setting, node)
        case Service() | Worker() | Workflow():
            return  # a stack on the machines
        case Schedule():
            yield from tasks.schedule_of(setting, node)
        case Job():
            yield tasks.job_of(setting, node)
        case Postgres():
            yield stores.instance_of(setting, node)
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


def hosts_of(setting: Setting) -> HostGroup:
    """The machines: so many that ordinary load and a lost machine fit, so large that one of each process fits."""
    fewest = FEWEST_IN_PRODUCTION if setting.production else 1
    stacks = _stacks(setting, fewest)
    memory = memory_of(stacks)
    ordinary = ordinary_requests(setting) / REQUESTS_PER_VCPU_SECOND * 100 / CPU_TARGET if setting.routed else 0.0
    instance = (
        instance_for(math.ceil(ordinary / fewest), memory, lasting_vcpu(setting) / fewest) or INSTANCES[-1][0]
    )
    vcpu = next(cores for name, cores, _ in INSTANCES if name == instance)
    most = max(LEAST_MOST, fewest + 1, math.ceil(serving_vcpu(setting) / vcpu))
    return HostGroup(
        name=setting.platform("hosts"), instance_type=instance, min_hosts=fewest, max_hosts=most, stacks=stacks,
        cpu_target=CPU_TARGET, log_days=tasks.log_days(setting),
        why=f"{memory:,} MiB for everything on one of them; {most} at the peak",
    )  # fmt: skip


def _stacks(setting: Setting, hosts: int) -> tuple[Stack, ...]:
    """One of each on every machine, and so many more as the fewest tasks ask for."""
    lasting = [node for node in setting.processes if isinstance(node, LASTING)]
    processes = [node for node in lasting if setting.on_machine(node.name)]
    stacks = [
        stack_of(setting, node, max(1, math.ceil(setting.scaled(getattr(node, "min_tasks", 1)) / hosts)))
        for node in processes
    ]
    return (proxy_stack(setting), *stacks)


def _platform(setting: Setting, hosts: HostGroup) -> Iterator[Part]:
    yield Keys(name=setting.platform("keys"), why="one key for data, one for logs and topics")
    yield Registry(name=setting.platform("images"), why="the one image that every process runs")
    yield release_part(setting)
    yield Cluster(name=setting.platform("cluster"), why="where migrations, schedules and jobs run")
    yield from stores.approval_of(setting)
    yield hosts
    if hosts.management == "tailscale":
        yield SecretPart(
            name=setting.platform(TAILSCALE_SECRET), node="@workload", why="joins the machines to the tailnet"
        )


def _statements(setting: Setting, hosts: HostGroup) -> Iterator[Statement]:
    yield from tasks.migration_statements(setting)
    extra = (setting.platform(TAILSCALE_SECRET),) if hosts.management == "tailscale" else ()
    yield from machine_statements(setting, hosts.name, extra)

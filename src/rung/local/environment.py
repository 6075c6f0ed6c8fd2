"""What each process is told: one binding per edge of the graph, and nothing that has no edge. Pure."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal

from msgspec import structs

from rung.local.machine import Machine
from rung.local.routing import kept_in
from rung.model.edges import Use
from rung.model.graph import Graph, bindings_of
from rung.model.nodes import (
    Bucket,
    Bus,
    Cache,
    External,
    Files,
    Job,
    Postgres,
    Queue,
    Schedule,
    Search,
    Secret,
    Service,
    Table,
    Worker,
    Workflow,
)
from rung.runtime.bindings import (
    Binding,
    BucketBinding,
    BusBinding,
    CacheBinding,
    ExternalBinding,
    PostgresBinding,
    QueueBinding,
    SecretBinding,
    ServiceBinding,
    TableBinding,
    WorkflowBinding,
    encode,
    variable_name,
)

Running = Service | Worker | Schedule | Job | Workflow
_NO_DEAD_LETTERS = 1_000_000
#: Below `.rung/`: what links for approvals are signed with.
APPROVAL_KEY = "approval.key"


def environment_of(graph: Graph, nodes: Iterable[Running], machine: Machine, pool_size: int) -> dict[str, str]:
    """The whole environment of a process that runs `nodes`, which must have equal grants.

    `pool_size` is the process's share of the server's connections, an upper limit to what the node asks for.
    """
    members = tuple(nodes)
    first = members[0]
    variables = base_environment(graph, first.name, machine)
    for use in bindings_of(graph, first):
        variables.update(variables_of(graph, use, machine, pool_size, already=variables))
    variables.update(_outboxes(graph, first, machine))
    if isinstance(first, Service):
        # Each says its own below `.rung/metrics`: `rung load` sees there how much the caches answer.
        variables.setdefault("RUNG_METRICS_PORT", "0")
    if isinstance(first, Workflow):
        variables.update(_bound(first.name, _workflow(first, machine)))
    if isinstance(first, Schedule) and machine.carrier is not None:
        variables["RUNG_SCHEDULES_URL"] = machine.carrier.carrier_url
    variables.update({variable.name: variable.value for variable in first.variables})
    return variables


def base_environment(graph: Graph, node: str, machine: Machine) -> dict[str, str]:
    """What every process of ours is told, before anything of its own."""
    return {
        **machine.environment,
        "PATH": _search_path(machine),
        "PYTHONPATH": _python_path(machine),
        "PYTHONUNBUFFERED": "1",
        "RUNG_WORKLOAD": graph.name,
        "RUNG_ENVIRONMENT": "local",
        "RUNG_NODE": node,
        "RUNG_LOG_FORMAT": "json",
        "RUNG_STATE": str(machine.state),
    }


def grants(graph: Graph, node: Running) -> tuple[object, ...]:
    """What decides whether two nodes may share a process: equal uses and equal plain variables."""
    return (frozenset(bindings_of(graph, node)), frozenset(node.variables))


def queue_bindings(graph: Graph, machine: Machine) -> dict[str, QueueBinding]:
    """Every queue by its name: what a person who looks from outside needs."""
    return {node.name: _queue(node, machine) for node in graph.of(Queue)}


def bus_bindings(graph: Graph, machine: Machine) -> dict[str, BusBinding]:
    """Every bus by its name: what a person who looks from outside needs."""
    return {node.name: _bus(node, machine) for node in graph.of(Bus)} if machine.carrier else {}


def workflow_bindings(graph: Graph, machine: Machine) -> dict[str, WorkflowBinding]:
    """Every workflow by its name: what a person who looks from outside needs."""
    return {node.name: _workflow(node, machine) for node in graph.of(Workflow)} if machine.carrier else {}


def _search_path(machine: Machine) -> str:
    """The programs of this Python's environment first: `command="celery ..."` means the one installed there."""
    return os.pathsep.join([str(Path(machine.python).parent), machine.environment.get("PATH", os.defpath)])


def _python_path(machine: Machine) -> str:
    given = machine.environment.get("PYTHONPATH")
    return f"{machine.folder}:{given}" if given else str(machine.folder)


def variables_of(
    graph: Graph, use: Use, machine: Machine, pool_size: int, already: Mapping[str, str]
) -> dict[str, str]:
    """The binding of one use, and the plain forms for programs that do not use `rung.runtime`."""
    target = graph.node(use.target)
    prefix = variable_name(target.name).removeprefix("RUNG_BINDING_")
    match target:
        case Postgres():
            url = machine.databases[target.name].serving_url
            plain = {f"{prefix}_URL": url} | ({} if "DATABASE_URL" in already else {"DATABASE_URL": url})
            return {**_bound(target.name, _postgres(target, url, pool_size)), **plain}
        case Queue() | Bus() | Workflow():
            return _bound(target.name, _carried(target, machine))
        case Cache():
            url = machine.caches[target.name]
            plain = {f"{prefix}_URL": url} | ({} if "REDIS_URL" in already else {"REDIS_URL": url})
            return {**_bound(target.name, CacheBinding(url=url)), **plain}
        case Secret():
            path = str(machine.secrets[target.name])
            return {**_bound(target.name, SecretBinding(path=path)), f"{prefix}_FILE": path}
        case Service():
            url = f"http://127.0.0.1:{machine.ports[target.name]}"
            return {**_bound(target.name, ServiceBinding(url=url)), f"{prefix}_URL": url}
        case External():
            port = target.port or 443
            return _bound(target.name, ExternalBinding(host=target.host, port=port))
        case Files():
            return {f"{prefix}_PATH": str(machine.state / "files" / target.name)}
        case Bucket():
            return _bound(target.name, _bucket(target, machine, lists="list" in use.verbs))
        case Table():
            return _bound(target.name, _table(target, machine))
        case Search() | Job():
            return {}  # nothing stands in for them here: see `without_stand_in` in plan.py
        case _:
            raise AssertionError(f"{target.name} is a {target.kind} and cannot be used")


def _carried(node: Queue | Bus | Workflow, machine: Machine) -> Binding:
    match node:
        case Queue():
            return _queue(node, machine)
        case Bus():
            return _bus(node, machine)
        case Workflow():
            return _workflow(node, machine)


def _bound(name: str, binding: Binding) -> dict[str, str]:
    return {variable_name(name): encode(binding)}


def _postgres(node: Postgres, url: str, pool_size: int) -> PostgresBinding:
    return PostgresBinding(
        url=url,
        pool_size=min(pool_size, node.pool_size),
        statement_timeout_seconds=node.statement_timeout_seconds,
        tenant_scoped=node.tenancy is not None and node.tenancy.mode == "rls",
        tenant_map=node.tenancy is not None and node.tenancy.tiers,
    )


def _bucket(node: Bucket, machine: Machine, *, lists: bool) -> BucketBinding:
    path = str(kept_in(machine, node))
    return BucketBinding(adapter="file", name=node.name, path=path, url=machine.url, lists=lists)


def _table(node: Table, machine: Machine) -> TableBinding:
    return TableBinding(
        adapter="file",
        name=node.name,
        path=str(kept_in(machine, node)),
        partition_key=node.partition_key,
        sort_key=node.sort_key,
        ttl_attribute=node.ttl_attribute,
    )


def _outboxes(graph: Graph, node: Running, machine: Machine) -> dict[str, str]:
    """The bindings of queues on brokers that are in no database, of a process that uses the carrier: with it."""
    used = {use.target for use in bindings_of(graph, node)}
    databases = graph.of(Postgres)
    if machine.carrier is None or not databases or databases[0].name not in used:
        return {}
    bindings = {each.name: _queue(each, machine) for each in graph.of(Queue) if each.name in used}
    return {
        variable_name(name): encode(structs.replace(binding, outbox_url=machine.carrier.carrier_url))
        for name, binding in sorted(bindings.items())
        if binding.adapter != "postgres"
    }


def _workflow(node: Workflow, machine: Machine) -> WorkflowBinding:
    assert machine.carrier is not None, "a workload with a workflow has a database for it"
    return WorkflowBinding(
        url=machine.carrier.carrier_url,
        deadline_seconds=node.deadline_seconds,
        approval_key=str(machine.state / APPROVAL_KEY),
    )


def _queue(node: Queue, machine: Machine) -> QueueBinding:
    adapter: Literal["redis", "rabbitmq", "postgres"] = "postgres"
    if node.broker in ("redis", "rabbitmq") and node.broker in machine.brokers:
        adapter, url = node.broker, machine.brokers[node.broker]
    else:
        assert machine.carrier is not None, "a workload with a queue in no other broker has a database for it"
        url = machine.carrier.carrier_url
    return QueueBinding(
        adapter=adapter,
        url=url,
        lanes=node.lanes,
        fair=node.fair,
        workload=machine.workload,
        delay_seconds=node.delay_seconds,
        max_receive_count=node.max_receive_count or _NO_DEAD_LETTERS,
        visibility_timeout_seconds=node.visibility_timeout_seconds,
        retention_seconds=node.retention_seconds,
        retry_delay_seconds=node.retry_delay_seconds,
        retry_delay_max_seconds=node.retry_delay_max_seconds,
    )


def _bus(node: Bus, machine: Machine) -> BusBinding:
    assert machine.carrier is not None, "a workload with a bus has a database for it"
    return BusBinding(url=machine.carrier.carrier_url, archive_days=node.archive_days)

"""What only a finished design shows: sizes in vain, names that AWS refuses, numbers that do not fit. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from rung.errors import Finding
from rung.model.checks.report import problem
from rung.model.nodes import Postgres
from rung.parts.compute import EcsService, HostGroup
from rung.parts.data import AuroraCluster, PostgresInstance
from rung.parts.design import Design, Part
from rung.parts.functions import LambdaFunction
from rung.parts.kubernetes import KubernetesService, NodePool
from rung.rungs.alarms import memory_of_class
from rung.rungs.overriding import in_vain
from rung.rungs.setting import Setting
from rung.rungs.sizes import (
    SINGLE_CONNECTIONS,
    USABLE_CONNECTIONS,
    connections_of_acu,
    connections_of_memory,
    connections_wanted,
)

#: The longest full name, `<workload>-<environment>-<part>`, by kind of part: what AWS takes, less what is appended
#: to names of roles, buckets and copies. Those of load balancers and their targets are cut where they are made.
LONGEST: dict[str, int] = {
    "cache_group": 32, "redis_broker": 32, "rabbit_broker": 50,
    "sqs_queue": 76, "event_rule": 61, "event_bus": 40, "scheduled_task": 52, "ecs_service": 50,
    "ecs_job": 50, "host": 56, "host_group": 56, "postgres_instance": 50, "aurora_cluster": 50, "bucket": 50,
    "site": 49, "table": 255, "secret": 500, "load_balancer": 100,
    "lambda_function": 50, "http_api": 100, "eks_cluster": 90, "node_pool": 50, "kubernetes_service": 50,
    "kubernetes_job": 50,
}  # fmt: skip


def afterthoughts_of(setting: Setting, design: Design) -> tuple[Finding, ...]:
    """Everything in the design that AWS, or arithmetic, refuses."""
    return (
        *_in_vain(setting, design), *_twice(setting, design), *_names(setting, design), *_connections(setting,
        design),
        *_ranges(setting, design),
    )  # fmt: skip


def _in_vain(setting: Setting, design: Design) -> Iterator[Finding]:
    """R0804: a size that sets nothing."""
    for each in in_vain(setting, design.parts):
        value = each.sizing.value
        yield problem(
            setting.graph, "R0804", setting.environment.name,
            f'the environment "{setting.environment.name}" sizes {each.sizing.part}.{each.sizing.field} in vain',
            found=f"{value!r}: {each.reason}", effect="the part would be as the rung chose it, without a word",
            advice="docs/reference/rungs.md names the parts and their fields",
        )  # fmt: skip


def _twice(setting: Setting, design: Design) -> Iterator[Finding]:
    """R0815: two parts of one name."""
    for name, count in Counter(part.name for part in design.parts).items():
        if count > 1:
            nodes = list(dict.fromkeys(part.node for part in design.parts if part.name == name))
            yield problem(
                setting.graph, "R0815", nodes[-1], f'two parts would be called "{name}"',
                found=f"made from {' and '.join(nodes)}", effect="one would take the place of the other",
                advice=f'rename the node "{nodes[-1]}"', related=tuple(nodes[:-1]),
            )  # fmt: skip


def _names(setting: Setting, design: Design) -> Iterator[Finding]:
    """R0806: a name that is too long for AWS."""
    for part in design.parts:
        longest = LONGEST.get(part.kind, 255)
        full = f"{setting.prefix}-{part.name}"
        if len(full) > longest:
            spare = longest - len(full) + len(part.name)
            advice = (
                f'give "{part.node}" a name of {spare} characters or fewer'
                if spare > 2
                else "shorten the workload"
            )
            yield problem(
                setting.graph, "R0806", _place(setting, part), f'the name "{full}" is too long for AWS',
                found=f"{len(full)} characters; a {_kind(part)} takes {longest}",
                effect="AWS refuses to create it",
                advice=f"{advice}, or shorten the name of the workload or the environment",
                related=(setting.environment.name,),
            )  # fmt: skip


def _connections(setting: Setting, design: Design) -> Iterator[Finding]:
    """R0816: more connections than the database allows."""
    databases: tuple[AuroraCluster | PostgresInstance, ...] = (
        *design.of(AuroraCluster), *design.of(PostgresInstance)
    )  # fmt: skip
    for part in databases:
        node = setting.graph.by_name.get(part.node)
        if not isinstance(node, Postgres) or part.existing is not None:
            continue
        if isinstance(part, AuroraCluster):
            allowed = connections_of_acu(part.min_acu, part.max_acu)
            size = f"{part.min_acu:g} to {part.max_acu:g} ACU"
        else:
            allowed = connections_of_memory(memory_of_class(part.instance_class))
            size = part.instance_class
        wanted = connections_wanted(setting, node.name, node.pool_size)
        what, advice = "tasks", "choose a larger size, a smaller pool_size, or fewer max_tasks"
        if setting.rung == "serverless":
            what, wanted = "functions", _environments(design, part.name)
            advice = "choose rung='fargate', whose tasks share a pool; or let fewer functions reach the database"
        if wanted > allowed * USABLE_CONNECTIONS:
            yield problem(
                setting.graph, "R0816", node.name,
                f'the database "{node.name}" allows fewer connections than its {what} open',
                found=f"{wanted} with every one of them; {size} allows {allowed:,}, of which pools may take "
                f"{USABLE_CONNECTIONS:.0%}",
                effect=f"scaled out, new {what} are refused, just when they are needed",
                advice=advice,
                related=(setting.environment.name,),
            )  # fmt: skip


def _environments(design: Design, database: str) -> int:
    """Environments of functions that may be connected at once, as the environment sizes them."""
    connected = {each.source for each in design.connections if each.target == database}
    functions = (part for part in design.of(LambdaFunction) if part.name in connected and part.role != "migration")
    limits = (part.most_at_once for part in functions)
    return sum(SINGLE_CONNECTIONS if most is None else most for most in limits)


def _ranges(setting: Setting, design: Design) -> Iterator[Finding]:
    """R0805: a least above its most."""
    for part in design.parts:
        match part:
            case AuroraCluster():
                pair = ("min_acu", part.min_acu, "max_acu", part.max_acu)
            case EcsService():
                pair = ("min_tasks", part.min_tasks, "max_tasks", part.max_tasks)
            case HostGroup():
                pair = ("min_hosts", part.min_hosts, "max_hosts", part.max_hosts)
            case KubernetesService():
                pair = ("min_replicas", part.min_replicas, "max_replicas", part.max_replicas)
            case NodePool():
                pair = ("min_nodes", part.min_nodes, "max_nodes", part.max_nodes)
            case _:
                continue
        if pair[1] > pair[3]:
            yield problem(
                setting.graph, "R0805", setting.environment.name, f'"{part.name}" has a least above its most',
                found=f"{pair[0]}={pair[1]:g}, {pair[2]}={pair[3]:g}", effect="AWS refuses it",
                advice=f"lower {pair[0]} or raise {pair[2]} in sizes=", related=(part.node,),
            )  # fmt: skip


def _place(setting: Setting, part: Part) -> str:
    return part.node if setting.graph.location(part.node) is not None else "@workload"


def _kind(part: Part) -> str:
    return part.kind.replace("_", " ")

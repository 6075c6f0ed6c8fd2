"""The architecture as boxes in columns and arrows between them: what a diagram is, before anybody draws it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from rung.model.graph import Graph
from rung.model.nodes import External, Queue, Route
from rung.parts.compute import EcsJob, EcsService, Host, HostGroup, Stack
from rung.parts.data import AuroraCluster, BucketPart, CacheGroup, FileSystem, PostgresInstance, TablePart
from rung.parts.design import Design, Part
from rung.parts.edge import Distribution, Firewall, LoadBalancer, SitePart
from rung.parts.messaging import EventBus, RabbitBroker, RedisBroker, SqsQueue

COLUMNS = ("", "Edge", "Processes", "Messages", "Data and others")
VISITORS = "visitors"
_VERBS: Mapping[str, str] = {
    "send": "sends", "consume": "feeds", "read": "reads", "write": "writes", "delete": "deletes", "list": "lists",
    "publish": "publishes", "start": "starts", "connect": "calls", "call": "calls", "run": "starts",
    "deliver": "delivers",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """One thing: `key` for arrows, a title, what it is, and the column it stands in."""

    key: str
    title: str
    kind: str
    column: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """The boxes of a design, in order, and the arrows between them: (source, target) to what it does."""

    design: Design
    boxes: tuple[Box, ...]
    arrows: Mapping[tuple[str, str], str]


def picture_of(design: Design, graph: Graph) -> Picture:
    """The picture of one environment."""
    first = {VISITORS: 0, **{name: number for number, name in enumerate(_doors(design), 1)}}
    found = sorted(_boxes(design, graph), key=lambda box: first.get(box.key, len(first)))
    boxes = {box.key: box for box in found}
    labels: dict[tuple[str, str], list[str]] = {}
    for source, target, label in _arrows(design, graph):
        if source in boxes and target in boxes and source != target:
            labels.setdefault((source, target), []).append(label)
    arrows = {ends: ", ".join(dict.fromkeys(filter(None, words))) for ends, words in labels.items()}
    return Picture(design=design, boxes=tuple(boxes.values()), arrows=arrows)


def _boxes(design: Design, graph: Graph) -> Iterator[Box]:
    if graph.of(Route):
        yield Box(key=VISITORS, title="Visitors", kind="browsers and clients", column=0)
    for part in design.parts:
        yield from _box(design, part)
    known = {part.node for part in design.of(SqsQueue)}
    known |= {queue for part in design.of(RedisBroker) for queue in part.queues}
    known |= {queue for part in design.of(RabbitBroker) for queue in part.queues}
    for queue in graph.of(Queue):
        if queue.name not in known:
            yield Box(key=queue.name, title=queue.name, kind="queue, a table in Postgres", column=3)
    for host in graph.of(External):
        yield Box(key=host.name, title=host.host, kind="outside", column=4)


def _box(design: Design, part: Part) -> Iterator[Box]:  # noqa: C901 - a table, one line for each kind
    match part:
        case Distribution():
            guarded = " behind WAF" if design.of(Firewall) else ""
            yield Box(key=part.name, title="CloudFront", kind=f"edge cache{guarded}", column=1)
        case LoadBalancer():
            kind = "internal load balancer" if part.internal else "load balancer, TLS"
            yield Box(key=part.name, title="ALB", kind=kind, column=1)
        case SitePart():
            yield Box(key=part.node, title=part.name, kind="static files in S3", column=1)
        case EcsService():
            kind = f"Fargate, {part.min_tasks} to {part.max_tasks} tasks"
            yield Box(key=part.name, title=part.name, kind=kind, column=2)
        case EcsJob():
            yield Box(key=part.node if not part.on_deploy else part.name, title=part.name,
                      kind="before each release" if part.on_deploy else "task that ends", column=2)  # fmt: skip
        case Host() | HostGroup():
            yield from (_container(part, stack) for stack in part.stacks)
            for site in part.sites if isinstance(part, Host) else ():
                yield Box(key=site.node, title=site.name, kind="static files", column=1)
        case SqsQueue():
            lanes = sum(each.node == part.node for each in design.of(SqsQueue))
            yield Box(key=part.node, title=part.node, kind=f"SQS, {lanes} lanes" if lanes > 1 else "SQS", column=3)
        case RedisBroker():
            for queue in part.queues:
                yield Box(key=queue, title=queue, kind=f"queue on Valkey, {part.nodes} nodes", column=3)
        case RabbitBroker():
            for queue in part.queues:
                yield Box(key=queue, title=queue, kind=f"queue on RabbitMQ, {part.nodes} nodes", column=3)
        case EventBus():
            yield Box(key=part.node, title=part.name, kind="EventBridge", column=3)
        case AuroraCluster():
            kind = f"Aurora, {part.min_acu:g} to {part.max_acu:g} ACU"
            yield Box(key=part.node, title=part.name, kind=kind, column=4)
        case PostgresInstance():
            yield Box(key=part.node, title=part.name, kind=f"RDS, {part.instance_class}", column=4)
        case CacheGroup():
            yield Box(key=part.node, title=part.name, kind=f"Valkey, {part.nodes} nodes", column=4)
        case TablePart():
            yield Box(key=part.node, title=part.name, kind="DynamoDB", column=4)
        case FileSystem():
            yield Box(key=part.node, title=part.name, kind="EFS", column=4)
        case BucketPart() if part.purpose in ("objects", "backups"):
            yield Box(key=part.name, title=part.name, kind="S3", column=4)
        case _:
            return


def _container(host: Host | HostGroup, stack: Stack) -> Box:
    column = {"proxy": 1, "store": 4}.get(stack.role, 2)
    # A box's router stands for its bus; beside EventBridge the relay stands for itself.
    own = stack.role in ("proxy", "migration") or isinstance(host, HostGroup)
    key = stack.name if own else stack.node
    where = "on each machine" if isinstance(host, HostGroup) else "on the machine"
    return Box(key=key, title=stack.name, kind=f"{stack.role} {where}", column=column)


def _doors(design: Design) -> list[str]:
    """What a request passes on its way in, in order."""
    machines = any(isinstance(part, Host | HostGroup) for part in design.parts)
    doors = [part.name for part in design.of(Distribution)] + [part.name for part in design.of(LoadBalancer)]
    return [*doors, *(["proxy"] if machines else [])]


def _arrows(design: Design, graph: Graph) -> Iterator[tuple[str, str, str]]:
    doors = _doors(design)
    for before, after in zip([VISITORS, *doors], doors, strict=False):
        yield before, after, "HTTPS" if before == VISITORS else "HTTP"
    sites = {part.node for part in design.of(SitePart)}
    for edge in graph.edges:
        if edge.verb == "route" and doors:
            yield (doors[0] if edge.target in sites else doors[-1]), edge.target, ""
        elif edge.verb == "consume":
            yield edge.target, edge.source, "feeds"
        else:
            yield edge.source, edge.target, _VERBS.get(edge.verb, edge.verb)
    for job in design.of(EcsJob):
        if job.on_deploy:
            yield job.name, job.node, "migrates"
    for host in design.of(Host):
        stores = [stack for stack in host.stacks if stack.role == "store"]
        for stack in stores[:1]:
            yield stack.node, host.backup_bucket, "backed up to"

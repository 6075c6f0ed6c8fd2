"""What is said to exist, and cannot be found by what is said: findings R0809, R0825, R0826. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rung.errors import Finding
from rung.model.checks.report import label, problem
from rung.model.existing import ExistingCache, ExistingDatabase
from rung.model.nodes import Bucket, Bus, Cache, Node, Postgres, Queue, Secret, Table
from rung.rungs.existing import BEGINNINGS
from rung.rungs.setting import Setting

_GROUP = re.compile(r"sg-[0-9a-f]{8,17}\Z")
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?\Z")
_DATABASE = 'ExistingDatabase(host="...", credentials="arn:aws:secretsmanager:...", security_group="sg-...")'
_CACHE = 'ExistingCache(host="...", security_group="sg-...")'


def misnamed_of(setting: Setting) -> tuple[Finding, ...]:
    """Everything of the workload that exists by a name which is none, or of which too little is said."""
    checks = [_names(setting)]
    if setting.rung != "box":  # there it is refused whatever it is called
        checks += [_silent(setting), _lanes(setting), _elsewhere(setting)]
    return tuple(finding for found in checks for finding in found)


def _place(setting: Setting, name: str) -> str:
    return name if setting.graph.location(name) is not None else "@workload"


def _stores(setting: Setting) -> tuple[ExistingDatabase | ExistingCache, ...]:
    return (*setting.environment.existing_databases, *setting.environment.existing_caches)


def _names(setting: Setting) -> Iterator[Finding]:
    """R0809: something that exists, by a name that is none."""
    environment = setting.environment
    wanted: list[tuple[str, str, str | None, str]] = [
        (node.name, f"{node.name}.existing", node.existing, BEGINNINGS[node.kind])
        for node in setting.graph.nodes
        if isinstance(node, Secret | Table | Bucket | Bus | Queue)
    ]
    for place in _stores(setting):
        wanted.append((place.node, f"{place.node}.credentials", place.credentials, BEGINNINGS["secret"]))
        wanted.append((place.node, f"{place.node}.key_arn", place.key_arn, BEGINNINGS["key"]))
    for lane in environment.existing_queues:
        wanted.append((lane.node, f"{lane.node}.arn", lane.arn, BEGINNINGS["queue"]))
        wanted.append((lane.node, f"{lane.node}.dead_letter_arn", lane.dead_letter_arn, BEGINNINGS["queue"]))
        wanted.append((lane.node, f"{lane.node}.key_arn", lane.key_arn, BEGINNINGS["key"]))
    balancer = environment.existing_load_balancer
    if balancer is not None:
        wanted.append((environment.name, "listener_arn", balancer.listener_arn, BEGINNINGS["load_balancer"]))
    for node, name, value, beginning in wanted:
        if value is not None and not value.startswith(beginning):
            yield _wrong(setting, node, f"{name}= is not an ARN", f"{name}={value!r}",
                         f"write its ARN, which begins with {beginning}")  # fmt: skip
    yield from _addresses(setting)


def _addresses(setting: Setting) -> Iterator[Finding]:
    for place in _stores(setting):
        if not _HOST.match(place.host):
            yield _wrong(setting, place.node, f"{place.node}.host= is no host", f"host={place.host!r}",
                         "write the name alone: no scheme, no port, no path")  # fmt: skip
        if not _GROUP.match(place.security_group):
            yield _wrong(setting, place.node, f"{place.node}.security_group= is no security group",
                         f"security_group={place.security_group!r}",
                         "write its id, such as sg-0a1b2c3d4e5f60718: processes are let in by it")  # fmt: skip


def _silent(setting: Setting) -> Iterator[Finding]:
    """R0825: something exists, and nobody says how it is reached."""
    for node in setting.graph.nodes:
        match node:
            case Postgres(existing=str(name)) if setting.existing_database(node.name) is None:
                yield _unsaid(setting, node, name, _DATABASE)
            case Cache(existing=str(name)) if setting.existing_cache(node.name) is None:
                yield _unsaid(setting, node, name, _CACHE)
            case _:
                continue


def _unsaid(setting: Setting, node: Node, name: str, example: str) -> Finding:
    return problem(
        setting.graph, "R0825", node.name, f"{label(node)} exists already, and nobody says how it is reached",
        found=f'existing={name!r}, and nothing about it in the environment "{setting.environment.name}"',
        effect="no process could open a connection, and no rule could let one in",
        advice=f"write environment(..., existing={{{node.name}: {example}}})", related=(setting.environment.name,),
    )  # fmt: skip


def _lanes(setting: Setting) -> Iterator[Finding]:
    """R0826: some lanes of a queue exist, and others do not; or a lane that the queue does not have."""
    for queue in setting.graph.of(Queue):
        there = setting.existing_lanes(queue)
        if there and set(there) != set(queue.lanes):
            yield problem(
                setting.graph, "R0826", queue.name, f"not every lane of {label(queue)} is named, or one too many",
                found=f"lanes {', '.join(queue.lanes)}; existing {', '.join(there)}",
                effect="messages of a lane would have no queue to go to",
                advice="write existing={...: [ExistingQueue(lane=..., arn=...), ...]}, one for each lane",
                related=(setting.environment.name,),
            )  # fmt: skip
        if there and not setting.uses_sqs(queue):
            yield _wrong(setting, queue.name, f"{label(queue)} exists on SQS, and is said to be elsewhere",
                         f"broker={queue.broker!r}", "drop broker=, or existing=")  # fmt: skip


def _elsewhere(setting: Setting) -> Iterator[Finding]:
    """R0809: a queue, a bus or a load balancer in another region: what is made here could not use it."""
    found = [(queue.name, place.arn) for queue in setting.graph.of(Queue)
             for place in setting.existing_lanes(queue).values()]  # fmt: skip
    found += [(bus.name, bus.existing) for bus in setting.graph.of(Bus) if bus.existing is not None]
    balancer = setting.environment.existing_load_balancer
    if balancer is not None:
        found.append((setting.environment.name, balancer.listener_arn))
    for node, arn in found:
        parts = arn.split(":")
        if len(parts) > 5 and parts[3] != setting.region:
            yield _wrong(setting, node, f"{node} is in another region",
                         f"{arn}; the environment is in {setting.region}",
                         "name one of the environment's region, or move the environment")  # fmt: skip


def _wrong(setting: Setting, node: str, message: str, found: str, advice: str) -> Finding:
    return problem(
        setting.graph, "R0809", _place(setting, node), f'{message} (environment "{setting.environment.name}")',
        found=found, effect="AWS finds nothing by this name", advice=advice,
    )  # fmt: skip

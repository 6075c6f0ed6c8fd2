"""What is said to exist, and cannot be found by what is said: findings R0809, R0825, R0826. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rung.errors import Finding
from rung.model.checks.report import label, problem
from rung.model.existing import ExistingCache, ExistingDatabase, ExistingFiles
from rung.model.nodes import Bucket, Bus, Cache, Files, Node, Postgres, Queue, Secret, Table
from rung.rungs.existing import BEGINNINGS
from rung.rungs.setting import Setting

_GROUP = re.compile(r"sg-[0-9a-f]{8,17}\Z")
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?\Z")
_DATABASE = 'ExistingDatabase(host="...", credentials="arn:aws:secretsmanager:...", security_group="sg-...")'
_FILE_SYSTEM = re.compile(r"fs-([0-9a-f]{8}|[0-9a-f]{17})\Z")
_ACCESS_POINT = re.compile(r"fsap-[0-9a-f]{17}\Z")
_DIRECTORY = re.compile(r"(/[A-Za-z0-9._-]+){1,4}\Z")
#: An identifier of RDS or ElastiCache (AWS, "Naming constraints").
_IDENTIFIER = re.compile(r"[a-z][a-z0-9-]{0,62}\Z")
_FILES = 'ExistingFiles(id="fs-...", security_group="sg-...")'
_CACHE = 'ExistingCache(host="...", security_group="sg-...")'


#: The user that images run as. The largest number that a user may have on EFS.
USUAL_USER, MOST_USER_ID = 1_000, 4_294_967_295
#: A primary and five replicas (AWS, "Replication: Valkey and Redis OSS cluster mode disabled vs. enabled").
MOST_NODES = 6


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
    yield from _identifiers(setting)
    yield from _files(setting)


def _addresses(setting: Setting) -> Iterator[Finding]:
    for place in _stores(setting):
        if not _HOST.match(place.host):
            yield _wrong(setting, place.node, f"{place.node}.host= is no host", f"host={place.host!r}",
                         "write the name alone: no scheme, no port, no path")  # fmt: skip
        yield from _group(setting, place)


def _group(setting: Setting, place: ExistingDatabase | ExistingCache | ExistingFiles) -> Iterator[Finding]:
    if not _GROUP.match(place.security_group):
        yield _wrong(setting, place.node, f"{place.node}.security_group= is no security group",
                     f"security_group={place.security_group!r}",
                     "write its id, such as sg-0a1b2c3d4e5f60718: processes are let in by it")  # fmt: skip


def _identifiers(setting: Setting) -> Iterator[Finding]:
    """By which name CloudWatch knows a database or a cache: alarms of another name would never ring."""
    environment = setting.environment
    named = [(each.node, "instance", each.instance) for each in environment.existing_databases]
    named += [(each.node, "cluster", each.cluster) for each in environment.existing_databases]
    named += [(each.node, "replication_group", each.replication_group) for each in environment.existing_caches]
    for node, name, value in named:
        if value is not None and not _IDENTIFIER.match(value):
            yield _wrong(setting, node, f"{node}.{name}= is no identifier", f"{name}={value!r}",
                         "write it as AWS lists it: lower-case letters, digits and hyphens")  # fmt: skip
    for place in environment.existing_databases:
        if place.instance is not None and place.cluster is not None:
            yield _wrong(setting, place.node, f"{place.node} is an instance of RDS and a cluster of Aurora",
                         f"instance={place.instance!r}, cluster={place.cluster!r}",
                         "name the cluster of an Aurora, the instance of an RDS")  # fmt: skip
        if place.max_connections is not None and place.max_connections < 1:
            yield _wrong(setting, place.node, f"{place.node} allows no connection",
                         f"max_connections={place.max_connections}",
                         "write what the server answers to SHOW max_connections")  # fmt: skip
    for cache in environment.existing_caches:
        if not 1 <= cache.nodes <= MOST_NODES:
            yield _wrong(setting, cache.node, f"{cache.node} has a number of nodes that no replication group has",
                         f"nodes={cache.nodes}", f"write 1 to {MOST_NODES}")  # fmt: skip


def _files(setting: Setting) -> Iterator[Finding]:
    for place in setting.environment.existing_files:
        named = setting.graph.by_name.get(place.node)
        if not _FILE_SYSTEM.match(place.id):
            yield _wrong(setting, place.node, f"{place.node}.id= is no file system", f"id={place.id!r}",
                         "write its id, such as fs-0a1b2c3d4e5f60718")  # fmt: skip
        if isinstance(named, Files) and named.existing not in (None, place.id):
            yield _wrong(setting, place.node, f"{place.node} is said to be two file systems",
                         f"existing={named.existing!r} of the node, id={place.id!r}",
                         "drop one of them")  # fmt: skip
        yield from _group(setting, place)
        yield from _door(setting, place)


def _door(setting: Setting, place: ExistingFiles) -> Iterator[Finding]:
    """By which access point it is reached."""
    if place.access_point is not None and not _ACCESS_POINT.match(place.access_point):
        yield _wrong(setting, place.node, f"{place.node}.access_point= is no access point",
                     f"access_point={place.access_point!r}",
                     "write its id, such as fsap-0a1b2c3d4e5f60718, or drop it to have one made")  # fmt: skip
    if place.access_point is not None and (place.directory is not None or place.user_id != USUAL_USER):
        given = f"directory={place.directory!r}, user_id={place.user_id}"
        yield _wrong(setting, place.node, f"the access point of {place.node} decides folder and user itself",
                     f"access_point={place.access_point!r}, {given}",
                     "drop access_point= to have one made, or drop the other two")  # fmt: skip
    if place.directory is not None and not _DIRECTORY.match(place.directory):
        yield _wrong(setting, place.node, f"{place.node}.directory= is no folder of a file system",
                     f"directory={place.directory!r}",
                     "write one to four folders, such as /shop/uploads; never the root")  # fmt: skip
    if not 1 <= place.user_id <= MOST_USER_ID:
        yield _wrong(setting, place.node, f"{place.node} would be used by root, or by no user",
                     f"user_id={place.user_id}", f"write 1 to {MOST_USER_ID}")  # fmt: skip


def _silent(setting: Setting) -> Iterator[Finding]:
    """R0825: something exists, and nobody says how it is reached."""
    for node in setting.graph.nodes:
        match node:
            case Postgres(existing=str(name)) if setting.existing_database(node.name) is None:
                yield _unsaid(setting, node, name, _DATABASE)
            case Cache(existing=str(name)) if setting.existing_cache(node.name) is None:
                yield _unsaid(setting, node, name, _CACHE)
            case Files(existing=str(name)) if setting.existing_files(node.name) is None:
                yield _unsaid(setting, node, name, _FILES)
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

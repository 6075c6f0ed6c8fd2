"""Alarms on databases, caches and queues of others: CloudWatch asks for a name, not for who owns it. Pure.

They ring for us, whoever else they ring for: what is full or slow there is our outage too. What only the owner can
judge is left out: how large the disk is, how many replicas there should be. A name that nobody says is read from
the address that AWS gave it; an address of somebody's own has none in it, and then nothing is watched.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from rung.model.existing import ExistingCache, ExistingDatabase
from rung.model.nodes import Cache, Postgres, Queue
from rung.parts.data import PostgresInstance
from rung.parts.operations import Alarm
from rung.rungs.alarms import (
    CONNECTIONS_SHARE,
    TRANSACTION_IDS,
    Dimensions,
    alarm_on,
    cache_alarms,
    metric_of,
    queue_alarms,
    slow_writes_alarm,
)
from rung.rungs.existing import known_outputs, named
from rung.rungs.messages import queue_parts
from rung.rungs.setting import Setting
from rung.rungs.stores import cache_of

#: A tenth of the smallest disk that RDS sells (20 GiB): whatever the size of this one is, it is nearly full.
STORAGE_FLOOR_GIB = 2
#: `crm.abcdefghijkl.eu-west-1.rds.amazonaws.com`; Aurora has `cluster-` or `cluster-ro-` before the second word.
_RDS = re.compile(
    r"(?P<name>[a-z0-9-]+)\.(?P<cluster>cluster-(ro-)?)?[a-z0-9]+\.[a-z0-9-]+\.rds\.amazonaws\.com\Z"
)
#: `master.crm.abcdef.euw1.cache.amazonaws.com` with TLS, `crm.abcdef.ng.0001.euw1.cache.amazonaws.com` without.
_CACHES = (
    re.compile(r"(master|replica)\.(?P<name>[a-z0-9-]+)\.[a-z0-9]+\.[a-z0-9]+\.cache\.amazonaws\.com\Z"),
    re.compile(r"(?P<name>[a-z0-9-]+?)(-ro)?\.[a-z0-9]+\.ng\.0001\.[a-z0-9]+\.cache\.amazonaws\.com\Z"),
)


def database_name_in_cloudwatch(place: ExistingDatabase) -> tuple[str, str] | None:
    """The dimension that its metrics have, and its value; None where nobody says, and the address does not."""
    if place.cluster is not None:
        return "DBClusterIdentifier", place.cluster
    if place.instance is not None:
        return "DBInstanceIdentifier", place.instance
    found = _RDS.match(place.host.lower())
    if found is None or found["name"].startswith("proxy-"):
        return None
    return ("DBClusterIdentifier" if found["cluster"] else "DBInstanceIdentifier"), found["name"]


def replication_group_of(place: ExistingCache) -> str | None:
    """The replication group of a cache; None where nobody says, and the address does not."""
    if place.replication_group is not None:
        return place.replication_group
    return next((found["name"] for each in _CACHES if (found := each.match(place.host.lower()))), None)


def names_in_cloudwatch(setting: Setting) -> Mapping[tuple[str, str], str]:
    """By which names the databases and caches of others are found: (node, output) -> text."""
    known: dict[tuple[str, str], str] = {}
    for database in setting.environment.existing_databases:
        if (told := database_name_in_cloudwatch(database)) is not None:
            output = "cluster_identifier" if told[0] == "DBClusterIdentifier" else "instance_identifier"
            known[database.node, output] = told[1]
    for cache in setting.environment.existing_caches:
        if (group := replication_group_of(cache)) is not None:
            known[cache.node, "replication_group_id"] = group
    return known


def existing_alarms(setting: Setting) -> Iterator[Alarm]:
    """The alarms of everything that exists and whose name is known."""
    for node in setting.graph.nodes:
        match node:
            case Postgres() if place := setting.existing_database(node.name):
                yield from _database(node, place)
            case Cache() if there := setting.existing_cache(node.name):
                yield from _cache(setting, node, there)
            case Queue() if setting.existing_lanes(node):
                yield from _queue(setting, node)
            case _:
                continue


def _database(node: Postgres, place: ExistingDatabase) -> Iterator[Alarm]:
    told = database_name_in_cloudwatch(place)
    if told is None:
        return
    where: Dimensions = (told,)
    part = PostgresInstance(name=node.name, node=node.name)
    yield alarm_on(
        part, "cpu-high", metric_of("AWS/RDS", "CPUUtilization", "Average", where), 90.0, "database-cpu-high",
        "queries wait for the CPU, ours or others'", periods=5, periods_to_alarm=5,
    )  # fmt: skip
    if told[0] == "DBInstanceIdentifier":
        yield alarm_on(
            part, "storage-low", metric_of("AWS/RDS", "FreeStorageSpace", "Minimum", where),
            float(STORAGE_FLOOR_GIB * 2**30), "database-storage-low",
            "a database without disk refuses to write", comparison="<", periods=1, periods_to_alarm=1,
        )  # fmt: skip
        yield slow_writes_alarm(part, where)
    if place.max_connections is not None:
        yield alarm_on(
            part, "connections-high", metric_of("AWS/RDS", "DatabaseConnections", "Maximum", where),
            float(int(place.max_connections * CONNECTIONS_SHARE)), "database-connections-high",
            f"of {place.max_connections:,} connections, the last fifth is for people", periods=5,
            periods_to_alarm=5,
        )  # fmt: skip
    yield alarm_on(
        part, "transaction-ids", metric_of("AWS/RDS", "MaximumUsedTransactionIDs", "Maximum", where),
        float(TRANSACTION_IDS), "database-transaction-ids", "vacuum does not keep up", periods=1,
        periods_to_alarm=1, severity="ticket",
    )  # fmt: skip


def _cache(setting: Setting, node: Cache, place: ExistingCache) -> Iterator[Alarm]:
    group = replication_group_of(place)
    if group is not None:
        known = {(node.name, "replication_group_id"): group}
        part = replace(cache_of(setting, node), nodes=place.nodes)
        yield from (named(alarm, known) for alarm in cache_alarms(part))


def _queue(setting: Setting, queue: Queue) -> Iterator[Alarm]:
    """As for ours; the dead letters of the lanes whose dead-letter queue is named."""
    known, dead = known_outputs(setting), {part for _, part in setting.dead_letter_parts(queue)}
    for part in queue_parts(setting, queue):
        kept = part if part.name in dead else replace(part, max_receive_count=None)
        yield from (named(alarm, known) for alarm in queue_alarms(kept))

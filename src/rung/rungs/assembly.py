"""From parts to a whole design: what watches them, what connects them, what differs in this environment. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rung.model.nodes import Bucket, Postgres
from rung.parts.access import Statement
from rung.parts.compute import EcsJob, EcsService, HostGroup, OfficeHours
from rung.parts.design import Design, Part
from rung.parts.functions import LambdaFunction
from rung.parts.kubernetes import KubernetesJob, KubernetesService, NodePool
from rung.parts.network import Connection, Network
from rung.parts.operations import DeployIdentity
from rung.rungs import stores
from rung.rungs.access import PrincipalOf, statements_of, with_unique_sids
from rung.rungs.entrance import edge_connections
from rung.rungs.existing import known_outputs, named, to_make
from rung.rungs.existing_alarms import names_in_cloudwatch
from rung.rungs.networks import platform_connections
from rung.rungs.overriding import overridden
from rung.rungs.reach import connections_of, database_port, egress_of, grants_of
from rung.rungs.setting import Setting, migration_part
from rung.rungs.watching import watching_parts, with_rollback_alarms

#: What has an address in the network and starts from the image.
RUNNING_PARTS = (EcsService, EcsJob, HostGroup, KubernetesService, KubernetesJob, NodePool)


def design_of(
    setting: Setting, parts: Iterable[Part], *, part_of: PrincipalOf, statements: Iterable[Statement],
    connections: Iterable[Connection],
) -> Design:  # fmt: skip
    """The design of `parts`. `part_of` tells which part runs a process.

    `statements` and `connections` are the rung's own, beyond those of the graph's edges.
    """
    known = known_outputs(setting)
    base = to_make(overridden(setting, tuple(parts)), known)
    base = (*base, *overridden(setting, tuple(_around(setting, base))))
    watched = overridden(setting, tuple(watching_parts(setting, base)))
    granted = with_unique_sids(named((*statements_of(setting, part_of), *statements), known))
    return Design(
        workload=setting.graph.name, rung=setting.rung, environment=setting.environment.name,
        production=setting.production, region=setting.region, domain=setting.environment.domain,
        parts=with_rollback_alarms((*base, *watched)), statements=granted,
        connections=once((*connections_of(setting, part_of), *connections)), egress=egress_of(setting, part_of),
        database_grants=grants_of(setting), locations=setting.graph.locations,
        there={**known, **names_in_cloudwatch(setting)},
    )  # fmt: skip


def _around(setting: Setting, parts: tuple[Part, ...]) -> Iterator[Part]:
    """What stands around the parts: backups, hours, the pipeline's identity."""
    yield from stores.backups_of(setting, parts)
    yield from _hours(setting, parts)
    repository = setting.graph.repository
    if repository is not None:
        owner, _, name = repository.partition("/")
        owner, _, owner_id = owner.partition("@")
        name, _, repository_id = name.partition("@")
        yield DeployIdentity(
            name=setting.platform("deploy"), repository=f"{owner}/{name}", owner_id=owner_id or None,
            repository_id=repository_id or None, why="what its pipeline may do, without a key",
        )  # fmt: skip


def _hours(setting: Setting, parts: tuple[Part, ...]) -> Iterator[OfficeHours]:
    hours, idle = setting.environment.office_hours, setting.environment.stop_when_idle_seconds
    if (hours is None and idle is None) or not any(
        isinstance(part, EcsService | KubernetesService | HostGroup) for part in parts
    ):
        return
    name, node = setting.platform("office-hours"), setting.environment.name
    if hours is None:
        yield OfficeHours(
            name=name,
            node=node,
            by_clock=False,
            idle_seconds=int(idle or 0),
            why="stops when nobody asks, starts when somebody does",
        )
        return
    yield OfficeHours(
        name=name, node=node, start_cron=_cron(hours.start, hours.days), stop_cron=_cron(hours.stop, hours.days),
        timezone=hours.timezone, idle_seconds=None if idle is None else int(idle), why="runs while people work",
    )  # fmt: skip


def _cron(moment: str, days: str) -> str:
    hour, _, minute = moment.partition(":")
    return f"cron({int(minute or 0)} {int(hour)} ? * {days.upper()} *)"


def entrance_and_tasks(setting: Setting, network: Network, parts: tuple[Part, ...]) -> Iterator[Connection]:
    """What rungs with a load balancer and tasks need beyond the edges: visitors, migrations, AWS itself."""
    yield from edge_connections(setting)
    yield from migration_connections(setting)
    running = tuple(part.name for part in parts if isinstance(part, RUNNING_PARTS))
    yield from platform_connections(setting, network, running)
    inside = tuple(part.name for part in parts if isinstance(part, LambdaFunction) and part.in_network)
    for each in platform_connections(setting, network, inside):
        if each.target != "s3" or _uses_bucket(setting, each.source):  # Lambda fetches its image by itself
            yield each


def _uses_bucket(setting: Setting, process: str) -> bool:
    targets = (setting.graph.by_name.get(edge.target) for edge in setting.graph.edges_from(process))
    return any(isinstance(target, Bucket) for target in targets)


def migration_connections(setting: Setting) -> Iterator[Connection]:
    """From what applies the migrations to each database."""
    for node in setting.graph.of(Postgres):
        yield Connection(
            source=migration_part(node.name), target=node.name, port=database_port(setting, node.name),
            why="sets up roles and applies the migrations",
        )  # fmt: skip


def once(connections: Iterable[Connection]) -> tuple[Connection, ...]:
    """Each way once: the first that asked for it gives the reason."""
    found: dict[object, Connection] = {}
    for each in connections:
        found.setdefault((each.source, each.target, each.port, each.protocol), each)
    return tuple(found.values())

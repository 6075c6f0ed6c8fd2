"""The changes that might save: each is the same design with a part or two changed. Pure.

A change that would not carry the load is none: a smaller database is offered where its CPU holds the peak.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, cast

from rung.parts.compute import EcsJob, EcsService, Host, HostGroup, OfficeHours, StepFromZero
from rung.parts.data import AuroraCluster, BucketPart, CacheGroup, PostgresInstance
from rung.parts.design import Design, Part
from rung.parts.edge import Distribution, Firewall, LoadBalancer
from rung.parts.instances import vcpus_of
from rung.parts.network import Network
from rung.price.charging import hours_per_week
from rung.price.function_changes import balanced, on_arm
from rung.price.usage import Usage

_X86_TWINS = {"t3": "t4g", "m7i": "m7g", "db.t3": "db.t4g", "cache.t3": "cache.t4g"}
_DATABASES = ("db.t4g.micro", "db.t4g.small", "db.t4g.medium", "db.t4g.large", "db.m7g.large", "db.m7g.xlarge")
#: Logs and backups are seldom read after this; S3 asks for 30 days before its cheaper classes.
ARCHIVE_DAYS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A design with something changed: why, what that gives up, and what would undo it."""

    name: str
    part: str
    because: str
    gives_up: str
    changed: Design
    undone_by: str = ""


def changes(design: Design, usage: Usage | None = None) -> Iterator[Change]:
    """The changes that are looked at. `usage` leaves out those that would not carry the load."""
    for part in design.parts:
        for find in _FINDERS:
            yield from find(part, design)
        yield from _other_database(part, design, usage)
    yield from _office_hours(design)


def _graviton(part: Part, design: Design) -> Iterator[Change]:
    because, gives_up = "the same work on ARM", "images must be built for arm64; a package without a wheel for it"
    undone_by = "a library that exists for x86 alone"
    if isinstance(part, EcsService | EcsJob) and part.architecture == "x86_64":
        yield _change("ARM tasks", part, design, because, gives_up, undone_by, architecture="arm64")
    if isinstance(part, Host | HostGroup) and part.architecture == "x86_64":
        twin = _twin(part.instance_type)
        if twin:
            yield _change(
                "ARM machines",
                part,
                design,
                because,
                gives_up,
                undone_by,
                architecture="arm64",
                instance_type=twin,
            )
    if isinstance(part, PostgresInstance) and _twin(part.instance_class):
        yield _change(
            "ARM database", part, design, "the same engine on ARM", "a restart of some minutes", "nothing usual",
            instance_class=_twin(part.instance_class),
        )  # fmt: skip
    if isinstance(part, CacheGroup) and _twin(part.node_type):
        yield _change(
            "ARM cache", part, design, "the same engine on ARM", "a restart that empties it", "nothing usual",
            node_type=_twin(part.node_type),
        )  # fmt: skip


def _twin(instance: str) -> str:
    family, _, size = instance.rpartition(".")
    return f"{_X86_TWINS[family]}.{size}" if family in _X86_TWINS else ""


def _spot(part: Part, design: Design) -> Iterator[Change]:
    if isinstance(part, EcsService) and part.role == "worker" and part.spot_share < 1:
        yield _change(
            "workers on Spot", part, design, "messages wait while a task is replaced; nothing is lost",
            "two minutes' notice at any time; no tasks at all when Spot is scarce",
            "work that cannot be interrupted, or a latency that a minute breaks", spot_share=1.0, on_demand_base=0,
        )  # fmt: skip


def _from_zero(part: Part, design: Design) -> Iterator[Change]:
    if isinstance(part, EcsService) and part.role == "worker" and part.min_tasks > 0:
        queues = tuple(dict.fromkeys(name for each in part.scaling for name in getattr(each, "queues", ())))
        if queues:
            yield _change(
                "workers from zero", part, design, "no task while no message waits",
                "the first message waits about a minute for its task", "a message every few minutes keeps one up",
                min_tasks=0, scaling=(*part.scaling, StepFromZero(queues=queues)),
            )  # fmt: skip
    if isinstance(part, AuroraCluster) and part.min_acu > 0 and not design.production:
        yield _change(
            "database from zero", part, design, "it pauses while nobody is connected",
            "the first query waits about fifteen seconds", "a pool or a check that keeps a connection open",
            min_acu=0.0, pause_seconds=part.pause_seconds or 300,
        )  # fmt: skip


def _nat(part: Part, design: Design) -> Iterator[Change]:
    if not isinstance(part, Network) or part.existing is not None:
        return
    if part.nat == "per_zone":
        yield _change(
            "one NAT gateway", part, design, f"one gateway for {part.zones} zones",
            "the loss of its zone cuts every task off from the internet; traffic of the others crosses zones",
            "an availability that one zone cannot hold", nat="single",
        )  # fmt: skip
    if part.nat in ("single", "per_zone"):
        yield _change(
            "a NAT instance", part, design, "a small machine forwards instead",
            "it is yours to patch, and a minute without internet when it is replaced",
            "more than some 5 Gbit/s, or nobody to patch it", nat="instance",
        )  # fmt: skip


def _endpoints(part: Part, design: Design) -> Iterator[Change]:
    if not isinstance(part, Network) or part.existing is not None:
        return
    if "s3" not in part.gateway_endpoints:
        yield _change(
            "a gateway endpoint for S3", part, design, "it costs nothing, and image layers leave the NAT alone",
            "nothing", "nothing", gateway_endpoints=(*part.gateway_endpoints, "s3"),
        )  # fmt: skip
    if part.interface_endpoints and part.nat != "none":
        yield _change(
            "no interface endpoints", part, design, "what they carry goes through the NAT, which is there anyway",
            "calls to AWS leave the network", "traffic above the break-even, or a rule that nothing may leave",
            interface_endpoints=(),
        )  # fmt: skip
    if part.nat in ("single", "per_zone"):
        for service in ("logs", "ecr.dkr"):
            if service not in part.interface_endpoints:
                yield _change(
                    f"an endpoint for {service}", part, design, "its bytes leave the NAT", "nothing",
                    "traffic below the break-even", interface_endpoints=(*part.interface_endpoints, service),
                )  # fmt: skip


def _other_database(part: Part, design: Design, usage: Usage | None) -> Iterator[Change]:
    if isinstance(part, AuroraCluster) and part.readers == 0 and part.existing is None:
        for size in _DATABASES:
            if _carries(size, usage):
                instance = PostgresInstance(
                    name=part.name, node=part.node, why=part.why, version=part.version, instance_class=size,
                    multi_zone=design.production, backup_days=part.backup_days, protected=part.protected,
                    extensions=part.extensions,
                )  # fmt: skip
                yield _with(
                    design, (instance,), f"RDS {size}", part.name, "a fixed machine instead of capacity units",
                    "no growth within seconds; a failover takes one to two minutes",
                    "a load that differs much over the day, or grows beyond the machine",
                )  # fmt: skip
    if isinstance(part, PostgresInstance) and part.existing is None:
        cluster = AuroraCluster(
            name=part.name, node=part.node, why=part.why, version=part.version, min_acu=0.5, max_acu=16.0,
            backup_days=part.backup_days, protected=part.protected, extensions=part.extensions,
        )  # fmt: skip
        yield _with(
            design, (cluster,), "Aurora Serverless", part.name, "capacity units that follow the load",
            "every read and write of the disk is billed; a migration", "a load that hardly falls at night",
        )  # fmt: skip


def _carries(instance: str, usage: Usage | None) -> bool:
    """Whether the CPU of an instance holds the queries of the peak at its target."""
    if usage is None:
        return True
    given = usage.assumptions
    needed = usage.peak_rate * given.database_share * given.database_ms / 1_000
    return needed <= vcpus_of(instance) * given.database_target


def _one_zone(part: Part, design: Design) -> Iterator[Change]:
    if isinstance(part, PostgresInstance) and part.multi_zone:
        yield _change(
            "database in one zone", part, design, "no standby",
            "the loss of its machine or zone is an outage until a restore: tens of minutes",
            "an objective that an hour of outage breaks", multi_zone=False,
        )  # fmt: skip


def _one_node(part: Part, design: Design) -> Iterator[Change]:
    if isinstance(part, CacheGroup) and part.nodes > 1:
        yield _change(
            "one cache node", part, design, "the cache may lose what it holds",
            "a node that fails takes sessions and cached pages with it; the database takes the load",
            "a database that cannot serve without the cache", nodes=1,
        )  # fmt: skip


def _archive(part: Part, design: Design) -> Iterator[Change]:
    if (
        not isinstance(part, BucketPart)
        or part.purpose not in ("logs", "backups")
        or part.archive_days is not None
    ):
        return
    if (part.expire_days or 0) > ARCHIVE_DAYS:
        yield _change(
            "older files in a cheaper class", part, design, f"after {ARCHIVE_DAYS} days they are hardly read",
            "each read is paid by the GB, and each file is paid for 90 days at least",
            "files that are read every week, or much smaller than 128 KB", archive_days=ARCHIVE_DAYS,
        )  # fmt: skip


def _beside_the_edge(part: Part, design: Design) -> Iterator[Change]:
    """The API past CloudFront: its requests are not counted at the edge, and its bytes cost what they cost."""
    balancers = [each for each in design.of(LoadBalancer) if each.existing is None]
    if not isinstance(part, Distribution) or part.load_balancer is None or len(balancers) != 1:
        return
    sites = tuple(each for each in part.forwards if each.target not in {f.target for f in balancers[0].forwards})
    changed: list[Part] = [
        replace(part, load_balancer=None, forwards=sites), replace(balancers[0], internal=False)
    ]  # fmt: skip
    changed += [replace(each, scope="REGIONAL") for each in design.of(Firewall)]
    yield _with(
        design, tuple(changed), "the API beside CloudFront", part.name,
        "visitors reach the load balancer itself: no request of the API is counted at the edge",
        "TLS ends further away, attacks reach the region, and the site's files are past the firewall",
        "an API whose answers the edge could cache",
    )  # fmt: skip


def _functions(part: Part, design: Design) -> Iterator[Change]:
    for changed in balanced(part, design):
        yield _with(
            design, changed, "a load balancer before the functions", part.name,
            "paid by the hour and the byte instead of by the request",
            "requests and answers above 1 MB, and limits of requests a second", "traffic that goes away again",
        )  # fmt: skip
    for changed in on_arm(part):
        yield _with(
            design, changed, "ARM functions", part.name, "the same work on ARM",
            "images must be built for arm64; a package without a wheel for it",
            "a library that exists for x86 alone",
        )  # fmt: skip


def _office_hours(design: Design) -> Iterator[Change]:
    if design.production or design.of(OfficeHours):
        return
    hours = OfficeHours(node="@workload", why="nobody works on it at night")
    yield Change(
        name="office hours", part=hours.name, because=f"{hours_per_week(hours):g} of 168 hours in a week",
        gives_up="whoever works late starts it first; load balancer and addresses are paid all the time",
        changed=replace(design, parts=(*design.parts, hours)), undone_by="people who work on it in other zones",
    )  # fmt: skip


_FINDERS = (
    _graviton, _spot, _from_zero, _nat, _endpoints, _one_zone, _one_node, _archive, _beside_the_edge,
    _functions,
)  # fmt: skip


def _change(
    name: str, part: Part, design: Design, because: str, gives_up: str, undone_by: str, **fields: object
) -> Change:
    changed = cast("Part", replace(cast("Any", part), **fields))
    return _with(design, (changed,), name, part.name, because, gives_up, undone_by)


def _with(
    design: Design, changed: tuple[Part, ...], name: str, part: str, because: str, gives_up: str, undone_by: str
) -> Change:
    by_name = {each.name: each for each in changed}
    parts = tuple(by_name.get(each.name, each) for each in design.parts)
    return Change(
        name=name, part=part, because=because, gives_up=gives_up, undone_by=undone_by,
        changed=replace(design, parts=parts),
    )  # fmt: skip

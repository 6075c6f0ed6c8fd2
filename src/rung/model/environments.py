"""Environments: copies of a workload, each with explicit, minimal differences. Inert, frozen records."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from rung.model.existing import (
    ExistingCache,
    ExistingDatabase,
    ExistingFiles,
    ExistingLoadBalancer,
    ExistingQueue,
)

Scalar = str | int | float | bool | None
RungName = Literal["box", "host", "fargate", "eks", "serverless"]
NatMode = Literal["none", "instance", "single", "per_zone"]

#: Environments of these names are production unless they say otherwise.
PRODUCTION_NAMES = frozenset({"production", "prod", "live"})
#: Where an environment stands that does not say: in the European Union, where the price book knows every price.
DEFAULT_REGION = "eu-west-1"
#: How long an environment that stops when idle stays up after the last request, unless it says otherwise.
IDLE_SECONDS = 4 * 3_600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """One field of one node that differs in one environment."""

    node: str
    field: str
    value: Scalar


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizing:
    """One field of one part that differs from what the rung chose. `part` is a node, or a part by its own name."""

    part: str
    field: str
    value: Scalar | tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """An amount of a month that somebody knows better than it can be derived, in the unit that the bill shows.

    `of` None: what every line rests on, such as `requests` or `response_kib`. Else a node, or a part by its own
    name, and `name` is the item of one of its lines.
    """

    of: str | None
    name: str
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ExistingVpc:
    """A VPC that somebody else owns, and the subnets of it that may be used, in at least two zones of each tier.

    `public` for load balancers, `private` for what runs, `isolated` for databases (the private ones when empty).
    """

    vpc_id: str
    public: tuple[str, ...] = ()
    private: tuple[str, ...] = ()
    isolated: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OfficeHours:
    """When people use an environment: `start` and `stop` as `HH:MM` in `timezone`, on `days` (`MON-FRI`)."""

    start: str = "07:00"
    stop: str = "20:00"
    days: str = "MON-FRI"
    timezone: str = "UTC"


@dataclass(frozen=True, slots=True, kw_only=True)
class QuietHours:
    """When few visitors come, every day: from `start` to `stop` as `HH:MM` in `timezone`.

    `share` of the busy hour is the most that comes then: services keep as many tasks less.
    """

    start: str = "00:00"
    stop: str = "07:00"
    timezone: str = "UTC"
    share: float = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """A copy of the workload: the same definition with explicit, minimal differences.

    `scale` multiplies traffic and the numbers of tasks. What is None is chosen by the rung. `usage` replaces
    quantities of its bill.
    """

    kind: Literal["environment"] = "environment"
    name: str
    production: bool = False
    rung: RungName | None = None
    region: str = DEFAULT_REGION
    scale: float = 1.0
    domain: str | None = None
    zone: str | None = None
    nat: NatMode | None = None
    distribution: bool | None = None
    firewall: bool | None = None
    office_hours: OfficeHours | None = None
    stop_when_idle_seconds: float | None = None
    #: None: the night of the usual day; False: no hour is quiet.
    quiet_hours: QuietHours | bool | None = None
    existing_vpc: ExistingVpc | None = None
    existing_databases: tuple[ExistingDatabase, ...] = ()
    existing_caches: tuple[ExistingCache, ...] = ()
    existing_queues: tuple[ExistingQueue, ...] = ()
    existing_files: tuple[ExistingFiles, ...] = ()
    existing_load_balancer: ExistingLoadBalancer | None = None
    overrides: tuple[Override, ...] = ()
    sizes: tuple[Sizing, ...] = ()
    usage: tuple[Figure, ...] = ()

"""The design: everything a workload becomes in one environment on one rung, as one value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Any, TypeVar

from rung.errors import Location
from rung.parts.access import DatabaseGrant, Statement
from rung.parts.compute import (
    Cluster,
    EcsJob,
    EcsService,
    Host,
    HostGroup,
    OfficeHours,
    Registry,
    ScheduledTask,
)
from rung.parts.data import (
    AuroraCluster,
    BackupPlan,
    BucketPart,
    CacheGroup,
    FileSystem,
    PostgresInstance,
    SecretPart,
    TablePart,
)
from rung.parts.edge import Certificate, Distribution, Firewall, LoadBalancer, SitePart
from rung.parts.functions import HttpApi, LambdaFunction
from rung.parts.kubernetes import EksCluster, KubernetesJob, KubernetesService, NodePool
from rung.parts.messaging import EventBus, EventRule, RabbitBroker, RedisBroker, SqsQueue
from rung.parts.network import Connection, Egress, Network
from rung.parts.operations import (
    Alarm,
    Budget,
    Dashboard,
    DeployIdentity,
    Keys,
    Notification,
    Objective,
    UptimeCheck,
)
from rung.parts.outputs import OUTPUTS
from rung.parts.values import Reference, references_in

Part = (
    Network | Registry | Cluster | EcsService | EcsJob | Host | HostGroup | ScheduledTask | OfficeHours
    | PostgresInstance | AuroraCluster | CacheGroup | BucketPart | FileSystem | TablePart | SecretPart | BackupPlan
    | LambdaFunction | HttpApi | EksCluster | NodePool | KubernetesService | KubernetesJob
    | SqsQueue | RedisBroker | RabbitBroker | EventBus | EventRule
    | Certificate | LoadBalancer | Firewall | SitePart | Distribution
    | Notification | Alarm | Objective | Dashboard | Budget | UptimeCheck | DeployIdentity | Keys
)  # fmt: skip
PartType = TypeVar("PartType", bound=Part)


@dataclass(frozen=True, kw_only=True)
class Design:
    """The parts of one environment on one rung, and who may reach whom among them.

    `parts` have unique names. `locations` maps a graph node's name to the line that defined it.
    """

    workload: str
    rung: str
    environment: str
    production: bool
    region: str
    domain: str | None = None
    parts: tuple[Part, ...] = ()
    statements: tuple[Statement, ...] = ()
    connections: tuple[Connection, ...] = ()
    egress: tuple[Egress, ...] = ()
    database_grants: tuple[DatabaseGrant, ...] = ()
    locations: Mapping[str, Location] = field(default_factory=lambda: MappingProxyType({}))
    #: What exists already and is no part: (name, output) -> text, as a part of that name would tell it.
    there: Mapping[tuple[str, str], str] = field(default_factory=lambda: MappingProxyType({}))

    @cached_property
    def by_name(self) -> Mapping[str, Part]:
        """The parts by name."""
        return MappingProxyType({part.name: part for part in self.parts})

    def of(self, part_type: type[PartType]) -> tuple[PartType, ...]:
        """The parts of one type, in order."""
        return self._by_type.get(part_type, ())

    @cached_property
    def _by_type(self) -> Mapping[type, tuple[Any, ...]]:
        """The parts of each type: bills and reviews ask for them thousands of times."""
        found: dict[type, list[Part]] = {}
        for part in self.parts:
            found.setdefault(type(part), []).append(part)
        return {part_type: tuple(parts) for part_type, parts in found.items()}

    def part(self, name: str) -> Part:
        """The part called `name`. Raises KeyError."""
        return self.by_name[name]

    def dangling(self) -> tuple[Reference, ...]:
        """Late values that name no part of the design, or an output that the part does not have."""
        late = dict.fromkeys(references_in((self.parts, self.statements)))
        kinds = {part.name: part.kind for part in self.parts}
        return tuple(
            each for each in late if each.output.partition("[")[0] not in OUTPUTS.get(kinds.get(each.part, ""), ())
        )

    def location(self, node: str) -> Location | None:
        """The line of the workload file that a node comes from, when it is known."""
        return self.locations.get(node)

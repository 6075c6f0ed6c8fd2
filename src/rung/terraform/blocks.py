"""One block for each part: which module it calls, and what it hands over; and the file that it stands in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_never

from rung.parts.compute import Cluster, EcsJob, EcsService, Host, HostGroup, OfficeHours, Registry, ScheduledTask
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
from rung.parts.design import Part
from rung.parts.edge import Certificate, Distribution, Firewall, LoadBalancer, SitePart
from rung.parts.functions import HttpApi, LambdaFunction
from rung.parts.kubernetes import EksCluster, KubernetesJob, KubernetesService, NodePool
from rung.parts.messaging import EventBus, EventRule, RabbitBroker, RedisBroker, SqsQueue
from rung.parts.network import Network
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
from rung.terraform import compute, data, edge, functions, messaging, operations, tasks
from rung.terraform.bindings import Bindings
from rung.terraform.hcl import Block
from rung.terraform.setting import Setting

#: What watches shares a block, the pipeline's identity is in the bootstrap root; unwritten.py refuses the rest.
Elsewhere = (
    Alarm
    | Notification
    | Objective
    | Dashboard
    | Budget
    | DeployIdentity
    | HttpApi
    | EksCluster
    | NodePool
    | KubernetesService
    | KubernetesJob
)


def file_of(part: Part) -> str:
    """The file of the root that a part's block stands in, without `.tf`."""
    match part:
        case Network():
            return "network"
        case (
            Keys() | PostgresInstance() | AuroraCluster() | CacheGroup() | BucketPart() | FileSystem()
            | TablePart() | SecretPart() | BackupPlan()
        ):  # fmt: skip
            return "data"
        case (
            Registry() | Cluster() | EcsService() | EcsJob() | Host() | HostGroup() | OfficeHours()
            | LambdaFunction() | EksCluster() | NodePool() | KubernetesService() | KubernetesJob()
        ):  # fmt: skip
            return "services"
        case SqsQueue() | RedisBroker() | RabbitBroker() | EventBus() | EventRule() | ScheduledTask():
            return "async"
        case Certificate() | LoadBalancer() | HttpApi() | Firewall() | SitePart() | Distribution():
            return "edge"
        case Notification() | Alarm() | Objective() | Dashboard() | Budget() | UptimeCheck():
            return "observability"
        case DeployIdentity():
            return "bootstrap"
        case _:
            assert_never(part)


def blocks_of(setting: Setting, part: Part, bindings: Bindings) -> Iterator[Block]:  # noqa: C901 - one line a kind
    """The blocks of one part: one, but for alarms, which share one, and the pipeline's identity (bootstrap)."""
    if isinstance(part, Elsewhere):
        return
    match part:
        case Network():
            yield compute.network(setting, part)
        case Keys():
            yield data.keys(setting, part)
        case PostgresInstance():
            yield data.postgres_instance(setting, part)
        case AuroraCluster():
            yield data.aurora_cluster(setting, part)
        case CacheGroup():
            yield data.cache_group(setting, part)
        case BucketPart():
            yield data.bucket(setting, part)
        case FileSystem():
            yield data.file_system(setting, part)
        case TablePart():
            yield data.table(setting, part)
        case SecretPart():
            yield from data.secrets(setting, part)
        case BackupPlan():
            yield data.backup_plan(setting, part)
        case Registry():
            yield compute.registry(setting, part)
        case Cluster():
            yield compute.cluster(setting, part)
        case EcsService():
            yield tasks.service(setting, part, bindings)
        case EcsJob():
            yield tasks.job(setting, part, bindings)
        case ScheduledTask() | Certificate() | Firewall() | UptimeCheck() if part.name in setting.homes:
            return  # in the block of its job, its load balancer, its distribution
        case ScheduledTask():
            yield tasks.scheduled_task(setting, part)
        case Host():
            yield from compute.host(setting, part)
        case HostGroup():
            yield compute.host_group(setting, part)
        case LambdaFunction():
            yield functions.function(setting, part, bindings)
        case OfficeHours():
            yield compute.office_hours(setting, part)
        case SqsQueue():
            yield from messaging.queue(setting, part)
        case RedisBroker():
            yield messaging.redis_broker(setting, part)
        case RabbitBroker():
            yield messaging.rabbit_broker(setting, part)
        case EventBus():
            yield messaging.event_bus(setting, part)
        case EventRule():
            yield messaging.event_rule(setting, part)
        case Certificate():
            yield edge.certificate(setting, part)
        case LoadBalancer():
            yield edge.load_balancer(setting, part)
        case Firewall():
            yield edge.firewall(setting, part)
        case SitePart():
            yield edge.site(setting, part)
        case Distribution():
            yield edge.distribution(setting, part)
        case UptimeCheck():
            yield operations.uptime_check(setting, part)
        case _:
            assert_never(part)

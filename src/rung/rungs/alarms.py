"""Which alarms a part gets: at least one for everything that can fail, each with a runbook. Pure.

Sources: AWS, "Recommended alarms" of the CloudWatch user guide (what to watch,
and M of N); where that page is silent:
dead letters, the age of the oldest message, capacity of serverless databases, schedules that do not run. Ours are
periods of 60 s and 2 of 3, rates instead of counts, and silence as a failure only where silence is the failure.
Metrics of CloudFront and of its firewall exist in us-east-1 alone: the load balancer behind them is watched
instead, and the uptime check looks from outside.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from rung.parts.compute import EcsService, Host, HostGroup, ScheduledScaling, ScheduledTask
from rung.parts.data import AuroraCluster, CacheGroup, FileSystem, PostgresInstance, TablePart
from rung.parts.design import Part
from rung.parts.edge import Certificate, LoadBalancer
from rung.parts.messaging import EventRule, RabbitBroker, RedisBroker, SqsQueue
from rung.parts.operations import Alarm, Metric
from rung.parts.values import Reference
from rung.rungs.broker_alarms import rabbit_alarms, redis_alarms
from rung.rungs.setting import Setting
from rung.rungs.sizes import connections_of_acu, connections_of_memory

Dimensions = tuple[tuple[str, Reference | str], ...]
CPU_PERCENT = MEMORY_PERCENT = 80.0
ERROR_PERCENT = 5.0
#: Half of the 2,147,483,648 transactions after which PostgreSQL refuses to write.
TRANSACTION_IDS = 1_000_000_000
#: A service that promises no latency is slow when the 99th percentile passes this.
SLOW_SECONDS = 1.0
CONNECTIONS_SHARE = 0.8
SLOW_DISK_SECONDS = 0.02
REPLICA_LAG_MS = 60_000.0
#: A schedule is silent when it missed this many runs.
SILENT_RUNS = 3
LONGEST_PERIOD_SECONDS = 86_400
#: Memory of a class of instances that rungs do not choose, by the size in its name, GiB (m classes).
SIZE_GIB = {
    "micro": 1.0, "small": 2.0, "medium": 4.0, "large": 8.0, "xlarge": 16.0, "2xlarge": 32.0, "4xlarge": 64.0,
    "8xlarge": 128.0, "12xlarge": 192.0, "16xlarge": 256.0, "24xlarge": 384.0,
}  # fmt: skip


def alarms_of(setting: Setting, parts: Iterable[Part]) -> Iterator[Alarm]:  # noqa: C901 - a table
    """The alarms of all parts, in their order."""
    for part in parts:
        match part:
            case EcsService():
                yield from _service(part)
            case LoadBalancer():
                yield from _load_balancer(setting, part)
            case SqsQueue():
                yield from queue_alarms(part)
            case AuroraCluster():
                yield from _aurora(part)
            case PostgresInstance():
                yield from _instance(part)
            case RedisBroker():
                yield from redis_alarms(part)
            case RabbitBroker():
                yield from rabbit_alarms(part)
            case CacheGroup():
                yield from cache_alarms(part)
            case ScheduledTask():
                yield from _schedule(part)
            case Host():
                yield from _host(part)
            case HostGroup():
                yield from _host_group(part)
            case EventRule() | FileSystem() | TablePart() | Certificate():
                yield from _others(part)
            case _:
                continue


def alarm_on(
    part: Part, condition: str, metrics: Metric | tuple[Metric, ...], threshold: float, runbook: str, why: str,
    **rest: Any,
) -> Alarm:  # fmt: skip
    """One alarm on a part, called after it and after what is wrong."""
    return Alarm(
        name=f"{part.name}-{condition}", node=part.node, why=why, part=part.name, threshold=threshold,
        runbook=runbook,
        metrics=metrics if isinstance(metrics, tuple) else (metrics,), **rest,
    )  # fmt: skip


def metric_of(namespace: str, name: str, statistic: str, dimensions: Dimensions, id: str = "m1") -> Metric:  # noqa: A002
    """A metric of CloudWatch."""
    return Metric(namespace=namespace, name=name, statistic=statistic, dimensions=dimensions, id=id)


def _output(part: Part, output: str, suffix: str = "") -> Reference:
    return Reference(part=part.name, output=output, suffix=suffix)


def _service(part: EcsService) -> Iterator[Alarm]:
    where: Dimensions = (
        ("ClusterName", _output(part, "cluster_name")), ("ServiceName", _output(part, "service_name"))
    )  # fmt: skip
    five = {"periods": 5, "periods_to_alarm": 5}
    yield alarm_on(
        part, "cpu-high", metric_of("AWS/ECS", "CPUUtilization", "Average", where), CPU_PERCENT, "task-cpu-high",
        "scaling out did not help, or is at its end", severity="ticket", **five,
    )  # fmt: skip
    yield alarm_on(
        part, "memory-high", metric_of("AWS/ECS", "MemoryUtilization", "Average", where), MEMORY_PERCENT,
        "task-memory-high", "a task that reaches its memory is killed (exit code 137)",
        rolls_back=True, **five,
    )  # fmt: skip
    fewest = min(
        [part.min_tasks, *(each.min_tasks for each in part.scaling if isinstance(each, ScheduledScaling))]
    )
    if fewest > 0:
        yield alarm_on(
            part, "tasks-missing", metric_of("ECS/ContainerInsights", "RunningTaskCount", "Minimum", where),
            float(fewest), "tasks-missing", "tasks fail to start, or no room is found for them",
            comparison="<", missing="breaching", **five,
        )  # fmt: skip


def _load_balancer(setting: Setting, part: LoadBalancer) -> Iterator[Alarm]:
    whole: Dimensions = (("LoadBalancer", _output(part, "arn_suffix")),)
    space = "AWS/ApplicationELB"
    if part.existing is None:  # what it answers itself is counted for everybody together
        requests = metric_of(space, "RequestCount", "Sum", whole, "requests")
        errors = metric_of(space, "HTTPCode_ELB_5XX_Count", "Sum", whole, "errors")
        yield alarm_on(
            part, "errors", (requests, errors), ERROR_PERCENT, "load-balancer-errors",
            "requests reach no target, or none in time", expression=_share_of("errors", "requests"),
        )  # fmt: skip
    for target in dict.fromkeys(forward.target for forward in part.forwards):
        yield from _target(setting, part, target)


def _target(setting: Setting, part: LoadBalancer, target: str) -> Iterator[Alarm]:
    space, node = "AWS/ApplicationELB", setting.graph.by_name.get(target)
    where: Dimensions = (
        ("LoadBalancer", _output(part, "arn_suffix")),
        ("TargetGroup", _output(part, f'target_group_suffixes["{target}"]')),
    )
    rest: dict[str, Any] = {"node": node.name if node else part.node, "part": part.name}
    requests = metric_of(space, "RequestCount", "Sum", where, "requests")
    errors = metric_of(space, "HTTPCode_Target_5XX_Count", "Sum", where, "errors")
    yield Alarm(
        name=f"{target}-errors", why="the application answers with 5xx", metrics=(requests, errors),
        expression=_share_of("errors", "requests"), threshold=ERROR_PERCENT, runbook="service-errors",
        rolls_back=True, **rest,
    )  # fmt: skip
    slow = setting.graph.objectives.p99_seconds if setting.graph.objectives else None
    yield Alarm(
        name=f"{target}-slow", why="the 99th percentile is above what is promised", severity="ticket",
        metrics=(metric_of(space, "TargetResponseTime", "p99", where),), threshold=slow or SLOW_SECONDS,
        periods=5, periods_to_alarm=5, runbook="service-slow", rolls_back=True, **rest,
    )  # fmt: skip
    yield Alarm(
        name=f"{target}-unhealthy", why="every target fails its health check",
        metrics=(metric_of(space, "HealthyHostCount", "Minimum", where),), comparison="<", threshold=1.0,
        missing="breaching", runbook="no-healthy-targets", **rest,
    )  # fmt: skip


def _share_of(errors: str, requests: str) -> str:
    return f"IF({requests}>0, 100*{errors}/{requests}, 0)"


def queue_alarms(part: SqsQueue) -> Iterator[Alarm]:
    """Of one queue: what waits too long, and what could not be handled."""
    where: Dimensions = (("QueueName", _output(part, "name")),)
    yield alarm_on(
        part, "waiting", metric_of("AWS/SQS", "ApproximateAgeOfOldestMessage", "Maximum", where),
        float(part.acceptable_age_seconds), "messages-waiting",
        "the oldest message waits longer than is acceptable",
    )  # fmt: skip
    if part.max_receive_count is not None:
        dead: Dimensions = (("QueueName", _output(part, "dead_letter_name")),)
        yield alarm_on(
            part, "dead-letters", metric_of("AWS/SQS", "ApproximateNumberOfMessagesVisible", "Maximum", dead), 0.0,
            "dead-letters", "a message failed as often as it may", periods=1, periods_to_alarm=1,
            severity="ticket",
        )  # fmt: skip


def _aurora(part: AuroraCluster) -> Iterator[Alarm]:
    where: Dimensions = (("DBClusterIdentifier", _output(part, "identifier")),)
    yield alarm_on(
        part, "capacity-high", metric_of("AWS/RDS", "ACUUtilization", "Average", where), 90.0,
        "database-capacity-high",
        f"it has grown to its {part.max_acu:g} ACU", periods=5, periods_to_alarm=5,
    )  # fmt: skip
    most = connections_of_acu(part.min_acu, part.max_acu)
    yield from _database(part, where, most)
    if part.readers:
        yield alarm_on(
            part, "replica-behind", metric_of("AWS/RDS", "AuroraReplicaLagMaximum", "Maximum", where),
            REPLICA_LAG_MS,
            "database-replica-behind", "readers show the past", periods=10, periods_to_alarm=10, severity="ticket",
        )  # fmt: skip


def _instance(part: PostgresInstance) -> Iterator[Alarm]:
    where: Dimensions = (("DBInstanceIdentifier", _output(part, "identifier")),)
    yield alarm_on(
        part, "cpu-high", metric_of("AWS/RDS", "CPUUtilization", "Average", where), 90.0, "database-cpu-high",
        "queries wait for the CPU", periods=5, periods_to_alarm=5,
    )  # fmt: skip
    yield alarm_on(
        part, "storage-low", metric_of("AWS/RDS", "FreeStorageSpace", "Minimum", where),
        part.storage_gib * 0.1 * 2**30,
        "database-storage-low", "a database without disk refuses to write", comparison="<",
        periods=1, periods_to_alarm=1,
    )  # fmt: skip
    yield slow_writes_alarm(part, where)
    yield from _database(part, where, connections_of_memory(memory_of_class(part.instance_class)))


def slow_writes_alarm(part: PostgresInstance, where: Dimensions) -> Alarm:
    """Of an instance's disk."""
    return alarm_on(
        part, "slow-writes", metric_of("AWS/RDS", "WriteLatency", "p90", where), SLOW_DISK_SECONDS,
        "database-slow", "its disk answers slowly", periods=5, periods_to_alarm=5, severity="ticket",
    )  # fmt: skip


def memory_of_class(name: str) -> float:
    """GiB of an RDS class: `db.r7g` has twice, `db.c7g` half of what `db.m7g` has."""
    family, _, size = name.removeprefix("db.").partition(".")
    return SIZE_GIB.get(size, 1.0) * {"r": 2.0, "x": 4.0, "c": 0.5}.get(family[:1], 1.0)


def _database(part: AuroraCluster | PostgresInstance, where: Dimensions, connections: int) -> Iterator[Alarm]:
    yield alarm_on(
        part, "connections-high", metric_of("AWS/RDS", "DatabaseConnections", "Maximum", where),
        float(int(connections * CONNECTIONS_SHARE)), "database-connections-high",
        f"of about {connections:,} connections, the last fifth is for people", periods=5, periods_to_alarm=5,
    )  # fmt: skip
    yield alarm_on(
        part, "transaction-ids", metric_of("AWS/RDS", "MaximumUsedTransactionIDs", "Maximum", where),
        float(TRANSACTION_IDS), "database-transaction-ids", "vacuum does not keep up", periods=1,
        periods_to_alarm=1,
        severity="ticket",
    )  # fmt: skip


def cache_alarms(part: CacheGroup) -> Iterator[Alarm]:
    """Of each node of a group."""
    for number in range(1, part.nodes + 1):
        # The figures are kept for each node, whose name is the group's and a number.
        node: Dimensions = (("CacheClusterId", _output(part, "replication_group_id", f"-{number:03d}")),)
        which = "" if part.nodes == 1 else f"{number}-"
        yield alarm_on(
            part, f"{which}cpu-high", metric_of("AWS/ElastiCache", "EngineCPUUtilization", "Average", node), 90.0,
            "cache-cpu-high", "its one thread is busy", periods=5, periods_to_alarm=5,
        )  # fmt: skip
        yield alarm_on(
            part, f"{which}memory-high", metric_of("AWS/ElastiCache", "DatabaseMemoryUsagePercentage", "Average",
            node),
            90.0, "cache-memory-high", "it evicts what is still wanted", periods=5, periods_to_alarm=5,
            severity="ticket",
        )  # fmt: skip


def _schedule(part: ScheduledTask) -> Iterator[Alarm]:
    where: Dimensions = (("ScheduleGroup", _output(part, "group_name")),)
    yield alarm_on(
        part, "failing", metric_of("AWS/Scheduler", "TargetErrorCount", "Sum", where), 0.0, "schedule-failing",
        "its task could not be started", severity="ticket",
    )  # fmt: skip
    period = min(LONGEST_PERIOD_SECONDS, part.every_seconds * SILENT_RUNS)
    if part.every_seconds * SILENT_RUNS <= LONGEST_PERIOD_SECONDS:
        yield alarm_on(
            part, "silent", metric_of("AWS/Scheduler", "InvocationAttemptCount", "Sum", where), 1.0,
            "schedule-silent",
            f"it should have run {SILENT_RUNS} times", comparison="<", missing="breaching", severity="ticket",
            period_seconds=max(60, period // 60 * 60), periods=1, periods_to_alarm=1,
        )  # fmt: skip


def _host(part: Host) -> Iterator[Alarm]:
    where: Dimensions = (("InstanceId", _output(part, "instance_id")),)
    yield alarm_on(
        part, "unreachable", metric_of("AWS/EC2", "StatusCheckFailed", "Maximum", where), 0.0, "host-unreachable",
        "the machine or its network is broken", missing="breaching",
    )  # fmt: skip
    yield from _machine(part, where)
    name = (("Workload", _output(part, "name")),)
    yield alarm_on(
        part, "backup-missing", metric_of("rung", "BackupSucceeded", "Sum", name), 1.0, "backup-missing",
        "no backup was written in its time", comparison="<", missing="breaching",
        period_seconds=part.backup_hours * 3_600, periods=1, periods_to_alarm=1,
    )  # fmt: skip


def _host_group(part: HostGroup) -> Iterator[Alarm]:
    where: Dimensions = (("AutoScalingGroupName", _output(part, "group_name")),)
    yield alarm_on(
        part, "unreachable", metric_of("AWS/EC2", "StatusCheckFailed", "Maximum", where), 0.0, "host-unreachable",
        "a machine or its network is broken", missing="breaching",
    )  # fmt: skip
    yield from _machine(part, where)


def _machine(part: Host | HostGroup, where: Dimensions) -> Iterator[Alarm]:
    yield alarm_on(
        part, "cpu-high", metric_of("AWS/EC2", "CPUUtilization", "Average", where), CPU_PERCENT, "host-cpu-high",
        "everything on it slows down", period_seconds=300, periods=3, periods_to_alarm=3, severity="ticket",
    )  # fmt: skip
    yield alarm_on(
        part, "disk-full", metric_of("CWAgent", "disk_used_percent", "Maximum", where),
        float(part.disk_alarm_percent),
        "host-disk-full", "a full disk stops databases first, then everything", period_seconds=300,
        missing="breaching",
    )  # fmt: skip
    yield alarm_on(
        part, "memory-high", metric_of("CWAgent", "mem_used_percent", "Average", where), 90.0, "host-memory-high",
        "the kernel will kill what is largest", period_seconds=300,
    )  # fmt: skip


def _others(part: EventRule | FileSystem | TablePart | Certificate) -> Iterator[Alarm]:
    match part:
        case EventRule():
            rule: Dimensions = (("EventBusName", Reference(part=part.bus, output="name")),
                                ("RuleName", _output(part, "name")))  # fmt: skip
            yield alarm_on(
                part, "failing", metric_of("AWS/Events", "FailedInvocations", "Sum", rule), 0.0,
                "events-not-delivered",
                "the target refuses events",
            )  # fmt: skip
        case FileSystem():
            system: Dimensions = (("FileSystemId", _output(part, "id")),)
            yield alarm_on(
                part, "busy", metric_of("AWS/EFS", "PercentIOLimit", "Average", system), 90.0, "file-system-busy",
                "reads and writes wait", periods=5, periods_to_alarm=5, severity="ticket",
            )  # fmt: skip
        case TablePart():
            table: Dimensions = (("TableName", _output(part, "name")),)
            throttled = (metric_of("AWS/DynamoDB", "ReadThrottleEvents", "Sum", table, "reads"),
                         metric_of("AWS/DynamoDB", "WriteThrottleEvents", "Sum", table, "writes"))  # fmt: skip
            yield alarm_on(
                part, "throttled", throttled, 0.0, "table-throttled", "it is asked for more than it may give",
                expression="FILL(reads, 0) + FILL(writes, 0)",
            )  # fmt: skip
        case Certificate():
            arn: Dimensions = (("CertificateArn", _output(part, "arn")),)
            if part.scope == "REGIONAL":
                yield alarm_on(
                    part, "expiring", metric_of("AWS/CertificateManager", "DaysToExpiry", "Minimum", arn), 30.0,
                    "certificate-expiring", "its renewal has not worked", comparison="<", period_seconds=86_400,
                    periods=1, periods_to_alarm=1, severity="ticket",
                )  # fmt: skip

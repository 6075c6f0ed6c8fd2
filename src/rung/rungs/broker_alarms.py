"""What is watched of the brokers of queues: how full they are, how busy, who is connected. Pure.

Amazon MQ tells nothing of single queues of RabbitMQ 4 (developer guide, "RabbitMQ 4", read on 2026-11-21): what
waits is watched for all of them together, dead letters and what is delayed included.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from rung.parts.messaging import RabbitBroker, RedisBroker
from rung.parts.operations import Alarm, Metric
from rung.parts.values import Reference

#: A broker without memory refuses to send: there must be time to do something before.
FULL_PERCENT, BUSY_PERCENT = 75.0, 90.0
#: A process opens eight at most for each queue, and ElastiCache allows 65,000: so many are not the workload's.
MOST_CONNECTIONS = 16_000
#: Connections of one instance. Source: AWS, "Maximum resource limits" of Amazon MQ for RabbitMQ, 2026-11-21.
CONNECTIONS = {"medium": 300, "large": 5_000, "xlarge": 10_000, "2xlarge": 20_000, "4xlarge": 40_000}
CONNECTIONS_SHARE = 0.8
#: Below its limit of free disk RabbitMQ takes no messages.
LEAST_DISK = 2.0


def redis_alarms(part: RedisBroker) -> Iterator[Alarm]:
    """Of each node: whichever is the primary, the others are what will take over."""
    for number in range(1, part.nodes + 1):
        which = "" if part.nodes == 1 else f"{number}-"
        watched = (
            ("memory-high", "DatabaseMemoryUsagePercentage", "Average", FULL_PERCENT, "broker-memory-high",
             "messages come faster than they go, and a full one refuses to send"),
            ("cpu-high", "EngineCPUUtilization", "Average", BUSY_PERCENT, "broker-cpu-high",
             "its one thread is busy"),
            ("connections-high", "CurrConnections", "Maximum", float(MOST_CONNECTIONS), "broker-connections-high",
             "more than the pools of all tasks open"),
        )  # fmt: skip
        for condition, metric, statistic, threshold, runbook, why in watched:
            yield Alarm(
                name=f"{part.name}-{which}{condition}", node=part.node, part=part.name, why=why, runbook=runbook,
                metrics=(_of_node(part, number, metric, statistic),), threshold=threshold, periods=5,
                periods_to_alarm=5,
            )  # fmt: skip


def _of_node(part: RedisBroker, number: int, metric: str, statistic: str) -> Metric:
    """A node is called after its group, with a number."""
    node = Reference(part=part.name, output="replication_group_id", suffix=f"-{number:03d}")
    return Metric(
        namespace="AWS/ElastiCache", name=metric, statistic=statistic, dimensions=(("CacheClusterId", node),)
    )


def rabbit_alarms(part: RabbitBroker) -> Iterator[Alarm]:
    """Of the broker; figures of a cluster are those of its nodes together."""
    size = part.instance_type.rpartition(".")[2]
    connections = math.floor(CONNECTIONS.get(size, max(CONNECTIONS.values())) * CONNECTIONS_SHARE)
    used, limit = _of_broker(part, "RabbitMQMemUsed", "used"), _of_broker(part, "RabbitMQMemLimit", "limit")
    free, floor = _of_broker(part, "RabbitMQDiskFree", "free"), _of_broker(part, "RabbitMQDiskFreeLimit", "floor")
    yield _alarm(
        part, "memory-high", "broker-memory-high", FULL_PERCENT, "at its limit it lets senders wait",
        (used, limit), expression="100 * used / limit",
    )  # fmt: skip
    yield _alarm(
        part, "disk-low", "broker-disk-low", LEAST_DISK, "below its limit it takes no messages", (free, floor),
        expression="free / floor", comparison="<",
    )  # fmt: skip
    yield _alarm(
        part, "cpu-high", "broker-cpu-high", BUSY_PERCENT, "sending and taking become slow",
        (_of_broker(part, "SystemCpuUtilization"),),
    )  # fmt: skip
    yield _alarm(
        part, "connections-high", "broker-connections-high", float(connections),
        "beyond its limit new tasks cannot connect", (_of_broker(part, "ConnectionCount"),),
    )  # fmt: skip
    yield _alarm(
        part, "backlog", "broker-backlog", float(part.acceptable_messages),
        "more wait than workers take in time; dead letters and what is delayed count too",
        (_of_broker(part, "MessageReadyCount"),),
    )  # fmt: skip


def _alarm(
    part: RabbitBroker, condition: str, runbook: str, threshold: float, why: str, metrics: tuple[Metric, ...],
    **rest: Any,
) -> Alarm:  # fmt: skip
    return Alarm(
        name=f"{part.name}-{condition}", node=part.node, part=part.name, why=why, runbook=runbook, metrics=metrics,
        threshold=threshold, periods=5, periods_to_alarm=5, **rest,
    )  # fmt: skip


def _of_broker(part: RabbitBroker, metric: str, id: str = "m1") -> Metric:  # noqa: A002 - CloudWatch's word
    broker = Reference(part=part.name, output="broker_name")
    return Metric(
        namespace="AWS/AmazonMQ", name=metric, statistic="Maximum", dimensions=(("Broker", broker),), id=id
    )

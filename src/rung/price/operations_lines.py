"""What watching costs, and the keys. Telling somebody and letting the pipeline in are free."""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_never

from rung.parts.compute import EcsService, HostGroup
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
from rung.price.book import HOURS_PER_MONTH
from rung.price.charging import Charging, Line

#: Figures that processes write into their log: each is a metric of one's own.
OWN_NAMESPACES = ("rung/workflow", "rung/bus")
OperationsPart = Alarm | Objective | Dashboard | UptimeCheck | Keys | Notification | Budget | DeployIdentity


def lines_of(part: OperationsPart, charging: Charging) -> Iterator[Line]:
    """The lines of one part."""
    match part:
        case Alarm():
            yield from alarm(part, charging)
        case Objective():
            yield from objective(part, charging)
        case Dashboard():
            yield from dashboard(part, charging)
        case UptimeCheck():
            yield from uptime_check(part, charging)
        case Keys():
            yield from keys(part, charging)
        case Notification() | Budget() | DeployIdentity():
            return
        case _:
            assert_never(part)


def alarm(part: Alarm, charging: Charging) -> Iterator[Line]:
    """An alarm is billed by the metrics it reads."""
    own = sum(each.namespace in OWN_NAMESPACES for each in part.metrics)
    if own:
        custom = ("cloudwatch", "custom-metric", "")
        yield charging.line(part.name, part.node, "metric", custom, own, "a figure that the process writes itself")
    count = max(1, len(part.metrics))
    key = ("cloudwatch", "alarm", "standard")
    yield charging.line(part.name, part.node, "alarm", key, count, f"{count} metrics")


def objective(part: Objective, charging: Charging) -> Iterator[Line]:
    """Three pairs of windows, each on the metrics of requests and errors."""
    key = ("cloudwatch", "alarm", "standard")
    yield charging.line(
        part.name, part.node, "burn-rate alarms", key, 12, "three pairs of windows, two metrics each"
    )


def dashboard(part: Dashboard, charging: Charging) -> Iterator[Line]:
    """By the month."""
    yield charging.line(part.name, part.node, "dashboard", ("cloudwatch", "dashboard", ""), 1.0, "one page")


def uptime_check(part: UptimeCheck, charging: Charging) -> Iterator[Line]:
    """A health check from outside; HTTPS is a feature that is paid for by itself."""
    key = ("route-53", "health-check", "aws-endpoint")
    yield charging.line(part.name, part.node, "health check", key, 1.0, "every 30 seconds")
    feature = ("route-53", "health-check-feature", "aws-endpoint")
    yield charging.line(part.name, part.node, "health check over HTTPS", feature, 1.0, "one feature")


def keys(part: Keys, charging: Charging) -> Iterator[Line]:
    """Two customer-managed keys, and the calls of everything that is encrypted with them."""
    yield charging.line(part.name, part.node, "keys", ("kms", "key", ""), 2.0, "data, logs")
    tasks = sum(each.min_tasks for each in charging.design.of(EcsService)) + len(charging.design.of(HostGroup))
    calls = tasks * HOURS_PER_MONTH * 24
    because = f"data keys are kept five minutes: 24 calls an hour for each of {tasks} tasks"
    yield charging.line(part.name, part.node, "key requests", ("kms", "requests", ""), calls / 1e4, because)

"""Alarms of functions and of the API before them. Pure.

Sources: AWS, "Recommended alarms" of the CloudWatch user guide, for AWS/Lambda and AWS/ApiGateway.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rung.parts.design import Part
from rung.parts.functions import HttpApi, LambdaFunction
from rung.parts.operations import Alarm, Metric
from rung.parts.values import Reference
from rung.rungs.alarms import ERROR_PERCENT, SLOW_SECONDS
from rung.rungs.setting import Setting

CONCURRENCY_SHARE = 0.9
#: What ends so near to its timeout is about to be cut off.
TIMEOUT_SHARE = 0.9


def function_alarms(setting: Setting, parts: Iterable[Part]) -> Iterator[Alarm]:
    """The alarms of every function and API."""
    for part in parts:
        if isinstance(part, LambdaFunction):
            yield from _function(part)
        elif isinstance(part, HttpApi):
            yield from _api(setting, part)


def _function(part: LambdaFunction) -> Iterator[Alarm]:
    yield Alarm(
        name=f"{part.name}-errors", node=part.node, part=part.name, why="it ends with errors",
        metrics=(_metric(part, "Errors", "Sum", "errors"), _metric(part, "Invocations", "Sum", "calls")),
        expression="IF(calls>0, 100*errors/calls, 0)", threshold=ERROR_PERCENT, runbook="service-errors",
        rolls_back=True,
    )  # fmt: skip
    yield Alarm(
        name=f"{part.name}-throttled", node=part.node, part=part.name, runbook="tasks-missing", threshold=0.0,
        metrics=(_metric(part, "Throttles", "Sum"),), periods=5, periods_to_alarm=5,
        why="more is asked for than its concurrency, or the account's, allows",
    )  # fmt: skip
    yield Alarm(
        name=f"{part.name}-slow", node=part.node, part=part.name, severity="ticket", runbook="service-slow",
        metrics=(_metric(part, "Duration", "p99"),), threshold=part.timeout_seconds * 1_000 * TIMEOUT_SHARE,
        periods=5, periods_to_alarm=5, why=f"Lambda ends it after {part.timeout_seconds} s",
    )  # fmt: skip
    most = part.most_at_once
    if most is not None and most > 1:
        yield Alarm(
            name=f"{part.name}-concurrency-high", node=part.node, part=part.name, severity="ticket",
            metrics=(_metric(part, "ConcurrentExecutions", "Maximum"),), runbook="task-cpu-high",
            threshold=float(int(most * CONCURRENCY_SHARE)), periods=10, periods_to_alarm=10,
            why=f"of {most} at once, nine tenths are in use",
        )  # fmt: skip


def _api(setting: Setting, part: HttpApi) -> Iterator[Alarm]:
    objectives = setting.graph.objectives
    slow = (objectives.p99_seconds if objectives else None) or SLOW_SECONDS
    yield Alarm(
        name=f"{part.name}-errors", node=part.node, part=part.name, why="visitors are answered with 5xx",
        metrics=(_api_metric(part, "5xx", "Sum", "errors"), _api_metric(part, "Count", "Sum", "requests")),
        expression="IF(requests>0, 100*errors/requests, 0)", threshold=ERROR_PERCENT,
        runbook="load-balancer-errors", rolls_back=True,
    )  # fmt: skip
    yield Alarm(
        name=f"{part.name}-slow", node=part.node, part=part.name, severity="ticket", runbook="service-slow",
        metrics=(_api_metric(part, "Latency", "p99"),), threshold=slow * 1_000, periods=5, periods_to_alarm=5,
        why="the 99th percentile is above what is promised",
    )  # fmt: skip


def _metric(part: LambdaFunction, name: str, statistic: str, id: str = "m1") -> Metric:  # noqa: A002
    where = (("FunctionName", Reference(part=part.name, output="name")),)
    return Metric(namespace="AWS/Lambda", name=name, statistic=statistic, dimensions=where, id=id)


def _api_metric(part: HttpApi, name: str, statistic: str, id: str = "m1") -> Metric:  # noqa: A002
    where = (("ApiId", Reference(part=part.name, output="id")),)
    return Metric(namespace="AWS/ApiGateway", name=name, statistic=statistic, dimensions=where, id=id)

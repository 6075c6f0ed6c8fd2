"""One block for all alarms: a table of what is watched, and a row for each thing that is watched so.

The table's keys are the runbooks. Where two alarms have one runbook and are judged differently (another period,
say), the second way of judging gets a number.
"""

from __future__ import annotations

from dataclasses import dataclass

from rung.parts.operations import Alarm, Metric, Notification
from rung.terraform.hcl import Block, Expression, Raw, Row
from rung.terraform.names import environment_name, of_resource, output
from rung.terraform.setting import Setting

BLOCK = "watch"
RUNBOOKS_URL = Raw("var.runbooks_url")
_USUAL = {"comparison": ">", "period_seconds": 60, "periods": 3, "periods_to_alarm": 2, "missing": "notBreaching",
          "severity": "page"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Judgement:
    """How something is watched: everything of an alarm but what it is about and where its limit is."""

    runbook: str
    metrics: tuple[tuple[str, str], ...]
    expression: str | None
    rest: tuple[tuple[str, str | int], ...]


def alarms(setting: Setting) -> Block | None:
    """The block, or None where nothing is watched."""
    found = setting.design.of(Alarm)
    if not found:
        return None
    names = _names(found)
    notification = setting.design.of(Notification)
    arguments: dict[str, Expression] = {
        "name": environment_name(setting.design),
        "topic_arns": {
            "page": output(notification[0].name, "topic_arn"),
            "ticket": output(notification[0].name, "ticket_topic_arn"),
        } if notification else {},
        "runbooks_url": RUNBOOKS_URL,
        "kinds": {name: Row(_kind(judgement, name)) for judgement, name in names.items()},
        "alarms": {alarm.name: Row(_row(alarm, names[judgement_of(alarm)])) for alarm in found},
    }  # fmt: skip
    return setting.call(BLOCK, "alarms", "What is watched, and where it rings", arguments)


def judgement_of(alarm: Alarm) -> Judgement:
    """How the alarm is judged."""
    rest = tuple((name, getattr(alarm, name)) for name, usual in _USUAL.items() if getattr(alarm, name) != usual)
    metrics = tuple((metric.id, _words(metric)) for metric in alarm.metrics)
    return Judgement(alarm.runbook, metrics, alarm.expression, rest)


def dimensions_of(alarm: Alarm) -> tuple[tuple[str, Expression], ...]:
    """What the alarm is about. All metrics of one alarm are about the same thing."""
    first, *others = alarm.metrics
    assert all(other.dimensions == first.dimensions for other in others), f"{alarm.name} is about two things"
    return tuple((name, of_resource(value)) for name, value in first.dimensions)


def _names(found: tuple[Alarm, ...]) -> dict[Judgement, str]:
    names: dict[Judgement, str] = {}
    used: dict[str, int] = {}
    for judgement in dict.fromkeys(judgement_of(alarm) for alarm in found):
        used[judgement.runbook] = count = used.get(judgement.runbook, 0) + 1
        names[judgement] = judgement.runbook if count == 1 else f"{judgement.runbook}-{count}"
    return names


def _kind(judgement: Judgement, name: str) -> Expression:
    metrics = dict(judgement.metrics)
    entry: dict[str, Expression] = {"runbook": judgement.runbook} if name != judgement.runbook else {}
    if judgement.expression is None:
        entry["metric"] = next(iter(metrics.values()))
    else:
        entry |= {"metrics": metrics, "expression": judgement.expression}
    return entry | dict(judgement.rest)


def _row(alarm: Alarm, kind: str) -> Expression:
    return {"kind": kind, "limit": alarm.threshold, **dict(dimensions_of(alarm))}


def _words(metric: Metric) -> str:
    return f"{metric.namespace} {metric.name} {metric.statistic}"

"""The alarms of an environment as a table: a row for each thing that is watched, with its limits by kind.

How a kind is watched (metric, period, what silence means) stands in the module's `kinds.json`, which is read here
too. An alarm that is judged otherwise brings a kind of its own, by its runbook and a number.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from rung.parts.operations import Alarm, Metric
from rung.parts.values import Reference
from rung.terraform.hcl import WIDTH, Call, Expression, Raw, Row, expression
from rung.terraform.library import module_files
from rung.terraform.names import of_resource, output

MODULE = "alarms"
#: A row of the table is spread over lines when it is longer.
LONGEST = WIDTH + 70
_USUAL = {"comparison": ">", "period_seconds": 60, "periods": 3, "periods_to_alarm": 2, "missing": "notBreaching",
          "severity": "page"}  # fmt: skip
#: Dimensions that two kinds of one row mean differently: what a row calls them.
_CALLED = {("dead-letters", "QueueName"): "DeadLetterQueueName"}


#: What modules tell as their `dimensions`: the output by dimension; with a key where they tell it by name.
_DIMENSIONS = (
    {"DBClusterIdentifier": "identifier"},
    {"DBInstanceIdentifier": "identifier"},
    {"ClusterName": "cluster_name", "ServiceName": "service_name"},
    {"LoadBalancer": "arn_suffix", "TargetGroup": "target_group_suffixes[{key}]"},
    {"QueueName": "names[{key}]", "DeadLetterQueueName": "dead_letter_names[{key}]"},
)


@dataclass(slots=True)
class Watched:
    """One row: what it is about, by dimension, and its limits by kind."""

    of: dict[str, Reference | str] = field(default_factory=dict)
    limits: dict[str, Expression] = field(default_factory=dict)

    def row(self) -> Expression:
        """The row, on one line while that can be read."""
        entry: dict[str, Expression] = {"of": self._told(), "limits": self.limits}
        if len(expression(Row(entry))) <= LONGEST:
            return Row(entry)
        return {name: Row(each) for name, each in entry.items()}

    def _told(self) -> Expression:
        """What it is about, in the words of the blocks that tell it: `module.api.dimensions`."""
        rest, blocks = dict(self.of), list[Expression]()
        for outputs in _DIMENSIONS:
            if (block := _block_of(rest, outputs)) is not None:
                rest = {name: value for name, value in rest.items() if name not in outputs}
                blocks.append(block)
        if rest or not blocks:
            blocks.append({name: of_resource(value) for name, value in rest.items()})
        return blocks[0] if len(blocks) == 1 else Call("merge", tuple(blocks))


def _block_of(of: Mapping[str, Reference | str], outputs: Mapping[str, str]) -> Raw | None:
    """The output that tells all of `outputs`, if one part's are in `of`."""
    last = of.get(list(outputs)[-1])
    if not isinstance(last, Reference):
        return None
    key = last.output.partition("[")[2].removesuffix("]")
    told = {name: Reference(part=last.part, output=each.format(key=key)) for name, each in outputs.items()}
    if not told.items() <= of.items():
        return None
    return output(last.part, f"dimensions[{key}]" if key else "dimensions")


def table(found: Iterable[Alarm]) -> tuple[dict[str, Expression], dict[str, Expression]]:
    """The rows, and the kinds that the module does not have."""
    kinds = dict(known_kinds())
    rows: dict[str, Watched] = {}
    for alarm in found:
        kind = _kind_of(alarm, kinds)
        row = rows.setdefault(alarm.name.removesuffix(f"-{kinds[kind]['name']}"), Watched())
        row.limits[kind] = alarm.threshold
        for called, value in _about(alarm, kinds[kind]).items():
            assert row.of.setdefault(called, value) == value, f"{alarm.name} is about another {called}"
    own: dict[str, Expression] = {name: Row(kind) for name, kind in kinds.items() if name not in known_kinds()}
    return {name: watched.row() for name, watched in rows.items()}, own


@cache
def known_kinds() -> Mapping[str, Mapping[str, Any]]:
    """The kinds of the module, by runbook."""
    kinds: dict[str, dict[str, Any]] = json.loads(module_files(MODULE)["kinds.json"])
    return kinds


def _kind_of(alarm: Alarm, kinds: dict[str, Mapping[str, Any]]) -> str:
    """The kind that judges as the alarm does; a new one where none does."""
    wanted = _judgement(alarm)
    dimensions = {name for name, _ in alarm.metrics[0].dimensions}
    name, number = alarm.runbook, 1
    while name in kinds:
        kind = kinds[name]
        judges = {each: value for each, value in kind.items() if each not in ("name", "dimensions", "runbook")}
        if judges == wanted and dimensions <= set(kind["dimensions"]) and alarm.name.endswith(f"-{kind['name']}"):
            return name
        number += 1
        name = f"{alarm.runbook}-{number}"
    end = alarm.name.removeprefix(f"{alarm.part}-")
    called = {each: _CALLED.get((alarm.runbook, each), each) for each, _ in alarm.metrics[0].dimensions}
    own = {} if name == alarm.runbook else {"runbook": alarm.runbook}
    kinds[name] = {"name": end, "dimensions": called, **own, **wanted}
    return name


def _judgement(alarm: Alarm) -> dict[str, Any]:
    """How the alarm is judged: everything of it but what it is about and where its limit is."""
    metrics = {metric.id: _words(metric) for metric in alarm.metrics}
    told: dict[str, Any] = {"metric": next(iter(metrics.values()))} if alarm.expression is None else {
        "metrics": metrics, "expression": alarm.expression
    }  # fmt: skip
    return told | {name: getattr(alarm, name) for name, usual in _USUAL.items() if getattr(alarm, name) != usual}


def _about(alarm: Alarm, kind: Mapping[str, Any]) -> dict[str, Reference | str]:
    """What the alarm is about. All metrics of one alarm are about the same thing."""
    first, *others = alarm.metrics
    assert all(other.dimensions == first.dimensions for other in others), f"{alarm.name} is about two things"
    return {kind["dimensions"][name]: value for name, value in first.dimensions}


def _words(metric: Metric) -> str:
    return f"{metric.namespace} {metric.name} {metric.statistic}"

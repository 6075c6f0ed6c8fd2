"""Alarms of workflows and of buses on a box, on the figures that their processes write into the log. Pure.

The process tells every minute how many runs failed and how long a run is due that nobody has taken
(`rung.runtime.embedded`). A process that says nothing carries nothing, so that silence rings too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rung.model.nodes import Workflow
from rung.parts.compute import EcsService, Host, HostGroup
from rung.parts.design import Part
from rung.parts.operations import Alarm, Metric
from rung.rungs.setting import Setting

NAMESPACE, BUS_NAMESPACE = "rung/workflow", "rung/bus"
#: A run that is due is taken within a second; what waits so long waits for a process, or for room in one.
WAITING_SECONDS = 120.0


def workflow_alarms(setting: Setting, parts: Iterable[Part]) -> Iterator[Alarm]:
    """Two for each workflow, of the part that runs it."""
    found = tuple(parts)
    machine = next((part for part in found if isinstance(part, Host | HostGroup)), None)
    services = {part.node: part for part in found if isinstance(part, EcsService)}
    for node in setting.graph.of(Workflow):
        part = machine if setting.on_machine(node.name) else services.get(node.name)
        if part is not None:
            yield from _alarms(setting, node, part.name)


def router_alarms(setting: Setting, parts: Iterable[Part]) -> Iterator[Alarm]:
    """Two for each router of a bus on a machine: EventBridge has alarms of its rules."""
    machine = next((part for part in parts if isinstance(part, Host)), None)
    if machine is None:
        return
    for router in setting.routers:
        yield Alarm(
            name=f"{router.name}-events-waiting", node=router.bus, part=machine.name, threshold=WAITING_SECONDS,
            why="an event waits, and nobody routes it", runbook="events-not-delivered", missing="breaching",
            metrics=(_figure(setting, router.bus, BUS_NAMESPACE, "OldestEventSeconds", "Maximum"),),
            periods=5, periods_to_alarm=5,
        )  # fmt: skip
        yield Alarm(
            name=f"{router.name}-dead-letters", node=router.bus, part=machine.name, threshold=0.0,
            why="a target did not take an event as often as it was tried", runbook="events-not-delivered",
            metrics=(_figure(setting, router.bus, BUS_NAMESPACE, "DeadLetters", "Maximum"),), severity="ticket",
        )  # fmt: skip


def _alarms(setting: Setting, node: Workflow, part: str) -> Iterator[Alarm]:
    yield Alarm(
        name=f"{node.name}-runs-failing", node=node.name, part=part, runbook="runs-failing", threshold=0.0,
        why="a run failed or is parked, and waits for somebody to resume it", severity="ticket",
        metrics=(_metric(setting, node, "RunsFailed", "Sum"),), period_seconds=300, periods=1, periods_to_alarm=1,
    )  # fmt: skip
    yield Alarm(
        name=f"{node.name}-runs-waiting", node=node.name, part=part, runbook="runs-waiting",
        why="a run is due, and no process takes it", threshold=WAITING_SECONDS,
        metrics=(_metric(setting, node, "OldestDueSeconds", "Maximum"),), periods=5, periods_to_alarm=5,
        missing="breaching",
    )  # fmt: skip


def _metric(setting: Setting, node: Workflow, name: str, statistic: str) -> Metric:
    return _figure(setting, node.name, NAMESPACE, name, statistic)


def _figure(setting: Setting, node: str, namespace: str, name: str, statistic: str) -> Metric:
    where = (("Workload", setting.graph.name), ("Environment", setting.environment.name), ("Node", node))
    return Metric(namespace=namespace, name=name, statistic=statistic, dimensions=where)

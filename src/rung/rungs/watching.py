"""What watches an environment and tells somebody: topic, alarms, objective, dashboard, budget. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from rung.model.nodes import Subscriber
from rung.parts.compute import EcsService
from rung.parts.design import Part
from rung.parts.edge import LoadBalancer
from rung.parts.functions import HttpApi
from rung.parts.operations import Alarm, Budget, Dashboard, Notification, Objective, Recipient
from rung.rungs.alarms import alarms_of
from rung.rungs.cluster_alarms import cluster_alarms
from rung.rungs.durable_alarms import router_alarms, workflow_alarms
from rung.rungs.existing_alarms import existing_alarms
from rung.rungs.function_alarms import function_alarms
from rung.rungs.setting import Setting

#: What an environment that is not production may spend of the budget.
COPY_BUDGET_SHARE = 0.25


def watching_parts(setting: Setting, parts: tuple[Part, ...]) -> Iterator[Part]:
    """Alarms for `parts`, and whoever hears them."""
    recipients = tuple(
        Recipient(address=each.name, node=each.name)
        for each in setting.graph.of(Subscriber)
        if not each.environments or setting.environment.name in each.environments
    )
    yield Notification(name=setting.platform("alarms"), recipients=recipients, why="where every alarm goes")
    yield from alarms_of(setting, parts)
    yield from existing_alarms(setting)
    yield from function_alarms(setting, parts)
    yield from cluster_alarms(parts)
    yield from workflow_alarms(setting, parts)
    yield from router_alarms(setting, parts)
    # A load balancer of others counts everybody's errors: what they burn is not our budget.
    doors = (part for part in parts if isinstance(part, LoadBalancer | HttpApi))
    balancer = next((door for door in doors if isinstance(door, HttpApi) or door.existing is None), None)
    objectives = setting.graph.objectives
    if setting.production and objectives and objectives.availability and balancer:
        yield Objective(
            name=setting.platform("availability"), availability=objectives.availability,
            load_balancer=balancer.name,
            why="rings when the month's errors are spent too fast",
        )  # fmt: skip
    yield Dashboard(name=setting.platform("overview"), why="the four signals on one page")
    business = setting.graph.business
    if business and business.monthly_budget_usd:
        share = 1.0 if setting.production else COPY_BUDGET_SHARE
        yield Budget(
            name=setting.platform("budget"), monthly_usd=business.monthly_budget_usd * share,
            why="the whole budget" if setting.production else "a quarter of it: a copy",
        )  # fmt: skip


def with_rollback_alarms(parts: tuple[Part, ...]) -> tuple[Part, ...]:
    """The same parts, each service knowing the alarms that end its deployments."""
    ending = [part for part in parts if isinstance(part, Alarm) and part.rolls_back]
    return tuple(
        replace(part, rollback_alarms=tuple(alarm.name for alarm in ending if alarm.node == part.node))
        if isinstance(part, EcsService)
        else part
        for part in parts
    )

"""Everything that can fail has an alarm, every alarm a runbook, and silence rings where silence is the failure."""

from __future__ import annotations

import pytest
from tests.rungs.conftest import brokered

from rung.model.graph import Graph
from rung.parts.compute import EcsService, Host
from rung.parts.operations import RUNBOOKS, Alarm, Budget, Notification, Objective, UptimeCheck
from rung.rungs import place

#: Parts that can fail by themselves, and so are watched.
WATCHED = {
    "ecs_service", "load_balancer", "sqs_queue", "aurora_cluster", "postgres_instance", "cache_group",
    "scheduled_task", "host", "host_group", "event_rule", "file_system", "table",
}  # fmt: skip


@pytest.fixture(scope="module")
def alarms(atlas: Graph, cottage: Graph, shop: Graph, studio: Graph) -> list[Alarm]:
    designs = [
        place(shop, "prod"), place(atlas, "prod"), place(atlas, "prod", rung="host"), place(cottage, "prod",
        rung="box"), place(studio, "prod"),
    ]  # fmt: skip
    return [alarm for design in designs for alarm in design.of(Alarm)]


@pytest.mark.parametrize("rung", ["host", "fargate", "box"])
def test_everything_that_can_fail_is_watched(rung: str, atlas: Graph, cottage: Graph) -> None:
    design = place(cottage if rung == "box" else atlas, "prod", rung=rung)
    watched = {alarm.part for alarm in design.of(Alarm)}
    assert {part.name for part in design.parts if part.kind in WATCHED} <= watched
    (topic,) = design.of(Notification)
    assert [each.address for each in topic.recipients] == ["email:oncall@example.com"]


def test_every_runbook_is_of_use(alarms: list[Alarm], shop: Graph) -> None:
    """No slug without a source, none without a title."""
    named = {alarm.runbook for alarm in alarms}
    for graph, rung in ((shop, "fargate"), (shop, "host"), (brokered(), "fargate")):
        design = place(graph, "prod", rung=rung)
        others = (*design.of(Objective), *design.of(Budget), *design.of(UptimeCheck), *design.of(Alarm))
        named |= {part.runbook for part in others}
    assert named == set(RUNBOOKS)
    assert all(title and not title.endswith(".") for title in RUNBOOKS.values())


def test_silence_rings_where_silence_is_the_failure(alarms: list[Alarm]) -> None:
    ringing = {alarm.runbook for alarm in alarms if alarm.missing == "breaching"}
    assert ringing == {
        "tasks-missing", "no-healthy-targets", "schedule-silent", "backup-missing", "host-unreachable",
        "host-disk-full", "runs-waiting",
    }  # fmt: skip


def test_periods_are_those_that_cloudwatch_takes(alarms: list[Alarm]) -> None:
    for alarm in alarms:
        assert alarm.period_seconds % 60 == 0
        assert alarm.periods_to_alarm <= alarm.periods
        assert alarm.period_seconds * alarm.periods <= 86_400
        assert (alarm.expression is None) == (len(alarm.metrics) == 1)


def test_a_service_rolls_back_on_its_own_alarms(shop: Graph) -> None:
    design = place(shop, "prod")
    api = next(part for part in design.of(EcsService) if part.name == "api")
    assert set(api.rollback_alarms) == {"api-memory-high", "api-errors", "api-slow"}
    for name in api.rollback_alarms:
        part = design.part(name)
        assert isinstance(part, Alarm)
        assert part.rolls_back
        assert part.missing == "notBreaching", "an alarm that rings already is ignored by a deployment"


def test_a_disk_rings_at_seventy_percent(cottage: Graph) -> None:
    design = place(cottage, "prod", rung="box")
    (box,) = design.of(Host)
    disk = next(alarm for alarm in design.of(Alarm) if alarm.runbook == "host-disk-full")
    assert disk.threshold == box.disk_alarm_percent == 70
    backup = next(alarm for alarm in design.of(Alarm) if alarm.runbook == "backup-missing")
    assert backup.period_seconds == box.backup_hours * 3_600

"""Fewer tasks at night where the day's curve says so, and no alarm because of it."""

from __future__ import annotations

from typing import Any

import pytest

from rung import OfficeHours, QuietHours, Traffic, Workload
from rung.errors import ModelError
from rung.model.day import EVENING_DAY, quiet_run
from rung.parts.compute import EcsService, ScheduledScaling
from rung.parts.compute import OfficeHours as OfficeHoursPart
from rung.parts.design import Design
from rung.parts.operations import Alarm
from rung.rungs import place
from rung.terraform import compile as compiled

BUSY = Traffic(concurrent_users=6_000, think_time="10s", peak=3)


def design(*, traffic: Traffic | None = BUSY, min_tasks: int = 1, **environment: Any) -> Design:
    work = Workload("tea")
    api = work.service("api", app="tea.api:app", health="/health", min_tasks=min_tasks, max_tasks=20, cpu=1)
    work.route("/*", api)
    if traffic is not None:
        work.traffic(traffic)
    work.environment("dev", **environment)
    return place(work.freeze(), "dev")


def moments(made: Design) -> dict[str, tuple[str, str, int, int]]:
    (api,) = made.of(EcsService)
    return {
        each.name: (each.cron, each.timezone, each.min_tasks, each.max_tasks)
        for each in api.scaling
        if isinstance(each, ScheduledScaling)
    }


def test_the_night_of_the_usual_day_has_fewer_tasks() -> None:
    """600 requests/s want 4 vCPU at 60 %; a quarter of them wants 1."""
    made = design()
    assert made.of(EcsService)[0].min_tasks == 4
    assert moments(made) == {
        "night": ("cron(0 0 * * ? *)", "UTC", 1, 20), "day": ("cron(45 6 * * ? *)", "UTC", 4, 20)
    }  # fmt: skip


def test_the_alarm_for_missing_tasks_knows_the_night() -> None:
    alarms = {alarm.name: alarm for alarm in design().of(Alarm)}
    assert alarms["api-tasks-missing"].threshold == 1.0


def test_an_environment_knows_its_own_nights() -> None:
    quiet = QuietHours(start="22:30", stop="00:10", timezone="Asia/Tokyo", share=0.5)
    assert moments(design(quiet_hours=quiet)) == {
        "night": ("cron(30 22 * * ? *)", "Asia/Tokyo", 2, 20), "day": ("cron(55 23 * * ? *)", "Asia/Tokyo", 4, 20)
    }  # fmt: skip


@pytest.mark.parametrize(
    "less",
    [
        {"traffic": None}, {"min_tasks": 3}, {"min_tasks": 4}, {"quiet_hours": False},
        {"stop_when_idle": True}, {"rung": "host"},
        {"traffic": Traffic(concurrent_users=100, think_time="10s")},
    ],
)  # fmt: skip
def test_where_nothing_is_saved_nothing_is_scheduled(less: dict[str, Any]) -> None:
    if less.get("rung") == "host":
        assert not design(**less).of(EcsService)
    else:
        assert moments(design(**less)) == {}


@pytest.mark.parametrize(
    "quiet", [QuietHours(start="night"), QuietHours(start="07:00", stop="07:00"), QuietHours(share=1.5)]
)
def test_hours_that_are_none_are_refused(quiet: QuietHours) -> None:
    with pytest.raises(ModelError) as caught:
        design(quiet_hours=quiet)
    assert [finding.code for finding in caught.value.findings] == ["R0814"]


def test_the_quiet_run_may_go_round_midnight() -> None:
    assert quiet_run(EVENING_DAY) == (0, 7)
    assert quiet_run([0.1, 0.1, 1, 1, 0.2, 1, 0.1, 0.1]) == (6, 2)
    assert quiet_run([0.1] * 24) is None
    assert quiet_run([1.0] * 24) is None


@pytest.mark.parametrize(
    "hours", [{"stop_when_idle": True}, {"office_hours": OfficeHours(timezone="Europe/Berlin")}]
)
def test_machines_stop_too_when_nobody_works(hours: dict[str, Any]) -> None:
    made = design(rung="host", **hours)
    (asleep,) = made.of(OfficeHoursPart)
    assert asleep.idle_seconds == (4 * 3_600 if "stop_when_idle" in hours else None)
    text = compiled(made)["services.tf"]
    block = text[text.index('module "office_hours"') :]
    assert "tea-dev-hosts = { min_hosts = 1, max_hosts = " in block
    assert ("start_expression" in block) == ("office_hours" in hours)
    assert ("idle_hours" in block) == ("stop_when_idle" in hours)


def test_hours_hold_also_where_it_stops_when_idle() -> None:
    made = design(office_hours=OfficeHours(timezone="Europe/Berlin"), stop_when_idle="2 hours")
    text = compiled(made)["services.tf"]
    assert 'start_expression     = "cron(0 7 ? * MON-FRI *)"' in text
    assert "idle_hours           = 2" in text

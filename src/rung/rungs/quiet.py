"""Fewer tasks at night: scaling by the clock, where the day's curve says that it saves some. Pure.

Target tracking scales in by itself, but never below the least, and the least serves ordinary load at once. In the
hours in which few come, so many fewer are enough; they are back before the morning.
"""

from __future__ import annotations

from collections.abc import Iterator

from rung.model.day import EVENING_DAY, quiet_run
from rung.model.environments import QuietHours
from rung.model.nodes import Service
from rung.parts.compute import ScheduledScaling
from rung.rungs.setting import Setting
from rung.rungs.sizes import fewest_tasks

#: Tasks are back this long before the quiet hours end: one starts within a minute, and some may fail to.
EARLY_MINUTES = 15
#: The share of the tasks that must be saved: below it a few dollars a month are not worth two more moving parts.
LEAST_SAVING = 1 / 3


def quiet_hours_of(setting: Setting) -> QuietHours | None:
    """When few visitors come: as the environment says, else the night of the usual day; None where never.

    An environment that stops at night, or when idle, moves the limits itself.
    """
    environment = setting.environment
    if environment.office_hours is not None or environment.stop_when_idle_seconds is not None:
        return None
    if isinstance(environment.quiet_hours, QuietHours):
        return environment.quiet_hours
    run = quiet_run(EVENING_DAY)
    if environment.quiet_hours is False or setting.graph.traffic is None or run is None:
        return None
    start, stop = run
    hours = [(start + each) % 24 for each in range((stop - start) % 24)]
    share = max(EVENING_DAY[hour] for hour in hours)
    return QuietHours(start=f"{start:02}:00", stop=f"{stop:02}:00", share=share)


def by_the_clock(setting: Setting, service: Service, cpu: float) -> Iterator[ScheduledScaling]:
    """Two moments of each day, where a third of the tasks or more is saved between them."""
    quiet = quiet_hours_of(setting)
    if quiet is None or setting.rung != "fargate":
        return
    usual, fewer = (fewest_tasks(setting, service, cpu, share) for share in (1.0, quiet.share))
    if usual - fewer < usual * LEAST_SAVING:
        return
    most = setting.scaled(service.max_tasks)
    early = (_minutes(quiet.stop) - EARLY_MINUTES) % (24 * 60)
    for name, moment, least in (("night", _minutes(quiet.start), fewer), ("day", early, usual)):
        yield ScheduledScaling(
            name=name, cron=f"cron({moment % 60} {moment // 60} * * ? *)", timezone=quiet.timezone,
            min_tasks=least, max_tasks=most,
        )  # fmt: skip


def _minutes(moment: str) -> int:
    hour, _, minute = moment.partition(":")
    return int(hour) * 60 + int(minute or 0)

"""Schedules: handlers that run by a rate or a cron expression, once per tick however many schedulers there are."""

from rung.runtime.schedule.expression import ScheduleExpressionError as ScheduleExpressionError
from rung.runtime.schedule.expression import due_ticks as due_ticks
from rung.runtime.schedule.expression import next_ticks as next_ticks
from rung.runtime.schedule.expression import parse as parse
from rung.runtime.schedule.handler import Tick as Tick
from rung.runtime.schedule.handler import load_handler as load_handler
from rung.runtime.schedule.scheduler import Schedule as Schedule
from rung.runtime.schedule.scheduler import Scheduler as Scheduler
from rung.runtime.schedule.ticks import PostgresTicks as PostgresTicks
from rung.runtime.schedule.ticks import ProcessTicks as ProcessTicks
from rung.runtime.schedule.ticks import install_schedules as install_schedules

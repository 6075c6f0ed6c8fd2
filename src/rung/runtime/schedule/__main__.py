"""`python -m rung.runtime.schedule`: one scheduler process, from its arguments to exit 0 after SIGTERM.

    --name expire-carts --expression "1 minute" --handler shop.carts:expire [--timezone UTC]
        [--deadline-seconds 60] [--catch-up 1]
    --file schedules.json     a list of objects with these names, `_` for `-`

The ticks are kept in the database of RUNG_SCHEDULES_URL, else DATABASE_URL; without one, in this process.
"""

from __future__ import annotations

import argparse
import os
import socket
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import asyncpg
import msgspec

from rung.errors import Finding, UserError
from rung.runtime.errors import UnavailableError
from rung.runtime.log import logger
from rung.runtime.process import Work, run_process
from rung.runtime.schedule.expression import ScheduleExpressionError, parse
from rung.runtime.schedule.handler import load_handler
from rung.runtime.schedule.scheduler import Schedule, Scheduler
from rung.runtime.schedule.ticks import PostgresTicks, ProcessTicks, Ticks, install_schedules

log = logger("rung.runtime.schedule")


class Definition(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One entry of the file, or the arguments."""

    name: str
    expression: str
    handler: str
    timezone: str = "UTC"
    deadline_seconds: float = 60.0
    catch_up: int = 1


def read_definitions(arguments: Sequence[str] | None = None) -> tuple[Definition, ...]:
    """What the command line asks for. Exits 2 on a wrong one."""
    parser = argparse.ArgumentParser(prog="python -m rung.runtime.schedule", description=__doc__)
    parser.add_argument("--file", type=Path, help="JSON with several schedules")
    parser.add_argument("--name")
    parser.add_argument("--expression", help='"5 minutes" or "0 3 * * *"')
    parser.add_argument("--handler", help="package.module:function")
    parser.add_argument("--timezone", default="UTC")
    parser.add_argument("--deadline-seconds", type=float, default=60.0)
    parser.add_argument("--catch-up", type=int, default=1, help="missed ticks to run after an outage")
    options = parser.parse_args(arguments)
    if options.file is not None:
        try:
            return msgspec.json.decode(options.file.read_bytes(), type=tuple[Definition, ...])
        except (OSError, msgspec.MsgspecError) as error:
            parser.error(f"{options.file}: {error}")
    if not (options.name and options.expression and options.handler):
        parser.error("--file, or --name, --expression and --handler")
    given = {name: value for name, value in vars(options).items() if name != "file"}
    return (Definition(**given),)


def build(definition: Definition) -> Schedule:
    """The schedule that a definition describes. Raises UserError: R0550 its handler, R0551 its expression."""
    try:
        expression = parse(definition.expression, definition.timezone)
    except ScheduleExpressionError as error:
        raise UserError(
            Finding(
                code="R0551",
                severity="error",
                message=f"the schedule {definition.name!r} has an expression that cannot be read",
                found=str(error),
                effect="the scheduler does not start, and none of its schedules runs",
                help='write a rate ("5 minutes") or five cron fields ("0 3 * * *") and an IANA timezone',
            )
        ) from error
    return Schedule(
        name=definition.name,
        expression=expression,
        handler=load_handler(definition.handler),
        deadline_seconds=definition.deadline_seconds,
        catch_up=max(1, definition.catch_up),
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the scheduler. 0 after a drain, 1 when it cannot start."""
    definitions = read_definitions(arguments)
    node = os.environ.get("RUNG_NODE") or definitions[0].name

    def prepare() -> list[Schedule]:
        return [build(definition) for definition in definitions]

    return run_process(node, log, prepare, partial(_begin, node))


async def _begin(node: str, schedules: Sequence[Schedule]) -> Work:
    scheduler = Scheduler(schedules, await _open_ticks(node))
    facts = {"schedules": [schedule.name for schedule in schedules]}
    return Work(run=scheduler.run, stop=scheduler.stop, facts=facts)


async def _open_ticks(node: str) -> Ticks:
    url = os.environ.get("RUNG_SCHEDULES_URL") or os.environ.get("DATABASE_URL")
    if not url:
        log.warning("schedules have no database", effect="two of these processes would each run every tick")
        return ProcessTicks()
    await _install_if_allowed(url)
    return PostgresTicks(url, owner=f"{node}@{socket.gethostname()}:{os.getpid()}")


async def _install_if_allowed(url: str) -> None:
    """Where nobody has created the tables, and we may. Otherwise the first claim says what is missing."""
    try:
        connection = await asyncpg.connect(url, timeout=5)
    except (OSError, TimeoutError, asyncpg.PostgresError) as error:
        log.warning("the database of the schedules is away", reason=str(error))
        return
    try:
        if not await connection.fetchval("select to_regclass('rung.schedule_run') is not null"):
            await install_schedules(connection)
    except (asyncpg.InsufficientPrivilegeError, UnavailableError) as error:
        log.error(
            "the tables of the schedules are missing", reason=str(error), help="run install_schedules as owner"
        )
    finally:
        await connection.close()


if __name__ == "__main__":
    sys.exit(main())

"""`python -m rung.runtime.job --name seed --handler module:object`: run a handler once and end.

The handler may be a coroutine function. Exit status 0 when it returns, 1 when it raises or takes longer than its
deadline, 143 when it was stopped by SIGTERM. With `--exclusive` it is the run of a schedule: it does nothing, with
status 0, while another run of the same name goes on (a lock in the process's first Postgres, freed when a run
dies), and a handler that takes an argument gets a `Tick`. Its moment is the one that `RUNG_TICK_AT` names, as the
clock that starts the task writes it; without one, the start.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import inspect
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from rung.runtime import lifespan
from rung.runtime.bindings import PostgresBinding, first_of, read_secrets
from rung.runtime.clock import SYSTEM_CLOCK, Clock
from rung.runtime.context import Context, Deadline, new_correlation_id, serving
from rung.runtime.database.login import open_connection
from rung.runtime.log import configure_logging, logger
from rung.runtime.schedule.handler import Tick

log = logger(__name__)
LOCK = "select pg_try_advisory_lock(hashtextextended($1, 0))"
LOCK_SECONDS = 5
STOPPED_STATUS = 128 + signal.SIGTERM
#: The moment for which the clock starts a run: EventBridge Scheduler writes it as 2022-03-22T18:59:43Z.
TICK_VARIABLE = "RUNG_TICK_AT"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m rung.runtime.job", description=__doc__)
    parser.add_argument("--name", default=os.environ.get("RUNG_NODE", "job"))
    parser.add_argument("--handler", required=True, metavar="module:object")
    parser.add_argument("--deadline-seconds", type=float, default=3_600.0)
    parser.add_argument("--exclusive", action="store_true", help="a schedule's: not while another run goes on")
    options = parser.parse_args(arguments)
    configure_logging(node=options.name)
    sys.path.insert(0, str(Path.cwd()))
    handler = _handler(options.handler)
    if options.exclusive:
        handler = ticked(handler, options.name, os.environ)
    return asyncio.run(run(options.name, handler, options.deadline_seconds, exclusive=options.exclusive))


def ticked(
    handler: Callable[..., Any], schedule: str, environment: Mapping[str, str], clock: Clock = SYSTEM_CLOCK
) -> Callable[[], Any]:
    """The handler of a schedule without its argument: a handler that takes one gets this run's `Tick`."""
    if not inspect.signature(handler).parameters:
        return handler
    return partial(handler, Tick(schedule=schedule, at=_moment(environment.get(TICK_VARIABLE, ""), clock)))


def _moment(text: str, clock: Clock) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return clock.now()
    return at.astimezone(UTC) if at.tzinfo is not None else at.replace(tzinfo=UTC)


def _handler(entry: str) -> Callable[..., Any]:
    module, _, path = entry.partition(":")
    found: Any = importlib.import_module(module)
    for name in path.split("."):
        found = getattr(found, name)
    handler: Callable[..., Any] = found
    return handler


async def run(name: str, handler: Callable[[], Any], deadline_seconds: float, *, exclusive: bool = False) -> int:
    """Run `handler` in a context of its own and close what it opened; the exit status."""
    await read_secrets()
    lock = None
    if exclusive and (found := first_of(PostgresBinding)) is not None:
        lock = await open_connection(found.url, found.credentials_secret, timeout=LOCK_SECONDS)
        if not await lock.fetchval(LOCK, f"rung job {name}"):
            log.info("another run goes on: nothing is done", job=name)
            await lock.close()
            return 0
    try:
        return await _run(name, handler, deadline_seconds)
    finally:
        if lock is not None:
            lock.terminate()


async def _run(name: str, handler: Callable[[], Any], deadline_seconds: float) -> int:
    task = asyncio.ensure_future(_call(handler, deadline_seconds))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    began = time.monotonic()
    try:
        await task
    except asyncio.CancelledError:
        log.warning("job stopped", job=name)
        return STOPPED_STATUS
    except TimeoutError:
        log.error("job took too long", job=name, deadline_seconds=deadline_seconds)
        return 1
    except Exception:
        log.exception("job failed", job=name)
        return 1
    finally:
        await lifespan.close_all()
    log.info("job done", job=name, duration_ms=round((time.monotonic() - began) * 1000, 1))
    return 0


async def _call(handler: Callable[[], Any], deadline_seconds: float) -> None:
    context = Context(correlation_id=new_correlation_id(), deadline=Deadline.after(deadline_seconds))
    with serving(context):
        async with asyncio.timeout(deadline_seconds):
            if inspect.iscoroutinefunction(handler):
                await handler()
            else:
                await asyncio.to_thread(handler)


if __name__ == "__main__":
    sys.exit(main())

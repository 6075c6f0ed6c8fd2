"""What every process does around its work: logs, traces, metrics, secrets, signals, and a drain at the end."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

import uvloop

from rung.errors import UserError
from rung.runtime import lifespan
from rung.runtime.bindings import read_secrets
from rung.runtime.errors import BindingError
from rung.runtime.log import Logger, configure_logging
from rung.runtime.metrics import serve_metrics
from rung.runtime.trace import configure_tracing, shutdown_tracing

EXIT_USER = 1

Prepared = TypeVar("Prepared")


async def _nothing() -> None:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """Runs until `stop` is called and what has begun is done; then `close`. `facts` are told when it is ready."""

    run: Callable[[], Awaitable[None]]
    stop: Callable[[], None]
    close: Callable[[], Awaitable[None]] = _nothing
    facts: Mapping[str, object] = field(default_factory=dict)


def run_process(
    node: str, log: Logger, prepare: Callable[[], Prepared], begin: Callable[[Prepared], Awaitable[Work]]
) -> int:
    """Prepare, begin, work until SIGTERM or SIGINT, drain. The exit status: 0, or 1 when it cannot start.

    `prepare` runs before the event loop, `begin` in it, with the secrets read. What they raise of UserError and
    BindingError is said in the log, with its code and what to do.
    """
    os.environ.setdefault("RUNG_NODE", node)
    configure_logging(node=node)
    configure_tracing(node=node)
    try:
        prepared = prepare()
        serve_metrics()
        gc.freeze()  # what was imported is never garbage: do not look at it again
        uvloop.run(_work(log, prepared, begin))
    except UserError as error:
        for finding in error.findings:
            log.error(finding.message, code=finding.code, found=finding.found, help=finding.help)
        return EXIT_USER
    except BindingError as error:
        log.error(str(error))
        return EXIT_USER
    finally:
        shutdown_tracing()
    return 0


async def _work(log: Logger, prepared: Prepared, begin: Callable[[Prepared], Awaitable[Work]]) -> None:
    await read_secrets()
    work = await begin(prepared)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, work.stop)
    log.info("ready", **work.facts)
    await work.run()
    await work.close()
    await lifespan.close_all()
    log.info("drained")

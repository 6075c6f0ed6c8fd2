"""`python -m rung.runtime.worker`: one worker process, from its arguments to exit 0 after SIGTERM."""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import signal
import sys
from collections.abc import Sequence

import uvloop

from rung.errors import UserError
from rung.runtime import lifespan
from rung.runtime.bindings import QueueBinding, binding, read_secrets
from rung.runtime.errors import BindingError
from rung.runtime.log import configure_logging, logger
from rung.runtime.metrics import serve_metrics
from rung.runtime.queue.port import Queue
from rung.runtime.queue.registry import open_queue
from rung.runtime.trace import configure_tracing, shutdown_tracing
from rung.runtime.worker.handler import Handler, load_handler
from rung.runtime.worker.heartbeat import GRACE_SECONDS
from rung.runtime.worker.worker import Worker, WorkerSettings

EXIT_USER = 1

log = logger("rung.runtime.worker")


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m rung.runtime.worker", description=__doc__)
    parser.add_argument("--name", required=True, help="the worker's node name")
    parser.add_argument("--queue", required=True, help="the queue's node name")
    parser.add_argument("--handler", required=True, help="package.module:function")
    parser.add_argument("--lanes", default="", help="only these lanes, comma-separated")
    parser.add_argument("--concurrency", type=int, default=10, help="handlers at once")
    parser.add_argument("--deadline-seconds", type=float, default=25.0, help="per message")
    parser.add_argument("--grace-seconds", type=float, default=GRACE_SECONDS, help="past the deadline, then exit")
    parser.add_argument("--batch", type=int, default=100, help="messages per claim, at most")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the worker. 0 after a drain, 1 when it cannot start."""
    options = parse(arguments)
    os.environ.setdefault("RUNG_NODE", options.name)
    configure_logging(node=options.name)
    configure_tracing(node=options.name)
    try:
        handler = load_handler(options.handler)
        found = binding(options.queue, QueueBinding)
    except UserError as error:
        for finding in error.findings:
            log.error(finding.message, code=finding.code, found=finding.found, help=finding.help)
        return EXIT_USER
    except BindingError as error:
        log.error(str(error))
        return EXIT_USER
    serve_metrics()
    gc.freeze()  # what was imported is never garbage: do not look at it again
    uvloop.run(_run(options, handler, found))
    shutdown_tracing()
    return 0


async def _run(options: argparse.Namespace, handler: Handler, found: QueueBinding) -> None:
    await read_secrets()

    def open_own() -> Queue:
        return open_queue(options.queue, found)

    settings = WorkerSettings(
        name=options.name,
        lanes=[lane for lane in options.lanes.split(",") if lane] or None,
        concurrency=options.concurrency,
        deadline_seconds=options.deadline_seconds,
        batch=options.batch,
        grace_seconds=options.grace_seconds,
    )
    worker = Worker(open_own, handler, settings)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, worker.stop)
    log.info("ready", queue=options.queue, handler=options.handler, concurrency=options.concurrency)
    await worker.run()
    await lifespan.close_all()
    log.info("drained")


if __name__ == "__main__":
    sys.exit(main())

"""`python -m rung.runtime.worker`: one worker process, from its arguments to exit 0 after SIGTERM."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from functools import partial

from rung.runtime.bindings import QueueBinding, binding
from rung.runtime.log import logger
from rung.runtime.process import Work, run_process
from rung.runtime.queue.registry import open_queue
from rung.runtime.worker.handler import Handler, load_handler
from rung.runtime.worker.heartbeat import GRACE_SECONDS
from rung.runtime.worker.worker import Worker, WorkerSettings

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

    def prepare() -> tuple[Handler, QueueBinding]:
        return load_handler(options.handler), binding(options.queue, QueueBinding)

    return run_process(options.name, log, prepare, partial(_begin, options))


async def _begin(options: argparse.Namespace, prepared: tuple[Handler, QueueBinding]) -> Work:
    handler, found = prepared
    settings = WorkerSettings(
        name=options.name,
        lanes=[lane for lane in options.lanes.split(",") if lane] or None,
        concurrency=options.concurrency,
        deadline_seconds=options.deadline_seconds,
        batch=options.batch,
        grace_seconds=options.grace_seconds,
    )
    worker = Worker(lambda: open_queue(options.queue, found), handler, settings)
    facts = {"queue": options.queue, "handler": options.handler, "concurrency": options.concurrency}
    return Work(run=worker.run, stop=worker.stop, facts=facts)


if __name__ == "__main__":
    sys.exit(main())

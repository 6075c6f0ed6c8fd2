"""`python -m rung.runtime.function`: a worker in AWS Lambda. It asks Lambda's interface for batches, for ever.

An execution environment runs it once and freezes it between two batches, so connections stay open from one to the
next. What the handlers have put into an outbox is moved before the answer: nobody would do it while it is frozen.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
import time
from collections.abc import Sequence

import uvloop

from rung.errors import UserError
from rung.runtime import lifespan
from rung.runtime.bindings import QueueBinding, binding, read_secrets
from rung.runtime.errors import BindingError
from rung.runtime.function.batch import BatchHandler, BatchSettings
from rung.runtime.function.interface import ADDRESS_VARIABLE, InterfaceError, Invocation, RuntimeInterface
from rung.runtime.log import configure_logging, logger
from rung.runtime.queue.outbox import flush_written
from rung.runtime.queue.sqs.adapter import SqsQueue
from rung.runtime.trace import configure_tracing, shutdown_tracing
from rung.runtime.worker.handler import format_traceback, load_handler

log = logger("rung.runtime.function")
TRACE_VARIABLE = "_X_AMZN_TRACE_ID"
#: What stays of an event's time for the answer, when outboxes are emptied before it.
ANSWER_SECONDS = 0.5


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m rung.runtime.function", description=__doc__)
    parser.add_argument("--name", required=True, help="the worker's node name")
    parser.add_argument("--queue", required=True, help="the queue's node name")
    parser.add_argument("--handler", required=True, help="package.module:function")
    parser.add_argument("--concurrency", type=int, default=10, help="messages of a batch at once")
    parser.add_argument("--deadline-seconds", type=float, default=25.0, help="per message")
    options = parser.parse_args(arguments)
    if not os.environ.get(ADDRESS_VARIABLE):
        parser.error(f"{ADDRESS_VARIABLE} is not set: Lambda sets it, and nothing else starts this")
    return options


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until Lambda ends the environment: 0; 1 when it cannot start, which Lambda is told."""
    options = parse(arguments)
    os.environ.setdefault("RUNG_NODE", options.name)
    configure_logging(node=options.name)
    configure_tracing(node=options.name)
    interface = RuntimeInterface(os.environ[ADDRESS_VARIABLE])
    try:
        uvloop.run(_serve(interface, options))
    except (UserError, BindingError) as error:
        log.error("the function does not start", found=str(error))
        interface.fail_to_start(error, format_traceback(error))
        return 1
    except InterfaceError as error:
        log.info("the interface is gone", found=str(error))
    finally:
        interface.close()
        shutdown_tracing()
    return 0


async def _serve(interface: RuntimeInterface, options: argparse.Namespace) -> None:
    handler, found = load_handler(options.handler), binding(options.queue, QueueBinding)
    if found.adapter != "sqs":
        raise BindingError(f"queue {options.queue!r} is on {found.adapter}: SQS alone starts functions")
    await read_secrets()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, interface.close)
    settings = BatchSettings(
        name=options.name, concurrency=options.concurrency, deadline_seconds=options.deadline_seconds
    )
    batches = BatchHandler(SqsQueue(options.queue, found, registered=True), handler, settings)
    log.info("ready", queue=options.queue, handler=options.handler, concurrency=options.concurrency)
    try:
        while True:
            await _serve_one(interface, batches, await asyncio.to_thread(interface.next))
    finally:
        await lifespan.close_all()


async def _serve_one(interface: RuntimeInterface, batches: BatchHandler, invocation: Invocation) -> None:
    os.environ[TRACE_VARIABLE] = invocation.trace  # what X-Ray's SDK, and whatever it patches, goes by
    try:
        answer = await batches.handle(invocation.event(), invocation.ends_at)
    except Exception as error:  # not a batch, or our own mistake: SQS keeps the messages
        log.error("the event was not handled", error=str(error), exc_info=error)
        await asyncio.to_thread(interface.fail, invocation, error, format_traceback(error))
        return
    await flush_written(invocation.ends_at - time.monotonic() - ANSWER_SECONDS)
    await asyncio.to_thread(interface.answer, invocation, answer)


if __name__ == "__main__":
    sys.exit(main())

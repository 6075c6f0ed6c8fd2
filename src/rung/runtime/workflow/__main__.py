"""`python -m rung.runtime.workflow`: one process that runs a workflow, from its arguments to exit 0 after SIGTERM.

--name onboarding --handler shop.onboarding:onboarding [--concurrency 100] [--lease-seconds 30]
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

import uvloop

from rung.errors import UserError
from rung.runtime import lifespan
from rung.runtime.bindings import WorkflowBinding, binding, read_secrets
from rung.runtime.errors import BindingError
from rung.runtime.log import configure_logging, logger
from rung.runtime.metrics import serve_metrics
from rung.runtime.trace import configure_tracing, shutdown_tracing
from rung.runtime.workflow.client import workflow
from rung.runtime.workflow.executor import Executor, ExecutorSettings
from rung.runtime.workflow.keys import approval_key
from rung.runtime.workflow.postgres.adapter import PostgresStore
from rung.runtime.workflow.versions import Versions, load_workflow

EXIT_USER = 1

log = logger("rung.runtime.workflow")


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m rung.runtime.workflow", description=__doc__)
    parser.add_argument("--name", required=True, help="the workflow's node name")
    parser.add_argument("--handler", required=True, help="package.module:object")
    parser.add_argument("--concurrency", type=int, default=100, help="runs at once")
    parser.add_argument("--lease-seconds", type=float, default=30.0, help="until a lost run is taken over")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the workflow's process. 0 after a drain, 1 when it cannot start."""
    options = parse(arguments)
    os.environ.setdefault("RUNG_NODE", options.name)
    configure_logging(node=options.name)
    configure_tracing(node=options.name)
    sys.path.insert(0, str(Path.cwd()))
    try:
        versions = load_workflow(options.handler)
        found = binding(options.name, WorkflowBinding)
    except UserError as error:
        for finding in error.findings:
            log.error(finding.message, code=finding.code, found=finding.found, help=finding.help)
        return EXIT_USER
    except BindingError as error:
        log.error(str(error))
        return EXIT_USER
    serve_metrics()
    gc.freeze()  # what was imported is never garbage: do not look at it again
    uvloop.run(_run(options, versions, found))
    shutdown_tracing()
    return 0


async def _run(options: argparse.Namespace, versions: Versions, found: WorkflowBinding) -> None:
    await read_secrets()
    own = workflow(options.name)
    store = own.store
    assert isinstance(store, PostgresStore)
    settings = ExecutorSettings(
        name=options.name, concurrency=options.concurrency, lease_seconds=options.lease_seconds,
        retention_seconds=found.retention_seconds,
    )  # fmt: skip
    executor = own.executor = Executor(
        store, {options.name: versions}, settings, wakeup=lambda: store.announcements,
        key=lambda: approval_key(found),
    )  # fmt: skip
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, executor.stop)
    names = [name for name in versions.handlers if name]
    log.info("ready", handler=options.handler, concurrency=options.concurrency, versions=names)
    await executor.run()
    await store.close()
    await lifespan.close_all()
    log.info("drained")


if __name__ == "__main__":
    sys.exit(main())

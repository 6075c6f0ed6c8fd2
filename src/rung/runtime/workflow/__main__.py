"""`python -m rung.runtime.workflow`: one process that runs a workflow, from its arguments to exit 0 after SIGTERM.

--name onboarding --handler shop.onboarding:onboarding [--concurrency 100] [--lease-seconds 30]
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from rung.runtime.bindings import WorkflowBinding, binding
from rung.runtime.log import logger
from rung.runtime.process import Work, run_process
from rung.runtime.workflow.client import workflow
from rung.runtime.workflow.executor import Executor, ExecutorSettings
from rung.runtime.workflow.keys import approval_key
from rung.runtime.workflow.postgres.adapter import PostgresStore
from rung.runtime.workflow.versions import Versions, load_workflow

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

    def prepare() -> tuple[Versions, WorkflowBinding]:
        sys.path.insert(0, str(Path.cwd()))
        return load_workflow(options.handler), binding(options.name, WorkflowBinding)

    return run_process(options.name, log, prepare, partial(_begin, options))


async def _begin(options: argparse.Namespace, prepared: tuple[Versions, WorkflowBinding]) -> Work:
    versions, found = prepared
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
    names = [name for name in versions.handlers if name]
    facts = {"handler": options.handler, "concurrency": options.concurrency, "versions": names}
    return Work(run=executor.run, stop=executor.stop, close=store.close, facts=facts)


if __name__ == "__main__":
    sys.exit(main())

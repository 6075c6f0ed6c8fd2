"""`python -m rung.runtime.serve`: one ASGI application on one port, in as many processes as asked for."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from rung.runtime.http.supervise import command_line, run_command_line

_MODULE = "rung.runtime.serve"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the exit status."""
    return run_command_line(_MODULE, _parser(), arguments, _serve)


def _parser() -> argparse.ArgumentParser:
    parser = command_line(_MODULE, __doc__)
    parser.add_argument("--app", required=True, metavar="module:object", help="the ASGI application")
    parser.add_argument(
        "--name", default=os.environ.get("RUNG_NODE", "http"), help="the service's name in the graph"
    )
    parser.add_argument("--health", default=None, metavar="PATH", help="the health path of the graph")
    parser.add_argument(
        "--location", default="", metavar="FILE:LINE", help="where the workload defines the service"
    )
    return parser


async def _serve(options: argparse.Namespace) -> int:
    from rung.runtime.http.application import Lifespan, import_application
    from rung.runtime.http.page import find_of
    from rung.runtime.http.protect import protect
    from rung.runtime.http.server import Worker, run_worker
    from rung.runtime.http.settings import settings_from_environment
    from rung.runtime.http.state import ServerState

    sys.path.insert(0, str(Path.cwd()))
    from rung.runtime.bindings import read_secrets
    from rung.runtime.http.health import Readiness
    from rung.runtime.lifespan import check_all

    await read_secrets()
    app = import_application(options.app, node=options.name, location=options.location)
    settings = replace(settings_from_environment(health_path=options.health), service=options.name)
    state = ServerState()
    lifespan = Lifespan(app)
    return await run_worker(
        Worker(
            app=protect(lifespan.app, settings, state=state, readiness=Readiness(check_all), find=find_of(app)),
            host=options.host,
            port=options.port,
            settings=settings,
            state=state,
            startup=lifespan.startup,
            shutdown=lifespan.shutdown,
        )
    )


if __name__ == "__main__":
    sys.exit(main())

"""`python -m rung.runtime.serve`: one ASGI application on one port, in as many processes as asked for."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from rung.errors import UserError
from rung.runtime.http.supervise import Supervisor, reserve_port, worker_command


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the exit status."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    options = _parser().parse_args(words)
    try:
        return _work(options) if options.worker else _supervise(options, words)
    except UserError as error:
        sys.stderr.write(f"{error}\n")
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m rung.runtime.serve", description=__doc__)
    parser.add_argument("--app", required=True, metavar="module:object", help="the ASGI application")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--workers", type=int, default=1, metavar="K", help="processes; each has its own memory")
    parser.add_argument(
        "--name", default=os.environ.get("RUNG_NODE", "http"), help="the service's name in the graph"
    )
    parser.add_argument("--health", default=None, metavar="PATH", help="the health path of the graph")
    parser.add_argument(
        "--location", default="", metavar="FILE:LINE", help="where the workload defines the service"
    )
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    return parser


def _supervise(options: argparse.Namespace, words: Sequence[str]) -> int:
    from rung.runtime.http.settings import settings_from_environment

    settings = settings_from_environment()
    with reserve_port(options.host, options.port):
        supervisor = Supervisor(
            worker_command("rung.runtime.serve", words),
            workers=options.workers,
            stop_seconds=settings.drain_seconds + 4.0,
        )
        announce: dict[str, object] = {"name": options.name, "address": f"http://{options.host}:{options.port}"}
        return asyncio.run(supervisor.run(announce))


def _work(options: argparse.Namespace) -> int:
    from rung.runtime.http.server import run

    return run(lambda: _serve(options))


async def _serve(options: argparse.Namespace) -> int:
    from rung.runtime.http.application import Lifespan, import_application
    from rung.runtime.http.protect import protect
    from rung.runtime.http.server import Worker, run_worker
    from rung.runtime.http.settings import settings_from_environment
    from rung.runtime.http.state import ServerState

    sys.path.insert(0, str(Path.cwd()))
    from rung.runtime.http.health import Readiness
    from rung.runtime.lifespan import check_all

    app = import_application(options.app, node=options.name, location=options.location)
    settings = replace(settings_from_environment(health_path=options.health), service=options.name)
    state = ServerState()
    lifespan = Lifespan(app)
    return await run_worker(
        Worker(
            app=protect(lifespan.app, settings, state=state, readiness=Readiness(check_all)),
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

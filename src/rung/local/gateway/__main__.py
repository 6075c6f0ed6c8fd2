"""`python -m rung.local.gateway`: the one port of a workload on this machine."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence
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
    parser = argparse.ArgumentParser(prog="python -m rung.local.gateway", description=__doc__)
    parser.add_argument("--routes", required=True, type=Path, metavar="routes.json")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--workers", type=int, default=1, metavar="K")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    return parser


def _supervise(options: argparse.Namespace, words: Sequence[str]) -> int:
    from rung.local.gateway.routes import read_routes
    from rung.runtime.http.settings import settings_from_environment

    read_routes(options.routes)
    settings = settings_from_environment()
    with reserve_port(options.host, options.port):
        supervisor = Supervisor(
            worker_command("rung.local.gateway", words),
            workers=options.workers,
            stop_seconds=settings.drain_seconds + 4.0,
        )
        announce: dict[str, object] = {"name": "gateway", "address": f"http://{options.host}:{options.port}"}
        return asyncio.run(supervisor.run(announce))


def _work(options: argparse.Namespace) -> int:
    from rung.runtime.http.server import run

    return run(lambda: _serve(options))


async def _serve(options: argparse.Namespace) -> int:
    from rung.local.gateway.dispatch import Gateway
    from rung.local.gateway.routes import read_routes
    from rung.runtime.http.health import Readiness
    from rung.runtime.http.server import Worker, run_worker
    from rung.runtime.http.settings import settings_from_environment
    from rung.runtime.lifespan import check_all

    sys.path.insert(0, str(Path.cwd()))
    settings = settings_from_environment()
    gateway = Gateway(read_routes(options.routes), settings, Readiness(check_all))
    return await run_worker(
        Worker(
            app=gateway,
            host=options.host,
            port=options.port,
            settings=settings,
            state=gateway.state,
            startup=gateway.startup,
            shutdown=gateway.shutdown,
        )
    )


if __name__ == "__main__":
    sys.exit(main())

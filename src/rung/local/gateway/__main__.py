"""`python -m rung.local.gateway`: the one port of a workload on this machine."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from rung.runtime.http.supervise import command_line, run_command_line

_MODULE = "rung.local.gateway"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the exit status."""
    return run_command_line(_MODULE, _parser(), arguments, _serve, check=_read_routes)


def _parser() -> argparse.ArgumentParser:
    parser = command_line(_MODULE, __doc__)
    parser.add_argument("--routes", required=True, type=Path, metavar="routes.json")
    parser.set_defaults(name="gateway")
    return parser


def _read_routes(options: argparse.Namespace) -> None:
    """A mistake in the routes is said once, not by every worker."""
    from rung.local.gateway.routes import read_routes

    read_routes(options.routes)


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

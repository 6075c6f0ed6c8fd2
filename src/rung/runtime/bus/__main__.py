"""`python -m rung.runtime.bus`: the router of one bus, from its arguments to exit 0 after SIGTERM."""

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

from rung.runtime import lifespan
from rung.runtime.bindings import BusBinding, binding, read_secrets
from rung.runtime.bus.rules import Rule, decode_rules
from rung.runtime.bus.service import BusService
from rung.runtime.errors import BindingError
from rung.runtime.log import configure_logging, logger
from rung.runtime.metrics import serve_metrics
from rung.runtime.trace import configure_tracing, shutdown_tracing

EXIT_USER = 1
#: The rules as JSON, where no file holds them.
RULES_VARIABLE = "RUNG_BUS_RULES"

log = logger("rung.runtime.bus")


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m rung.runtime.bus", description=__doc__)
    parser.add_argument("--name", required=True, help="the bus's node name")
    parser.add_argument("--rules", type=Path, help=f"a file with the rules as JSON; else {RULES_VARIABLE} is read")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the router. 0 after a drain, 1 when it cannot start."""
    options = parse(arguments)
    os.environ.setdefault("RUNG_NODE", options.name)
    configure_logging(node=options.name)
    configure_tracing(node=options.name)
    try:
        found = binding(options.name, BusBinding)
        rules = _rules(options.rules)
    except BindingError as error:
        log.error(str(error))
        return EXIT_USER
    serve_metrics()
    gc.freeze()  # what was imported is never garbage: do not look at it again
    status = uvloop.run(_run(options.name, found, rules))
    shutdown_tracing()
    return status


def _rules(file: Path | None) -> tuple[Rule, ...]:
    try:
        text = os.environ.get(RULES_VARIABLE, "[]") if file is None else file.read_text(encoding="utf-8")
    except OSError as error:
        raise BindingError(f"the rules of the bus cannot be read: {error}") from error
    return decode_rules(text)


async def _run(name: str, found: BusBinding, rules: tuple[Rule, ...]) -> int:
    await read_secrets()
    try:
        service = BusService(name, found, rules)
    except BindingError as error:
        log.error(str(error))
        return EXIT_USER
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, service.stop)
    log.info("ready", bus=name, rules=len(rules))
    await service.run()
    await service.close()
    await lifespan.close_all()
    log.info("drained")
    return 0


if __name__ == "__main__":
    sys.exit(main())

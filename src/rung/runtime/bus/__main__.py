"""`python -m rung.runtime.bus`: the router of one bus, from its arguments to exit 0 after SIGTERM.

With `--relay` it brings what EventBridge has put into queues for some rules to their targets.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from rung.runtime.bindings import BusBinding, QueueBinding, binding
from rung.runtime.bus.relay import RelayService, deliveries_node
from rung.runtime.bus.rules import Rule, decode_rules
from rung.runtime.bus.service import BusService
from rung.runtime.errors import BindingError
from rung.runtime.log import logger
from rung.runtime.process import Work, run_process

#: The rules as JSON, where no file holds them.
RULES_VARIABLE = "RUNG_BUS_RULES"

log = logger("rung.runtime.bus")


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m rung.runtime.bus", description=__doc__)
    parser.add_argument("--name", required=True, help="the bus's node name")
    parser.add_argument("--rules", type=Path, help=f"a file with the rules as JSON; else {RULES_VARIABLE} is read")
    parser.add_argument("--relay", action="store_true", help="EventBridge routes; deliver what it hands over")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the router. 0 after a drain, 1 when it cannot start."""
    options = parse(arguments)

    def prepare() -> tuple[BusBinding, tuple[Rule, ...]]:
        return binding(options.name, BusBinding), _rules(options.rules)

    def prepare_relay() -> tuple[QueueBinding, tuple[Rule, ...]]:
        return binding(deliveries_node(options.name), QueueBinding), _rules(options.rules)

    if options.relay:
        return run_process(options.name, log, prepare_relay, partial(_begin_relay, options.name))
    return run_process(options.name, log, prepare, partial(_begin, options.name))


def _rules(file: Path | None) -> tuple[Rule, ...]:
    try:
        text = os.environ.get(RULES_VARIABLE, "[]") if file is None else file.read_text(encoding="utf-8")
    except OSError as error:
        raise BindingError(f"the rules of the bus cannot be read: {error}") from error
    return decode_rules(text)


async def _begin(name: str, prepared: tuple[BusBinding, tuple[Rule, ...]]) -> Work:
    found, rules = prepared
    service = BusService(name, found, rules)
    return Work(run=service.run, stop=service.stop, close=service.close, facts={"bus": name, "rules": len(rules)})


async def _begin_relay(name: str, prepared: tuple[QueueBinding, tuple[Rule, ...]]) -> Work:
    found, rules = prepared
    service = RelayService(name, found, rules)
    return Work(run=service.run, stop=service.stop, close=service.close, facts={"bus": name, "rules": len(rules)})


if __name__ == "__main__":
    sys.exit(main())

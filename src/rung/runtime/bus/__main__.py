"""`python -m rung.runtime.bus`: the router of one bus, from its arguments to exit 0 after SIGTERM."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from rung.runtime.bindings import BusBinding, binding
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
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the router. 0 after a drain, 1 when it cannot start."""
    options = parse(arguments)

    def prepare() -> tuple[BusBinding, tuple[Rule, ...]]:
        return binding(options.name, BusBinding), _rules(options.rules)

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


if __name__ == "__main__":
    sys.exit(main())

"""`python -m rung.runtime.migrate`: make a database ready for the version that is about to start, then end.

Reads `RUNG_DATABASE_SETUP`, a JSON object (`DatabaseSetup`), as Terraform writes it for the migration job: roles
with the passwords of their secrets, queue tables, migrations, grants. Exit status 0 when the database is ready, 1
with findings when it is not. Safe to run again, and twice at once.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from rung.errors import UserError
from rung.runtime.database.roles import DatabaseSetup, set_up
from rung.runtime.log import configure_logging, logger

VARIABLE = "RUNG_DATABASE_SETUP"

log = logger("rung.runtime.migrate")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m rung.runtime.migrate", description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path(), help="what the migrations' path is relative to")
    options = parser.parse_args(arguments)
    configure_logging(node=os.environ.get("RUNG_NODE", "migrate"))
    try:
        setup = msgspec.json.decode(os.environ.get(VARIABLE, ""), type=DatabaseSetup)
    except msgspec.MsgspecError as error:
        log.error("the variable does not describe a database", variable=VARIABLE, found=str(error))
        return 1
    try:
        applied = asyncio.run(set_up(setup, folder=options.folder))
    except UserError as error:
        for finding in error.findings:
            log.error(finding.message, code=finding.code, found=finding.found, help=finding.help)
        return 1
    for each in applied:
        log.info("applied", migration=f"{each.number:04d}_{each.name}", duration_ms=1000 * each.duration_seconds)
    log.info("the database is ready", roles=len(setup.roles), applied=len(applied))
    return 0


if __name__ == "__main__":
    sys.exit(main())

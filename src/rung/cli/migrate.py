"""`rung migrate DIRECTORY --url URL`: apply the SQL files that the database does not have yet."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from rung.errors import UsageError

if TYPE_CHECKING:
    from rung.runtime.migrations import Applied


def configure(parser: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    command = parser.add_parser("migrate", help="apply the SQL files that a database does not have yet")
    command.add_argument("directory", type=Path, help="the files, named NNNN_what_it_does.sql")
    command.add_argument("--url", help="the database, as its owner; else DATABASE_URL")
    command.add_argument("--lock-timeout", type=float, default=2.0, metavar="SECONDS", help="per statement")
    command.add_argument("--format", choices=("text", "json"), default="text")


def run(arguments: argparse.Namespace) -> int:
    """Apply them and say so. Raises UserError with findings R04xx, UsageError without a URL."""
    from rung.runtime.migrations import migrate

    url = arguments.url or os.environ.get("DATABASE_URL")
    if not url:
        raise UsageError("say which database: --url URL, or DATABASE_URL in the environment")
    applied = asyncio.run(migrate(url, arguments.directory, lock_timeout_seconds=arguments.lock_timeout))
    print(_as_json(applied) if arguments.format == "json" else _as_text(applied))
    return 0


def _as_json(applied: list[Applied]) -> str:
    return json.dumps({"applied": [asdict(each) for each in applied]})


def _as_text(applied: list[Applied]) -> str:
    lines = [f"applied {each.number:04d}_{each.name} in {each.duration_seconds:.3f} s" for each in applied]
    return "\n".join(lines) or "nothing to apply"

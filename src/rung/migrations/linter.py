"""squawk reads the SQL: a linter of Postgres migrations with the whole grammar, as a program beside us.

https://squawkhq.com (Apache-2.0 or MIT), `squawk-cli` on PyPI. It says where a statement does what; which
lock that is, for how long and what to do instead is said by `rules`.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from rung.errors import Finding, MachineError
from rung.migrations.rules import IGNORED
from rung.runtime.migrations import Migration
from rung.runtime.online_index import is_online

SECONDS = 60


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """One remark of squawk. Lines and columns count from 0."""

    file: str
    line: int
    column: int
    rule_name: str
    message: str
    level: str = "Warning"


def lint(migrations: Sequence[Migration]) -> list[Report]:
    """What squawk says about the files. Raises MachineError (R0427) without squawk, or when it fails."""
    reports: list[Report] = []
    for online in (False, True):
        paths = [str(each.path) for each in migrations if is_online(each.sql) is online]
        if paths:
            options = [] if online else ["--assume-in-transaction"]
            reports += _run([*options, *paths])
    return reports


def _run(words: Sequence[str]) -> list[Report]:
    command = [_program(), "--reporter", "json", *words]
    try:
        ran = subprocess.run(command, capture_output=True, timeout=SECONDS, check=False)
        reports = msgspec.json.decode(ran.stdout, type=list[Report])
    except (OSError, subprocess.TimeoutExpired, msgspec.MsgspecError) as error:
        raise MachineError(_failed(str(error))) from error
    return [report for report in reports if report.rule_name not in IGNORED]


def _program() -> str:
    """The one installed with this Python, else the one on the path."""
    beside = Path(sys.executable).with_name("squawk")
    found = str(beside) if beside.exists() else shutil.which("squawk")
    if found is None:
        raise MachineError(_failed("there is no program squawk"))
    return found


def _failed(why: str) -> Finding:
    return Finding(
        code="R0427",
        severity="error",
        message="the migrations cannot be read",
        found=why,
        effect="nothing was checked",
        help="pip install 'rung[migrations]'",
    )

"""`rung migrate DIRECTORY --url URL`: apply what a database has not; `rung migrate check`: judge it first."""

from __future__ import annotations

import argparse
import asyncio
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from rung.cli.arguments import duration_seconds
from rung.errors import UsageError

if TYPE_CHECKING:
    from rung.migrations.check import Checked
    from rung.runtime.migrations import Applied

CHECK = "check"


def configure(parser: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    command = parser.add_parser(
        "migrate",
        help="apply the SQL files that a database does not have yet, or check them",
        usage="rung migrate DIRECTORY [--url URL]\n       rung migrate check DIRECTORY|WORKLOAD [--versions N]",
    )
    command.add_argument("words", nargs="*", metavar="[check] DIRECTORY", help="the files, NNNN_what_it_does.sql")
    command.add_argument("--url", help="the database, as its owner; else DATABASE_URL")
    command.add_argument(
        "--lock-timeout",
        type=duration_seconds,
        default=2.0,
        metavar="SECONDS",
        help="how long a statement waits for its lock (2)",
    )
    command.add_argument("--tenant-column", metavar="COLUMN", help="then check that tenants are kept apart by it")
    command.add_argument(
        "--tables", action="append", default=[], choices=("queues", "fair", "events", "workflows"),
        help="first create the tables in which rung keeps these; repeatable",
    )  # fmt: skip
    checks = command.add_argument_group("check")
    checks.add_argument(
        "--versions", type=int, default=1, metavar="N", help="releases that must go on working (1)"
    )
    checks.add_argument("--tags", default="v*", metavar="PATTERN", help="tags of git that are releases (v*)")
    checks.add_argument("--against", metavar="REF", help="released is what this branch, tag or commit has")
    command.add_argument("--format", choices=("text", "json"), default="text", help="json is for programs")


def run(arguments: argparse.Namespace) -> int:
    """Apply or check. Raises UserError with findings R04xx, UsageError without a URL or with too many words."""
    words: list[str] = arguments.words
    if len(words) == 2 and words[0] == CHECK:
        return _check(Path(words[1]), arguments)
    if not words and arguments.tables:
        from rung.cli.arguments import database_url

        asyncio.run(_install(database_url(arguments.url), arguments.tables))
        return 0
    if len(words) != 1 or words[0] == CHECK:
        raise UsageError("say one directory: `rung migrate DIRECTORY`, or `rung migrate check DIRECTORY`")
    return _apply(Path(words[0]), arguments)


async def _install(url: str, kinds: list[str]) -> None:
    import asyncpg

    from rung.errors import MachineError
    from rung.runtime.database.login import open_connection
    from rung.runtime.database.tables import install_tables
    from rung.runtime.migrations import CONNECT_TIMEOUT_SECONDS, unreachable

    try:
        connection = await open_connection(url, timeout=CONNECT_TIMEOUT_SECONDS)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise MachineError(unreachable(error)) from error
    try:
        await install_tables(connection, kinds)
    finally:
        connection.terminate()


def _apply(directory: Path, arguments: argparse.Namespace) -> int:
    from rung.cli.arguments import database_url
    from rung.runtime.migrations import migrate

    url = database_url(arguments.url)
    if arguments.tables:
        asyncio.run(_install(url, arguments.tables))
    applied = asyncio.run(migrate(url, directory, lock_timeout_seconds=arguments.lock_timeout))
    print(_as_json(applied) if arguments.format == "json" else _as_text(applied))
    if arguments.tenant_column:
        asyncio.run(_require_isolation(url, arguments.tenant_column, directory))
    return 0


async def _require_isolation(url: str, column: str, directory: Path) -> None:
    from rung.runtime.database.isolation import require_isolation
    from rung.runtime.database.login import open_connection

    connection = await open_connection(url, timeout=10)
    try:
        await require_isolation(connection, column, migrations=directory)
    finally:
        connection.terminate()


def _as_json(applied: list[Applied]) -> str:
    return json.dumps({"applied": [asdict(each) for each in applied]})


def _as_text(applied: list[Applied]) -> str:
    lines = [f"applied {each.number:04d}_{each.name} in {each.duration_seconds:.3f} s" for each in applied]
    return "\n".join(lines) or "nothing to apply"


def _check(given: Path, arguments: argparse.Namespace) -> int:
    """1 when a finding is an error."""
    if arguments.versions < 1:
        raise UsageError("--versions is at least 1: the version before runs while a deployment goes on")
    checked = {directory: _checked(directory, arguments) for directory in _directories(given)}
    findings = [finding for each in checked.values() for finding in each.findings]
    if arguments.format == "json":
        print(json.dumps(_plain(checked)))
    else:
        said = [*map(str, findings), *(_summary(*pair) for pair in checked.items())]
        print("\n\n".join(said) or f"{given}: no database has migrations=")
    return int(any(finding.severity == "error" for finding in findings))


def _directories(given: Path) -> list[Path]:
    """The directory itself, or those of the databases that a workload file describes."""
    if given.is_dir() or given.suffix != ".py":
        return [given]
    from rung.model.nodes import Postgres
    from rung.model.read import load_workload

    graph = load_workload(given)
    return [Path(graph.root) / node.migrations for node in graph.of(Postgres) if node.migrations is not None]


def _checked(directory: Path, arguments: argparse.Namespace) -> Checked:
    from rung.migrations.check import check
    from rung.migrations.releases import release_at, release_names, releases_of

    releases = releases_of(directory, count=arguments.versions, tags=arguments.tags)
    against = release_at(directory, arguments.against) if arguments.against else None
    names = release_names(directory, tags=arguments.tags)
    return check(directory, releases, versions=arguments.versions, against=against, names=names)


def _plain(checked: dict[Path, Checked]) -> dict[str, object]:
    return {
        "findings": [asdict(finding) for each in checked.values() for finding in each.findings],
        "checked": [
            {
                "directory": str(directory),
                "releases": each.releases,
                "judged": each.judged,
                "accepted": each.accepted,
            }
            for directory, each in checked.items()
        ],
    }


def _summary(directory: Path, checked: Checked) -> str:
    known = f"released: {', '.join(checked.releases)}" if checked.releases else "no release is known"
    count = len(checked.findings)
    accepted = f", {checked.accepted} accepted" if checked.accepted else ""
    return f"{directory}: {len(checked.judged)} new migrations, {count} findings{accepted} ({known})"

"""`rung tenants`: check that tenants are kept apart; list, move, export, delete and restore one.

Everything that changes something shows its plan first, and does it after `--yes`, or after the tenant's name was
typed on a terminal. Every command may be given again: it goes on where it ended.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from rung.errors import Finding, UsageError

Action = Callable[[argparse.Namespace], Awaitable[int]]


def configure(parser: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command and its subcommands to the parser."""
    command = parser.add_parser("tenants", help="check, list, move, export, delete and restore tenants")
    actions = command.add_subparsers(dest="action", metavar="action", required=True)
    check = _action(
        actions, "check", "find every table, key, view, function and role that does not keep tenants apart"
    )
    check.add_argument("--serving-role", metavar="ROLE", help="the role that requests run as")
    check.add_argument("--migrations", type=Path, metavar="DIRECTORY", help="to name the line of each finding")
    policies = _action(actions, "policies", "print the statements that protect tables, for a migration")
    policies.add_argument("tables", nargs="+", metavar="TABLE", help="tables with a tenant column")
    policies.add_argument(
        "--type", choices=("text", "uuid", "integer", "bigint"), default="text", help="of that column"
    )
    _action(actions, "list", "show where tenants are, and what has begun")
    region = _action(actions, "region", "show or say in which region the database is")
    region.add_argument("--set", metavar="REGION", help="as eu-west-1")
    _configure_move(actions)
    export = _action(
        actions, "export", "write everything of a tenant, or of one person, into an archive", "tenant"
    )
    export.add_argument("--to", type=Path, required=True, metavar="FILE.zip", help="the archive")
    export.add_argument("--subject", metavar="PERSON", help="only rows of this person, by the declared columns")
    delete = _action(actions, "delete", "delete a tenant for good, and leave a tombstone", "tenant")
    restore = _action(actions, "restore", "bring a tenant back from an archive")
    restore.add_argument("file", type=Path, metavar="FILE.zip", help="the archive")
    restore.add_argument("--replace", action="store_true", help="delete the rows that the tenant has now")
    restore.add_argument("--resurrect", action="store_true", help="although the tenant was deleted")
    for each in (delete, restore):
        each.add_argument("--yes", action="store_true", help="do it without asking")


def _configure_move(actions: Any) -> None:
    move = _action(actions, "move", "move a tenant elsewhere, or back, or finish or abort a move", "tenant")
    ways = move.add_mutually_exclusive_group(required=True)
    ways.add_argument("--to", metavar="PLACE", help="shared, schema:NAME or database:NAME")
    ways.add_argument("--back", action="store_true", help="to where it was, with what it has written since")
    ways.add_argument("--finish", action="store_true", help="delete the old rows after the grace period")
    ways.add_argument("--abort", action="store_true", help="leave it where it is")
    move.add_argument("--now", action="store_true", help="with --finish: before the end of the grace period")
    move.add_argument(
        "--grace", type=float, default=3600.0, metavar="SECONDS", help="how long the old rows stay (3600)"
    )
    move.add_argument("--migrations", type=Path, metavar="DIRECTORY", help="applied to a database before the move")
    move.add_argument("--target-url", action="append", default=[], metavar="NAME=URL",
                      help="a database on another server; repeatable")  # fmt: skip
    move.add_argument("--yes", action="store_true", help="do it without asking")


def _action(actions: Any, name: str, line: str, *positional: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = actions.add_parser(
        name, help=line, description=f"{line[0].upper()}{line[1:]}."
    )
    for each in positional:
        parser.add_argument(each, metavar=each.upper(), help=f"the {each}'s id")
    if name != "policies":
        parser.add_argument("--url", help="the database, as the owner of its tables; else DATABASE_URL")
    parser.add_argument("--column", default="tenant_id", metavar="NAME", help="the tenant column (tenant_id)")
    parser.add_argument("--format", choices=("text", "json"), default="text", help="json is for programs")
    return parser


def run(arguments: argparse.Namespace) -> int:
    """Do it. Raises UsageError, UserError with findings R04xx, TenantError's text as a UsageError."""
    from rung.cli.arguments import database_url
    from rung.runtime.errors import TenantError

    if arguments.action == "policies":
        return _policies(arguments)
    arguments.url = database_url(arguments.url)
    action = {"check": _check, "list": _list, "move": _move, "region": _region}.get(arguments.action, _keep)
    try:
        return asyncio.run(action(arguments))
    except TenantError as error:
        raise UsageError(str(error)) from error


def _policies(arguments: argparse.Namespace) -> int:
    from rung.runtime.database.tenancy import rls_statements

    for table in arguments.tables:
        try:
            statements = rls_statements(table, arguments.column, column_type=arguments.type)
        except ValueError as error:
            raise UsageError(str(error)) from error
        print("".join(f"{statement};\n" for statement in statements), end="")
    return 0


async def _check(arguments: argparse.Namespace) -> int:
    from rung.cli.printing import count, finding_as_json, print_findings
    from rung.runtime.database.isolation import check_isolation

    async with _connected(arguments) as connection:
        found: list[Finding] = await check_isolation(
            connection, arguments.column, serving_role=arguments.serving_role, migrations=arguments.migrations
        )
    counts = count(found)
    if arguments.format == "json":
        document = {"schema": "rung.findings/1", **counts, "findings": [finding_as_json(each) for each in found]}
        print(json.dumps(document, indent=2))
    else:
        print_findings(found, sys.stdout)
        print(f"{counts['errors']} errors, {counts['warnings']} warnings")
    return 1 if counts["errors"] else 0


async def _list(arguments: argparse.Namespace) -> int:
    async with _connected(arguments) as connection:
        from rung.runtime.tenants.tables import install_tenants

        await install_tenants(connection)
        rows = await connection.fetch(
            "select t.tenant, t.tier, t.target, t.epoch, t.status, m.step, m.from_tier, m.from_target "
            "from rung.tenant t left join rung.tenant_move m using (tenant) order by 1"
        )
    found = [dict(row) for row in rows]
    if arguments.format == "json":
        print(json.dumps({"schema": "rung.tenants/1", "tenants": found}, indent=2))
        return 0
    for row in found:
        place = f"{row['tier']}:{row['target']}" if row["target"] else row["tier"]
        moving = f"  moving from {row['from_tier']} {row['from_target']}: {row['step']}" if row["step"] else ""
        print(f"{row['tenant']:<24} {place:<32} {row['status']:<10} epoch {row['epoch']}{moving}")
    print(f"{len(found)} tenants are named; all others are shared and active")
    return 0


async def _region(arguments: argparse.Namespace) -> int:
    from rung.runtime.tenants.residency import region_of, set_region

    async with _connected(arguments) as connection:
        await _install(connection)
        if arguments.set is not None:
            await set_region(connection, arguments.set)
        region = await region_of(connection)
    text = f"this database is in {region}" if region else "nobody has said where this database is: --set REGION"
    return _say(arguments, text, region=region)


async def _move(arguments: argparse.Namespace) -> int:
    from rung.runtime.tenants.moving import Mover
    from rung.runtime.tenants.places import parse_place

    async with _connected(arguments) as control:
        await _install(control)
        mover = Mover(control, _sites(arguments), progress=_progress)
        tenant = arguments.tenant
        if arguments.abort:
            await mover.abort(tenant)
            return _say(arguments, f"{tenant} stays where it is", tenant=tenant, step="aborted")
        if arguments.finish:
            rows = await mover.finish(tenant, now=arguments.now)
            return _say(
                arguments, f"{rows} old rows of {tenant} deleted", tenant=tenant, step="finished", deleted=rows
            )
        begun = await mover.journal(tenant)
        target = begun.source if arguments.back and begun is not None else parse_place(arguments.to or "shared")
        if not arguments.back:
            plan = await mover.plan(tenant, target)
            rows_by_table = plan.rows
        else:
            rows_by_table = {}
        said = f"move {tenant} to {target}; it can only be read meanwhile"
        if not _agreed(arguments, said, tenant, rows_by_table):
            return 0
        moved = await (
            mover.back(tenant) if arguments.back else mover.move(tenant, target, grace_seconds=arguments.grace)
        )
        text = f"{tenant} is in {moved.target}; its old rows in {moved.source} wait for --finish, or --back"
        return _say(arguments, text, tenant=tenant, step="flipped", place=str(moved.target), rows=moved.rows)


async def _keep(arguments: argparse.Namespace) -> int:
    from rung.runtime.tenants.archive import read_manifest
    from rung.runtime.tenants.keeping import Keeper

    async with _connected(arguments) as control:
        await _install(control)
        keeper = Keeper(control, _sites(arguments), progress=_progress)
        if arguments.action == "export":
            manifest = await keeper.export(arguments.tenant, arguments.to, subject=arguments.subject)
            rows = {table.name: table.rows for table in manifest.tables}
            return _say(arguments, _table(rows) + f"written to {arguments.to}", tenant=arguments.tenant, rows=rows)
        if arguments.action == "delete":
            tenant = arguments.tenant
            if not _agreed(arguments, f"delete {tenant} for good", tenant, await keeper.counts(tenant)):
                return 0
            rows = await keeper.delete(tenant)
            return _say(arguments, f"{sum(rows.values())} rows of {tenant} deleted", tenant=tenant, rows=rows)
        manifest = read_manifest(arguments.file)
        rows = {table.name: table.rows for table in manifest.tables}
        if not _agreed(
            arguments, f"restore {manifest.tenant} as of {manifest.exported_at}", manifest.tenant, rows
        ):
            return 0
        await keeper.restore(arguments.file, replace=arguments.replace, resurrect=arguments.resurrect)
        text = f"{sum(rows.values())} rows of {manifest.tenant} restored and compared"
        return _say(arguments, text, tenant=manifest.tenant, rows=rows)


def _agreed(arguments: argparse.Namespace, said: str, tenant: str, rows: Mapping[str, int]) -> bool:
    """Show the plan; whether to go on."""
    if arguments.format == "json":
        if not arguments.yes:
            print(json.dumps({"schema": "rung.tenants/1", "plan": said, "rows": dict(rows), "done": False}))
        return bool(arguments.yes)
    print(f"{_table(rows)}plan: {said}")
    if arguments.yes:
        return True
    if sys.stdin.isatty():
        return input(f"type {tenant} to do it: ").strip() == tenant
    print("nothing is done: add --yes")
    return False


def _say(arguments: argparse.Namespace, text: str, **fields: Any) -> int:
    done = {"schema": "rung.tenants/1", **fields, "done": True}
    print(json.dumps(done) if arguments.format == "json" else text)
    return 0


def _table(rows: Mapping[str, int]) -> str:
    return "".join(f"{count:>12,}  {name}\n" for name, count in sorted(rows.items()))


def _progress(what: str, number: int, total: int) -> None:
    """One line that is written over, on a terminal only."""
    if sys.stderr.isatty():
        bar = f"[{'#' * (20 * number // total):<20}] {number}/{total} " if total else ""
        print(f"\r\x1b[K{bar}{what}", end="" if total and number < total else "\n", file=sys.stderr, flush=True)


def _sites(arguments: argparse.Namespace) -> Any:
    from rung.runtime.tenants.site import Sites

    given = [each.partition("=") for each in getattr(arguments, "target_url", [])]
    if any(not url for _, _, url in given):
        raise UsageError("--target-url takes NAME=URL")
    return Sites(
        url=arguments.url,
        column=arguments.column,
        urls={name: url for name, _, url in given},
        migrations=getattr(arguments, "migrations", None),
    )


async def _install(connection: Any) -> None:
    from rung.runtime.tenants.tables import install_tenants

    await install_tenants(connection)


class _Connected:
    def __init__(self, arguments: argparse.Namespace) -> None:
        self._arguments = arguments

    async def __aenter__(self) -> Any:
        from rung.runtime.tenants.places import Place
        from rung.runtime.tenants.site import Sites

        sites = Sites(url=self._arguments.url, urls={})
        self._connection = await sites.connect(Place())
        return self._connection

    async def __aexit__(self, *_: object) -> None:
        self._connection.terminate()


def _connected(arguments: argparse.Namespace) -> _Connected:
    return _Connected(arguments)

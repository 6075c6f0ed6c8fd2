"""Makes a workload's databases ready before anything uses them: databases, roles, migrations, queue tables.

Every database has three roles. The *owner* changes the schema and is used here alone. The *serving role* is what
processes connect as: it owns nothing and bypasses no row-level security, so a policy that is missing shows
here and not in production. The *carrier role* reaches queues and schedules and no table of the application: a
process that only sends messages gets no more. Everything is safe to run again, and runs at every start.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

import asyncpg
import msgspec

from rung.errors import Finding, MachineError
from rung.local.environment import APPROVAL_KEY
from rung.local.machine import Database
from rung.local.state import State
from rung.model.graph import Graph
from rung.model.nodes import Bus, Postgres, Queue, Schedule, Workflow
from rung.runtime.database.isolation import require_isolation
from rung.runtime.database.tenancy import grant_rows
from rung.runtime.migrations import Applied, migrate
from rung.runtime.tenants.tables import install_tenants

CONNECT_TIMEOUT_SECONDS = 5
#: Where queues and schedules live in a workload that has no database of its own.
CARRIER_DATABASE = "rung"
#: Brokers that carry a queue without any database.
ELSEWHERE = ("redis", "rabbitmq")
_IDENTIFIER_LIMIT = 63 - len("_owner")


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """The databases by node name, the one that carries queues and schedules, and what was migrated.

    `identity` differs when a database was made anew: what fills databases has to run again then.
    """

    databases: dict[str, Database]
    carrier: Database | None
    applied: tuple[tuple[str, Applied], ...]
    identity: str = ""


def database_names(graph: Graph) -> list[str]:
    """The nodes that need a database on the server; queues and schedules need one even when nothing else does."""
    names = [node.name for node in graph.of(Postgres)]
    return names or ([CARRIER_DATABASE] if needs_carrier(graph) else [])


def needs_carrier(graph: Graph) -> bool:
    """Whether a database has to carry schedules, events, workflows, queues, or outboxes of queues elsewhere."""
    carried = [node for node in graph.of(Queue) if graph.of(Postgres) or node.broker not in ELSEWHERE]
    return bool(carried or graph.of(Schedule) or graph.of(Bus) or graph.of(Workflow))


async def prepare(graph: Graph, admin_url: str, state: State) -> Prepared:
    """Create, migrate, install and check. Raises MachineError: R0309, and R04xx of migrations and of tenancy."""
    passwords = _Passwords(state.directory / "roles.json")
    databases = await _create(graph, admin_url, passwords)
    applied: list[tuple[str, Applied]] = []
    for node in graph.of(Postgres):
        applied += [(node.name, each) for each in await _migrate(graph, node, databases[node.name])]
    carrier = next(iter(databases.values()), None) if needs_carrier(graph) else None
    if graph.of(Workflow):
        _make_key(state.directory / APPROVAL_KEY)
    for database in databases.values():
        await _install(database, carries=database is carrier, fair=any(queue.fair for queue in graph.of(Queue)))
    for node in graph.of(Postgres):
        await _keep_apart(graph, node, databases[node.name])
    identity = await _identity(admin_url, [database.name for database in databases.values()])
    return Prepared(databases=databases, carrier=carrier, applied=tuple(applied), identity=identity)


def _make_key(file: Path) -> None:
    """What links for approvals are signed with: made once, so that they outlive a restart."""
    if not file.exists():
        file.touch(mode=0o600)
        file.write_text(secrets.token_urlsafe(32))


async def migrate_again(graph: Graph, databases: dict[str, Database]) -> tuple[tuple[str, Applied], ...]:
    """Apply migrations that appeared while everything runs. Raises MachineError: R04xx."""
    applied: list[tuple[str, Applied]] = []
    for node in graph.of(Postgres):
        database = databases[node.name]
        applied += [(node.name, each) for each in await _migrate(graph, node, database)]
        async with _connection(database.owner_url) as connection:
            await _grant(connection, database)
        await _keep_apart(graph, node, database)
    return tuple(applied)


def folder_of(graph: Graph) -> Path:
    """The folder of the workload file, to which its paths are relative."""
    return Path(graph.root).resolve()


async def _migrate(graph: Graph, node: Postgres, database: Database) -> list[Applied]:
    if node.migrations is None:
        return []
    return await migrate(database.owner_url, folder_of(graph) / node.migrations)


class _Passwords:
    """Random passwords of the roles, kept so that a shell that is open stays connected over a restart."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._known: dict[str, str] = msgspec.json.decode(file.read_bytes()) if file.exists() else {}

    def of(self, role: str) -> str:
        """The password of `role`, made on first use."""
        if role not in self._known:
            self._known[role] = secrets.token_urlsafe(18)
            self._file.touch(mode=0o600)
            self._file.write_bytes(msgspec.json.encode(self._known))
        return self._known[role]


async def _create(graph: Graph, admin_url: str, passwords: _Passwords) -> dict[str, Database]:
    extensions = {node.name: node.extensions for node in graph.of(Postgres)}
    databases: dict[str, Database] = {}
    async with _connection(admin_url) as connection:
        for name in database_names(graph):
            database = f"{graph.name}_{name}".replace("-", "_")[:_IDENTIFIER_LIMIT]
            owner, serving, carrier = (f"{database}_{suffix}" for suffix in ("owner", "app", "queue"))
            with _explained(admin_url):
                for role in (owner, serving, carrier):
                    await _create_role(connection, role, passwords.of(role))
                await _create_database(connection, database, owner)
            databases[name] = Database(
                name=database,
                owner_url=_url_as(admin_url, owner, passwords.of(owner), database),
                serving_url=_url_as(admin_url, serving, passwords.of(serving), database),
                carrier_url=_url_as(admin_url, carrier, passwords.of(carrier), database),
                serving_role=serving,
                carrier_role=carrier,
            )
    for name, database_ in databases.items():
        await _create_extensions(_url_of(admin_url, database_.name), extensions.get(name, ()))
    return databases


async def _create_role(connection: asyncpg.Connection, role: str, password: str) -> None:
    there = await connection.fetchval("select true from pg_roles where rolname = $1", role)
    verb = "alter" if there else "create"
    # A password cannot be a parameter of a utility statement; it is ours, and has no quote in it.
    await connection.execute(f"{verb} role {_quoted(role)} login nosuperuser nobypassrls password '{password}'")
    if not there:
        await connection.execute(f"grant {_quoted(role)} to current_user")


async def _create_database(connection: asyncpg.Connection, database: str, owner: str) -> None:
    if not await connection.fetchval("select true from pg_database where datname = $1", database):
        await connection.execute(f"create database {_quoted(database)} owner {_quoted(owner)}")
        await connection.execute(f"revoke connect on database {_quoted(database)} from public")


async def _create_extensions(url: str, extensions: Iterable[str]) -> None:
    wanted = tuple(extensions)
    if not wanted:
        return
    async with _connection(url) as connection:
        with _explained(url):
            for extension in wanted:
                await connection.execute(f"create extension if not exists {_quoted(extension)}")


async def _identity(admin_url: str, names: list[str]) -> str:
    async with _connection(admin_url) as connection:
        system = await connection.fetchval("select system_identifier from pg_control_system()")
        numbers = await connection.fetch("select oid from pg_database where datname = any($1) order by oid", names)
    return f"{system}/{','.join(str(row['oid']) for row in numbers)}"


async def _keep_apart(graph: Graph, node: Postgres, database: Database) -> None:
    """Nothing starts on a database whose tables do not keep tenants apart: what is forgotten shows here."""
    tenancy = node.tenancy
    if tenancy is None or tenancy.mode != "rls":
        return
    async with _connection(database.owner_url) as connection:
        if tenancy.tiers:
            await install_tenants(connection, roles=[database.serving_role])
        await require_isolation(
            connection,
            tenancy.column or "tenant_id",
            serving_role=database.serving_role,
            migrations=None if node.migrations is None else folder_of(graph) / node.migrations,
        )


async def _install(database: Database, *, carries: bool, fair: bool) -> None:
    async with _connection(database.owner_url) as connection:
        if carries:
            from rung.runtime.bus.schema import install_bus
            from rung.runtime.schedule.ticks import install_schedules
            from rung.runtime.webhooks.schema import install_webhooks
            from rung.runtime.workflow.postgres.schema import install_workflows

            roles = [database.serving_role, database.carrier_role]
            await install_bus(connection, roles=roles)
            await install_schedules(connection, roles=roles)
            await install_workflows(connection, roles=roles)
            await install_webhooks(connection, roles=roles)
            if fair:
                from rung.runtime.queue.postgres.schema import install_queue

                await install_queue(connection, fair=True)
        await _grant(connection, database)


async def _grant(connection: asyncpg.Connection, database: Database) -> None:
    """Reading and writing rows in every schema of the application; nothing in the schema `rung`."""
    role = _quoted(database.serving_role)
    await connection.execute(
        f"grant connect on database {_quoted(database.name)} to {role}, {_quoted(database.carrier_role)}"
    )
    await grant_rows(connection, database.serving_role)


@asynccontextmanager
async def _connection(url: str) -> AsyncIterator[asyncpg.Connection]:
    try:
        connection = await asyncpg.connect(url, timeout=CONNECT_TIMEOUT_SECONDS)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise MachineError(_unreachable(url, error)) from error
    try:
        yield connection
    finally:
        await connection.close()


@contextlib.contextmanager
def _explained(url: str) -> Any:
    try:
        yield
    except asyncpg.PostgresError as error:
        raise MachineError(
            Finding(
                code="R0309",
                severity="error",
                message="the Postgres server does not let rung dev prepare a database",
                found=f"{_without_password(url)}: {error}",
                effect="nothing that needs a database can run",
                help="let the role of RUNG_POSTGRES_URL do it: alter role <name> createdb createrole",
            )
        ) from error


def _unreachable(url: str, error: Exception) -> Finding:
    return Finding(
        code="R0309",
        severity="error",
        message="the Postgres server cannot be reached",
        found=f"{_without_password(url)}: {str(error) or f'no answer in {CONNECT_TIMEOUT_SECONDS} s'}",
        effect="nothing that needs a database can run",
        help="start that server, correct RUNG_POSTGRES_URL, or unset it to use the embedded one",
    )


def _url_as(admin_url: str, user: str, password: str, database: str) -> str:
    parts = urlsplit(admin_url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{quote(user)}:{quote(password)}@{host}", path=f"/{database}"))


def _url_of(admin_url: str, database: str) -> str:
    return urlunsplit(urlsplit(admin_url)._replace(path=f"/{database}"))


def _without_password(url: str) -> str:
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    user = f"{parts.username}@" if parts.username else ""
    return urlunsplit(parts._replace(netloc=f"{user}{host}", query=""))


def _quoted(identifier: str) -> str:
    return '"' + identifier.replace('"', '""') + '"'

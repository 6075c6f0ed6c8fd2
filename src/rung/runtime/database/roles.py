"""A database of AWS made ready: its roles, with the passwords of their secrets, its queue tables, its migrations.

Run by the job of a deployment, before the new version starts, as the master user. That one is no superuser on RDS:
it may create roles and databases. What exists belongs to an *owner* that nobody signs in as. Each process has a
role of its own, a member of `<database>_read` and `<database>_write` (rows of the application) and of
`<database>_queue` (queues, schedules, events, workflows) as far as it reads, writes and sends, and owns nothing.
Everything may be run again, and by two deployments at once.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import asyncpg
import msgspec

from rung.errors import ApplicationError, Finding, MachineError
from rung.runtime.clock import SYSTEM_CLOCK, Clock
from rung.runtime.database.isolation import require_isolation
from rung.runtime.database.login import Login, login_of, open_connection
from rung.runtime.database.tables import install_tables
from rung.runtime.database.tenancy import grant_rows
from rung.runtime.migrations import CONNECT_TIMEOUT_SECONDS, Applied, lock, migrate, unreachable
from rung.runtime.queue.postgres.schema import quote_identifier
from rung.runtime.tenants.tables import install_tenants

#: "rung" in ASCII, then 2 for roles.
ADVISORY_LOCK = 0x72756E67_00000002
SCRAM_ITERATIONS = 4096


class RoleSetup(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A process's role: the ARN of its secret (user and password), and what it reaches."""

    secret: str
    rows: Literal["none", "read", "write", "all"] = "all"
    queue: bool = False


class DatabaseSetup(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One database. `carries`: queues or schedules live in it too. `migrations`: the folder, None for none.

    `tenant_column`: its tables keep tenants apart by it, which is checked. `tenant_map`: some are elsewhere.
    `fair`: tenants take turns in a queue here. `events`, `workflows`: a bus, or runs of workflows, live here too.
    """

    url: str
    credentials_secret: str | None = None
    roles: tuple[RoleSetup, ...] = ()
    migrations: str | None = None
    extensions: tuple[str, ...] = ()
    carries: bool = False
    tenant_column: str | None = None
    tenant_map: bool = False
    fair: bool = False
    events: bool = False
    workflows: bool = False


async def set_up(setup: DatabaseSetup, *, folder: Path, clock: Clock = SYSTEM_CLOCK) -> list[Applied]:
    """Make everything ready, in this order: owner, roles, queue tables, migrations, grants.

    Raises MachineError: R0401 to R0408 of migrations, R0407 unreachable, R0417 refused by the server, R0418 a
    secret, R0411 to R0432 tables that do not keep tenants apart.
    """
    name = urlsplit(setup.url).path.lstrip("/")
    owner = f"{name}_owner"
    async with _connected(setup) as master:
        await lock(master, clock, ADVISORY_LOCK)
        async with _explained("its owner and roles"):
            await _own(master, name, owner)
            for extension in setup.extensions:
                await master.execute(f"create extension if not exists {quote_identifier(extension)}")
            logins = [(role, _login(role)) for role in setup.roles]
            await _create_roles(master, name, logins)
        async with _connected(setup, role=owner) as ours:
            async with _explained("its queue tables"):
                await install_tables(ours, _kinds(setup), roles=[_group(name, "queue")])
            applied: list[Applied] = []
            if setup.migrations is not None:
                secret, directory = setup.credentials_secret, folder / setup.migrations
                applied = await migrate(setup.url, directory, credentials_secret=secret, role=owner, clock=clock)
            async with _explained("the grants of its rows"):
                await grant_rows(ours, _group(name, "write"), rows="write")
                await grant_rows(ours, _group(name, "read"), rows="read")
            if setup.tenant_map:
                await install_tenants(ours, roles=[_group(name, "read")])
            if setup.tenant_column is not None:
                await require_isolation(ours, setup.tenant_column)
        return applied


def _kinds(setup: DatabaseSetup) -> tuple[str, ...]:
    wanted = {
        "queues": setup.carries, "fair": setup.carries and setup.fair, "events": setup.events,
        "workflows": setup.workflows,
    }  # fmt: skip
    return tuple(kind for kind, is_wanted in wanted.items() if is_wanted)


async def _own(master: Any, name: str, owner: str) -> None:
    await _create_role(master, owner, "nologin")
    await master.execute(f"grant {quote_identifier(owner)} to current_user")
    there = await master.fetchval(
        "select pg_get_userbyid(datdba) from pg_database where datname = current_database()"
    )
    if there != owner:
        await master.execute(f"alter database {quote_identifier(name)} owner to {quote_identifier(owner)}")
        await master.execute(f"revoke connect on database {quote_identifier(name)} from public")


async def _create_roles(master: Any, name: str, logins: Sequence[tuple[RoleSetup, Login]]) -> None:
    for kind in ("write", "read", "queue"):
        group = _group(name, kind)
        await _create_role(master, group, "nologin")
        await master.execute(f"grant connect on database {quote_identifier(name)} to {quote_identifier(group)}")
    for role, login in logins:
        await _create_role(master, login.user, "login inherit")
        await master.execute(f"alter role {quote_identifier(login.user)} password '{verifier_of(login.password)}'")
        wishes = {kind: role.rows in (kind, "all") for kind in ("write", "read")} | {"queue": role.queue}
        for kind, wanted in wishes.items():
            verb, preposition = ("grant", "to") if wanted else ("revoke", "from")
            group, user = quote_identifier(_group(name, kind)), quote_identifier(login.user)
            await master.execute(f"{verb} {group} {preposition} {user}")


async def _create_role(master: Any, role: str, attributes: str) -> None:
    if not await master.fetchval("select true from pg_roles where rolname = $1", role):
        with suppress(asyncpg.DuplicateObjectError):  # roles are the server's: another database's job was faster
            await master.execute(f"create role {quote_identifier(role)} {attributes}")


def _group(database: str, kind: str) -> str:
    return f"{database}_{kind}"


def _login(role: RoleSetup) -> Login:
    from rung.runtime.aws.secrets import SECRETS

    try:
        return login_of(SECRETS.read(role.secret, fresh=True))
    except ApplicationError as error:
        raise MachineError(
            Finding(
                code="R0418",
                severity="error",
                message="the secret of a database role cannot be read",
                found=str(error),
                effect="that role gets no password, and the process that signs in as it does not start",
                help='give the secret a value: JSON with "username" and "password"',
            )
        ) from error


def verifier_of(password: str) -> str:
    """What Postgres stores for a password (RFC 5803), so that none is ever in a statement or in the server's log.

    The password is used as it is: ours are ASCII, which SASLprep leaves alone.
    """
    salt = os.urandom(16)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, SCRAM_ITERATIONS)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    texts = [base64.b64encode(each).decode() for each in (salt, stored, server)]
    return f"SCRAM-SHA-256${SCRAM_ITERATIONS}:{texts[0]}${texts[1]}:{texts[2]}"


@asynccontextmanager
async def _connected(setup: DatabaseSetup, *, role: str | None = None) -> AsyncIterator[Any]:
    settings = {"application_name": "rung migrate", "statement_timeout": "0", **({"role": role} if role else {})}
    try:
        connection = await open_connection(
            setup.url, setup.credentials_secret, timeout=CONNECT_TIMEOUT_SECONDS, server_settings=settings
        )
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, ApplicationError) as error:
        raise MachineError(unreachable(error)) from error
    try:
        yield connection
    finally:
        connection.terminate()  # also gives the lock back


@asynccontextmanager
async def _explained(what: str) -> AsyncIterator[None]:
    try:
        yield
    except asyncpg.PostgresError as error:
        raise MachineError(
            Finding(
                code="R0417",
                severity="error",
                message=f"the database server refuses to set up {what}",
                found=f"{error} (SQLSTATE {getattr(error, 'sqlstate', '?')})",
                effect="the deployment stops before any new process starts; what runs goes on",
                help="connect as the master user of the server: it may create roles and owns the database",
            )
        ) from error

"""Schema changes from numbered SQL files: in order, once each, all or nothing, one process at a time.

A file `0007_add_orders.sql` runs in one transaction together with the row that records it, so a crash at any
statement leaves either all of it or none (F15). Who else migrates waits for an advisory lock. A statement
that waits for a lock gives up after `lock_timeout_seconds` and the file is tried again: a migration that
queues behind an idle transaction would make every reader queue behind itself.

A file that says `-- rung: no transaction` builds or drops indexes while the table is in use: see online_index.py.
"""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from rung.errors import ApplicationError, Finding, Location, MachineError
from rung.runtime import online_index
from rung.runtime.clock import SYSTEM_CLOCK, Clock
from rung.runtime.database.login import open_connection
from rung.runtime.database.sql_text import Statement, line_of, statements

_TRANSACTION_CONTROL = re.compile(
    r"(?:begin|start\s+transaction|commit|abort|end|rollback(?!\s+(?:work\s+|transaction\s+)?to\b))\b",
    re.IGNORECASE,
)
_FILE_NAME = re.compile(r"(\d{4})_([A-Za-z0-9_-]+)\.sql")
#: The same in every version of rung: "rung" in ASCII, then 1 for migrations.
ADVISORY_LOCK = 0x72756E67_00000001
ATTEMPTS = 8
CONNECT_TIMEOUT_SECONDS = 10
_BACKOFF_FIRST_SECONDS = 0.2
_BACKOFF_LAST_SECONDS = 5.0

_LEDGER = """
create schema if not exists rung;
create table if not exists rung.migrations (
    number integer primary key,
    name text not null,
    checksum text not null,
    applied_at timestamptz not null default now(),
    duration_seconds double precision not null
)"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """One file. `checksum` is the SHA-256 of its text with line ends as `\\n`."""

    number: int
    name: str
    path: Path
    sql: str
    checksum: str
    statements: tuple[Statement, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """A migration that this call has applied, how long it took, and how often it had to be tried."""

    number: int
    name: str
    duration_seconds: float
    attempts: int


async def migrate(
    url: str,
    directory: Path,
    *,
    credentials_secret: str | None = None,
    role: str | None = None,
    lock_timeout_seconds: float = 2.0,
    clock: Clock = SYSTEM_CLOCK,
) -> list[Applied]:
    """Apply what `directory` holds and the database does not. Safe to call from many processes at once.

    As the user of the URL, or of the secret; `role`: as that one, of which the user is a member.

    Raises MachineError: R0401 to R0404 and R0408 about the files, R0405 a statement failed, R0406 no locks,
    R0407 the server cannot be reached.
    """
    migrations = read_migrations(directory)
    connection = await _connect(url, credentials_secret, role)
    try:
        await lock(connection, clock)
        await connection.execute(_LEDGER)
        pending = _pending(migrations, await _recorded(connection))
        return [await _apply(connection, each, lock_timeout_seconds, clock) for each in pending]
    finally:
        connection.terminate()  # also gives the advisory lock back, whatever state the connection is in


def read_migrations(directory: Path) -> list[Migration]:
    """The files of `directory` in order. Raises MachineError with every finding: R0401, R0402, R0403, R0408."""
    findings: list[Finding] = []
    migrations: list[Migration] = []
    for path in sorted(directory.glob("*.sql")):
        matched = _FILE_NAME.fullmatch(path.name)
        if matched is None:
            findings.append(_misnamed(path))
            continue
        sql = path.read_text(encoding="utf-8").replace("\r\n", "\n")
        checksum = hashlib.sha256(sql.encode()).hexdigest()
        migrations.append(
            Migration(
                number=int(matched[1]),
                name=matched[2],
                path=path,
                sql=sql,
                checksum=checksum,
                statements=tuple(statements(sql)),
            )
        )
    findings += _numbering(migrations)
    for each in migrations:
        findings += _not_repeatable(each) if online_index.is_online(each.sql) else _transaction_control(each)
    if not directory.is_dir():
        findings.append(_no_directory(directory))
    if findings:
        raise MachineError(*findings)
    return migrations


def _misnamed(path: Path) -> Finding:
    return Finding(
        code="R0401",
        severity="error",
        message="a migration's name does not say its place in the order",
        location=Location(file=str(path), line=1),
        found=f"the file name {path.name!r}",
        effect="no migration is applied",
        help="name it NNNN_what_it_does.sql, four digits, as 0007_add_orders.sql",
    )


def _no_directory(directory: Path) -> Finding:
    return Finding(
        code="R0401",
        severity="error",
        message="the directory of the migrations does not exist",
        location=Location(file=str(directory), line=1),
        effect="no migration is applied",
        help="create it, or correct migrations= of the database in the workload file",
    )


def _numbering(migrations: Sequence[Migration]) -> list[Finding]:
    findings: list[Finding] = []
    for before, after in itertools.pairwise(migrations):
        place = Location(file=str(after.path), line=1)
        if after.number == before.number:
            findings.append(
                Finding(
                    code="R0402",
                    severity="error",
                    message=f"two migrations have the number {after.number:04d}",
                    location=place,
                    found=f"{before.path.name} and {after.path.name}",
                    effect="their order would differ between machines; no migration is applied",
                    help="give the later one the next free number",
                    related=(Location(file=str(before.path), line=1),),
                )
            )
        elif after.number != before.number + 1:
            findings.append(
                Finding(
                    code="R0403",
                    severity="error",
                    message=f"there is no migration {before.number + 1:04d}",
                    location=place,
                    found=f"{before.path.name}, then {after.path.name}",
                    effect="a file that appears later would be applied out of order; no migration is applied",
                    help="restore the missing file, or renumber those that are applied nowhere yet",
                )
            )
    return findings


def _transaction_control(migration: Migration) -> list[Finding]:
    return [
        Finding(
            code="R0408",
            severity="error",
            message="a migration controls the transaction that it runs in",
            location=_location(migration, statement.offset),
            found=f"the statement {statement.text.split(maxsplit=1)[0].lower()!r}",
            effect="a crash would leave half of the file applied; no migration is applied",
            help="remove it: the whole file runs in one transaction; split the file where two are needed",
        )
        for statement in migration.statements
        if _TRANSACTION_CONTROL.match(statement.words)
    ]


def _not_repeatable(migration: Migration) -> list[Finding]:
    return [
        Finding(
            code="R0409",
            severity="error",
            message="a migration without a transaction has a statement that cannot be repeated",
            location=_location(migration, statement.offset),
            found=" ".join(statement.words.split()[:4]).lower(),
            effect="a crash after it would leave half of the file applied; no migration is applied",
            help="leave `create index concurrently if not exists` and `drop index concurrently if exists` here, "
            "and move the rest into a file of its own",
        )
        for statement in migration.statements
        if not online_index.can_be_repeated(statement)
    ]


def _location(migration: Migration, offset: int) -> Location:
    line = line_of(migration.sql, offset)
    lines = migration.sql.splitlines() or [""]
    return Location(file=str(migration.path), line=line, text=lines[min(line, len(lines)) - 1].strip())


async def _connect(url: str, credentials_secret: str | None, role: str | None) -> asyncpg.Connection:
    settings = {"application_name": "rung migrate", "statement_timeout": "0", **({"role": role} if role else {})}
    try:
        return await open_connection(
            url, credentials_secret, timeout=CONNECT_TIMEOUT_SECONDS, server_settings=settings
        )
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, ApplicationError) as error:
        raise MachineError(unreachable(error)) from error


def unreachable(error: Exception) -> Finding:
    """R0407."""
    return Finding(
        code="R0407",
        severity="error",
        message="the database cannot be reached",
        found=str(error).splitlines()[0] if str(error) else f"no answer in {CONNECT_TIMEOUT_SECONDS} s",
        effect="what was under way is rolled back; migrations that were applied before stay",
        help="start the server, or correct the URL, the user or the password; then give the command again",
    )


async def lock(connection: asyncpg.Connection, clock: Clock, key: int = ADVISORY_LOCK) -> None:
    """Wait for whoever migrates now. Polled, so that no backend waits inside the server meanwhile."""
    pause = 0.05
    for _ in range(200):
        if await connection.fetchval("select pg_try_advisory_lock($1)", key):
            return
        await clock.sleep(pause)
        pause = min(1.0, pause * 1.5)
    raise MachineError(
        Finding(
            code="R0406",
            severity="error",
            message="another process has been migrating this database for minutes",
            found="the advisory lock of rung migrate is held",
            effect="no migration is applied by this process",
            help="see pg_stat_activity for application_name 'rung migrate'; end that session if it hangs",
        )
    )


async def _recorded(connection: asyncpg.Connection) -> dict[int, tuple[str, str]]:
    rows = await connection.fetch("select number, name, checksum from rung.migrations")
    return {row["number"]: (row["name"], row["checksum"]) for row in rows}


def _pending(migrations: Sequence[Migration], recorded: dict[int, tuple[str, str]]) -> list[Migration]:
    edited = [each for each in migrations if each.number in recorded and recorded[each.number][1] != each.checksum]
    findings = [_edited(each, recorded[each.number][0]) for each in edited]
    newest = max(recorded, default=-1)
    pending = [each for each in migrations if each.number not in recorded]
    findings += [_late(each, newest) for each in pending if each.number < newest]
    if findings:
        raise MachineError(*findings)
    return pending


def _edited(migration: Migration, name: str) -> Finding:
    return Finding(
        code="R0404",
        severity="error",
        message=f"migration {migration.number:04d} was edited after it was applied",
        location=Location(file=str(migration.path), line=1),
        found=f"another checksum than the one recorded for {migration.number:04d}_{name}",
        effect="this database and a new one would differ; no migration is applied",
        help="restore the file as it was, and put the change into a new migration",
    )


def _late(migration: Migration, newest: int) -> Finding:
    return Finding(
        code="R0403",
        severity="error",
        message=f"migration {migration.number:04d} appeared after {newest:04d} was applied",
        location=Location(file=str(migration.path), line=1),
        found=f"the database is at {newest:04d}",
        effect="it would be applied out of order here; no migration is applied",
        help="give it the next free number",
    )


async def _apply(
    connection: asyncpg.Connection, migration: Migration, lock_timeout_seconds: float, clock: Clock
) -> Applied:
    """One file, retried with backoff and full jitter while another transaction holds the locks it needs."""
    for attempt in range(1, ATTEMPTS + 1):
        began, progress = clock.monotonic(), _Progress(migration)
        try:
            await _apply_once(connection, progress, lock_timeout_seconds)
        except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError) as error:
            if attempt == ATTEMPTS:
                raise MachineError(await _locked(connection, progress)) from error
            ceiling = min(_BACKOFF_LAST_SECONDS, _BACKOFF_FIRST_SECONDS * 2**attempt)
            await clock.sleep(random.uniform(_BACKOFF_FIRST_SECONDS, ceiling))
            continue
        except (OSError, asyncpg.PostgresConnectionError, asyncpg.InterfaceError) as error:
            raise MachineError(unreachable(error)) from error
        except asyncpg.PostgresError as error:
            raise MachineError(_failed(progress, error)) from error
        seconds = clock.monotonic() - began
        return Applied(number=migration.number, name=migration.name, duration_seconds=seconds, attempts=attempt)
    raise AssertionError("the last attempt returns or raises")


@dataclass(slots=True)
class _Progress:
    """The file that is being applied, and the statement it has reached."""

    migration: Migration
    offset: int = 0

    def location(self, error: asyncpg.PostgresError | None = None) -> Location:
        """The line of the statement, or of the very character that the server points at."""
        position = 1 if error is None else int(getattr(error, "position", None) or 1)
        return _location(self.migration, self.offset + position - 1)


async def _apply_once(connection: asyncpg.Connection, progress: _Progress, lock_timeout_seconds: float) -> None:
    began = asyncio.get_running_loop().time()
    if online_index.is_online(progress.migration.sql):
        waits_seconds = max(lock_timeout_seconds, online_index.LOCK_TIMEOUT_SECONDS)
        await connection.execute(f"set lock_timeout = {round(waits_seconds * 1000)}")
        for statement in progress.migration.statements:
            progress.offset = statement.offset
            await online_index.execute(connection, statement)
        await _record(connection, progress.migration, began)
        return
    async with connection.transaction():
        await connection.execute(f"set local lock_timeout = {max(1, round(lock_timeout_seconds * 1000))}")
        for statement in progress.migration.statements:
            progress.offset = statement.offset
            await connection.execute(statement.text)
        await _record(connection, progress.migration, began)


async def _record(connection: asyncpg.Connection, migration: Migration, began: float) -> None:
    await connection.execute("reset role; reset all")
    await connection.execute(
        "insert into rung.migrations (number, name, checksum, duration_seconds) values ($1, $2, $3, $4)",
        migration.number,
        migration.name,
        migration.checksum,
        asyncio.get_running_loop().time() - began,
    )


def _failed(progress: _Progress, error: asyncpg.PostgresError) -> Finding:
    said = error.as_dict()
    reason = "; ".join(said[part] for part in ("message", "detail", "hint") if said.get(part))
    return Finding(
        code="R0405",
        severity="error",
        message=f"migration {progress.migration.path.stem} failed",
        location=progress.location(error),
        found=f"{reason or error} (SQLSTATE {said.get('sqlstate', '?')})",
        effect="what the file did before it stands; the next run goes on, and drops an index that is half built"
        if online_index.is_online(progress.migration.sql)
        else "nothing of this file is applied; those before it are",
        help="correct the statement at that line and run the migrations again",
    )


async def _locked(connection: asyncpg.Connection, progress: _Progress) -> Finding:
    holders = await connection.fetch(
        "select pid, application_name, state, extract(epoch from now() - xact_start)::int as age "
        "from pg_stat_activity where xact_start is not null and pid <> pg_backend_pid() "
        "and datname = current_database() order by xact_start limit 3"
    )
    said = ", ".join(
        f"pid {row['pid']} ({row['application_name'] or 'unnamed'}, {row['state']}, {row['age']} s)"
        for row in holders
    )
    return Finding(
        code="R0406",
        severity="error",
        message=f"migration {progress.migration.path.stem} did not get its locks in {ATTEMPTS} attempts",
        location=progress.location(),
        found=f"open transactions: {said or 'none any more'}",
        effect="nothing of this file is applied; those before it are",
        help="end the transaction that holds the lock (select pg_terminate_backend(pid)), then try again",
    )

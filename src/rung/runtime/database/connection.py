"""One connection whose every call ends in time, whose socket notices a dead peer, and that knows its state."""

from __future__ import annotations

import asyncio
import contextvars
import re
import struct
import time
import weakref
from collections.abc import Sequence
from contextlib import suppress
from functools import lru_cache
from typing import Any

import asyncpg
from asyncpg.connection import Connection
from asyncpg.prepared_stmt import PreparedStatement
from asyncpg.transaction import Transaction

from rung.errors import ApplicationError
from rung.runtime.context import Tenant, current_deadline
from rung.runtime.database.counting import count
from rung.runtime.database.failures import translate
from rung.runtime.database.limits import Limits
from rung.runtime.database.login import open_connection
from rung.runtime.database.peer import watch_the_peer
from rung.runtime.errors import TenantError, UnavailableError
from rung.runtime.trace import is_recording, span

TRACED_CHARACTERS_MAX = 400

#: Statements that leave something in the session which the next user of the connection must not find.
_LEAVES_STATE = re.compile(
    r"""(?:^|;)(?:\s|--[^\n]*(?:\n|$)|/\*(?:[^*]|\*(?!/))*\*/)*
          (?:set\s+(?!local\b|transaction\b|constraints\b)|listen\b|load\b|prepare\b|declare\b|reset\b|do\b|call\b)
        | \b(?:temp|temporary)\s+(?:table|view|sequence)\b | \binto\s+temp
        | \bset_config\s*\((?!\s*'[^']*'\s*,\s*'[^']*'\s*,\s*true\s*\)) | \bpg_(?:try_)?advisory_lock""",
    re.IGNORECASE | re.VERBOSE,
)


_TENANT = "select current_setting('app.tenant_id', true)"
#: Sets the tenant of this transaction and returns no row, which would be taken for one of the statement's.
_SET_TENANT = "select where set_config('app.tenant_id', $1, true) is null"


@lru_cache(maxsize=4096)
def bind_and_execute(statement: str, argument: str) -> bytes:
    """The messages Bind and Execute with one text argument, for the unnamed portal, without a sync.

    Source: PostgreSQL documentation, "Message Formats".
    """
    name, value = statement.encode(), argument.encode()
    bind = b"\0" + name + b"\0" + struct.pack("!HHI", 0, 1, len(value)) + value + b"\0\0"
    return b"B" + struct.pack("!I", len(bind) + 4) + bind + b"E\0\0\0\x09\0\0\0\0\0"


@lru_cache(maxsize=2048)
def leaves_state(sql: str) -> bool:
    """Whether `sql` may change the session beyond its transaction. Errs on the side of yes."""
    return _LEAVES_STATE.search(sql) is not None


def _verb(sql: str) -> str:
    """The first word of a statement: few names, as spans want them."""
    return (sql.split(None, 1) or ["copy"])[0].rstrip(";").lower()[:20]


def _line(sql: str) -> str:
    """A statement on one line, without an end that nobody reads. Its values are bound, and are not in it."""
    return " ".join(sql[: 2 * TRACED_CHARACTERS_MAX].split())[:TRACED_CHARACTERS_MAX]


class BoundConnection(Connection):  # type: ignore[misc]
    """An asyncpg connection under `Limits` and the deadline of the current context.

    Every call ends within min(statement timeout, the caller's deadline) in total time, and raises
    DeadlineExceededError, UnavailableError or OverloadedError beside the driver's own SQLSTATE errors.
    """

    __slots__ = (
        "_preamble",
        "_tenant_statement",
        "_tenant_statement_name",
        "asked_at",
        "call_seconds",
        "has_state",
        "heard_at",
        "is_fresh",
        "is_unsent",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.call_seconds = Limits().call_seconds
        #: Something was left in the session: reset it before the next user.
        self.has_state = False
        #: No call has succeeded on it yet.
        self.is_fresh = True
        #: The last call found the connection dead before it sent anything.
        self.is_unsent = False
        #: Monotonic seconds at which the running call was sent (0.0: none runs), and of the last answer.
        self.asked_at = 0.0
        self.heard_at = time.monotonic()
        self._config = _Configuration(self, self._config)  # type: ignore[misc,has-type]  # a slot of the base
        self._preamble = b""
        #: Kept with its name: the server forgets the statement when nobody holds it.
        self._tenant_statement: PreparedStatement | None = None
        self._tenant_statement_name = ""

    def _budget(self, asked: float | None) -> float:
        """Seconds that the next call may take. Raises DeadlineExceededError when there are none."""
        budget = self.call_seconds if asked is None else asked
        deadline = current_deadline()
        return budget if deadline is None else min(budget, deadline.require())

    async def _guarded(self, call: Any, sql: Any, *args: Any, **options: Any) -> Any:
        """Await the call with `sql` (a copy's table by name); a span of its own when its action is traced.

        Nothing is traced outside of an action: a worker that asks an empty queue would fill the traces.
        """
        if not is_recording():
            return await self._answered(call, sql, *args, **options)
        text = str(sql)
        with span(
            _verb(text), kind="client", attributes={"db.system.name": "postgresql", "db.query.text": _line(text)}
        ):
            return await self._answered(call, sql, *args, **options)

    async def _answered(self, call: Any, *args: Any, **options: Any) -> Any:
        """Await the call, note when it was asked and answered, and raise what its error means."""
        self.asked_at = time.monotonic()
        try:
            answer = await call(*args, **options)
        except asyncpg.InternalClientError as error:
            if isinstance(error, asyncpg.OutdatedSchemaCacheError):
                raise
            # The driver has lost track of the connection: nobody may have it again.
            self.terminate()
            # The server's last words were read while nobody asked; of anything else the outcome is unknown.
            self.is_unsent = str(error).startswith(("cannot switch to state", "not connected"))
            raise UnavailableError(f"the connection to the database was lost: {error}") from error
        except Exception as error:
            meaning = translate(error)
            if meaning is None:
                raise
            raise meaning from error
        finally:
            self.asked_at = 0.0
        self.heard_at = time.monotonic()
        self.is_fresh = False
        return answer

    def _begin(self, sql: str) -> None:
        count()
        if leaves_state(sql):
            self.has_state = True

    async def execute(self, query: str, *args: Any, timeout: float | None = None) -> str:
        """Run `query`; without arguments it may hold several statements. The last command's tag."""
        if args:
            _, status, _ = await self._execute(query, args, 0, timeout, return_status=True)
            return str(status.decode())
        self._begin(query)
        return await self.command(query, timeout)

    async def run_one(self, sql: str, args: Sequence[Any], limit: int, *, tag: bool = False) -> Any:
        """One statement outside of a transaction: its rows, or with `tag` also its tag.

        What `fetch` does through seven of the driver's coroutines, in one, for a statement that is prepared
        already; everything else takes the driver's way.
        """
        statement = self._stmt_cache.get((sql, asyncpg.Record, False))
        if statement is None or self._protocol is None or self._query_loggers:
            return await self._execute(sql, args, limit, None, return_status=tag)
        self._begin(sql)
        return await self._guarded(self._run_prepared, sql, statement, args, limit, tag)

    async def _run_prepared(self, sql: str, statement: Any, args: Sequence[Any], limit: int, tag: bool) -> Any:
        budget, sent, protocol = self._budget(None), self._sent(), self._protocol
        assert protocol is not None
        try:
            if self._preamble:
                self._transport.write(self._preamble)
            return await protocol.bind_execute(statement, args, "", limit, tag, budget)
        except asyncpg.InvalidCachedStatementError:  # refused before it ran: the driver prepares it anew
            return await super()._execute(sql, args, limit, self._budget(None), return_status=tag)
        except asyncpg.OutdatedSchemaCacheError:  # it ran: never a second time
            await self.reload_schema_state()
            raise
        except BaseException:
            self._note_unsent(sent)
            raise

    async def command(self, sql: str, timeout: float | None = None) -> str:
        """`execute` for our own statements, which are known to leave nothing in the session."""
        return str(await self._guarded(super().execute, sql, timeout=self._budget(timeout)))

    async def _execute(
        self, query: str, args: Sequence[Any], limit: int, timeout: float | None, **options: Any
    ) -> Any:
        self._begin(query)
        return await self._guarded(super()._execute, query, args, limit, self._budget(timeout), **options)

    async def _do_execute(
        self, query: str, executor: Any, timeout: float | None, *more: Any, **options: Any
    ) -> Any:
        if not self._preamble:
            return await super()._do_execute(query, executor, timeout, *more, **options)

        def execute_for_tenant(statement: Any, left: float | None) -> Any:
            self._transport.write(self._preamble)
            return executor(statement, left)

        sent = self._sent()
        try:
            return await super()._do_execute(query, execute_for_tenant, timeout, *more, **options)
        except BaseException:
            self._note_unsent(sent)
            raise

    def _note_unsent(self, sent: int | None) -> None:
        """Arguments that do not fit their types: a preamble would wait for a sync that was never sent."""
        if self._preamble and self._sent() == sent:
            self.has_state = True

    def _sent(self) -> int | None:
        return None if self._protocol is None else self._protocol.queries_count

    async def enter_tenant(self, tenant: Tenant) -> None:
        """Run the next statements for `tenant`, each in one round trip, until `leave_tenant`.

        Bind and execute of a prepared `set_config(..., true)` go out just before the statement's own, with
        no sync between: the server runs both in one implicit transaction, so the setting ends with it.
        The driver only sees two more messages that it skips; that it does is checked on each new connection.
        """
        if self._tenant_statement is None:
            await self._learn_tenants(tenant)
        self.enter_known_tenant(tenant)

    def enter_known_tenant(self, tenant: Tenant) -> bool:
        """`enter_tenant` where nothing has to be learned any more; whether that is so."""
        if not self._tenant_statement_name:
            return False
        self._preamble = bind_and_execute(self._tenant_statement_name, tenant.id)
        return True

    def leave_tenant(self) -> None:
        """The next statement is for no tenant."""
        self._preamble = b""

    async def _learn_tenants(self, tenant: Tenant) -> None:
        statement = await self.prepare(_SET_TENANT, timeout=self._budget(None))
        self._preamble = bind_and_execute(statement.get_name(), tenant.id)
        try:
            inside = await self.fetchval(_TENANT)
        finally:
            self._preamble = b""
        outside = await self.fetchval(_TENANT)
        if inside != tenant.id or outside:
            self.terminate()
            raise TenantError("this driver does not keep a tenant to its statement: use transaction(tenant=...)")
        self._tenant_statement = statement
        self._tenant_statement_name = statement.get_name()

    async def _executemany(self, query: str, args: Any, timeout: float | None, *more: Any, **options: Any) -> Any:
        self._begin(query)
        return await self._guarded(super()._executemany, query, args, self._budget(timeout), *more, **options)

    async def _copy_in(self, copy_stmt: str, source: Any, timeout: float | None) -> Any:
        self._begin(copy_stmt)
        return await self._guarded(super()._copy_in, copy_stmt, source, self._budget(timeout))

    async def copy_records_to_table(self, table_name: str, *, timeout: float | None = None, **options: Any) -> str:
        """As asyncpg's; refused by the server on tables with row-level security."""
        self._begin("copy")
        limit = self._budget(timeout)
        return str(await self._guarded(super().copy_records_to_table, table_name, timeout=limit, **options))

    async def _copy_out(self, copy_stmt: str, output: Any, timeout: float | None) -> Any:
        self._begin(copy_stmt)
        return await self._guarded(super()._copy_out, copy_stmt, output, self._budget(timeout))

    def _inside(self, transaction: Transaction | None) -> None:
        self._top_xact = transaction  # type: ignore[misc]  # a slot of the base, which has no types

    async def begin(self, sql: str, isolation: str) -> None:
        """Begin a transaction by `sql`. `transaction()` inside it makes savepoints, as in asyncpg's own."""
        count()
        await self.command(sql)
        self._inside(Transaction(self, isolation, False, False))

    async def end(self, error: BaseException | None) -> None:
        """Commit, or roll back after `error` where that is quick; what is left open the pool recovers.

        Raises InFailedSQLTransactionError when a statement failed, its error was swallowed, and the commit
        therefore came out as a rollback; UnavailableError when the connection was lost: outcome unknown.
        """
        self._inside(None)
        if error is None:
            count()
            if await self.command("commit") == "ROLLBACK":
                raise asyncpg.InFailedSQLTransactionError("a statement failed before: nothing was committed")
        elif isinstance(error, Exception) and not self.is_closed() and not self._cancellations:
            with suppress(Exception):
                await self.command("rollback")

    def _cancel_current_command(self, waiter: Any, cancel_waiter: Any = None) -> None:
        """As the base does, outside of the caller's deadline, which has just passed."""
        cancellation = self._cancel(waiter, cancel_waiter)
        self._cancellations.add(self._loop.create_task(cancellation, context=contextvars.Context()))

    @property
    def address(self) -> tuple[str, int] | str:
        """Host and port, or the path of the socket, of the server that this connection reached."""
        address: tuple[str, int] | str = self._addr
        return address

    @property
    def is_reusable(self) -> bool:
        """Whether the next caller can have this open connection at once, without any round trip."""
        return not (self.has_state or self._cancellations or self._listeners or self.is_in_transaction())

    async def recover(self, timeout_seconds: float) -> None:
        """Make the connection as new: end what runs, roll back, forget session state."""
        self._inside(None)
        async with asyncio.timeout(timeout_seconds):
            await self.command("rollback")
            if self.has_state or self._listeners:
                await Connection.reset(self)
        self.has_state = False


class _Configuration:
    """asyncpg's settings of a connection, with the time limit of calls computed when they are made.

    That also bounds what does not pass through our methods: prepared statements and cursors.
    """

    __slots__ = (
        "_connection",
        "max_cacheable_statement_size",
        "max_cached_statement_lifetime",
        "statement_cache_size",
    )

    def __init__(self, connection: BoundConnection, given: Any) -> None:
        self._connection = weakref.proxy(connection)
        self.statement_cache_size: int = given.statement_cache_size
        self.max_cached_statement_lifetime: int = given.max_cached_statement_lifetime
        self.max_cacheable_statement_size: int = given.max_cacheable_statement_size

    @property
    def command_timeout(self) -> float:
        deadline = current_deadline()
        longest: float = self._connection.call_seconds
        return longest if deadline is None else min(longest, deadline.remaining())


async def connect(
    url: str,
    limits: Limits,
    *,
    credentials_secret: str | None = None,
    role: str | None = None,
    application: str = "rung",
) -> BoundConnection:
    """A connection with every limit set, as whom the secret names, where there is one.

    Raises UnavailableError, OverloadedError, BindingError (the secret), asyncpg's (login).
    """
    settings = {**limits.server_settings(), "application_name": application}
    if role is not None:
        settings["role"] = role
    try:
        connection: BoundConnection = await open_connection(
            url,
            credentials_secret,
            timeout=limits.connect_seconds,
            command_timeout=limits.call_seconds,
            connection_class=BoundConnection,
            server_settings=settings,
        )
    except TimeoutError as error:
        raise _unreachable(limits) from error
    except Exception as error:
        meaning = translate(error)
        if meaning is None:
            raise
        raise meaning from error
    connection.call_seconds = limits.call_seconds
    watch_the_peer(connection._transport, limits)  # noqa: SLF001 - our own class
    return connection


def _unreachable(limits: Limits) -> ApplicationError:
    return UnavailableError(f"the database did not accept a connection in {limits.connect_seconds:g} s")

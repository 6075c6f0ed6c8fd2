"""`Database`: connections, transactions and single statements, each bounded in time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, ExitStack
from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import asyncpg

from rung.runtime import bindings, lifespan
from rung.runtime.bindings import PostgresBinding
from rung.runtime.clock import SYSTEM_CLOCK, Clock
from rung.runtime.context import Deadline, Tenant, current, current_tenant, serving, tenant_of
from rung.runtime.database.connection import BoundConnection, connect
from rung.runtime.database.failures import translate
from rung.runtime.database.limits import Limits
from rung.runtime.database.pool import Pool, PoolStatistics
from rung.runtime.database.retry import is_repeatable
from rung.runtime.errors import TenantError, UnavailableError

if TYPE_CHECKING:
    from rung.runtime.database.placed import Places

Isolation: TypeAlias = Literal["read_committed", "repeatable_read", "serializable"]
_ISOLATION_SQL: dict[Isolation, str] = {
    "read_committed": "",
    "repeatable_read": " isolation level repeatable read",
    "serializable": " isolation level serializable",
}


class Database:
    """A Postgres database. Opens its pool on first use in the running loop; safe at module level.

    `tenant_scoped` (from the binding): its rows belong to tenants, and a transaction or statement without a
    tenant, given or in the current context, raises TenantError.
    """

    def __init__(
        self,
        binding: PostgresBinding,
        *,
        name: str = "database",
        limits: Limits | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self.name = name
        self.binding = binding
        self.limits = limits or Limits(statement_seconds=binding.statement_timeout_seconds)
        self._clock = clock
        self._pool: Pool | None = None
        self._forget: Callable[[], None] = _nothing
        self.places: Places | None = None
        if binding.tenant_map:
            from rung.runtime.database.placed import Places

            self.places = Places(self)

    @classmethod
    def from_url(cls, url: str, pool_size: int = 8, **options: Any) -> Database:
        """A database by its URL, for scripts and tests."""
        return cls(PostgresBinding(url=url, pool_size=pool_size), **options)

    async def open(self) -> None:
        """Connect once, so that a wrong URL is known now. Raises as `connection` does."""
        async with self.connection():
            pass

    async def close(self) -> None:
        """End every connection. The next use opens the pool anew."""
        self._forget()
        if self.places is not None:
            await self.places.close()
        pool, self._pool = self._pool, None
        if pool is not None and pool.loop is asyncio.get_running_loop():
            await pool.close()

    async def check(self) -> None:
        """One round trip. Raises what a caller would hear."""
        await self.fetch_value("select 1", across_tenants=True)

    def statistics(self) -> PoolStatistics:
        """Connections and callers of this moment, in this process."""
        if self._pool is None:
            return PoolStatistics(size=0, idle=0, waiting=0, refused=0)
        return self._pool.statistics()

    def connection(self, *, deadline: Deadline | None = None) -> AbstractAsyncContextManager[BoundConnection]:
        """A connection outside of any transaction; waits at most one second for it.

        `deadline` replaces the current context's inside the block. Raises OverloadedError, UnavailableError
        or DeadlineExceededError. Session state left behind (`set`, `listen`) is removed before the next use.
        """
        return _Checkout(self, deadline)

    def transaction(
        self,
        *,
        tenant: Tenant | str | None = None,
        isolation: Isolation = "read_committed",
        read_only: bool = False,
        across_tenants: bool = False,
    ) -> AbstractAsyncContextManager[BoundConnection]:
        """A connection inside a transaction: committed when the block ends, rolled back when it raises.

        `tenant` (else the current context's, on a tenant-scoped database) is set for this transaction alone,
        in the same message as `begin`. `across_tenants=True` sets none: row-level security then shows the
        serving role no tenant's row. Raises TenantError when there is no tenant where one is needed, beside
        what `connection` raises.
        """
        chosen = self._tenant(tenant, across_tenants)
        begin = f"begin{_ISOLATION_SQL[isolation]}{' read only' if read_only else ''}"
        if chosen is not None and self.places is not None:
            return self.places.transaction(chosen, begin, isolation)
        return self.begun(begin if chosen is None else f"{begin}; {set_tenant(chosen)}", isolation)

    def begun(self, begin: str, isolation: Isolation) -> AbstractAsyncContextManager[BoundConnection]:
        """A transaction that begins with the statements `begin`; `transaction` writes them."""
        return _Transaction(self, begin, isolation)

    async def fetch(
        self, sql: str, *args: Any, tenant: Tenant | str | None = None, across_tenants: bool = False
    ) -> list[asyncpg.Record]:
        """All rows of one statement, in a transaction of its own.

        A statement that certainly only reads is sent a second time, on a new connection, when the pooled one
        turns out to be dead. Anything else raises UnavailableError: whether it was done is unknown.
        """
        rows: list[asyncpg.Record] = await self._run(sql, args, 0, tenant, across_tenants)
        return rows

    async def fetch_row(
        self, sql: str, *args: Any, tenant: Tenant | str | None = None, across_tenants: bool = False
    ) -> asyncpg.Record | None:
        """The first row of one statement, or None. Retried as `fetch` is."""
        rows = await self._run(sql, args, 1, tenant, across_tenants)
        return rows[0] if rows else None

    async def fetch_value(
        self, sql: str, *args: Any, tenant: Tenant | str | None = None, across_tenants: bool = False
    ) -> Any:
        """The first column of the first row, or None. Retried as `fetch` is."""
        rows = await self._run(sql, args, 1, tenant, across_tenants)
        return rows[0][0] if rows else None

    async def execute(
        self, sql: str, *args: Any, tenant: Tenant | str | None = None, across_tenants: bool = False
    ) -> str:
        """Run one statement; the server's tag, as `UPDATE 3`. Without a tenant, and without arguments, several."""
        _, status, _ = await self._run(sql, args, 0, tenant, across_tenants, tag=True)
        return str(status.decode())

    async def _run(
        self,
        sql: str,
        args: tuple[Any, ...],
        limit: int,
        tenant: Tenant | str | None,
        across_tenants: bool,
        *,
        tag: bool = False,
    ) -> Any:
        chosen = self._tenant(tenant, across_tenants)
        if chosen is not None and self.places is not None:
            place = await self.places.of(chosen)
            if place.tier != "shared":
                return await self.places.run(place, chosen, sql, args, limit, tag=tag)
        return await self.run_for(chosen, sql, args, limit, tag=tag)

    async def run_for(
        self, chosen: Tenant | None, sql: str, args: tuple[Any, ...], limit: int, *, tag: bool = False
    ) -> Any:
        """One statement here, whatever the map says. With `tag` the driver's answer to `execute`, else rows."""
        pool = self.running_pool()
        connection = pool.acquire_nowait() or await pool.acquire()
        try:
            return await _run_on(pool, connection, sql, args, limit, chosen, tag=tag)
        except UnavailableError:
            is_safe = connection.is_unsent or not (tag or connection.is_fresh or not is_repeatable(sql))
            if not is_safe:
                raise
        pool.distrust_idle()
        return await _run_on(pool, await pool.acquire(), sql, args, limit, chosen, tag=tag)

    def _tenant(self, given: Tenant | str | None, across_tenants: bool) -> Tenant | None:
        if across_tenants:
            if given is not None:
                raise TenantError("a statement is for one tenant or across tenants, not both")
            return None
        if isinstance(given, str):
            return tenant_of(given)
        if given is None and self.binding.tenant_scoped:
            given = current_tenant()
            if given is None:
                raise TenantError(f"database {self.name!r} is tenant-scoped, and no tenant is given or current")
        return given

    def running_pool(self) -> Pool:
        """The pool of the running loop. One left by a loop that has ended (tests, `asyncio.run`) is dropped."""
        loop = asyncio.get_running_loop()
        if self._pool is None or self._pool.loop is not loop:
            self._forget()
            self._pool = Pool(self._connect, limit=self.binding.pool_size, limits=self.limits, clock=self._clock)
            self._forget = lifespan.register(self.name, close=self.close, check=self.check)
        return self._pool

    async def _connect(self) -> BoundConnection:
        secret, role = self.binding.credentials_secret, self.binding.serving_role
        return await connect(self.binding.url, self.limits, credentials_secret=secret, role=role)


async def _run_on(
    pool: Pool,
    connection: BoundConnection,
    sql: str,
    args: tuple[Any, ...],
    limit: int,
    tenant: Tenant | None,
    *,
    tag: bool = False,
) -> Any:
    if tenant is None:
        try:
            if tag and not args:  # may be several
                return None, (await connection.execute(sql)).encode(), None
            return await connection.run_one(sql, args, limit, tag=tag)
        finally:
            pool.release(connection)
    try:
        if not connection.enter_known_tenant(tenant):
            await connection.enter_tenant(tenant)
        return await connection.run_one(sql, args, limit, tag=tag)
    finally:
        connection.leave_tenant()
        pool.release(connection)


def _nothing() -> None:
    pass


def set_tenant(tenant: Tenant) -> str:
    """The statement that makes `tenant` the one of this transaction.

    The id stands in the text because only a message without parameters can hold `begin` and this together,
    which saves a round trip. That is safe by construction: a Tenant holds ASCII letters, digits, `_` and `-`.
    """
    return f"select set_config('app.tenant_id', '{tenant.id}', true)"


class _Checkout:
    __slots__ = ("_connection", "_database", "_deadline", "_pool", "_stack")

    def __init__(self, database: Database, deadline: Deadline | None) -> None:
        self._database = database
        self._deadline = deadline
        self._stack: ExitStack | None = None

    async def __aenter__(self) -> BoundConnection:
        if self._deadline is not None:
            self._stack = ExitStack()
            self._stack.enter_context(serving(replace(current(), deadline=self._deadline)))
        try:
            self._pool = self._database.running_pool()
            self._connection = await self._pool.acquire()
        except BaseException:
            self._leave()
            raise
        return self._connection

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.release(self._connection)
        self._leave()
        _raise_meaning(error)

    def _leave(self) -> None:
        if self._stack is not None:
            self._stack.close()


class _Transaction:
    __slots__ = ("_begin", "_connection", "_database", "_isolation", "_pool")

    def __init__(self, database: Database, begin: str, isolation: Isolation) -> None:
        self._database = database
        self._begin = begin
        self._isolation = isolation

    async def __aenter__(self) -> BoundConnection:
        self._pool = self._database.running_pool()
        connection = await self._pool.acquire()
        try:
            return await self._begin_on(connection)
        except UnavailableError:
            if connection.is_fresh:
                raise
        self._pool.distrust_idle()  # nothing has happened yet: a new connection may begin in its place
        return await self._begin_on(await self._pool.acquire())

    async def _begin_on(self, connection: BoundConnection) -> BoundConnection:
        try:
            await connection.begin(self._begin, self._isolation)
        except BaseException:
            self._pool.release(connection)
            raise
        self._connection = connection
        return connection

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            await self._connection.end(error)
        finally:
            self._pool.release(self._connection)
        _raise_meaning(error)


def _raise_meaning(error: BaseException | None) -> None:
    """What cursors and prepared statements raise reaches the caller as the runtime's own errors too."""
    meaning = None if error is None else translate(error)
    if meaning is not None:
        raise meaning from error


_databases: dict[tuple[str, str], Database] = {}


def database(name: str) -> Database:
    """The database node `name`, from `RUNG_BINDING_<NAME>`; one pool for each binding within this process.

    Raises BindingError when the graph gives this process no such edge.
    """
    found = bindings.binding(name, PostgresBinding)
    key = (name, bindings.encode(found))
    if key not in _databases:
        _databases[key] = Database(found, name=name)
    return _databases[key]

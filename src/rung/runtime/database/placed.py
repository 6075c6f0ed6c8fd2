"""A database whose tenants are in several places: each statement goes where its tenant's rows are.

    async with database("db").transaction(tenant="acme") as connection: ...

is the same line wherever acme is: in the shared tables, in a schema of its own, or in a database of its own.
"""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import TYPE_CHECKING, Any

from rung.runtime.context import Tenant
from rung.runtime.errors import UnavailableError
from rung.runtime.tenants.catalogue import quoted
from rung.runtime.tenants.places import Place, TenantMap
from rung.runtime.tenants.silos import Silos

if TYPE_CHECKING:
    from rung.runtime.database.connection import BoundConnection
    from rung.runtime.database.database import Database, Isolation


class Places:
    """The map and the silos of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.map = TenantMap(database)
        self.silos = Silos(database.binding)

    async def of(self, tenant: Tenant) -> Place:
        """Where the tenant is: at once, when this process knows. Raises TenantError for a deleted one."""
        place = self.map.held(tenant)
        return place if place is not None and place.status != "deleted" else await self.map.place(tenant)

    async def run(
        self, place: Place, tenant: Tenant, sql: str, args: tuple[Any, ...], limit: int, *, tag: bool
    ) -> Any:
        """One statement of a tenant that is not shared. As `Database._run`."""
        try:
            if place.tier == "database":
                silo = await self.silos.database(place.target)
                return await silo.run_for(tenant, sql, args, limit, tag=tag)
            async with self._database.begun(
                begin_in_schema(place, tenant, "begin"), "read_committed"
            ) as connection:
                if tag:
                    return None, (await connection.execute(sql, *args)).encode(), None
                return await connection.run_one(sql, args, limit)
        except UnavailableError:
            self.map.forget(tenant.id)
            raise

    def transaction(
        self, tenant: Tenant, begin: str, isolation: Isolation
    ) -> AbstractAsyncContextManager[BoundConnection]:
        """A transaction where the tenant is. `begin`: with isolation and `read only`, without the tenant."""
        return _PlacedTransaction(self, self._database, tenant, begin, isolation)

    async def close(self) -> None:
        """Close what was opened for tenants."""
        await self.map.close()
        await self.silos.close()


def begin_in_schema(place: Place, tenant: Tenant, begin: str) -> str:
    """The message that begins a transaction of a tenant with a schema of its own: shared tables come second."""
    path = f"{quoted(place.target)}, public"
    settings = f"set_config('app.tenant_id', '{tenant.id}', true), set_config('search_path', '{path}', true)"
    return f"{begin}; select {settings}"


class _PlacedTransaction:
    __slots__ = ("_begin", "_database", "_inner", "_isolation", "_places", "_tenant")

    def __init__(
        self, places: Places, database: Database, tenant: Tenant, begin: str, isolation: Isolation
    ) -> None:
        self._places = places
        self._database = database
        self._tenant = tenant
        self._begin = begin
        self._isolation: Isolation = isolation

    async def __aenter__(self) -> BoundConnection:
        from rung.runtime.database.database import set_tenant

        place = await self._places.of(self._tenant)
        database, begin = self._database, f"{self._begin}; {set_tenant(self._tenant)}"
        if place.tier == "database":
            database = await self._places.silos.database(place.target)
        elif place.tier == "schema":
            begin = begin_in_schema(place, self._tenant, self._begin)
        self._inner = database.begun(begin, self._isolation)
        return await self._inner.__aenter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            await self._inner.__aexit__(kind, error, trace)
        except UnavailableError:
            self._places.map.forget(self._tenant.id)
            raise
        finally:
            if isinstance(error, UnavailableError):
                self._places.map.forget(self._tenant.id)

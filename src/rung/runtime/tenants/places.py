"""Where each tenant's rows are: in the shared tables, in a schema of its own, or in a database of its own.

A tenant that the map does not name is shared: a map without rows is a system without tiers. What is known is kept
for `CACHE_SECONDS`, and dropped when the table says that it changed. Nothing depends on that being in time: while
a tenant moves, and for the grace period after it, its old place refuses writes by itself (`freezing.py`).
"""

from __future__ import annotations

import asyncio
import contextvars
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from rung.errors import UsageError
from rung.runtime import lifespan
from rung.runtime.context import Tenant, known_epochs
from rung.runtime.database.login import open_connection
from rung.runtime.errors import TenantError
from rung.runtime.log import logger
from rung.runtime.tenants.tables import CHANNEL

if TYPE_CHECKING:
    from rung.runtime.database.database import Database

log = logger(__name__)

Tier: TypeAlias = Literal["shared", "schema", "database"]
Status: TypeAlias = Literal["active", "read_only", "deleted"]
#: How long a place is trusted, and how long while nobody can tell that it changed.
CACHE_SECONDS = 30.0
UNHEARD_SECONDS = 2.0
CACHED_MAX = 10_000
_SCHEMA = re.compile(r"[a-z_][a-z0-9_]{0,62}", re.ASCII)
_DATABASE = re.compile(r"[a-z_][a-z0-9_-]{0,62}", re.ASCII)
_QUERY = "select tier, target, epoch, status from rung.tenant where tenant = $1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a tenant is. `target`: its schema, or its database (a node, or one on the same server)."""

    tier: Tier = "shared"
    target: str = ""
    epoch: int = 0
    status: Status = "active"

    def __str__(self) -> str:
        return f"{self.tier}:{self.target}" if self.target else self.tier


def parse_place(text: str) -> Place:
    """`shared`, `schema:NAME` or `database:NAME`. Raises UsageError."""
    tier, _, target = text.partition(":")
    if tier == "shared" and not target:
        return Place()
    if tier == "schema" and _SCHEMA.fullmatch(target):
        return Place(tier="schema", target=target)
    if tier == "database" and _DATABASE.fullmatch(target):
        return Place(tier="database", target=target)
    raise UsageError(f"{text!r} is no place: say shared, schema:NAME or database:NAME, in lower case")


class TenantMap:
    """The table `rung.tenant` of a database, as this process knows it. `install_tenants` makes it."""

    def __init__(self, control: Database, *, cache_seconds: float = CACHE_SECONDS) -> None:
        self._control = control
        self._cache_seconds = cache_seconds
        self._known: dict[str, tuple[float, Place]] = {}
        #: How often something was forgotten: an answer that was under way meanwhile may be the old one.
        self._forgotten = 0
        self._listening: asyncio.Task[None] | None = None
        self._heard = False
        self._forget: Callable[[], None] = lambda: None

    def held(self, tenant: Tenant) -> Place | None:
        """The place, when this process may answer alone."""
        found = self._known.get(tenant.id)
        return found[1] if found is not None and found[0] > time.monotonic() else None

    async def place(self, tenant: Tenant) -> Place:
        """Where `tenant` is. Raises TenantError for one that was deleted, and as the database does."""
        place = self.held(tenant)
        if place is None:
            place = await self._load(tenant)
        if place.status == "deleted":
            raise TenantError(f"there is no tenant {tenant.id}")
        return place

    async def _load(self, tenant: Tenant) -> Place:
        self._listen()
        forgotten = self._forgotten
        row = await self._control.fetch_row(_QUERY, tenant.id, across_tenants=True)
        place = Place() if row is None else Place(**row)
        if len(self._known) >= CACHED_MAX:
            self._known.clear()
        seconds = self._cache_seconds if self._heard else min(self._cache_seconds, UNHEARD_SECONDS)
        if forgotten == self._forgotten:
            self._known[tenant.id] = (time.monotonic() + seconds, place)
        if place.epoch:
            known_epochs[tenant.id] = max(place.epoch, known_epochs.get(tenant.id, 0))
        return place

    def forget(self, tenant_id: str | None = None) -> None:
        """Ask the table again about this tenant; None: about all."""
        self._forgotten += 1
        if tenant_id is None:
            self._known.clear()
        else:
            self._known.pop(tenant_id, None)

    def _listen(self) -> None:
        loop = asyncio.get_running_loop()
        if self._listening is None or self._listening.done() or self._listening.get_loop() is not loop:
            self._forget()
            self._listening = loop.create_task(self._hear(), context=contextvars.Context())
            self._forget = lifespan.register(f"tenants of {self._control.name}", close=self.close)

    async def _hear(self) -> None:
        binding = self._control.binding
        pause = 0.2
        while True:
            try:
                connection = await open_connection(binding.url, binding.credentials_secret, timeout=2.0)
                await self._until_lost(connection)
                pause = 0.2
            except Exception as error:  # noqa: BLE001 - unheard, places are trusted for less long
                log.debug("changes of tenants are not heard", error=str(error))
            finally:
                self._heard = False
            await asyncio.sleep(pause)
            pause = min(pause * 2, 5.0)

    async def _until_lost(self, connection: Any) -> None:
        lost = asyncio.Event()
        try:
            connection.add_termination_listener(lambda _: lost.set())
            await connection.add_listener(CHANNEL, lambda *told: self.forget(told[3]))
            self.forget()
            self._heard = True
            await lost.wait()
        finally:
            connection.terminate()

    async def close(self) -> None:
        """Stop listening."""
        self._forget()
        task, self._listening = self._listening, None
        self._known.clear()
        if task is not None and task.get_loop() is asyncio.get_running_loop():
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

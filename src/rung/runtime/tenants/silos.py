"""The databases of tenants that have one of their own: few small pools, the least recently used closed first."""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

import msgspec

from rung.runtime.bindings import PostgresBinding, binding, variable_name
from rung.runtime.errors import OverloadedError

if TYPE_CHECKING:
    from rung.runtime.database.database import Database

#: Connections of this process to one silo, and silos that are open at once: 32 connections at most.
POOL_SIZE = 2
OPEN_MAX = 16


class Silos:
    """Opens the database of a target, and keeps it while it is used."""

    def __init__(self, control: PostgresBinding, *, open_max: int = OPEN_MAX, pool_size: int = POOL_SIZE) -> None:
        self._control = control
        self._open_max = open_max
        self._pool_size = pool_size
        self._open: OrderedDict[str, Database] = OrderedDict()

    async def database(self, target: str) -> Database:
        """The database of `target`. Raises OverloadedError when all that may be open are in use."""
        found = self._open.get(target)
        if found is None:
            if len(self._open) >= self._open_max:
                await self._make_room()
            found = self._open[target] = self._make(target)
        self._open.move_to_end(target)
        return found

    def _make(self, target: str) -> Database:
        from rung.runtime.database.database import Database

        return Database(silo_binding(self._control, target, pool_size=self._pool_size), name=target)

    async def _make_room(self) -> None:
        for target, database in self._open.items():
            counts = database.statistics()
            if counts.size == counts.idle and not counts.waiting:
                del self._open[target]
                await database.close()
                return
        raise OverloadedError(f"all {self._open_max} databases of tenants that may be open here are in use")

    async def close(self) -> None:
        """Close all."""
        while self._open:
            _, database = self._open.popitem()
            await database.close()


def silo_binding(
    control: PostgresBinding,
    target: str,
    *,
    pool_size: int = POOL_SIZE,
    environment: Mapping[str, str] | None = None,
) -> PostgresBinding:
    """How to reach `target`: the binding of that name where this process has one, else the server of `control`."""
    variables = os.environ if environment is None else environment
    found = binding(target, PostgresBinding, variables) if variable_name(target) in variables else None
    url = url_of(control.url, target) if found is None else found.url
    return msgspec.structs.replace(
        control if found is None else found, url=url, pool_size=pool_size, tenant_scoped=True, tenant_map=False
    )


def url_of(url: str, database: str) -> str:
    """`url` with another database of the same server."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{database}"))

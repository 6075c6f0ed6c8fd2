"""Moving a tenant: read-only, copied, compared, then elsewhere; with a way back until the old rows are deleted.

Each step is written down when it is done. Whatever ends the program in between, the same command goes on from
there, and `abort` undoes it as long as the map has not been turned. At no moment can a row be written in two
places: the old one refuses writes before anything is copied, and goes on refusing them through the grace period.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from rung.errors import Finding, MachineError
from rung.runtime.clock import SYSTEM_CLOCK, Clock
from rung.runtime.context import Tenant
from rung.runtime.tenants import copying
from rung.runtime.tenants.freezing import act_for, freeze, thaw
from rung.runtime.tenants.places import Place
from rung.runtime.tenants.residency import allowed_for, region_of, require_fit
from rung.runtime.tenants.site import Site, Sites

GRACE_SECONDS = 3600.0
STEPS = ("planned", "frozen", "copied", "verified", "flipped")
_SNAPSHOT = "begin isolation level repeatable read read only"


def silent(what: str, number: int, total: int) -> None:
    """Says nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Journal:
    """A move that has begun: `step` is the last one that is done."""

    tenant: str
    source: Place
    target: Place
    step: str
    grace_left_seconds: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a move would do: rows by table."""

    tenant: str
    source: Place
    target: Place
    rows: dict[str, int]
    step: str


class Mover:
    """Moves tenants of one system. `control`: an owner's connection to the database with the map."""

    def __init__(
        self, control: Any, sites: Sites, *, progress: copying.Progress = silent, clock: Clock = SYSTEM_CLOCK
    ) -> None:
        self._control = control
        self._sites = sites
        self._progress = progress
        self._clock = clock

    async def place(self, tenant: str) -> Place:
        """Where the tenant is. Raises TenantError for what is no id."""
        row = await self._control.fetchrow(
            "select tier, target, epoch, status from rung.tenant where tenant = $1", Tenant(tenant).id
        )
        return Place() if row is None else Place(**row)

    async def journal(self, tenant: str) -> Journal | None:
        """The move of this tenant that has begun and is not finished."""
        row = await self._control.fetchrow(
            "select *, extract(epoch from flipped_at - now()) + grace_seconds as grace_left from rung.tenant_move "
            "where tenant = $1",
            tenant,
        )
        if row is None:
            return None
        left = row["grace_left"]
        return Journal(
            tenant=tenant,
            source=Place(tier=row["from_tier"], target=row["from_target"]),
            target=Place(tier=row["to_tier"], target=row["to_target"]),
            step=row["step"],
            grace_left_seconds=None if left is None else float(left),
        )

    async def plan(self, tenant: str, target: Place) -> Plan:
        """What `move` would do.

        Raises MachineError: R0437 it is there already, deleted, or moving elsewhere; R0441 it may not be there.
        """
        place, begun = await self.place(tenant), await self.journal(tenant)
        source = begun.source if begun is not None else place
        if place.status == "deleted" or (begun is None and _same(place, target)):
            raise MachineError(_refused(tenant, f"it is {place.status}, in {place}"))
        if begun is not None and not _same(begun.target, target):
            raise MachineError(_refused(tenant, f"a move from {begun.source} to {begun.target} has begun"))
        async with self._open(source) as site, _tenant_snapshot(site, tenant):
            found = await copying.contents(site.connection, site.tables, self._sites.column, tenant)
            allowed = await allowed_for(site.connection, site.tables, self._sites.column, tenant)
        if allowed and _database_of(source) != _database_of(target):
            require_fit(tenant, allowed, await self._region_of(target), target)
        rows = {name: content.rows for name, content in found.items()}
        return Plan(tenant=tenant, source=source, target=target, rows=rows, step=begun.step if begun else "new")

    async def _region_of(self, place: Place) -> str | None:
        connection = await self._sites.connect(place)
        try:
            return await region_of(connection)
        finally:
            connection.terminate()

    async def move(self, tenant: str, target: Place, *, grace_seconds: float = GRACE_SECONDS) -> Plan:
        """Do it, or go on with it, up to the turn of the map. Old rows stay until `finish`. Raises as `plan`."""
        plan = await self.plan(tenant, target)
        await self._control.execute(
            "insert into rung.tenant_move (tenant, from_tier, from_target, to_tier, to_target, step, "
            "grace_seconds) values ($1, $2, $3, $4, $5, 'planned', $6) on conflict do nothing",
            tenant,
            plan.source.tier,
            plan.source.target,
            target.tier,
            target.target,
            grace_seconds,
        )
        async with self._open(plan.source) as source, self._open(target, model=source) as destination:
            await self._walk(tenant, source, destination)
        return plan

    async def _walk(self, tenant: str, source: Site, target: Site) -> None:
        begun = await self.journal(tenant)
        assert begun is not None
        done = STEPS.index(begun.step)
        if done < STEPS.index("frozen"):
            await self._freeze(tenant, source)
        if done < STEPS.index("copied"):
            await self._copy(tenant, source, target)
        if done < STEPS.index("verified"):
            await self._verify(tenant, source, target)
        if done < STEPS.index("flipped"):
            await self._flip(tenant, target)
        self._progress("open", 0, 0)
        await thaw(target.connection, tenant, target.name, target.tables, clock=self._clock)

    async def _freeze(self, tenant: str, source: Site) -> None:
        self._progress("freeze", 0, 0)
        await self._control.execute(
            "insert into rung.tenant (tenant, status) values ($1, 'read_only') on conflict (tenant) do update "
            "set status = 'read_only', changed_at = now()",
            tenant,
        )
        await freeze(source.connection, tenant, source.name, source.tables, clock=self._clock)
        await self._done(tenant, "frozen")

    async def _copy(self, tenant: str, source: Site, target: Site) -> None:
        """All tables in one transaction of the target: a crash leaves nothing there."""
        column, there = self._sites.column, {table.name: table for table in target.tables}
        arriving = [there[table.name] for table in source.tables]
        async with _tenant_snapshot(source, tenant), target.connection.transaction():
            await act_for(target.connection, tenant)
            await copying.clear(target.connection, arriving, column, tenant)
            await copying.copy_tables(
                source.connection, target.connection, source.tables, arriving, tenant,
                column=column, progress=self._progress,
            )  # fmt: skip
        await self._done(tenant, "copied")

    async def _verify(self, tenant: str, source: Site, target: Site) -> None:
        self._progress("verify", 0, 0)
        names = {table.name for table in source.tables}
        wanted = [table for table in target.tables if table.name in names]
        async with _tenant_snapshot(source, tenant), _tenant_snapshot(target, tenant):
            sent = await copying.contents(source.connection, source.tables, self._sites.column, tenant)
            arrived = await copying.contents(target.connection, wanted, self._sites.column, tenant)
        try:
            copying.compare(sent, arrived)
        except MachineError:
            await self._done(tenant, "frozen")  # copied anew next time
            raise
        await self._done(tenant, "verified")

    async def _flip(self, tenant: str, target: Site) -> None:
        self._progress("turn", 0, 0)
        async with self._control.transaction():
            await self._control.execute(
                "update rung.tenant set tier = $2, target = $3, epoch = epoch + 1, status = 'active', "
                "changed_at = now() where tenant = $1",
                tenant,
                target.place.tier,
                target.place.target,
            )
            await self._control.execute(
                "update rung.tenant_move set step = 'flipped', flipped_at = now() where tenant = $1", tenant
            )

    async def abort(self, tenant: str) -> None:
        """Leave the tenant where it was. Raises MachineError (R0437): nothing has begun, or the map is turned."""
        begun = await self.journal(tenant)
        if begun is None or begun.step == "flipped":
            raise MachineError(
                _refused(tenant, "the map is turned: move it back" if begun else "no move has begun")
            )
        async with self._open(begun.source) as source, self._open(begun.target, model=source) as target:
            async with target.connection.transaction():
                await act_for(target.connection, tenant)
                await copying.clear(target.connection, target.tables, self._sites.column, tenant)
            await thaw(source.connection, tenant, source.name, source.tables, clock=self._clock)
        async with self._control.transaction():
            await self._control.execute("update rung.tenant set status = 'active' where tenant = $1", tenant)
            await self._control.execute("delete from rung.tenant_move where tenant = $1", tenant)

    async def back(self, tenant: str) -> Plan:
        """Move to where the tenant came from, with what it has written since. Raises as `plan`."""
        begun = await self.journal(tenant)
        if begun is None:
            raise MachineError(_refused(tenant, "no move of it can be taken back"))
        if begun.step == "flipped":
            await self._control.execute(
                "update rung.tenant_move set from_tier = to_tier, from_target = to_target, to_tier = from_tier, "
                "to_target = from_target, step = 'planned', flipped_at = null where tenant = $1",
                tenant,
            )
            return await self.move(tenant, begun.source)
        if (await self.place(tenant)).epoch == 0:
            raise MachineError(_refused(tenant, "the map is not turned yet: --abort leaves it where it is"))
        return await self.move(tenant, begun.target)

    async def finish(self, tenant: str, *, now: bool = False) -> int:
        """Delete the old rows once the grace period is over, or `now`; how many. Raises MachineError (R0437)."""
        begun = await self.journal(tenant)
        if begun is None or begun.grace_left_seconds is None:
            raise MachineError(_refused(tenant, "no move of it waits to be finished"))
        if begun.grace_left_seconds > 0 and not now:
            raise MachineError(_refused(tenant, f"{begun.grace_left_seconds:.0f} s of the grace period are left"))
        async with self._open(begun.source) as source:
            async with source.connection.transaction():
                await act_for(source.connection, tenant)
                rows = await copying.clear(source.connection, source.tables, self._sites.column, tenant)
            await thaw(source.connection, tenant, source.name, source.tables, clock=self._clock)
        await self._control.execute("delete from rung.tenant_move where tenant = $1", tenant)
        return rows

    async def _done(self, tenant: str, step: str) -> None:
        await self._control.execute("update rung.tenant_move set step = $2 where tenant = $1", tenant, step)

    @asynccontextmanager
    async def _open(self, place: Place, *, model: Site | None = None) -> AsyncIterator[Site]:
        site = await (self._sites.open(place) if model is None else self._sites.prepare(place, model))
        try:
            yield site
        finally:
            site.connection.terminate()


@asynccontextmanager
async def _tenant_snapshot(site: Site, tenant: str) -> AsyncIterator[None]:
    await site.connection.execute(_SNAPSHOT)
    try:
        await act_for(site.connection, tenant)
        yield
    finally:
        if not site.connection.is_closed():
            await site.connection.execute("rollback")


def _database_of(place: Place) -> str:
    return place.target if place.tier == "database" else ""


def _same(one: Place, other: Place) -> bool:
    return (one.tier, one.target) == (other.tier, other.target)


def _refused(tenant: str, found: str) -> Finding:
    return Finding(
        code="R0437",
        severity="error",
        message=f"tenant {tenant} cannot be moved like this",
        found=found,
        effect="nothing is done",
        help="rung tenants list shows where it is and what has begun",
    )

"""Exporting, deleting and restoring one tenant in a system that goes on running for the others."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg

from rung.errors import Finding, MachineError
from rung.runtime.clock import SYSTEM_CLOCK, Clock
from rung.runtime.context import TENANT_HEADER, Tenant
from rung.runtime.tenants import copying
from rung.runtime.tenants.archive import Export, Manifest, batches_of, foreign, read_manifest, write_archive
from rung.runtime.tenants.catalogue import TenantTable, quoted
from rung.runtime.tenants.copying import TABLE_SECONDS, Progress
from rung.runtime.tenants.freezing import act_for, freeze, thaw
from rung.runtime.tenants.moving import Mover, silent
from rung.runtime.tenants.residency import region_of, require_fit
from rung.runtime.tenants.site import Site, Sites
from rung.runtime.webhooks.schema import TENANT_TABLES

_HEADER = f"headers->>'{TENANT_HEADER}' = $1"
_RUNS = f"run in (select number from rung.workflow_run where {_HEADER})"  # noqa: S608 - a name of ours
#: What rung itself keeps of a tenant beside the map, each table with its condition, parts before a whole:
#: messages, events, workflows, and the webhooks with their keys.
_KEPT = {
    "rung.message": _HEADER,
    "rung.dead_letter": _HEADER,
    "rung.event_archive": _HEADER,
    "rung.workflow_step": _RUNS,
    "rung.workflow_signal": _RUNS,
    "rung.workflow_approval": _RUNS,
    "rung.workflow_run": _HEADER,
    **{f"rung.{table}": "tenant_id = $1" for table in TENANT_TABLES},
}


class Keeper:
    """Of one system. `control`: an owner's connection to the database with the map."""

    def __init__(
        self, control: Any, sites: Sites, *, progress: Progress = silent, clock: Clock = SYSTEM_CLOCK
    ) -> None:
        self._control = control
        self._sites = sites
        self._progress = progress
        self._clock = clock
        self._mover = Mover(control, sites, progress=progress, clock=clock)

    async def export(self, tenant: str, file: Path, *, subject: str | None = None) -> Manifest:
        """Everything of the tenant, or of one person, as of one moment. Raises MachineError (R0439)."""
        export = Export(tenant=Tenant(tenant).id, column=self._sites.column, subject=subject)
        async with (
            self._site(tenant) as site,
            site.connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            await act_for(site.connection, tenant)
            return await write_archive(site.connection, site.tables, export, file, self._progress)

    async def counts(self, tenant: str) -> dict[str, int]:
        """Rows by table, and what rung keeps of it: what `delete` would delete."""
        rows = await self._rows(tenant)
        async with self._control.transaction(isolation="repeatable_read", readonly=True):
            await act_for(self._control, tenant)
            for table, condition in (await self._kept()).items():
                sql = f"select count(*) from {table} where {condition}"  # noqa: S608 - ours
                if count := await self._control.fetchval(sql, tenant, timeout=TABLE_SECONDS):
                    rows[table] = count
        return rows

    async def _rows(self, tenant: str) -> dict[str, int]:
        async with (
            self._site(tenant) as site,
            site.connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            await act_for(site.connection, tenant)
            found = await copying.contents(site.connection, site.tables, self._sites.column, tenant)
        return {name: content.rows for name, content in found.items()}

    async def delete(self, tenant: str) -> dict[str, int]:
        """Delete the tenant and what rung keeps of it, and leave a tombstone; rows by table.

        May be given again after a crash. Kept are messages, events, workflows and webhooks with their keys.

        The tombstone comes first: from then on there is no such tenant for the application, and what is replayed
        or restored later does not bring it back. Raises MachineError (R0437) while it is being moved.
        """
        if await self._mover.journal(tenant) is not None:
            raise MachineError(_refused(tenant, "a move of it has begun: finish or abort that first"))
        rows = await self.counts(tenant)
        await self._control.execute(
            "insert into rung.tenant (tenant, status, epoch) values ($1, 'deleted', 1) "
            "on conflict (tenant) do update "
            "set status = 'deleted', epoch = rung.tenant.epoch + 1, changed_at = now()",
            tenant,
        )
        async with self._site(tenant) as site:
            await freeze(site.connection, tenant, site.name, site.tables, clock=self._clock)
            async with site.connection.transaction():
                await act_for(site.connection, tenant)
                for number, table in enumerate(reversed(site.tables), 1):
                    self._progress(table.full_name, number, len(site.tables))
                    await copying.clear(site.connection, [table], self._sites.column, tenant)
            await thaw(site.connection, tenant, site.name, site.tables, clock=self._clock)
        async with self._control.transaction():
            await act_for(self._control, tenant)
            for kept, condition in (await self._kept()).items():
                sql = f"delete from {kept} where {condition}"  # noqa: S608 - ours
                await self._control.execute(sql, tenant, timeout=TABLE_SECONDS)
        await self._control.execute("delete from rung.tenant_usage where tenant = $1", tenant)
        return rows

    async def restore(self, file: Path, *, replace: bool = False, resurrect: bool = False) -> Manifest:
        """Bring back what an export holds, in one transaction, and compare. Nobody else's rows are touched.

        Raises MachineError: R0438 a damaged archive, rows of another tenant, or that do not fit; R0437 when the
        tenant was deleted (`resurrect` says that this is meant) or has rows (`replace` deletes them); R0441 when
        its rows may not be in this database's region.
        """
        manifest = read_manifest(file)
        tenant = Tenant(manifest.tenant).id
        await self._require_restorable(manifest, replace=replace, resurrect=resurrect)
        async with self._site(tenant) as site:
            region = await region_of(site.connection)
            if region is not None or manifest.region is not None:
                require_fit(tenant, manifest.residency, region, f"the database of {site.place}")
            try:
                async with site.connection.transaction():
                    await act_for(site.connection, tenant)
                    if replace:
                        await copying.clear(site.connection, site.tables, self._sites.column, tenant)
                    await self._load(site, manifest, file)
            except (asyncpg.IntegrityConstraintViolationError, asyncpg.InsufficientPrivilegeError,
                    asyncpg.DataError, asyncpg.UndefinedColumnError) as error:  # fmt: skip
                raise MachineError(foreign(file, str(error))) from error
        await self._control.execute(
            "update rung.tenant set status = 'active', epoch = epoch + 1 where tenant = $1 and status = 'deleted'",
            tenant,
        )
        return manifest

    async def _require_restorable(self, manifest: Manifest, *, replace: bool, resurrect: bool) -> None:
        tenant, place = manifest.tenant, await self._mover.place(manifest.tenant)
        if manifest.subject is not None:
            raise MachineError(_refused(tenant, "the export is of one person and not of the tenant"))
        if place.status == "deleted" and not resurrect:
            raise MachineError(
                _refused(tenant, "it was deleted, and its tombstone stands; --resurrect takes it away")
            )
        if place.status == "read_only":
            raise MachineError(_refused(tenant, "it is being moved"))
        there = sum((await self._rows(tenant)).values())
        if there and not replace:
            raise MachineError(_refused(tenant, f"it has {there} rows; --replace deletes them first"))

    async def _load(self, site: Site, manifest: Manifest, file: Path) -> None:
        archived = {table.name.rpartition(".")[2]: table for table in manifest.tables}
        unknown = archived.keys() - {table.name for table in site.tables}
        if unknown:
            raise MachineError(foreign(file, f"there is no table {', '.join(sorted(unknown))} any more"))
        for number, table in enumerate(site.tables, 1):
            if (found := archived.get(table.name)) is not None:
                self._progress(table.full_name, number, len(site.tables))
                rows = await self._load_table(site, table, file, found.name)
                if rows != found.rows:
                    said = f"{found.name}: {found.rows} rows exported, {rows} of {manifest.tenant} restored"
                    raise MachineError(foreign(file, said))

    async def _load_table(self, site: Site, table: TenantTable, file: Path, name: str) -> int:
        """The rows that the tenant has afterwards, or those of the file where these are more: another's are.

        A superuser is asked no policy, so the number alone tells that the file held somebody else's.
        """
        sent = 0
        for batch, count in batches_of(file, name):
            sent += count
            await site.connection.execute(
                f"insert into {table.sql} ({table.column_list}) overriding system value "  # noqa: S608
                f"select {table.column_list} from json_populate_recordset(null::{table.sql}, $1::json)",
                batch,
                timeout=TABLE_SECONDS,
            )
        await copying.count_on(site.connection, table)
        sql = (
            f"select count(*) filter (where {quoted(self._sites.column)}::text "  # noqa: S608
            f"= current_setting('app.tenant_id')) from {table.sql}"
        )
        return max(sent, int(await site.connection.fetchval(sql, timeout=TABLE_SECONDS)))

    async def _kept(self) -> dict[str, str]:
        """Those of `_KEPT` that this database has."""
        there = "select to_regclass($1) is not null"
        return {name: condition for name, condition in _KEPT.items() if await self._control.fetchval(there, name)}

    @asynccontextmanager
    async def _site(self, tenant: str) -> AsyncIterator[Site]:
        site = await self._sites.open(await self._mover.place(tenant))
        try:
            yield site
        finally:
            site.connection.terminate()


def _refused(tenant: str, found: str) -> Finding:
    return Finding(
        code="R0437",
        severity="error",
        message=f"this cannot be done with tenant {tenant}",
        found=found,
        effect="nothing is done",
        help="rung tenants list shows where it is and what has begun",
    )

"""Making one tenant read-only, by the database itself, and for no cost to the others while nobody is frozen.

A trigger on each table of tenants refuses the statements of a frozen tenant. Making it takes a lock that waits for
every transaction that writes the table, so that none which began before is still under way: what is copied then
is complete. Readers wait for nobody. Triggers are there only while a tenant is frozen.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import asyncpg

from rung.errors import Finding, MachineError
from rung.runtime.clock import SYSTEM_CLOCK, Clock
from rung.runtime.tenants.catalogue import TenantTable
from rung.runtime.tenants.tables import MOVER

TRIGGER = "rung_refuse_frozen"
ATTEMPTS = 20
LOCK_MILLISECONDS = 1000
#: Writers that wait behind a lock that is itself waiting: not for longer than this at once.
PAUSE_SECONDS = 0.5


async def freeze(
    connection: Any, tenant: str, place: str, tables: Sequence[TenantTable], *, clock: Clock = SYSTEM_CLOCK
) -> None:
    """Refuse what `tenant` would write to these tables from now on; returns when nothing is under way. Idempotent.

    `place`: what they are to the tenant, `shared` or the name of its schema. Raises MachineError (R0434) when a
    transaction holds a table for longer than half a minute.
    """
    await connection.execute(
        "insert into rung.frozen_tenant values ($1, $2) on conflict do nothing", tenant, place
    )
    for table in tables:
        await _with_lock(
            connection,
            f"create or replace trigger {TRIGGER} before insert or update or delete on {table.sql} "
            f"for each statement execute function rung.refuse_frozen('{place}')",
            table,
            clock,
        )


async def thaw(
    connection: Any, tenant: str, place: str, tables: Sequence[TenantTable], *, clock: Clock = SYSTEM_CLOCK
) -> None:
    """Let the tenant write here again; the triggers go when nobody is frozen here any more. Idempotent."""
    await connection.execute("delete from rung.frozen_tenant where tenant = $1 and place = $2", tenant, place)
    if await connection.fetchval("select exists (select from rung.frozen_tenant where place = $1)", place):
        return
    for table in tables:
        await _with_lock(connection, f"drop trigger if exists {TRIGGER} on {table.sql}", table, clock)


async def act_for(connection: Any, tenant: str) -> None:
    """In this transaction: see and write rows of `tenant` alone, frozen or not, whoever the role is."""
    await connection.execute(
        f"select set_config('app.tenant_id', $1, true), set_config('{MOVER}', 'on', true), "
        "set_config('timezone', 'UTC', true), set_config('datestyle', 'ISO, YMD', true), "
        "set_config('intervalstyle', 'iso_8601', true), set_config('extra_float_digits', '1', true), "
        "set_config('bytea_output', 'hex', true), set_config('statement_timeout', '0', true), "
        "set_config('idle_in_transaction_session_timeout', '0', true)",
        tenant,
    )


async def _with_lock(connection: Any, statement: str, table: TenantTable, clock: Clock) -> None:
    for _ in range(ATTEMPTS):
        try:
            async with connection.transaction():
                await connection.execute(f"set local lock_timeout = {LOCK_MILLISECONDS}")
                await connection.execute(statement)
        except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError):
            await clock.sleep(PAUSE_SECONDS)
        else:
            return
    raise MachineError(
        Finding(
            code="R0434",
            severity="error",
            message=f"table {table.full_name} is held by a transaction that does not end",
            found=f"no lock in {ATTEMPTS} attempts of {LOCK_MILLISECONDS / 1000:g} s",
            effect="the tenant can still be read and written where it was",
            help="end that transaction (pg_stat_activity shows it), then give the same command again",
        )
    )

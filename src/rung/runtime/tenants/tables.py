"""The tables of rung that know tenants: where each one is, what moves, who is frozen, what was used."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rung.runtime.tenants.catalogue import quoted

_LOCK = "select pg_advisory_xact_lock(7318349394477057)"
CHANNEL = "rung_tenant"
#: Who moves or deletes a frozen tenant's rows says so in its transaction.
MOVER = "rung.mover"
#: SQLSTATE 25006, read_only_sql_transaction, with this at the beginning of its message.
FROZEN = "rung: tenant"

#: Composed of names of ours alone.
TABLES = f"""
create schema if not exists rung;
create table if not exists rung.tenant (
    tenant text collate "C" primary key,
    tier text not null default 'shared' check (tier in ('shared', 'schema', 'database')),
    target text not null default '',
    epoch integer not null default 0,
    status text not null default 'active' check (status in ('active', 'read_only', 'deleted')),
    changed_at timestamptz not null default now()
);
create table if not exists rung.tenant_move (
    tenant text collate "C" primary key,
    from_tier text not null, from_target text not null, to_tier text not null, to_target text not null,
    step text not null,
    began_at timestamptz not null default now(),
    flipped_at timestamptz,
    grace_seconds double precision not null default 3600
);
create table if not exists rung.frozen_tenant (
    tenant text collate "C" not null, place text not null, primary key (tenant, place)
);
create table if not exists rung.tenant_usage (
    tenant text collate "C" not null, day date not null, meter text collate "C" not null, used bigint not null,
    primary key (tenant, day, meter)
);
create or replace function rung.tenant_changed() returns trigger language plpgsql set search_path = '' as $$
begin
    perform pg_notify('{CHANNEL}', new.tenant);
    return null;
end $$;
create or replace trigger tenant_changed after insert or update on rung.tenant
    for each row execute function rung.tenant_changed();
create or replace function rung.refuse_frozen() returns trigger language plpgsql security definer
    set search_path = '' as $$
begin
    if coalesce(current_setting('{MOVER}', true), '') <> 'on' and exists (
        select from rung.frozen_tenant
         where tenant = current_setting('app.tenant_id', true) and place = tg_argv[0]) then
        raise exception '{FROZEN} is being moved or deleted' using errcode = '25006';
    end if;
    return null;
end $$;
"""  # noqa: S608

_IS_INSTALLED = "select to_regproc('rung.refuse_frozen') is not null"


async def install_tenants(connection: Any, *, roles: Sequence[str] = ()) -> None:
    """Create what is missing, as the owner of the database. Idempotent.

    `roles`, those that requests run as, may read where tenants are and count what they use.
    """
    async with connection.transaction():
        await connection.execute(_LOCK)
        if not await connection.fetchval(_IS_INSTALLED):
            await connection.execute(TABLES)
        for role in map(quoted, roles):
            await connection.execute(
                f"grant usage on schema rung to {role}; grant select on rung.tenant to {role};"
                f"grant select, insert, update on rung.tenant_usage to {role}"
            )

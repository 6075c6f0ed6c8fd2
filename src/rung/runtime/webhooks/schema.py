"""The tables of webhooks, in schema `rung` beside those of the queues. Idempotent, and safe to do at once."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import asyncpg

from rung.runtime.database.database import Database
from rung.runtime.queue.postgres import sql as queue_sql
from rung.runtime.queue.postgres.schema import quote_identifier
from rung.runtime.webhooks.errors import NOT_INSTALLED, WebhookError

#: In place of a tenant where there is none: no tenant can be called so.
NOBODY = "*"
#: Each waits for whoever installs now as long as a lock may be waited for.
INSTALL_ATTEMPTS = 20

# What comes in is the workload's, and belongs to no tenant until a handler has read it.
_RECEIVED = """
create table if not exists rung.webhook_received (
    source text collate "C" not null,
    id text collate "C" not null,
    queue text not null,
    lane text not null,
    received_at timestamptz not null default clock_timestamp(),
    signed_at timestamptz not null,
    applied_at timestamptz,
    replays integer not null default 0,
    body bytea not null,
    primary key (source, id)
);
create index if not exists webhook_received_newest on rung.webhook_received (source, received_at);
create table if not exists rung.webhook_object (
    source text collate "C" not null,
    object text collate "C" not null,
    version bigint not null,
    primary key (source, object)
) with (fillfactor = 80);
"""

# What goes out belongs to a tenant. No foreign keys: parents that many deliveries lock make multixacts.
_SENT = """
create table if not exists rung.webhook_endpoint (
    tenant_id text collate "C" not null,
    id uuid not null default gen_random_uuid(),
    url text not null,
    scheme text not null,
    kinds text[] not null,
    likes text[] not null,
    created_at timestamptz not null,
    failing_since timestamptz,
    disabled_at timestamptz,
    disabled_reason text,
    primary key (tenant_id, id)
) with (fillfactor = 80);
create table if not exists rung.webhook_key (
    tenant_id text collate "C" not null,
    endpoint uuid not null,
    created_at timestamptz not null,
    expires_at timestamptz not null default 'infinity',
    secret text not null,
    primary key (tenant_id, endpoint, created_at)
);
create table if not exists rung.webhook_event (
    tenant_id text collate "C" not null,
    id text collate "C" not null,
    kind text not null,
    created_at timestamptz not null,
    body bytea not null,
    primary key (tenant_id, id)
);
create sequence if not exists rung.webhook_delivery_id;
create table if not exists rung.webhook_delivery (
    tenant_id text collate "C" not null,
    id bigint not null default nextval('rung.webhook_delivery_id'),
    endpoint uuid not null,
    event text collate "C" not null,
    created_at timestamptz not null,
    status text not null default 'pending',
    attempts integer not null default 0,
    next_at timestamptz,
    ended_at timestamptz,
    primary key (tenant_id, id)
) with (fillfactor = 70);
create index if not exists webhook_delivery_newest on rung.webhook_delivery (tenant_id, endpoint, created_at);
create table if not exists rung.webhook_attempt (
    tenant_id text collate "C" not null,
    delivery bigint not null,
    attempt integer not null,
    at timestamptz not null,
    duration_ms double precision not null,
    status integer,
    error text,
    answer bytea not null,
    primary key (tenant_id, delivery, attempt)
);
"""

TENANT_TABLES = ("webhook_endpoint", "webhook_key", "webhook_event", "webhook_delivery", "webhook_attempt")
# A deliverer serves several tenants with one statement: it names them, and sees those and no others.
_RULE = "tenant_id = any ((select string_to_array(coalesce(nullif(current_setting('app.tenant_id', true), ''), '*'), ','))::text[])"  # noqa: E501
_POLICY = """
alter table rung.{table} enable row level security;
alter table rung.{table} force row level security;
drop policy if exists tenant_isolation on rung.{table};
create policy tenant_isolation on rung.{table} using ({rule}) with check ({rule});
"""

_IS_INSTALLED = "select to_regclass('rung.webhook_attempt') is not null"

_GRANTS = """
grant usage on schema rung to {role};
grant usage on sequence rung.webhook_delivery_id to {role};
grant select, insert, update, delete on rung.webhook_received, rung.webhook_object, rung.webhook_endpoint,
    rung.webhook_key, rung.webhook_event, rung.webhook_delivery, rung.webhook_attempt to {role};
"""


async def install_webhooks(connection: Any, *, roles: Sequence[str] = ()) -> None:
    """Create the tables of webhooks where they are missing, as their owner; `roles` may then use their rows.

    `connection`: an asyncpg connection of a role that may create schemas.
    """
    async with connection.transaction():
        await connection.execute(queue_sql.INSTALL_LOCK)
        if not await connection.fetchval(_IS_INSTALLED):
            await connection.execute("create schema if not exists rung;" + _RECEIVED + _SENT)
            for table in TENANT_TABLES:
                await connection.execute(_POLICY.format(table=table, rule=_RULE))
        for role in roles:
            await connection.execute(_GRANTS.format(role=quote_identifier(role)))


class Installed:
    """Makes sure, once per process, that a database has the tables before something writes to them."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known = False

    async def ensure(self) -> None:
        """Install where they are missing and this role may. Raises WebhookError (R0540) where it may not."""
        if self._known:
            return
        for _ in range(INSTALL_ATTEMPTS):
            if await self._database.fetch_value(_IS_INSTALLED, across_tenants=True):
                break
            with suppress(asyncpg.LockNotAvailableError):  # somebody else installs: look again
                await self._install()
        self._known = True

    async def _install(self) -> None:
        try:
            async with self._database.connection() as connection:
                await install_webhooks(connection)
        except asyncpg.InsufficientPrivilegeError as error:
            raise WebhookError(
                NOT_INSTALLED,
                f"database {self._database.name!r} has no tables for webhooks, and this role may not "
                "create them; run install_webhooks(connection, roles=[...]) once, as the owner",
            ) from error

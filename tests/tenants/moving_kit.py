"""A system with every kind of column, three tenants, and somewhere to move to."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg

from rung.runtime import Database
from rung.runtime.bindings import PostgresBinding
from rung.runtime.context import known_epochs
from rung.runtime.database.tenancy import create_serving_role, rls_statements
from rung.runtime.tenants.moving import Mover, silent
from rung.runtime.tenants.site import Sites
from rung.runtime.tenants.tables import install_tenants

SERVING_ROLE = "moving_app"
TENANTS = ("acme", "globex", "initech")
SCHEMA = """
create type mood as enum ('good', 'bad');
create table currency (code text primary key);
insert into currency values ('EUR');
create table customer (
    tenant_id text not null, id bigint generated always as identity, name text not null, email text,
    currency text not null references currency, born timestamptz default '2020-02-02 12:00+02',
    primary key (tenant_id, id), unique (tenant_id, email)
);
comment on column customer.email is 'rung: data subject';
create table invoice (
    tenant_id text not null, id uuid default gen_random_uuid(), customer bigint not null, total numeric(12, 4),
    doubled numeric generated always as (total * 2) stored, raw bytea, extra jsonb, moods mood[], at interval,
    share double precision, email text, primary key (tenant_id, id),
    foreign key (tenant_id, customer) references customer (tenant_id, id) on delete cascade, check (total >= 0)
);
create index invoice_of_customer on invoice (tenant_id, customer);
comment on column invoice.email is 'rung: data subject';
"""
FILL = """
insert into customer (tenant_id, name, email, currency)
    select $1, 'n' || n, 'p' || n || '@example.com', 'EUR' from generate_series(1, 20) n;
"""
FILL_INVOICES = """
insert into invoice (tenant_id, customer, total, raw, extra, moods, at, share, email)
    select $1, id, id * 1.25, decode('00ff0a5c', 'hex'), jsonb_build_object('a\\"b', name, 'n', null),
           array['good', 'bad']::mood[], '1 day 02:03', 1.0 / 3, email
      from customer where tenant_id = $1
"""


async def make_schema(url: str) -> None:
    """Tables, policies and grants, and nobody's rows."""
    owner = await asyncpg.connect(url)
    await owner.execute(SCHEMA)
    for table in ("customer", "invoice"):
        for statement in rls_statements(table):
            await owner.execute(statement)
    await create_serving_role(owner, SERVING_ROLE, password="serving")
    await install_tenants(owner, roles=[SERVING_ROLE])
    await owner.close()


async def fill(url: str) -> None:
    """Twenty customers and invoices for each tenant."""
    owner = await asyncpg.connect(url)
    for tenant in TENANTS:
        await owner.execute(FILL, tenant)
        await owner.execute(FILL_INVOICES, tenant)
    await owner.close()


@dataclass
class System:
    """The shared database, one for a silo on the same server, and the application on it."""

    url: str
    silo: str
    owner: Any
    database: Database

    @property
    def sites(self) -> Sites:
        return Sites(url=self.url, urls={})

    def mover(self, progress: Any = silent) -> Mover:
        return Mover(self.owner, self.sites, progress=progress)

    async def seen(self, tenant: str) -> tuple[int, int, str]:
        """Customers, invoices, and all that the tenant has, as the application sees them."""
        text = await self.database.fetch_value(
            "select string_agg(i::text || c::text, '' order by i.id) from invoice i "
            "join customer c on c.tenant_id = i.tenant_id and c.id = i.customer",
            tenant=tenant,
        )
        customers = await self.database.fetch_value("select count(*) from customer", tenant=tenant)
        invoices = await self.database.fetch_value("select count(*) from invoice", tenant=tenant)
        return customers, invoices, str(text)

    async def waits_for_a_lock(self) -> bool:
        """Whether somebody does now."""
        return bool(await self.owner.fetchval("select exists (select from pg_locks where not granted)"))

    async def rows_of(self, tenant: str, table: str = "customer") -> int:
        """As the owner sees the shared table."""
        return int(await self.owner.fetchval(f"select count(*) from public.{table} where tenant_id = $1", tenant))


@asynccontextmanager
async def system(url: str) -> AsyncIterator[System]:
    """Three tenants in shared tables, on a database that is new, in a process that has heard of no move."""
    known_epochs.clear()
    silo = f"{url.rpartition('/')[2]}_silo"
    await make_schema(url)
    await fill(url)
    owner = await asyncpg.connect(url)
    await owner.execute(f"create database {silo}")
    await make_schema(f"{url.rpartition('/')[0]}/{silo}")
    host = url.rpartition("@")[2]
    binding = PostgresBinding(
        url=f"postgresql://{SERVING_ROLE}:serving@{host}", pool_size=2, tenant_scoped=True, tenant_map=True
    )
    database = Database(binding, name="db")
    try:
        yield System(url=url, silo=silo, owner=owner, database=database)
    finally:
        await database.close()
        await owner.execute(f"drop database {silo} with (force)")
        await owner.close()
        known_epochs.clear()


def workspace(folder: Path) -> Path:
    """A folder for archives."""
    folder.mkdir(exist_ok=True)
    return folder

"""F18: a tenant id that is SQL, or nearly an id, is refused before any SQL; a true one arrives unchanged."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rung.runtime import Database, Tenant, serving_tenant
from rung.runtime.context import TENANT_HEADER, from_headers
from rung.runtime.database.connection import bind_and_execute
from rung.runtime.database.database import set_tenant
from rung.runtime.errors import TenantError

pytestmark = pytest.mark.fault
HOSTILE = [
    "' OR 1=1--",
    "x'; SET app.tenant='b'",
    "a', true); drop table note; --",
    "a\x00b",
    "a\u202eb",
    "\u0430",  # a Cyrillic letter that looks like a
    "ａ",
    "a" * 10_000,
    "",
    " a",
    "a\n",
    "-a",
    "$1",
    "a'",
    'a"',
    "a\\",
    "١٢",  # digits, and not ASCII's
    "tenant%00",
]


@pytest.mark.parametrize("text", HOSTILE)
async def test_what_is_no_id_is_refused_before_any_sql(text: str) -> None:
    """There is no server behind this database: whatever reached for one would say that it is away."""
    database = Database.from_url("postgresql://nobody@127.0.0.1:1/none")
    with pytest.raises(TenantError):
        await database.fetch("select 1", tenant=text)
    with pytest.raises(TenantError):
        await database.execute("select 1", tenant=text)
    with pytest.raises(TenantError):
        database.transaction(tenant=text)
    with pytest.raises(TenantError), serving_tenant(text):
        pass
    if text:
        with pytest.raises(TenantError):
            from_headers({TENANT_HEADER: text}, trusted=True)


@settings(max_examples=500, deadline=None)
@given(st.text(max_size=70))
def test_any_text_is_refused_or_is_harmless_as_it_stands(text: str) -> None:
    try:
        tenant = Tenant(text)
    except TenantError:
        return
    assert re.fullmatch(r"select set_config\('app\.tenant_id', '[A-Za-z0-9_-]{1,64}', true\)", set_tenant(tenant))
    assert bind_and_execute("s", tenant.id).count(text.encode()) >= 1


@pytest.mark.parametrize("text", ["a", "0", "Acme-Inc_7", "null", "true", "z" * 64])
async def test_an_id_arrives_unchanged_on_both_ways(postgres_url: str, text: str) -> None:
    database = Database.from_url(postgres_url, pool_size=1)
    sql = "select current_setting('app.tenant_id', true)"
    assert await database.fetch_value(sql, tenant=text) == text
    async with database.transaction(tenant=text) as connection:
        assert await connection.fetchval(sql) == text
    assert await database.fetch_value(sql) == ""
    await database.close()

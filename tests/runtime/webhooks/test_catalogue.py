"""The tables of webhooks pass the same check of the catalogue as an application's own."""

from __future__ import annotations

import asyncpg

from rung.runtime.database.isolation import unprotected_tables
from rung.runtime.webhooks import install_webhooks


async def test_no_table_shows_another_tenants_rows(postgres_url: str) -> None:
    connection = await asyncpg.connect(postgres_url)
    await install_webhooks(connection)
    assert await unprotected_tables(connection) == []
    await connection.close()

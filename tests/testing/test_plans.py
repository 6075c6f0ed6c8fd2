"""`assert_uses_index` passes for an indexed query and fails, showing the plan, for one that is not."""

from __future__ import annotations

from collections.abc import AsyncIterator

import asyncpg
import pytest

from rung.testing import assert_uses_index


@pytest.fixture
async def connection(postgres_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(postgres_url)
    await connection.execute(
        "create table item (id integer primary key, name text, price integer); create index by_name on item (name)"
    )
    yield connection
    await connection.close()


async def test_an_indexed_query_passes(connection: asyncpg.Connection) -> None:
    await assert_uses_index(connection, "select * from item where name = $1", "by_name", "x")
    await assert_uses_index(connection, "select * from item order by id limit 10", "item_pkey")


async def test_another_index_fails_and_is_named(connection: asyncpg.Connection) -> None:
    with pytest.raises(AssertionError, match="by_name is not used, but item_pkey"):
        await assert_uses_index(connection, "select * from item where id = 1", "by_name")


async def test_a_scan_fails_and_is_named(connection: asyncpg.Connection) -> None:
    with pytest.raises(AssertionError, match="by_name is not used, but none"):
        await assert_uses_index(connection, "select * from item where price = 1", "by_name")
    with pytest.raises(AssertionError, match="item is read from end to end"):
        await assert_uses_index(
            connection, "select * from item a, item b where a.name = 'x' and b.price = 1", "by_name"
        )


async def test_the_statement_does_not_run_and_the_setting_does_not_stay(connection: asyncpg.Connection) -> None:
    await assert_uses_index(connection, "delete from item where id = 1", "item_pkey")
    assert await connection.fetchval("show enable_seqscan") == "on"

"""F17 through an application: no way from one tenant to another, and a machine that finds the ways there are."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterator
from typing import Any

import asyncpg
import pytest
from tests.faults.soak import share_of
from tests.tenants.notes_app import SERVING_ROLE, Notes, NotesMachine, prepare

from rung.errors import UserError
from rung.local.postgres import PostgresServer
from rung.local.redis import RedisServer
from rung.testing.tenancy import assert_isolated, search

pytestmark = pytest.mark.fault


async def _create(url: str, name: str) -> None:
    server = await asyncpg.connect(url)
    await server.execute(f"create database {name}")
    await server.close()


async def _drop(url: str, name: str) -> None:
    server = await asyncpg.connect(url)
    await server.execute(f"drop database {name} with (force)")
    await server.close()


@pytest.fixture
def urls(postgres_server: PostgresServer, redis_server: RedisServer) -> Iterator[tuple[str, str]]:
    """The application's database as its serving role, and a Redis. The machine has a loop of its own."""
    name = f"notes_{secrets.token_hex(4)}"
    asyncio.run(_create(postgres_server.url, name))
    asyncio.run(prepare(postgres_server.url_of(name)))
    yield postgres_server.url_of(name, user=SERVING_ROLE, password="serving"), redis_server.url
    asyncio.run(_drop(postgres_server.url, name))


def machine(urls: tuple[str, str], **members: Any) -> type[NotesMachine]:
    return type("Machine", (NotesMachine,), {"urls": urls, "attempts": 0, "ways": (), **members})


def test_ten_thousand_attempts_find_no_way_across(urls: tuple[str, str]) -> None:
    assert search(machine(urls), attempts=10_000) >= 10_000


@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_a_million_attempts_find_no_way_across(urls: tuple[str, str]) -> None:
    attempts = share_of(1_000_000)
    assert search(machine(urls), attempts=attempts, steps=60) >= attempts


async def _policy(url: str, statement: str) -> None:
    owner = await asyncpg.connect(url)
    await owner.execute(statement)
    await owner.close()


#: Which of its ways across is found first, is chance.
ACROSS = r"sees (note|page)|is answered 20|was changed by another"


@pytest.mark.parametrize(
    "hole",
    [
        "alter table note disable row level security",
        f"alter role {SERVING_ROLE} bypassrls",
        "create policy wide on note using (true)",
    ],
)
def test_a_hole_in_the_database_is_found(
    urls: tuple[str, str], postgres_server: PostgresServer, hole: str
) -> None:
    name = urls[0].rpartition("/")[2]
    asyncio.run(_policy(postgres_server.url_of(name), hole))
    try:
        with pytest.raises(AssertionError, match=ACROSS):
            search(machine(urls), attempts=3_000)
    finally:
        asyncio.run(_policy(postgres_server.url, f"alter role {SERVING_ROLE} nobypassrls"))


def test_a_cache_without_the_tenant_is_found(urls: tuple[str, str]) -> None:
    with pytest.raises(AssertionError, match=r"page: .* sees page home"):
        search(machine(urls, options={"cache_scoped": False}), attempts=3_000)


def test_an_answer_that_tells_that_it_is_there_is_found(urls: tuple[str, str]) -> None:
    with pytest.raises(AssertionError, match="is answered 404"):
        search(machine(urls, refused=frozenset({403})), attempts=3_000)


def test_a_machine_without_attempts_fails(urls: tuple[str, str]) -> None:
    with pytest.raises(AssertionError, match="made no attempt"):
        search(machine(urls, attempts_on=lambda self, thing: []), attempts=10)


async def test_the_catalogue_as_a_test(postgres_url: str) -> None:
    await prepare(postgres_url)
    await assert_isolated(postgres_url, serving_role=SERVING_ROLE)
    await _policy(postgres_url, "alter table note no force row level security")
    with pytest.raises(UserError, match="R0411"):
        await assert_isolated(postgres_url)


async def test_without_a_tenant_an_error_and_never_all_rows(urls: tuple[str, str]) -> None:
    from rung.testing.asgi import call

    notes = Notes(*urls)
    await notes.database.execute("insert into page values ('acme', 'home', 'of acme')", tenant="acme")
    for session in ((), (("authorization", "session-of-nobody"),), (("x-rung-tenant", "acme"),)):
        answer = await call(notes.app, "/notes", headers=session)
        assert answer.status == 404 or answer.json == []
        answer = await call(notes.app, "/pages/home", headers=session)
        assert answer.status == 404
    await notes.close()

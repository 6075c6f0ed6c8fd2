"""A tenant is moved while others work: nothing lost, doubled or touched, whatever ends the program when."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import asyncpg
import pytest
from tests.tenants.moving_kit import TENANTS, System

from rung.errors import MachineError
from rung.runtime import Tenant
from rung.runtime.context import tenant_prefix
from rung.runtime.database.isolation import check_isolation
from rung.runtime.errors import OverloadedError, TenantError, UnavailableError
from rung.runtime.tenants.moving import Mover
from rung.runtime.tenants.places import Place
from rung.runtime.tenants.silos import Silos

SCHEMA = Place(tier="schema", target="acme_own")


def targets(kit: System) -> list[Place]:
    return [SCHEMA, Place(tier="database", target=kit.silo)]


@pytest.mark.parametrize("number", [0, 1])
async def test_there_and_back_again(kit: System, number: int) -> None:
    before = {tenant: await kit.seen(tenant) for tenant in TENANTS}
    assert before["acme"][:2] == (20, 20)
    target = targets(kit)[number]
    plan = await kit.mover().plan("acme", target)
    assert plan.rows == {"customer": 20, "invoice": 20}
    await kit.mover().move("acme", target)
    assert {tenant: await kit.seen(tenant) for tenant in TENANTS} == before
    assert tenant_prefix(Tenant("acme")) == "t:acme@1:"
    sql = "insert into customer (tenant_id, name, currency) values ('acme', 'new', 'EUR') returning id"
    new = await kit.database.fetch_value(sql, tenant="acme")
    assert new > 20, "numbers go on after the largest"
    async with kit.database.transaction(tenant="acme") as connection:
        assert await connection.fetchval("select count(*) from customer") == 21
        assert await connection.fetchval("select code from currency") == "EUR"  # shared tables are reached
    assert await kit.rows_of("acme") == 20, "the old rows wait for the end of the grace period"
    with pytest.raises(MachineError, match="grace period"):
        await kit.mover().finish("acme")
    await kit.mover().back("acme")
    assert (await kit.seen("acme"))[:2] == (21, 20)
    assert await kit.rows_of("acme") == 21
    await kit.mover().finish("acme", now=True)
    assert await kit.database.execute("delete from customer where name = 'new'", tenant="acme") == "DELETE 1"
    assert await kit.seen("acme") == before["acme"]
    assert await kit.owner.fetchval("select count(*) from pg_trigger where tgname = 'rung_refuse_frozen'") == 0
    assert [each.code for each in await check_isolation(kit.owner)] == []


async def test_finish_deletes_the_old_rows_alone(kit: System) -> None:
    await kit.mover().move("acme", SCHEMA, grace_seconds=0)
    assert await kit.mover().finish("acme") == 40
    assert await kit.rows_of("acme") == 0
    assert await kit.rows_of("globex") == 20
    assert (await kit.seen("acme"))[:2] == (20, 20)
    with pytest.raises(MachineError, match="R0437"):
        await kit.mover().back("acme")
    await kit.mover().move("acme", Place())  # but another move leads there
    assert await kit.rows_of("acme") == 20


async def test_from_the_first_copied_row_on_nothing_can_be_written(kit: System) -> None:
    """By the tenant; others are not disturbed, and reading goes on."""
    outcomes: list[str] = []

    def progress(what: str, number: int, total: int) -> None:
        outcomes.append(what)
        if what == "verify":
            raise ConnectionError("the operator's network")

    with pytest.raises(ConnectionError):
        await kit.mover(progress).move("acme", SCHEMA)
    assert outcomes == ["freeze", "public.customer", "public.invoice", "verify"]
    for statement in ("insert into customer (tenant_id, name, currency) values ('acme', 'x', 'EUR')",
                      "update customer set name = 'x'", "delete from invoice"):  # fmt: skip
        with pytest.raises(UnavailableError, match="being moved"):
            await kit.database.execute(statement, tenant="acme")
        assert not (await kit.database.execute(statement.replace("acme", "globex"), tenant="globex")).endswith(
            " 0"
        )
    assert (await kit.seen("acme"))[:2] == (20, 20)
    await kit.mover().abort("acme")
    assert await kit.database.execute("update customer set name = 'x'", tenant="acme") == "UPDATE 20"
    assert await kit.owner.fetchval("select count(*) from acme_own.customer") == 0
    with pytest.raises(MachineError, match="no move has begun"):
        await kit.mover().abort("acme")


async def test_a_transaction_that_is_under_way_is_waited_for(kit: System) -> None:
    """It wrote before the tenant was frozen: its row is copied too."""
    async with kit.database.transaction(tenant="acme") as connection:
        await connection.execute("insert into customer (tenant_id, name, currency) values ('acme', 'late', 'EUR')")
        control = await asyncpg.connect(kit.url)
        moving = asyncio.create_task(Mover(control, kit.sites).move("acme", SCHEMA))
        for _ in range(1000):
            if await kit.waits_for_a_lock():
                break
            await asyncio.sleep(0.01)
        assert not moving.done()
    await moving
    await control.close()
    assert (await kit.seen("acme"))[0] == 21


@pytest.mark.parametrize("step", ["freeze", "public.customer1", "public.invoice2", "verify", "turn", "open"])
async def test_the_same_command_goes_on_after_a_kill(kit: System, step: str) -> None:
    before = {tenant: await kit.seen(tenant) for tenant in TENANTS}
    program = [sys.executable, str(Path(__file__).with_name("killed_move.py")), kit.url, "acme", str(SCHEMA), step]
    killed = await asyncio.to_thread(subprocess.run, program, capture_output=True, timeout=30, check=False)
    assert killed.returncode == -9, killed.stderr.decode()
    assert {tenant: await kit.seen(tenant) for tenant in TENANTS} == before, "readable at every step"
    await kit.mover().move("acme", SCHEMA, grace_seconds=0)
    assert {tenant: await kit.seen(tenant) for tenant in TENANTS} == before
    assert await kit.database.execute("update customer set name = 'x'", tenant="acme") == "UPDATE 20"
    await kit.mover().finish("acme", now=True)
    assert await kit.rows_of("acme") == 0


async def test_another_content_is_noticed_and_not_used(kit: System) -> None:
    """What arrived is changed behind the mover's back: the map is not turned, and the next attempt copies anew."""

    def progress(what: str, number: int, total: int) -> None:
        if what == "verify":
            raise ConnectionError

    with pytest.raises(ConnectionError):
        await kit.mover(progress).move("acme", SCHEMA)
    await kit.owner.execute("update acme_own.invoice set total = 0 where customer = 1")
    await kit.owner.execute("delete from acme_own.invoice where customer = 2")
    with pytest.raises(MachineError, match=r"R0435(.|\n)*invoice: 20 rows there, 19 here"):
        await kit.mover().move("acme", SCHEMA)
    assert (await kit.mover().place("acme")).tier == "shared"
    await kit.mover().move("acme", SCHEMA)
    assert (await kit.seen("acme"))[:2] == (20, 20)


async def test_a_target_that_differs_is_refused_before_anything_happens(kit: System) -> None:
    silo = await asyncpg.connect(f"{kit.url.rpartition('/')[0]}/{kit.silo}")
    await silo.execute("alter table invoice drop column share, add more int")
    await silo.close()
    with pytest.raises(MachineError, match=r"R0436(.|\n)*missing share double precision; beyond it more integer"):
        await kit.mover().move("acme", Place(tier="database", target=kit.silo))
    assert await kit.database.execute("update customer set name = 'x'", tenant="acme") == "UPDATE 20"


async def test_two_moves_at_once_and_nonsense_are_refused(kit: System) -> None:
    with pytest.raises(MachineError, match="R0437"):
        await kit.mover().plan("acme", Place())
    with pytest.raises(TenantError):
        await kit.mover().plan("a'; drop table customer", SCHEMA)
    await kit.mover().move("acme", SCHEMA)
    with pytest.raises(MachineError, match="has begun"):
        await kit.mover().move("acme", Place(tier="schema", target="elsewhere"))


async def test_other_processes_hear_of_it(kit: System) -> None:
    """The place is known here for long, and yet the turn is heard."""
    assert kit.database.places is not None
    place = kit.database.places.map
    await kit.seen("acme")
    await kit.mover().move("acme", SCHEMA)
    for _ in range(500):
        if place.held(Tenant("acme")) is None:
            break
        await asyncio.sleep(0.01)
    assert (await place.place(Tenant("acme"))).target == "acme_own"


async def test_a_deleted_tenant_is_nobody(kit: System) -> None:
    await kit.owner.execute("insert into rung.tenant (tenant, status) values ('acme', 'deleted')")
    with pytest.raises(TenantError):
        await kit.database.fetch("select * from customer", tenant="acme")
    with pytest.raises(TenantError):
        async with kit.database.transaction(tenant="acme"):
            pass


async def test_few_silos_are_open_at_once(kit: System) -> None:
    silos = Silos(kit.database.binding, open_max=1)
    first = await silos.database(kit.silo)
    async with first.transaction(tenant="acme") as connection:
        assert await connection.fetchval("select count(*) from customer") == 0
        with pytest.raises(OverloadedError):
            await silos.database(kit.url.rpartition("/")[2])
    second = await silos.database(kit.url.rpartition("/")[2])
    assert await second.fetch_value("select count(*) from customer", tenant="acme") == 20
    assert first.statistics().size == 0
    await silos.close()


async def test_one_plan_serves_two_schemas(kit: System) -> None:
    """Prepared statements outlive a change of the search path, and read the right table all the same."""
    await kit.mover().move("acme", SCHEMA)
    await kit.mover().move("globex", Place(tier="schema", target="globex_own"))
    await kit.database.execute("update customer set name = 'moved'", tenant="globex")
    for _ in range(8):  # on both connections, and beyond the fifth use, when a generic plan may be kept
        for tenant, name in (("acme", "n1"), ("globex", "moved"), ("initech", "n1")):
            rows = await kit.database.fetch(
                "select tenant_id, name from customer order by id limit 1", tenant=tenant
            )
            assert [tuple(row) for row in rows] == [(tenant, name)]

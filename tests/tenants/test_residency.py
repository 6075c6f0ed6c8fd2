"""Where a tenant may live is kept: no move or restore puts its rows into another region, or an unknown one."""

from __future__ import annotations

import asyncio
from pathlib import Path

import asyncpg
import pytest
from tests.tenants.moving_kit import System

from rung.cli.main import main
from rung.errors import MachineError, UsageError
from rung.runtime.tenants.archive import read_manifest
from rung.runtime.tenants.keeping import Keeper
from rung.runtime.tenants.places import Place
from rung.runtime.tenants.residency import fits, region_of, set_region

SCHEMA = Place(tier="schema", target="acme_own")


@pytest.fixture
async def kit(kit: System) -> System:
    """acme lives in the EU; nobody has said where the others do, nor where the databases are."""
    for url in (kit.url, _silo_url(kit)):
        connection = await asyncpg.connect(url)
        await connection.execute("alter table customer add column lives_in text not null default ''")
        await connection.execute("comment on column customer.lives_in is 'rung: residency (eu, us)'")
        await connection.close()
    await kit.owner.execute("update customer set lives_in = 'eu' where tenant_id = 'acme'")
    return kit


def _silo_url(kit: System) -> str:
    return f"{kit.url.rpartition('/')[0]}/{kit.silo}"


async def _say(kit: System, region: str) -> None:
    """As the operator of the silo."""
    assert await asyncio.to_thread(main, ["tenants", "region", "--set", region, "--url", _silo_url(kit)]) == 0


async def test_a_move_into_another_region_is_refused_before_anything_is_done(kit: System) -> None:
    silo = Place(tier="database", target=kit.silo)
    with pytest.raises(MachineError, match="R0441"):
        await kit.mover().move("acme", silo)
    await _say(kit, "us-east-1")
    with pytest.raises(MachineError, match=r"may live in eu; database:.* is in us-east-1"):
        await kit.mover().move("acme", silo)
    assert await kit.mover().journal("acme") is None
    assert await kit.rows_of("acme") == 20
    await kit.mover().move("globex", silo)
    await _say(kit, "eu-west-1")
    await kit.mover().move("acme", silo)
    with pytest.raises(MachineError, match="shared does not say where it is"):
        await kit.mover().back("acme")
    await set_region(kit.owner, "eu-central-1")
    await kit.mover().back("acme")
    assert (await kit.seen("acme"))[0] == 20


async def test_within_one_database_rows_stay_where_they_are(kit: System) -> None:
    await kit.mover().move("acme", SCHEMA)
    assert (await kit.seen("acme"))[0] == 20


async def test_an_export_says_it_and_is_restored_there_alone(kit: System, tmp_path: Path) -> None:
    file, keeper = tmp_path / "acme.zip", Keeper(kit.owner, kit.sites)
    await keeper.export("acme", file)
    assert (read_manifest(file).residency, read_manifest(file).region) == (("eu",), None)
    await keeper.restore(file, replace=True)  # where nobody says anything, it came from here
    await set_region(kit.owner, "us-east-1")
    with pytest.raises(MachineError, match="R0441"):
        await keeper.restore(file, replace=True)
    assert await kit.rows_of("acme") == 20
    await set_region(kit.owner, "eu-west-1")
    await keeper.export("acme", file)
    assert read_manifest(file).region == "eu-west-1"
    await keeper.restore(file, replace=True)
    await keeper.export("globex", tmp_path / "globex.zip")
    assert read_manifest(tmp_path / "globex.zip").residency == ()


async def test_the_command_says_where_a_database_is(kit: System, capsys: pytest.CaptureFixture[str]) -> None:
    assert await asyncio.to_thread(main, ["tenants", "region", "--url", kit.url]) == 0
    assert "nobody has said" in capsys.readouterr().out
    await _say(kit, "eu-west-1")
    assert "this database is in eu-west-1" in capsys.readouterr().out
    with pytest.raises(UsageError):
        await set_region(kit.owner, "eu'; drop schema rung; --")
    assert await region_of(kit.owner) is None


def test_a_region_fits_by_its_whole_words() -> None:
    assert fits("eu-west-1", ["eu"])
    assert fits("eu-west-1", ["eu-west-1"])
    assert not fits("eurasia-1", ["eu"])
    assert not fits("us-east-1", ["eu", "us"])
    assert not fits(None, ["eu"])
    assert fits(None, [])

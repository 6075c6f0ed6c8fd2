"""`tenancy=rls(...)` in the workload file is enough: what a migration forgets ends `rung dev`, with its line."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import asyncpg
import pytest

from rung.cli.main import main
from rung.errors import MachineError
from rung.local.database import prepare
from rung.local.postgres import PostgresServer
from rung.local.state import State
from rung.model.checks import check
from rung.model.graph import Graph
from rung.model.nodes import Postgres, Queue, rls
from rung.runtime.database.tenancy import rls_statements

TABLE = "create table note (tenant_id text, id integer, primary key (tenant_id, id));\n"


def graph_of(folder: Path, *more: Queue, tiers: bool = False) -> Graph:
    (folder / "migrations").mkdir(exist_ok=True)
    node = Postgres(name="db", migrations="migrations", tenancy=rls("tenant_id", tiers=tiers))
    return replace(Graph(name=f"w{folder.name[-12:]}", nodes=(node, *more)), root=str(folder))


async def test_rung_dev_starts_nothing_on_tables_that_mix_tenants(
    postgres_server: PostgresServer, tmp_path: Path
) -> None:
    graph = graph_of(tmp_path, Queue(name="jobs", fair=True), tiers=True)
    first = tmp_path / "migrations" / "0001_first.sql"
    first.write_text(f"-- notes\n{TABLE}")
    state = State.beside(tmp_path / "workload.py")
    with pytest.raises(MachineError) as caught:
        await prepare(graph, postgres_server.url, state)
    [finding] = caught.value.findings
    assert finding.code == "R0411"
    assert finding.location is not None
    assert (finding.location.file, finding.location.line) == (str(first), 2)
    (tmp_path / "migrations" / "0002_apart.sql").write_text(";\n".join(rls_statements("note")))
    prepared = await prepare(graph, postgres_server.url, state)
    serving = await asyncpg.connect(prepared.databases["db"].serving_url)
    assert await serving.fetch("select * from rung.tenant") == []
    assert await serving.fetchval("select to_regclass('rung.message_fair')") is not None
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await serving.execute("insert into rung.tenant (tenant, tier) values ('acme', 'shared')")
    await serving.close()


async def test_rung_migrate_checks_when_asked(
    postgres_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "0001_first.sql").write_text(TABLE)
    words = ["migrate", str(tmp_path), "--url", postgres_url]
    assert await asyncio.to_thread(main, words) == 0
    assert await asyncio.to_thread(main, [*words, "--tenant-column", "tenant_id"]) == 1
    assert "R0411" in capsys.readouterr().err


def test_turns_need_a_broker_that_takes_them(tmp_path: Path) -> None:
    found = [
        [each.code for each in check(graph_of(tmp_path, Queue(name="jobs", fair=True, broker=broker)))]
        for broker in ("redis", "rabbitmq", "sqs", "postgres", None)
    ]
    assert ["R0187" in codes for codes in found] == [False, True, False, False, False]

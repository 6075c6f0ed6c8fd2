"""`rung migrate` from the outside: what it prints, and its exit by exception."""

from __future__ import annotations

import argparse
import asyncio
import json
from pathlib import Path

import asyncpg
import pytest

from rung.cli import migrate
from rung.errors import MachineError, UsageError
from rung.local.process import free_port


def run(*words: str) -> int:
    parser = argparse.ArgumentParser()
    migrate.configure(parser.add_subparsers())
    return migrate.run(parser.parse_args(["migrate", *words]))


def test_it_says_what_it_applied(postgres_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "0001_first.sql").write_text("create table first (id integer)")
    assert run(str(tmp_path), "--url", postgres_url, "--format", "json") == 0
    [applied] = json.loads(capsys.readouterr().out)["applied"]
    assert (applied["number"], applied["name"], applied["attempts"]) == (1, "first", 1)
    assert run(str(tmp_path), "--url", postgres_url) == 0
    assert capsys.readouterr().out == "nothing to apply\n"


def test_the_url_may_come_from_the_environment(
    postgres_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "0001_first.sql").write_text("select 1")
    monkeypatch.setenv("DATABASE_URL", postgres_url)
    assert run(str(tmp_path)) == 0
    assert capsys.readouterr().out.startswith("applied 0001_first in ")
    monkeypatch.delenv("DATABASE_URL")
    with pytest.raises(UsageError):
        run(str(tmp_path))


def test_a_failing_migration_names_its_line(postgres_url: str, tmp_path: Path) -> None:
    (tmp_path / "0001_first.sql").write_text("select 1;\nselect nothing_such;")
    with pytest.raises(MachineError) as raised:
        run(str(tmp_path), "--url", postgres_url)
    [finding] = raised.value.findings
    assert finding.location is not None
    assert (finding.code, finding.location.line) == ("R0405", 2)


async def test_the_tables_of_what_rung_keeps_come_before_the_migrations(postgres_url: str, tmp_path: Path) -> None:
    """A migration may name them; without a directory they are made alone. A box runs this as the owner."""
    (tmp_path / "0001_first.sql").write_text("create view waiting as select id from rung.message")
    words = ("--url", postgres_url, "--tables", "queues", "--tables", "workflows")
    assert await asyncio.to_thread(run, str(tmp_path), *words) == 0
    assert await asyncio.to_thread(run, *words) == 0
    connection = await asyncpg.connect(postgres_url)
    try:
        rows = await connection.fetch("select tablename from pg_tables where schemaname = 'rung'")
    finally:
        await connection.close()
    there = {row["tablename"] for row in rows}
    assert {"message", "dead_letter", "workflow_run", "workflow_step"} <= there
    assert "event_archive" not in there, "nobody asked for a bus"


def test_tables_of_a_database_that_is_away(tmp_path: Path) -> None:
    with pytest.raises(MachineError) as raised:
        run("--tables", "queues", "--url", f"postgresql://127.0.0.1:{free_port()}/none")
    assert raised.value.findings[0].code == "R0407"

"""`rung migrate` from the outside: what it prints, and its exit by exception."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest

from rung.cli import migrate
from rung.errors import MachineError, UsageError


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

"""`rung advise` at the command line: text, JSON, records of decisions, measured values, exit codes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from rung.cli.main import main

LABELLED = Path(__file__).parents[1] / "advise" / "labelled"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copy(LABELLED / "track-early" / "workload.py", tmp_path / "workload.py")
    return tmp_path


def advised(folder: Path, capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    assert main(["advise", str(folder / "workload.py"), "--format", "json", *words]) == 0
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    return document


def test_text_says_the_answer_first(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["advise", str(folder / "workload.py")]) == 0
    text = capsys.readouterr().out
    assert text.startswith("track prod has earned host")
    for heading in ("why not the others", "what would change it", "parts", "on Monday", "what this rests on"):
        assert f"\n{heading}\n" in text


def test_json_has_every_rung_and_every_assumption(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document = advised(folder, capsys)
    assert document["schema"] == "rung.advise/1"
    assert {rung["rung"] for rung in document["rungs"]} == {"box", "host", "fargate", "eks", "serverless"}
    assert document["recommended"] == document["rungs"][0]["rung"]
    names = {each["name"] for each in document["assumptions"]}
    assert {"cpu_ms", "engineer_hour_usd", "bad_releases"} <= names
    assert all(each["why"] for each in document["assumptions"])


def test_a_given_value_counts_and_is_called_given(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document = advised(folder, capsys, "--assume", "engineer_hour_usd=1000", "--assume", "cpu_ms=9")
    basis = {each["name"]: each["basis"] for each in document["assumptions"]}
    assert basis["engineer_hour_usd"] == basis["cpu_ms"] == "given"
    host = next(each for each in document["rungs"] if each["rung"] == "host")
    assert host["people_usd"] == pytest.approx(host["hours"] * 1_000)


def test_measured_beats_assumed(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    load = {
        "schema": "rung.load/1", "started_at": "2026-11-21T10:00:00Z",
        "total": {"succeeded": 1_000, "received_bytes": 4_096_000, "service": {"p50_ms": 2.0, "p99_ms": 9.0}},
        "server": {"requests": 1_000, "service_cpu_seconds": 40.0, "utilisation": 0.2},
    }  # fmt: skip
    file = tmp_path / "load.json"
    file.write_text(json.dumps(load), encoding="utf-8")
    document = advised(folder, capsys, "--measured", str(file))
    cpu = next(each for each in document["assumptions"] if each["name"] == "cpu_ms")
    assert cpu["value"] == pytest.approx(40.0)
    assert cpu["basis"] == "measured"
    assert "1,000 requests" in cpu["why"]


def test_a_decision_is_written_beside_the_others_and_over_none(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    records = folder / "docs" / "adr"
    records.mkdir(parents=True)
    (records / "0006-something.md").write_text("# 0006: something\n", encoding="utf-8")
    first = advised(folder, capsys, "--adr")["adr"]
    second = advised(folder, capsys, "--adr")["adr"]
    assert [Path(each).name for each in (first, second)] == ["0007-prod-on-host.md", "0008-prod-on-host.md"]
    text = Path(first).read_text(encoding="utf-8")
    for heading in ("## Status", "## Context", "## Decision", "## Consequences"):
        assert heading in text
    assert (records / "0006-something.md").read_text(encoding="utf-8") == "# 0006: something\n"


def test_a_day_can_be_simulated_too(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    forecast = advised(folder, capsys, "--forecast")["forecast"]
    assert forecast["offered"] > 100_000
    assert 0.99 < forecast["availability"] <= 1
    assert forecast["p99_seconds"] > forecast["p50_seconds"] > 0


def test_a_page_is_whole(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "advice.html"
    advised(folder, capsys, "--report", str(page))
    text = page.read_text(encoding="utf-8")
    assert text.startswith("<!doctype html>")
    assert "What would change it" in text
    assert "<script" not in text


def test_a_contradiction_ends_in_one(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = folder / "workload.py"
    text = file.read_text(encoding="utf-8").replace('"99.5%"', '"99.999%"')
    file.write_text(text, encoding="utf-8")
    assert main(["advise", str(file)]) == 1
    assert "R1302" in capsys.readouterr().err


def test_an_unknown_assumption_is_a_usage_error(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["advise", str(folder / "workload.py"), "--assume", "machine_hour=1"]) == 2
    assert "machine_hours" in capsys.readouterr().err


def test_assumptions_are_listed_with_their_reasons(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["advise", str(folder / "workload.py"), "--assumptions"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) > 50
    assert all(": " in line for line in lines)

"""`rung events list` and `replay` on a real archive; times, and what is said when there is no bus to ask."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.runtime.bus.conftest import PostgresBusHarness

from rung.cli.event_archive import moment
from rung.cli.main import main
from rung.errors import UsageError
from rung.testing.bus_conformance import PLACED, rule


@pytest.fixture
async def kept(postgres_bus: PostgresBusHarness) -> str:
    """The URL of a database whose bus has kept three events."""
    bus = await postgres_bus.open([rule("placed", PLACED)], archive_days=1)
    for number in range(3):
        await bus.put("order.placed", {"order": number}, source="shop")
    await postgres_bus.settle()
    return postgres_bus.url


def test_list_shows_the_newest_the_latest_last(kept: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["events", "list", "events", "--url", kept, "--limit", "2"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["detail"]["order"] for line in lines] == [1, 2]
    assert lines[0]["taken"]


def test_replay_says_what_it_did(kept: str, capsys: pytest.CaptureFixture[str]) -> None:
    given = ["events", "replay", "events", "--url", kept, "--from", "1h", "--name", "again", "--format", "json"]
    assert main(given) == 0
    found = json.loads(capsys.readouterr().out)
    assert found == {"schema": "rung.replay/1", "bus": "events", "replay": "again", "events": 3, "rules": []}
    assert main([*given, "--to", "30m"]) == 0
    assert json.loads(capsys.readouterr().out)["events"] == 0


def test_without_a_bus_the_finding_says_how_to_reach_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["events", "list", "events", "--file", str(tmp_path / "workload.py")]) == 1
    assert "R0525" in capsys.readouterr().err


def test_a_time_is_iso_8601_or_ago() -> None:
    assert moment("2026-11-21T10:00:00", "--from") == datetime(2026, 11, 21, 10, tzinfo=UTC)
    assert moment("2026-11-21T10:00:00+02:00", "--from") == datetime(2026, 11, 21, 8, tzinfo=UTC)
    assert abs(moment("2h", "--from") - (datetime.now(UTC) - timedelta(hours=2))) < timedelta(seconds=10)
    with pytest.raises(UsageError, match="is no time"):
        moment("yesterday", "--from")

"""`rung forecast` as a user runs it: a table, JSON, a page, and one line for what is wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rung.cli.main import main

#: The first of each test process compiles the simulator, which takes half a minute: let it be one process.
pytestmark = pytest.mark.xdist_group("forecast")

SHOP = Path(__file__).parents[2] / "workloads" / "shop" / "workload.py"
HOUR = ["forecast", str(SHOP), "--from", "19:30", "--hours", "0.2"]


def test_a_calm_quarter_keeps_its_promises(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*HOUR, "--assume", "cpu_ms=1", "--assume", "database_ms=0.05"]) == 0
    text = capsys.readouterr().out
    assert "objectives met" in text
    assert "19:3" in text


def test_a_spike_breaks_them_and_says_what_was_full(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*HOUR, "--spike", "19:35", "--format", "json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["schema"] == "rung.forecast/2"
    assert "did not start in time" in found["outcome"]["binds"]
    assert len(found["minutes"]) == 12
    assert found["outcome"]["worst"]["start"] == (19 * 60 + 35) * 60


def test_the_same_seed_prints_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    texts = []
    for _ in range(2):
        main([*HOUR, "--seed", "7", "--fault", "failover@19:33=20", "--format", "json"])
        texts.append(capsys.readouterr().out)
    assert texts[0] == texts[1]


def test_the_report_is_one_page_that_asks_for_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "forecast.html"
    main([*HOUR, "--spike", "19:35", "--report", str(page)])
    text = page.read_text(encoding="utf-8")
    assert str(page) in capsys.readouterr().out.replace("\n", "")
    assert text.count("<details>") == text.count('viewBox="0 0 860 300"') >= 7, "each plot is a table too"
    assert "<script" not in text
    assert "http" not in text.replace("http-equiv", "")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--spike", "25:00"], "such as 20:00"),
        (["--hours", "0"], "more than 0"),
        (["--fault", "failovr@12:00"], 'did you mean "failover"'),
        (["--fault", "failover"], "NAME@HH:MM"),
        (["--assume", "cpu=3"], "no assumption 'cpu'"),
        (["--assume", "cpu_ms=x"], "needs a number"),
        (["--env", "prd"], 'did you mean "prod"'),
    ],
)
def test_a_wrong_word_is_answered_with_the_right_ones(
    capsys: pytest.CaptureFixture[str], words: list[str], message: str
) -> None:
    assert main(["forecast", str(SHOP), *words]) == 2
    assert message in capsys.readouterr().err


def test_a_trace_is_replayed_and_a_measurement_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trace, load = tmp_path / "trace.csv", tmp_path / "load.json"
    trace.write_text("second\n0\n0.5\n61\n")
    total = {"succeeded": 10, "received_bytes": 40_960, "service": {"p50_ms": 1.0, "p99_ms": 2.0}}
    load.write_text(json.dumps({"schema": "rung.load/1", "started_at": "2026-11-21T10:00", "total": total}))
    main([*HOUR, "--trace", str(trace), "--measured", str(load), "--format", "json"])
    found = json.loads(capsys.readouterr().out)
    assert [minute["offered"] for minute in found["minutes"]][:3] == [2, 1, 0]
    assert found["assumptions"]["response_kib"] == 4.0
    assert [each["name"] for each in found["assumptions"]["basis"]] == ["response_kib"]
    main([*HOUR, "--trace", str(trace), "--measured", str(load)])
    assert "measured: response_kib; all else is assumed" in capsys.readouterr().out
    assert main([*HOUR, "--trace", str(tmp_path / "none.csv")]) == 2
    assert "none.csv" in capsys.readouterr().err


def test_a_day_has_a_price_that_follows_what_runs(capsys: pytest.CaptureFixture[str]) -> None:
    main([*HOUR, "--format", "json"])
    minutes = json.loads(capsys.readouterr().out)["minutes"]
    hourly = [minute["dollars"] * 60 for minute in minutes]
    assert all(1 < each < 20 for each in hourly)

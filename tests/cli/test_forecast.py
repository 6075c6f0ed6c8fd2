"""`rung forecast` as a user runs it: a table, JSON, a page, and one line for what is wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rung.cli.main import main

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
    assert found["schema"] == "rung.forecast/1"
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
    assert text.count("<details>") == 5
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

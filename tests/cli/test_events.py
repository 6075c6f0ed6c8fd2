"""`rung events match` says which rules of a workload take an event, and where the others differ."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from rung.cli.main import main

WORKLOAD = """
from rung import Workload
w = Workload("shop")
events, other = w.bus("events"), w.bus("other")
work, dead = w.queue("work"), w.queue("dead")
w.worker("fulfil", handler="a:b", consumes=work)
w.rule("paid", bus=events, pattern={"detail-type": ["order.paid"]}, target=work, dead_letter=dead)
large = {"detail": {"total": [{"numeric": [">", 100]}]}}
w.rule("large", bus=events, pattern=large, target=work, dead_letter=dead)
w.rule("all", bus=other, pattern={"source": [{"exists": True}]}, target=work, dead_letter=dead)
"""
EVENT = {"source": "shop", "detail-type": "order.paid", "detail": {"total": 40}}


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, str]:
    """A workload and an event."""
    workload, event = tmp_path / "workload.py", tmp_path / "event.json"
    workload.write_text(WORKLOAD)
    event.write_text(json.dumps(EVENT))
    return str(workload), str(event)


def test_the_rules_that_take_it_and_why_the_others_do_not(
    files: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["events", "match", *files]) == 0
    text = capsys.readouterr().out
    assert [line.split() for line in text.splitlines()[1:4]] == [
        ["paid", "events", "work", "yes"],
        [
            "large",
            "events",
            "work",
            "no",
            "detail.total:",
            "wants",
            '[{"numeric":',
            '[">",',
            "100]}],",
            "found",
            "40",
        ],
        ["all", "other", "work", "yes"],
    ]
    assert text.endswith("2 of 3 rules take this event\n")


def test_one_bus_as_json_from_standard_input(
    files: tuple[str, str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps(EVENT)))
    assert main(["events", "match", files[0], "-", "--bus", "events", "--format", "json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == "rung.events/1"
    assert [(rule["name"], rule["takes"], rule["path"]) for rule in document["rules"]] == [
        ("paid", True, None), ("large", False, "detail.total"),
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["[1]", "{", None])
def test_an_event_that_is_none(
    text: str | None, files: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "other.json"
    if text is not None:
        file.write_text(text)
    assert main(["events", "match", files[0], str(file)]) == 1
    assert "error[R0214]" in capsys.readouterr().err


def test_a_wrong_pattern_and_an_unknown_bus(files: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["events", "match", *files, "--bus", "nowhere"]) == 2
    assert "there are events, other" in capsys.readouterr().err
    Path(files[0]).write_text(WORKLOAD.replace('"numeric": [">", 100]', '"numerc": [">", 100]'))
    assert main(["events", "match", *files]) == 1
    assert 'did you mean "numeric"' in capsys.readouterr().err

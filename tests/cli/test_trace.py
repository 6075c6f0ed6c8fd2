"""`rung trace` shows one action as a tree over its processes, and lists the newest and the slowest."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from rung.cli.main import main
from rung.cli.trace import _short
from rung.runtime.trace_reading import assemble, read_spans

#: A service that calls a worker, as two processes: the second is given the headers of the first.
SERVICE = """
import sys, json
from rung.runtime.context import Context, serving, to_headers, current
from rung.runtime.trace import configure_tracing, inject, shutdown_tracing, span
configure_tracing(node="api")
with serving(Context(correlation_id="c-{number}")), span("POST /checkout", kind="server"):
    with span("reserve stock"):
        pass
    headers = to_headers(current())
    inject(headers)
shutdown_tracing()
print(json.dumps(headers))
"""
WORKER = """
import sys, json
from rung.runtime.context import from_headers, serving
from rung.runtime.trace import configure_tracing, shutdown_tracing, span
configure_tracing(node="fulfil")
headers = json.loads(sys.argv[1])
try:
    with serving(from_headers(headers, trusted=True)), span("handle orders", kind="consumer", headers=headers):
        raise RuntimeError("no label")
except RuntimeError:
    pass
shutdown_tracing()
"""


def run(program: str, state: Path, *arguments: str) -> str:
    environment = {**os.environ, "RUNG_STATE": str(state), "RUNG_TRACE": "always"}
    command = [sys.executable, "-c", textwrap.dedent(program), *arguments]
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A state folder with two actions of two processes each."""
    for number in (1, 2):
        headers = run(SERVICE.replace("{number}", str(number)), tmp_path)
        run(WORKER, tmp_path, headers)
    return tmp_path


def test_one_action_is_one_tree_over_its_processes(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["trace", "c-1", "--state", str(state)]) == 2  # too short to mean one action
    capsys.readouterr()
    correlation = assemble(read_spans(state / "traces"))[-1].trace_id
    assert main(["trace", correlation, "--state", str(state)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.lstrip("│├└─ ").split("  ")[0] for line in lines] == [
        "c-1", "POST /checkout", "reserve stock", "handle orders",
    ]  # fmt: skip
    assert "RuntimeError: no label" in lines[-1]
    assert "fulfil" in lines[-1]


def test_json_has_the_same_tree(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    trace_id = assemble(read_spans(state / "traces"))[0].trace_id
    assert main(["trace", trace_id[:12], "--state", str(state), "--format", "json"]) == 0
    (trace,) = json.loads(capsys.readouterr().out)
    (root,) = trace["roots"]
    assert (trace["correlation_id"], trace["failed"], root["name"]) == ("c-2", True, "POST /checkout")
    assert [child["node"] for child in root["children"]] == ["api", "fulfil"]
    assert root["process_id"] != root["children"][1]["process_id"]


def test_the_list_is_newest_or_slowest_first(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["trace", "--state", str(state), "--format", "json"]) == 0
    newest = json.loads(capsys.readouterr().out)
    assert [each["correlation_id"] for each in newest] == ["c-2", "c-1"]
    assert main(["trace", "--state", str(state), "--slowest", "--limit", "1", "--format", "json"]) == 0
    (slowest,) = json.loads(capsys.readouterr().out)
    assert slowest["duration_ms"] == max(each["duration_ms"] for each in newest)
    assert main(["trace", "--state", str(state)]) == 0
    assert "POST /checkout" in capsys.readouterr().out


def test_a_half_written_line_does_not_hide_the_others(state: Path) -> None:
    file = next((state / "traces").glob("api-*.jsonl"))
    file.write_bytes(file.read_bytes()[:-20])
    assert sum(1 for _ in read_spans(state / "traces")) == 5


def test_an_unknown_id_and_a_missing_folder_say_what_to_do(
    state: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["trace", "ffff-nothing", "--state", str(state)]) == 1
    assert "error[R0561]" in capsys.readouterr().err
    assert main(["trace", "--state", str(tmp_path / "nowhere")]) == 1
    assert "error[R0560]" in capsys.readouterr().err


def test_the_workload_file_leads_to_the_folder_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "shop/.rung/traces").mkdir(parents=True)
    monkeypatch.delenv("RUNG_STATE", raising=False)
    monkeypatch.chdir(tmp_path)
    assert main(["trace"]) == 1
    capsys.readouterr()
    assert main(["trace", "--file", "shop/workload.py"]) == 0
    assert "no traces yet" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("value", "shown"),
    [("select 1", "select 1"), ("select\n   1", "select 1"), (7, "7"), ("x" * 60, "x" * 47 + "…")],
)
def test_long_values_do_not_hide_the_tree(value: object, shown: str) -> None:
    assert _short(value) == shown

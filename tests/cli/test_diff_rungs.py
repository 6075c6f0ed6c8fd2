"""`rung diff` between environments on different rungs: a part that one of them has not is a difference."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rung.cli.main import main

WORKLOAD = """
from rung import Workload

tea = Workload("tea")
cups = tea.table("cups", partition_key="id")
api = tea.service("api", app="tea.api:app", health="/health", uses=[cups])
tea.route("/*", api)
tea.environment("small", rung="serverless")
tea.environment("large", rung="eks")
"""


def test_functions_against_pods(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "workload.py"
    file.write_text(WORKLOAD)
    assert main(["diff", "small", "large", "--file", str(file), "--format", "json"]) == 1
    rows = json.loads(capsys.readouterr().out)["differences"]
    found = {(row["part"], row["left"], row["right"]) for row in rows if row["field"] in ("", "kind")}
    assert {
        ("api", "lambda_function", "kubernetes_service"), ("http-api", "there", None), ("cluster", None, "there"),
        ("nodes", None, "there"),
    } <= found  # fmt: skip
    assert main(["diff", "small", "small", "--file", str(file)]) == 0


def test_files_of_a_rung_without_terraform_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "workload.py"
    file.write_text(WORKLOAD)
    assert main(["diff", "large", "--file", str(file)]) == 1
    assert main(["synth", str(file), "--env", "small", "--out", str(tmp_path)]) == 1
    assert capsys.readouterr().err.count("R1003") >= 2
    assert not (tmp_path / "infra").exists()

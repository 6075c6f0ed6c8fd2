"""The packages of an image that asks AWS hold a client for it, or somebody is told before it runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rung import Workload
from rung.cli.main import main
from rung.delivery.packages import package_findings
from rung.parts.design import Design
from rung.rungs import place

LOCK = '[[package]]\nname = "asyncpg"\nversion = "0.30.0"\n'
WITH = LOCK + '\n[[package]]\nname = "botocore"\nversion = "1.44.5"\n'
HASHED = "asyncpg==0.30.0 --hash=sha256:00\n"


def design(rung: str = "fargate", *, only: str = "", command: str = "") -> Design:
    work = Workload("tea")
    made: dict[str, Any] = {}
    if not only:
        made = {"uses": [work.postgres("db"), work.queue("orders").send, work.secret("key"), work.bucket("files")]}
    elif only == "bucket":
        made = {"uses": [work.bucket("files")]}
    started = {"command": command, "port": 80} if command else {"app": "tea.api:app"}
    work.service("api", health="/health", **started, **made)
    work.environment("dev")
    return place(work.freeze(), "dev", rung=rung)


@pytest.mark.parametrize(
    ("name", "text", "severity"),
    [
        ("uv.lock", LOCK, "error"),
        ("uv.lock", WITH, None),
        ("requirements.lock", HASHED, "error"),
        ("requirements.lock", HASHED + "boto3==1.44.5 --hash=sha256:11\n", None),
        ("requirements.txt", "rung\nstarlette\n", "warning"),
        ("requirements.txt", "rung[aws]>=1\n", None),
        ("pyproject.toml", 'dependencies = ["rung", "starlette"]\n', "warning"),
        ("pyproject.toml", 'dependencies = ["rung[load, aws]", "starlette"]\n', None),
        ("pyproject.toml", 'dependencies = ["boto3>=1.40"]\n', None),
        ("README.md", "nothing is known of its packages", None),
    ],
)
def test_what_the_file_of_packages_says(tmp_path: Path, name: str, text: str, severity: str | None) -> None:
    (tmp_path / name).write_text(text)
    assert [finding.severity for finding in package_findings(design(), tmp_path)] == (
        [severity] if severity else []
    )


def test_the_finding_names_what_needs_it(tmp_path: Path) -> None:
    (tmp_path / "uv.lock").write_text(LOCK)
    (finding,) = package_findings(design(), tmp_path)
    assert finding.code == "R0909"
    assert "db (Secrets Manager), orders (SQS), key (Secrets Manager) and 1 more" in finding.found


def test_a_box_keeps_all_but_objects_on_its_disk_and_other_programs_have_their_own_client(tmp_path: Path) -> None:
    (tmp_path / "uv.lock").write_text(LOCK)
    assert package_findings(design("fargate", only="nothing"), tmp_path) == ()
    assert package_findings(design("fargate", only="bucket", command="gunicorn tea"), tmp_path) == ()
    (finding,) = package_findings(design("box", only="bucket"), tmp_path)
    assert "files (S3)" in finding.found


def test_synth_says_it_and_writes_all_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "uv.lock").write_text(LOCK)
    (tmp_path / "workload.py").write_text(
        'from rung import Workload\n\ntea = Workload("tea")\nkey = tea.secret("key")\n'
        'tea.service("api", app="tea.api:app", health="/health", uses=[key])\ntea.environment("dev")\n'
        'tea.notify("email:oncall@example.com")\n'
    )
    assert main(["synth", str(tmp_path / "workload.py"), "--env", "dev"]) == 1
    assert "R0909" in capsys.readouterr().err
    assert (tmp_path / "infra" / "dev" / "services.tf").is_file()
    (tmp_path / "uv.lock").write_text(WITH)
    assert main(["synth", str(tmp_path / "workload.py"), "--env", "dev"]) == 0

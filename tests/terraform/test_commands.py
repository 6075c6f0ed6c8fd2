"""`rung synth`, `rung diff` and `rung eject` as a person calls them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from tests.terraform import shop

from rung.cli.main import main


@pytest.fixture
def application(tmp_path: Path) -> Path:
    """A copy of shop's workload file, in a folder that may be written to, and a site with a page."""
    shutil.copy(shop.WORKLOAD, tmp_path / "workload.py")
    (tmp_path / "migrations").mkdir()
    (tmp_path / "web").mkdir()
    (tmp_path / "web" / "index.html").write_text("<!doctype html>")
    return tmp_path


def _json(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, dict[str, object]]:
    code = main([*words, "--format", "json"])
    return code, json.loads(capsys.readouterr().out)


def test_synth_writes_a_root_its_modules_and_what_stands_around_them(
    application: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = str(application / "workload.py")
    code, document = _json(capsys, "synth", file, "--env", "prod")
    assert code == 0
    assert document["rung"] == "fargate"
    assert {
        "infra/prod/services.tf",
        "infra/modules/ecs_service/main.tf",
        "infra/bootstrap/main.tf",
        "Makefile",
        "infra/modules.lock.json",
        ".checkov.yaml",
    } <= {each["path"] for each in document["files"]}  # type: ignore[attr-defined]
    code, again = _json(capsys, "synth", file, "--env", "prod")
    assert {each["state"] for each in again["files"]} == {"unchanged"}  # type: ignore[attr-defined]


def test_synth_says_which_file_it_kept_and_fails(application: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (application / "Dockerfile").write_text("FROM mine\n")
    code, document = _json(capsys, "synth", str(application / "workload.py"), "--env", "staging")
    assert code == 1
    assert [each["code"] for each in document["findings"]] == ["R1001"]  # type: ignore[attr-defined]
    assert (application / "Dockerfile").read_text() == "FROM mine\n"


def test_the_lock_knows_every_module_that_is_written(
    application: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["synth", str(application / "workload.py"), "--env", "dev"]) == 0
    assert f"next: make -C {application} plan ENV=dev" in capsys.readouterr().out  # it was not written here
    lock = json.loads((application / "infra/modules.lock.json").read_text())
    assert set(lock["modules"]) == {path.name for path in (application / "infra/modules").iterdir()}
    assert all(len(each["sha256"]) == 64 and each["version"] != "0.0.0" for each in lock["modules"].values())


def test_a_rung_that_cannot_hold_it_is_refused_and_nothing_is_written(
    application: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["synth", str(application / "workload.py"), "--env", "prod", "--rung", "box"]) == 1
    assert "R0802" in capsys.readouterr().err
    assert not (application / "infra").exists()


def test_diff_shows_what_two_environments_do_not_share(
    application: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = str(application / "workload.py")
    assert main(["diff", "staging", "prod", "--file", file]) == 1
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["db", "aurora_cluster", "protected", "no", "yes"] in rows
    assert main(["diff", "prod", "prod", "--file", file]) == 0
    capsys.readouterr()
    code, document = _json(capsys, "diff", "staging", "prod", "--file", file)
    assert code == 1
    assert {"firewall", "backup", "network"} <= {each["part"] for each in document["differences"]}  # type: ignore[attr-defined]


def test_diff_shows_what_is_on_disk_and_not_generated(
    application: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = str(application / "workload.py")
    main(["synth", file, "--env", "prod"])
    capsys.readouterr()
    assert main(["diff", "prod", "--file", file]) == 0
    network = application / "infra/prod/network.tf"
    network.write_text(network.read_text().replace("zones", "zoned"))
    capsys.readouterr()
    assert main(["diff", "prod", "--file", file]) == 1
    assert "-  zoned" in capsys.readouterr().out


def test_eject_writes_every_environment_and_forgets_them(application: Path) -> None:
    assert main(["eject", str(application / "workload.py")]) == 0
    assert {path.name for path in (application / "infra").iterdir() if path.is_dir()} == {
        "bootstrap", "dev", "modules", "prod", "staging",
    }  # fmt: skip
    assert not (application / "infra/.rung-manifest.json").exists()
    assert list((application / "infra/modules/sqs_queue/tests").glob("*.tftest.hcl"))

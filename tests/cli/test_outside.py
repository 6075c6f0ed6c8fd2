"""What is wrong outside of rung is told as a finding, with what to do, and never as a traceback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import asyncpg
import pytest

import rung
from rung.cli import main as main_module
from rung.cli.main import main
from rung.cli.outside import EXTRAS, finding_of
from rung.runtime.errors import UnavailableError

WORKLOAD = """from rung import Business, Traffic, Workload
shop = Workload("shop")
orders = shop.queue("orders")
shop.worker("fulfil", handler="shop:handle", consumes=orders)
api = shop.service("api", app="shop:app", health="/health", uses=[orders.send])
shop.route("/*", api)
shop.traffic(Traffic(concurrent_users=20, think_time="10s", routes={"/": 1}))
shop.business(Business(monthly_revenue_usd=500, engineers=1))
shop.environment("prod", rung="fargate")
shop.notify("email:you@example.com")
"""
AWAY = "postgresql://nobody:secret@127.0.0.1:1/none"


@pytest.fixture(autouse=True)
def workload(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DATABASE_URL", raising=False)
    file = tmp_path / "workload.py"
    file.write_text(WORKLOAD)
    return file


@pytest.mark.parametrize(
    "words",
    [
        ["redrive", "orders", "--url", "nonsense"],
        ["redrive", "orders", "--url", "redis://x:notaport"],
        ["redrive", "orders", "--url", "postgresql://["],
        ["queue", "status", "--url", "http://localhost"],
        ["webhooks", "replay", "stripe", "--id", "1", "--url", "nonsense"],
        ["workflow", "list", "--url", "nonsense"],
        ["events", "list", "events", "--url", "nonsense"],
        ["tenants", "list", "--url", "redis://localhost"],
        ["migrate", "migrations", "--url", "localhost:5432/shop"],
    ],
)
def test_a_url_that_names_no_server_is_a_wrong_command_line(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    told = capsys.readouterr().err
    assert told.startswith("rung: --url takes postgresql://user:password@host")
    assert words[-1] not in told, "it may hold a password"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["events", "replay", "events", "--from", "999999999 days"], "write 2026-11-21T10:00:00Z, or 2h for ago"),
        (
            ["webhooks", "replay", "s", "--since", "soon", "--url", AWAY],
            "write 2026-11-21T10:00:00Z, or 2h for ago",
        ),
        (["events", "list", "events", "--limit", "-1"], "'-1': write a whole number of 1 or more"),
        (["workflow", "list", "--limit", "0"], "'0': write a whole number of 1 or more"),
        (["migrate", "x", "--lock-timeout", "nan"], "'nan': write a number of seconds above 0"),
        (["redrive", "orders", "--limit", "many"], "'many': write a whole number of 1 or more"),
        (["forecast", "--seed", "-1"], "'-1': write a whole number of 0 or more"),
        (["forecast", "--hours", "0.1", "--fault", "slow-database@01:00=1.2.3"], "write NAME@HH:MM[=VALUE]"),
    ],
)
def test_values_that_mean_nothing_are_wrong_command_lines(
    words: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    assert told in capsys.readouterr().err


def test_a_report_that_cannot_be_written_is_a_finding(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["advise", "--report", "missing/advice.html", "--format", "json"]) == 1
    (finding,) = json.loads(capsys.readouterr().out)["findings"]
    assert (finding["code"], finding["message"]) == (
        "R0215", "missing/advice.html cannot be used: no such file or directory"
    )  # fmt: skip


def test_a_server_that_is_away_is_a_finding(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["redrive", "orders", "--url", AWAY]) == 1
    told = capsys.readouterr().err
    assert "error[R0216]" in told
    assert "secret" not in told


def test_a_package_that_is_missing_is_named_with_its_extra(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(words: list[str]) -> int:
        raise ModuleNotFoundError("No module named 'httptools'", name="httptools")

    monkeypatch.setattr(main_module, "_run", fail)
    assert main(["load"]) == 1
    assert "pip install 'rung[load]'" in capsys.readouterr().err


def test_every_extra_that_is_named_exists() -> None:
    text = (Path(__file__).parents[2] / "pyproject.toml").read_text()
    assert all(f"\n{extra} = [" in text for extra in EXTRAS.values())


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (FileNotFoundError(2, "No such file", "/tmp/none"), "R0215"),
        (FileNotFoundError(2, "No such file", f"{Path(rung.__file__).parent}/page.css"), None),
        (OSError(28, "No space left on device"), "R0215"),
        (OSError(5, "Input/output error"), None),
        (ConnectionRefusedError(111, "refused"), "R0216"),
        (UnavailableError("away"), "R0216"),
        (asyncpg.UndefinedTableError("relation does not exist"), "R0216"),
        (ModuleNotFoundError("no", name="ijson.backends"), "R0217"),
        (ModuleNotFoundError("no", name="rung.absent"), None),
        (ZeroDivisionError(), None),
    ],
)
def test_whose_fault_it_is(error: Exception, code: str | None) -> None:
    finding = finding_of(error)
    assert (finding and finding.code) == code


def test_our_own_fault_is_still_a_bug(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def fail(words: list[str]) -> int:
        raise KeyError(words[0])

    monkeypatch.setattr(main_module, "_run", fail)
    assert main(["check"]) == 70
    assert "This is a bug in rung" in capsys.readouterr().err


def test_a_reader_that_went_away_hears_of_nothing(workload: Path) -> None:
    """Also when all of the output fits into the buffer, which is written when the interpreter ends."""
    program = "import sys; from rung.cli.main import main; sys.exit(main())"
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-c", program, "explain", "R0142"]
    result = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writer)
    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux has it")
def test_a_disk_that_is_full_is_a_finding() -> None:
    program = "import sys; from rung.cli.main import main; sys.exit(main())"
    with Path("/dev/full").open("w") as full:
        result = subprocess.run(
            [sys.executable, "-c", program, "explain", "R0142"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert result.returncode == 1
    assert "error[R0215]: what was to be written cannot be used: no space left on device" in result.stderr
    assert "Traceback" not in result.stderr


def test_what_a_terminal_cannot_show_is_spelt_out(tmp_path: Path) -> None:
    program = "import sys; from rung.cli.main import main; sys.exit(main())"
    name = os.fsdecode(b"\xff\xe9.py")
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    result = subprocess.run(
        [sys.executable, "-c", program, "check", name],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        check=False,
    )
    assert result.returncode == 1
    assert b"\\udcff" in result.stdout
    assert b"Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--port", "-1"], "whole number of 1 or more"),
        (["--port", "99999"], "a port is at most 65535"),
        (["--seconds", "nan"], "a number of seconds above 0"),
        (["--workers", "0"], "whole number of 1 or more"),
        (["--host", "nonsense.."], "is no address of this machine"),
        (["--host", "192.0.2.1"], "is no address of this machine"),
    ],
)
def test_rung_dev_refuses_what_it_cannot_listen_on(
    words: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["dev", *words]) == 2
    assert told in capsys.readouterr().err


def test_a_queue_that_is_not_there_is_named_with_those_that_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / ".rung").mkdir()
    (tmp_path / ".rung/queues.json").write_text(json.dumps({"orders": {"kind": "queue", "url": AWAY}}))
    assert main(["redrive", "order"]) == 2
    assert "no queue 'order' (did you mean \"orders\"?); there are orders" in capsys.readouterr().err
    assert main(["redrive", "orders"]) == 1


@pytest.mark.parametrize(("redriven", "status"), [(2, 0), (1, 1), (0, 1)])
def test_ids_that_are_no_dead_letters_are_told(
    redriven: int, status: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def act(*_: object) -> dict[str, object]:
        return {"queue": "orders", "redriven": redriven, "asked": 2}

    monkeypatch.setattr("rung.cli.redrive._act", act)
    assert main(["redrive", "orders", "7", "8", "--url", AWAY]) == status
    assert ("lists its dead letters" in capsys.readouterr().out) == bool(status)


def test_a_workload_without_workflows_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["workflow", "list"]) == 2
    assert "start rung dev here" in capsys.readouterr().err
    (tmp_path / ".rung").mkdir()
    (tmp_path / ".rung/workflows.json").write_text("{}")
    assert main(["workflow", "list"]) == 2
    assert "the workload of workload.py has no workflow" in capsys.readouterr().err

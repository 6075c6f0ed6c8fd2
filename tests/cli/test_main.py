"""`rung` loads only what was asked for, says what is wrong, and its exit code says whose fault it is."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from rung.cli import main as main_module
from rung.cli.main import COMMANDS, main
from rung.errors import Finding, MachineError

GOOD = """from rung import Workload
shop = Workload("shop")
api = shop.service("api", app="shop.api:app", health="/health")
shop.route("/*", api)
"""
BAD = GOOD + 'orders = shop.queue("orders")\nshop.use(api, orders.send)\n'


@pytest.fixture
def workload(tmp_path: Path) -> Path:
    file = tmp_path / "workload.py"
    file.write_text(BAD)
    return file


def test_a_good_file_exits_0(workload: Path, capsys: pytest.CaptureFixture[str]) -> None:
    workload.write_text(GOOD)
    assert main(["check", str(workload)]) == 0
    assert capsys.readouterr().out == "shop: 2 nodes, 1 edge: nothing to report\n"


def test_a_bad_file_exits_1_and_reads_like_the_design(workload: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(workload)]) == 1
    out = capsys.readouterr().out
    assert out.startswith('error[R0142]: queue "orders" has a sender and no consumer\n  --> ')
    assert 'workload.py:5   orders = shop.queue("orders")\n   found: 1 sender (service "api", ' in out
    assert "   effect: messages are deleted unread after 4 days\n" in out
    assert "   more: rung explain R0142\n" in out
    assert "\x1b" not in out
    assert out.endswith("shop: 3 nodes, 2 edges: 1 error\n")


def test_json_has_the_same_fields(workload: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(workload), "--format", "json", "--graph"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == "rung.check/1"
    assert document["summary"] == {"errors": 1, "warnings": 0, "notes": 0}
    assert document["findings"][0]["code"] == "R0142"
    assert document["findings"][0]["location"]["line"] == 5
    assert document["graph"]["schema"] == "rung.graph/1"


def test_a_broken_file_is_a_finding_in_json_too(workload: Path, capsys: pytest.CaptureFixture[str]) -> None:
    workload.write_text("shop = Workload(")
    assert main(["check", str(workload), "--format=json"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert document["workload"] is None
    assert document["findings"][0]["code"] == "R0202"


def test_the_graph_alone_goes_to_standard_output(
    workload: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["check", str(workload), "--graph"])
    captured = capsys.readouterr()
    assert "R0142" in captured.err
    graph = tmp_path / "graph.json"
    graph.write_text(captured.out)
    assert main(["check", str(graph)]) == 1
    assert "R0142" in capsys.readouterr().out


def test_warnings_fail_only_when_strict(workload: Path) -> None:
    workload.write_text(GOOD + 'shop.cache("cache")\n')
    assert main(["check", str(workload)]) == 0
    assert main(["check", str(workload), "--strict"]) == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["chekc"], 'did you mean "check"'),
        (["check", "--nope"], "unrecognized arguments: --nope"),
        (["explain", "R0142x"], 'did you mean "R0142"'),
    ],
)
def test_a_wrong_command_line_exits_2(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    assert words in capsys.readouterr().err


def test_an_unknown_environment_exits_2(workload: Path, capsys: pytest.CaptureFixture[str]) -> None:
    workload.write_text(GOOD + 'shop.environment("staging")\n')
    assert main(["check", str(workload), "--environment", "stagign"]) == 2
    assert 'did you mean "staging"' in capsys.readouterr().err


def test_our_own_mistake_exits_70_and_asks_for_a_report(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(main_module, "_run", lambda words: 1 // 0)
    assert main(["check", "x.py"]) == 70
    error = capsys.readouterr().err
    assert "ZeroDivisionError" in error
    assert "Please report it" in error
    assert "rung check x.py" in error


@pytest.mark.parametrize("as_json", [False, True])
def test_what_stops_a_command_is_printed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], as_json: bool
) -> None:
    def fail(words: list[str]) -> int:
        raise MachineError(Finding(code="R0301", severity="error", message="the port is in use"))

    monkeypatch.setattr(main_module, "_run", fail)
    assert main(["dev", "--format", "json"] if as_json else ["dev"]) == 1
    captured = capsys.readouterr()
    if as_json:
        assert json.loads(captured.out)["findings"][0]["code"] == "R0301"
    else:
        assert "error[R0301]: the port is in use" in captured.err


def test_an_interruption_exits_130(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(words: list[str]) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(main_module, "_run", interrupt)
    assert main(["check"]) == 130


def test_every_command_of_the_list_exists(capsys: pytest.CaptureFixture[str]) -> None:
    for name, path, line in COMMANDS:
        module = import_module(path)
        assert callable(module.run)
        with pytest.raises(SystemExit) as caught:
            main([name, "--help"])
        assert caught.value.code == 0
        assert f"rung {name}" in capsys.readouterr().out
        assert line[0].islower()
        assert not line.endswith(".")


def test_help_lists_every_command_and_loads_none() -> None:
    code = (
        "import sys, contextlib\nfrom rung.cli.main import main\n"
        "with contextlib.suppress(SystemExit): main(['--help'])\n"
        "print([name for name in sys.modules if name.startswith(('rung.cli.', 'rung.model'))], file=sys.stderr)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert all(name in result.stdout and line.split()[0] in result.stdout for name, _, line in COMMANDS)
    assert result.stderr.strip() == "['rung.cli.main']"


def test_check_loads_nothing_that_it_does_not_need(workload: Path) -> None:
    heavy = ["asyncpg", "granian", "rich", "msgspec", "asyncio", "opentelemetry", "structlog", "redis"]
    code = (
        f"import sys\nfrom rung.cli.main import main\nmain(['check', {str(workload)!r}])\n"
        f"print([name for name in {heavy} if name in sys.modules], file=sys.stderr)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stderr.strip() == "[]"


def test_a_closed_pipe_is_no_error(workload: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    program = "import sys; from rung.cli.main import main; sys.exit(main())"
    command = [sys.executable, "-u", "-c", program, "check", str(workload)]
    result = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writer)
    assert "Traceback" not in result.stderr
    assert result.returncode in (0, 1)


@pytest.mark.parametrize(("no_color", "coloured"), [("", True), ("1", False)])
def test_colour_is_for_terminals_that_want_it(workload: Path, no_color: str, coloured: bool) -> None:
    leader, follower = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "NO_COLOR": no_color}
    command = [sys.executable, "-m", "rung.cli.main", "check", str(workload)]
    subprocess.run(command, stdout=follower, env=environment, check=False)
    os.close(follower)
    output = os.read(leader, 65_536).decode()
    os.close(leader)
    assert ("\x1b[1;31merror[R0142]" in output) is coloured
    assert "R0142" in output


def test_explain_prints_a_page_and_the_list(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "r0142"]) == 0
    assert capsys.readouterr().out.startswith("# R0142: ")
    assert main(["explain"]) == 0
    assert "R0142  a queue has a sender and no consumer\n" in capsys.readouterr().out
    assert main(["explain", "--format", "json"]) == 0
    assert {"code", "title"} == set(json.loads(capsys.readouterr().out)[0])
    assert main(["explain", "R0142", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["code"] == "R0142"

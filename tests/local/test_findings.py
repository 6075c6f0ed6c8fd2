"""What can be wrong with a machine or a program gives one finding that names the line to change."""

from __future__ import annotations

import importlib.util
import socket
from pathlib import Path

import pytest
from tests.local.programs import bench, program

from rung.errors import Finding, Location, MachineError
from rung.local import postgres, redis
from rung.local.child import StartError
from rung.local.database import prepare
from rung.local.develop import choose_port
from rung.local.diagnosis import explain, import_problems
from rung.local.importable import problem_of
from rung.local.processes import takes_port
from rung.local.servers import start_servers
from rung.local.specification import Kind, Listening, Postmaster, ProcessSpec, ReadyLine
from rung.local.state import State
from rung.local.supervisor import StartFailedError, Supervisor
from rung.model.graph import Graph
from rung.model.nodes import Cache, Service
from rung.model.nodes import Postgres as PostgresNode

HERE = Location(file="workload.py", line=12, text='api = shop.service("api", ...)')


def codes(error: MachineError) -> list[str]:
    return [finding.code for finding in error.findings]


def test_missing_wheels_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(MachineError) as no_postgres:
        postgres.binaries()
    with pytest.raises(MachineError) as no_redis:
        redis.server_binary()
    assert codes(no_postgres.value) + codes(no_redis.value) == ["R0301", "R0303"]


def test_the_wheel_of_redis_holds_a_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert redis.server_binary().name == "valkey-server"


def test_the_port_asked_for_is_not_replaced_by_another() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(MachineError) as caught:
            choose_port("127.0.0.1", port)
    (finding,) = caught.value.findings
    assert finding.code == "R0305"
    assert str(port) in finding.message
    assert choose_port("127.0.0.1", port) == port


async def test_a_postgres_that_is_not_there(tmp_path: Path) -> None:
    graph = Graph(name="w", nodes=(PostgresNode(name="db"),))
    url = "postgresql://ada:hunter2@127.0.0.1:1/postgres"
    with pytest.raises(MachineError) as caught:
        await prepare(graph, url, State.beside(tmp_path / "workload.py"))
    assert codes(caught.value) == ["R0309"]
    assert "127.0.0.1:1" in str(caught.value)
    assert "hunter2" not in str(caught.value)


async def test_a_redis_that_is_not_there(tmp_path: Path) -> None:
    graph = Graph(name="w", nodes=(Cache(name="cache"),))
    async with bench() as here:
        with pytest.raises(MachineError) as caught:
            await start_servers(
                graph,
                State.beside(tmp_path / "workload.py"),
                here.supervisor,
                {"RUNG_REDIS_URL": "redis://:hunter2@127.0.0.1:1/0"},
            )
    assert codes(caught.value) == ["R0310"]
    assert "hunter2" not in str(caught.value)


async def finding_of(supervisor: Supervisor, spec: ProcessSpec) -> Finding:
    with pytest.raises(StartFailedError) as caught:
        await supervisor.start([spec])
    return await explain(caught.value.errors[0])


async def test_a_program_that_ends_shows_its_last_words() -> None:
    async with bench() as here:
        spec = program("old", "import sys; print('no licence'); sys.exit(7)", location=HERE)
        finding = await finding_of(here.supervisor, spec)
    assert (finding.code, finding.location) == ("R0308", HERE)
    assert "exited with status 7" in finding.message
    assert finding.found == "no licence"


async def test_a_program_that_never_listens_is_told_its_port() -> None:
    ready = Listening(port=1)
    async with bench() as here:
        spec = program("old", "import time; time.sleep(60)", ready=ready, start_timeout_seconds=0.2)
        finding = await finding_of(here.supervisor, spec)
    assert finding.code == "R0308"
    assert "here 1" in finding.help


async def test_a_program_whose_port_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        source = f"import socket; socket.create_server(('127.0.0.1', {port}))"
        async with bench() as here:
            spec = program("old", source, ready=ReadyLine(), location=HERE)
            finding = await finding_of(here.supervisor, spec)
    assert (finding.code, finding.location) == ("R0305", HERE)


async def test_a_command_that_does_not_exist() -> None:
    async with bench() as here:
        spec = ProcessSpec(name="old", kind="service", command=("no-such-program",), location=HERE)
        finding = await finding_of(here.supervisor, spec)
    assert (finding.code, finding.location) == ("R0315", HERE)
    assert "'no-such-program' cannot be run" in finding.found


async def test_an_import_that_fails_names_both_lines(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("fine = 1\nimport nothing_of_that_name\n")
    spec = program("api", "", entries=("broken:app",), directory=tmp_path, location=HERE)
    spec = _with_path(spec, tmp_path)
    (finding,) = await import_problems(spec)
    assert (finding.code, finding.location) == ("R0307", HERE)
    assert "No module named 'nothing_of_that_name'" in finding.found
    assert finding.related == (Location(file="broken.py", line=2, text="import nothing_of_that_name"),)


async def test_a_module_without_the_object_says_what_it_has(tmp_path: Path) -> None:
    (tmp_path / "half.py").write_text("application = 1\n")
    spec = _with_path(program("api", "", entries=("half:app",), directory=tmp_path), tmp_path)
    (finding,) = await import_problems(spec)
    assert "half has no 'app'; it has application" in finding.found


def test_a_syntax_error_is_placed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "unfinished_module.py").write_text("x = 1\ndef (\n")
    monkeypatch.syspath_prepend(tmp_path)
    problem = problem_of("unfinished_module:x")
    assert problem is not None
    assert (problem["line"], problem["text"]) == (2, "def (")
    assert problem_of("json:dumps") is None


@pytest.mark.parametrize(("name", "code"), [("postgres", "R0302"), ("redis", "R0304")])
async def test_a_server_that_does_not_start(name: str, code: str, tmp_path: Path) -> None:
    kind: Kind = "server"
    spec = ProcessSpec(name=name, kind=kind, command=("x",), ready=Postmaster(directory=tmp_path))
    finding = await explain(StartError(spec, "exited with status 1", ("No space left on device",)))
    assert finding.code == code
    assert "No space left on device" in finding.found


def test_a_command_says_whether_it_can_be_given_a_port() -> None:
    assert takes_port(Service(name="a", command=("serve", "--bind=127.0.0.1:{port}")))
    assert takes_port(Service(name="a", command=("sh", "-c", "serve $PORT")))
    assert not takes_port(Service(name="a", command=("serve", "9000")))


def _with_path(spec: ProcessSpec, folder: Path) -> ProcessSpec:
    from dataclasses import replace

    return replace(spec, environment={**spec.environment, "PYTHONPATH": str(folder)})

"""Whole runs: child processes against a real server, through the library and through the command."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from tests.load.server import MisbehavingServer, misbehaving_server

from rung.cli import load
from rung.errors import MachineError
from rung.load.plan import Plan, Target
from rung.load.run import Progress, Run

WORKLOAD = """
from rung import Objectives, Traffic, Workload
tiny = Workload("tiny")
api = tiny.service("api", app="app:app", health="/health")
tiny.route("/*", api)
tiny.traffic(Traffic(concurrent_users=20, think_time="200ms", routes={"/a": 9, "/b": 1}))
tiny.objectives(Objectives(p99="5s", routes={"/slow": "1ms"}))
"""


@pytest.fixture
def server() -> Iterator[MisbehavingServer]:
    """In a thread of its own: the command under test runs an event loop itself."""
    ready, finish = threading.Event(), asyncio.Event()
    servers: list[tuple[MisbehavingServer, asyncio.AbstractEventLoop]] = []

    async def serve() -> None:
        async with misbehaving_server() as running:
            servers.append((running, asyncio.get_running_loop()))
            ready.set()
            await finish.wait()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    assert ready.wait(10)
    yield servers[0][0]
    servers[0][1].call_soon_threadsafe(finish.set)
    thread.join(10)


@pytest.fixture
def workload(tmp_path: Path) -> Path:
    file = tmp_path / "workload.py"
    file.write_text(WORKLOAD)
    return file


def plan(url: str, **changes: object) -> Plan:
    values: dict[str, object] = {
        "target": Target.of(url), "journeys": "", "routes": (("/a", 1.0),), "folder": ".", "users": 10,
        "rate": 100.0, "duration_seconds": 1.0, "warmup_seconds": 0.3, "processes": 2,
    }  # fmt: skip
    return Plan(**(values | changes))  # type: ignore[arg-type]


def command(*words: str) -> tuple[argparse.Namespace, argparse.ArgumentParser]:
    parser = argparse.ArgumentParser()
    load.configure(parser.add_subparsers())
    return parser.parse_args(["load", *words]), parser


def children() -> list[psutil.Process]:
    return [each for each in psutil.Process(os.getpid()).children() if "rung.load.child" in each.cmdline()]


def test_two_processes_share_the_load_and_are_added_up(server: MisbehavingServer) -> None:
    told: list[Progress] = []
    recording = asyncio.run(Run(plan(server.url, duration_seconds=2.0), told.append).run())
    group = recording.groups[0]
    assert group.succeeded == group.offered == group.histogram().count
    assert group.offered == pytest.approx(200, rel=0.3)
    assert recording.connections_opened == 10
    assert server.requests["/a"] > group.offered  # the warm-up was sent too
    assert [each.phase for each in told[:3]] == ["connecting", "warming up", "measuring"]
    assert told[2].second is not None
    assert told[2].second.offered == pytest.approx(100, rel=0.4)
    assert children() == []


def test_a_target_that_nobody_listens_on_is_told_as_a_finding() -> None:
    with pytest.raises(MachineError) as refused:
        asyncio.run(Run(plan("http://127.0.0.1:9")).run())
    assert refused.value.findings[0].code == "R0602"
    assert "ConnectionRefusedError" in refused.value.findings[0].found
    assert children() == []


def test_journeys_that_cannot_be_imported_are_told_as_a_finding(server: MisbehavingServer) -> None:
    with pytest.raises(MachineError) as refused:
        asyncio.run(Run(plan(server.url, journeys="no.such:thing")).run())
    assert refused.value.findings[0].code == "R0603"
    assert children() == []


def test_a_generator_that_is_killed_is_told_as_a_finding(server: MisbehavingServer) -> None:
    async def kill_one() -> None:
        running = asyncio.ensure_future(Run(plan(server.url, duration_seconds=30.0), killer).run())
        await running

    def killer(progress: Progress) -> None:
        if progress.phase == "warming up":
            children()[0].kill()

    with pytest.raises(MachineError) as refused:
        asyncio.run(kill_one())
    assert refused.value.findings[0].code == "R0605"
    assert children() == []


def test_the_command_prints_json_writes_a_report_and_exits_by_the_objectives(
    server: MisbehavingServer, workload: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = tmp_path / "load.html"
    words = (str(workload), "--url", server.url, "--duration", "1s", "--warmup", "0s")
    arguments, _ = command(*words, "--format", "json", "--report", str(report))
    assert arguments.run(arguments) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == "rung.load/1"
    assert {group["name"] for group in document["groups"]} == {"GET /a", "GET /b"}
    assert document["total"]["succeeded"] == sum(server.requests.values())
    assert "<title>Load of tiny" in report.read_text()


def test_the_command_shows_a_table_and_fails_when_an_objective_is_missed(
    server: MisbehavingServer, workload: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    workload.write_text(WORKLOAD.replace('"/b": 1', '"/500": 1'))
    arguments, _ = command(str(workload), "--url", server.url, "--duration", "1s", "--warmup", "0s")
    assert arguments.run(arguments) == 1
    shown = capsys.readouterr()
    assert "GET /500" in shown.out
    assert "not met" in shown.out
    assert "measuring for 1 s" in shown.err

"""`rung workflow` on a database with one run that is done, one that failed and one that waits."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from rung.cli.main import main
from rung.runtime.bindings import WorkflowBinding, encode
from rung.runtime.workflow import Retry, Workflow, WorkflowContext
from rung.runtime.workflow.executor import Executor, ExecutorSettings
from rung.runtime.workflow.postgres.adapter import PostgresStore
from rung.runtime.workflow.versions import versions_of

SETTINGS = ExecutorSettings()
KEY = b"0123456789abcdef"


async def flow(context: WorkflowContext, given: str) -> str:
    reserved: str = await context.step("reserve", lambda: f"reserved {given}")
    if given == "poor":
        await context.step("charge", _declined, retry=Retry(max_attempts=1))
    if given == "late":
        await context.sleep(3_600)
    return reserved


def _declined() -> None:
    raise ValueError("declined")


@pytest.fixture
async def url(postgres_url: str) -> str:
    """The database, which nothing carries forward any more."""
    store = PostgresStore(WorkflowBinding(url=postgres_url))
    started = Workflow("flow", store)
    for run in ("rich", "poor", "late"):
        await started.start(run, id=run)
    await carry(store)
    return postgres_url


async def carry(store: PostgresStore) -> None:
    """Carry what is due as far as it goes."""
    versions = {"flow": versions_of(flow)}
    executor = Executor(store, versions, SETTINGS, wakeup=lambda: store.announcements, key=lambda: KEY)
    runs = await store.claim({"flow": ""}, limit=10, lease_seconds=30)
    histories = await store.load(runs)
    for each in runs:
        executor.begin(each, histories[each.number])
    await executor.idle()
    await store.close()


class Command:
    """`rung workflow`, with what it prints."""

    def __init__(self, url: str, capsys: pytest.CaptureFixture[str]) -> None:
        self._url = url
        self._capsys = capsys

    def __call__(self, *words: str, status: int = 0) -> str:
        """Standard output, or what went to standard error when it did not succeed."""
        self._capsys.readouterr()  # what the runs said
        assert main(["workflow", *words, "--url", self._url]) == status
        printed = self._capsys.readouterr()
        return printed.err if status else printed.out

    def data(self, *words: str) -> dict[str, Any]:
        """As machines get it."""
        found: dict[str, Any] = json.loads(self(*words, "--format", "json"))
        assert found["schema"] == "rung.workflow/1"
        return found

    def states(self) -> dict[str, str]:
        """Of every run."""
        return {each["id"]: each["state"] for each in self.data("list")["runs"]}


@pytest.fixture
def command(url: str, capsys: pytest.CaptureFixture[str]) -> Command:
    return Command(url, capsys)


def test_runs_are_listed_and_shown(command: Command) -> None:
    lines = [line.split() for line in command("list").splitlines()]
    assert [line[:3] for line in lines] == [
        ["workflow", "run", "state"],
        ["flow", "late", "waiting"], ["flow", "poor", "failed"], ["flow", "rich", "done"],
    ]  # fmt: skip
    assert [each["id"] for each in command.data("list", "flow", "--state", "failed")["runs"]] == ["poor"]
    assert command("list", "another") == "no runs\n"
    shown = command("show", "flow", "poor")
    assert shown.startswith("flow poor: failed\n")
    assert "declined" in shown
    (reserve, charge) = [line.split()[1:4] for line in shown.splitlines() if " step " in line]
    assert (reserve, charge) == (["step", "reserve", "done"], ["step", "charge", "failed"])
    run = command.data("show", "flow", "rich")["run"]
    assert (run["output"], [each["name"] for each in run["records"]]) == ('"reserved rich"', ["reserve"])
    assert "no run 'nobody'" in command("show", "flow", "nobody", status=2)


def test_a_failed_run_goes_on_and_others_do_not(command: Command) -> None:
    assert "has no step 'pay'" in command("resume", "flow", "poor", "--from", "pay", status=2)
    assert command("resume", "flow", "poor", "--from", "charge") == "resumed\n"
    run = command.data("show", "flow", "poor")["run"]
    assert (run["state"], [each["name"] for each in run["records"]]) == ("waiting", ["reserve"])
    assert command.data("resume", "flow", "rich") == {"schema": "rung.workflow/1", "done": False}
    assert command("resume", "flow", "rich") == "not resumed: it is done\n"


def test_a_run_that_goes_on_is_cancelled_and_others_are_not(command: Command, url: str) -> None:
    assert command("cancel", "flow", "late", "--reason", "too late") == "asked to end\n"
    assert command("cancel", "flow", "rich") == "not asked: it is done\n"
    asyncio.run(carry(PostgresStore(WorkflowBinding(url=url))))
    assert command.states() == {"late": "cancelled", "poor": "failed", "rich": "done"}
    assert "too late" in command("show", "flow", "late")


def test_a_run_is_drawn(command: Command) -> None:
    mermaid = command("picture", "flow", "poor")
    assert mermaid.startswith("flowchart")
    assert "reserve" in mermaid
    assert "charge" in mermaid
    svg = ET.fromstring(command("picture", "flow", "poor", "--format", "svg"))
    assert svg.tag.endswith("svg")
    assert command.data("picture", "flow", "poor")["run"]["state"] == "failed"


def test_without_a_database_the_finding_says_how_to_reach_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    assert main(["workflow", "list", "--file", str(tmp_path / "workload.py")]) == 2
    assert "--url URL" in capsys.readouterr().err
    assert main(["workflow", "list", "--url", "postgresql://127.0.0.1:1/x"]) == 1
    assert "R0539" in capsys.readouterr().err


def test_in_a_container_of_a_deployment_the_binding_says_where(
    url: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUNG_BINDING_FLOW", encode(WorkflowBinding(url=url)))
    capsys.readouterr()
    assert main(["workflow", "list", "flow", "--state", "failed"]) == 0
    assert "poor" in capsys.readouterr().out
    assert main(["workflow", "list"]) == 0
    assert "rich" in capsys.readouterr().out

"""F01: `kill -9` of processes that run workflows: every run ends, and what is recorded is not done again.

A step that shares a transaction with its record is done exactly once.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from rung.runtime.bindings import WorkflowBinding
from rung.runtime.workflow import install_workflows
from rung.runtime.workflow.client import open_workflow

RUNS, KILLS = 40, 4
PACKED = "select count(*) from effect where what = 'pack'"
RUNS_SOAK, KILLS_SOAK = 2_000, 60
HANDLER = """
import asyncio, os
from rung.runtime import database
from rung.runtime.workflow import Retry

db = database("db")

async def note(what, run):
    await db.execute("insert into effect values ($1, $2)", what, run)
    await asyncio.sleep(0.01)

async def charge(connection, run):
    await connection.execute("insert into effect values ('charge', $1)", run)

async def flow(context, given):
    for name in ("reserve", "pack"):
        await context.step(name, note, name, context.run_id)
    await context.transaction("charge", db, charge, context.run_id)
    await context.sleep(0.05)
    await context.step("ship", note, "ship", context.run_id)
    return "done"
"""


class Processes:
    """Two processes of the workflow; a killed one is replaced at once."""

    def __init__(self, folder: Path, url: str) -> None:
        (folder / "fault_flow.py").write_text(HANDLER)
        bindings = {
            "RUNG_BINDING_FLOW": json.dumps({"kind": "workflow", "url": url}),
            "RUNG_BINDING_DB": json.dumps({"kind": "postgres", "url": url}),
        }
        self._folder = folder
        self._environment = {**os.environ, **bindings, "RUNG_LOG_FORMAT": "json"}
        self._started = 0
        self._logs: dict[int, Path] = {}
        self.running = [self._start(), self._start()]

    def _start(self) -> subprocess.Popen[bytes]:
        words = [sys.executable, "-m", "rung.runtime.workflow", "--name", "flow", "--handler", "fault_flow:flow",
                 "--lease-seconds", "1"]  # fmt: skip
        self._started += 1
        log = self._folder / f"process-{self._started}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(words, cwd=self._folder, env=self._environment, stdout=output)
        self._logs[process.pid] = log
        return process

    def kill(self, index: int) -> None:
        """SIGKILL, and another in its place."""
        self.running[index].kill()
        self.running[index].wait()
        self.running[index] = self._start()

    def stop(self) -> None:
        """SIGTERM to all; each must end with 0. One that has just started does not hear it before it is ready."""
        for process in self.running:
            self._until_ready(process)
            process.terminate()
        for process in self.running:
            assert process.wait(30) == 0

    def _until_ready(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + 30
        while b'"event":"ready"' not in self._logs[process.pid].read_bytes():
            assert process.poll() is None
            assert time.monotonic() < deadline, "it is not ready"
            time.sleep(0.02)


@pytest.fixture
def processes(tmp_path: Path, postgres_url: str) -> Iterator[Processes]:
    found = Processes(tmp_path, postgres_url)
    yield found
    for process in found.running:
        process.kill()
        process.wait()


@pytest.mark.fault
async def test_f01_killed_workflow_processes(processes: Processes, postgres_url: str) -> None:
    await kill_and_count(processes, postgres_url, RUNS, KILLS)


@pytest.mark.fault
@pytest.mark.soak
async def test_f01_killed_workflow_processes_soak(processes: Processes, postgres_url: str) -> None:
    await kill_and_count(processes, postgres_url, RUNS_SOAK, KILLS_SOAK)


async def kill_and_count(processes: Processes, url: str, runs: int, kills: int) -> None:
    seed = random.randrange(1_000_000)
    print(f"seed {seed}")
    chance = random.Random(seed)
    connection = await asyncpg.connect(url)
    await connection.execute("create table effect (what text not null, run text not null)")
    await install_workflows(connection)
    flow = open_workflow("flow", WorkflowBinding(url=url))
    handles = [await flow.start(id=str(number)) for number in range(runs)]
    for kill in range(kills):
        await _until_some_are_done(connection, runs * kill // (2 * kills))
        processes.kill(chance.randrange(2))
    for handle in handles:
        assert await handle.result(timeout_seconds=60) == "done"
    processes.stop()
    counts = {row["what"]: row["n"] for row in await connection.fetch(
        "select what, count(*) as n from effect group by what")}  # fmt: skip
    most = await connection.fetchval(
        "select max(n) from (select count(*) as n from effect group by what, run) as each"
    )
    assert counts["charge"] == runs  # exactly once, whatever was killed
    assert await connection.fetchval("select count(*) from rung.workflow_step where state = 'done'") == 4 * runs
    for what in ("reserve", "pack", "ship"):  # at least once: again only what was under way in a killed process
        assert runs <= counts[what] <= runs + kills * 100
    assert most <= 1 + kills
    assert sum(counts.values()) - 4 * runs <= kills * 100
    await flow.store.close()  # type: ignore[attr-defined]
    await connection.close()


async def _until_some_are_done(connection: asyncpg.Connection, count: int) -> None:
    async with asyncio.timeout(60):
        while await connection.fetchval(PACKED) <= count:  # noqa: ASYNC110 - of other processes
            await asyncio.sleep(0.01)

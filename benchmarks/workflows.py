"""Workflows of three steps against DBOS, on one Postgres with its durability on, in the same run.

    python benchmarks/workflows.py [--quick] [--only rung] [--json]

The steps return a small object each and do nothing else. `one by one`: a caller starts a run, waits for its
result, and starts the next. `20 at once`: twenty such callers. Each in the process that runs the steps, as in
DBOS's own quick start; for rung also started in one process and carried out in another.
Five rounds in alternating order, each in a process of its own; medians and the spread. Every run is checked.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import asyncpg
import uvloop

from rung.local.postgres import start_postgres

SECONDS_FULL, SECONDS_QUICK = 4.0, 1.0
ROUNDS_FULL, ROUNDS_QUICK = 5, 1
CALLERS = 20
RESULT = [{"step": 1}, {"step": 2}, {"step": 3}]
SYSTEMS = ("rung", "rung, two processes", "dbos")
Measured = dict[str, float]


def step(number: int) -> dict[str, int]:
    """What every step does."""
    return {"step": number}


async def three_steps(context: Any, given: Any) -> list[Any]:
    """The workflow."""
    return [await context.step(f"step {number}", async_step, number) for number in (1, 2, 3)]


async def async_step(number: int) -> dict[str, int]:
    """A step as a coroutine, as DBOS has it too."""
    return step(number)


async def clock(start: Any, seconds: float, callers: int) -> tuple[float, list[float]]:
    """Runs per second, and how long each took (seconds)."""
    for _ in range(20):
        assert await start() == RESULT
    took: list[float] = []
    end = time.perf_counter() + seconds

    async def call() -> None:
        while (began := time.perf_counter()) < end:
            assert await start() == RESULT
            took.append(time.perf_counter() - began)

    began = time.perf_counter()
    await asyncio.gather(*(call() for _ in range(callers)))
    return len(took) / (time.perf_counter() - began), took


async def measure(start: Any, seconds: float) -> Measured:
    """The figures of one system."""
    one, took = await clock(start, seconds, 1)
    many, _ = await clock(start, seconds, CALLERS)
    took.sort()
    return {
        "one by one/s": one,
        "p50 ms": took[len(took) // 2] * 1000,
        "p99 ms": took[int(len(took) * 0.99)] * 1000,
        f"{CALLERS} at once/s": many,
    }


async def run_rung(url: str, seconds: float, *, elsewhere: bool) -> Measured:
    """Our engine: the executor in this process, or in another."""
    from rung.runtime.bindings import WorkflowBinding
    from rung.runtime.workflow.client import open_workflow
    from rung.runtime.workflow.executor import Executor, ExecutorSettings
    from rung.runtime.workflow.versions import versions_of

    flow = open_workflow("three-steps", WorkflowBinding(url=url))
    store: Any = flow.store
    executor = Executor(
        store, {"three-steps": versions_of(three_steps)}, ExecutorSettings(),
        wakeup=lambda: store.announcements, key=lambda: b"",
    )  # fmt: skip
    if not elsewhere:
        flow.executor = executor

    async def start() -> Any:
        return await (await flow.start()).result(timeout_seconds=30)

    running = None if elsewhere else asyncio.create_task(executor.run())
    found = await measure(start, seconds)
    if running is not None:
        executor.stop()
        await running
    await store.close()
    return found


def run_dbos(url: str, seconds: float) -> Measured:
    """DBOS Transact, with the defaults of its quick start and no log."""
    from dbos import DBOS

    DBOS(config={"name": "bench", "system_database_url": url, "log_level": "ERROR"})
    one = DBOS.step()(async_step)

    @DBOS.workflow()
    async def flow() -> list[Any]:
        return [await one(number) for number in (1, 2, 3)]

    DBOS.launch()
    try:
        return asyncio.run(measure(flow, seconds))
    finally:
        DBOS.destroy()


def child(system: str, url: str, seconds: float) -> Measured:
    """One system in this process."""
    if system == "dbos":
        return run_dbos(url, seconds)
    helper = None
    if system != "rung":
        words = [sys.executable, "-m", "rung.runtime.workflow", "--name", "three-steps",
                 "--handler", "workflows:three_steps"]  # fmt: skip
        binding = json.dumps({"kind": "workflow", "url": url})
        environment = {**os.environ, "RUNG_BINDING_THREE_STEPS": binding, "PYTHONPATH": str(Path(__file__).parent)}
        helper = subprocess.Popen(words, env=environment, stdout=subprocess.DEVNULL, cwd=Path(__file__).parent)
    try:
        return uvloop.run(run_rung(url, seconds, elsewhere=helper is not None))
    finally:
        if helper is not None:
            helper.terminate()
            helper.wait(30)


def measured(system: str, url: str, seconds: float) -> Measured:
    """One system in a process of its own."""
    words = [sys.executable, __file__, "--child", system, "--url", url, "--seconds", str(seconds)]
    done = subprocess.run(words, stdout=subprocess.PIPE, check=True, timeout=seconds * 10 + 60)
    found: Measured = json.loads(done.stdout.splitlines()[-1])
    return found


def rounds(names: list[str], count: int, seconds: float) -> dict[str, list[Measured]]:
    """Every system so often, in another order each time."""
    found: dict[str, list[Measured]] = {name: [] for name in names}
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o711)
        server = start_postgres(Path(folder) / "postgres")
        try:
            for number in range(count):
                for name in random.sample(names, len(names)):
                    database = f"bench_{number}_{names.index(name)}"
                    asyncio.run(_create(server.url, database))
                    found[name].append(measured(name, server.url_of(database), seconds))
        finally:
            server.stop()
    return found


async def _create(url: str, name: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute(f"create database {name}")
    await connection.close()


def table(found: dict[str, list[Measured]]) -> str:
    """Medians, with the least and the most in brackets."""
    columns = list(next(iter(found.values()))[0])
    lines = [f"{'':22}" + "".join(f"{column:>26}" for column in columns)]
    for name, measured_ in found.items():
        cells = []
        for column in columns:
            values = sorted(each[column] for each in measured_)
            cells.append(f"{statistics.median(values):,.1f} ({values[0]:,.1f}-{values[-1]:,.1f})")
        lines.append(f"{name:22}" + "".join(f"{cell:>26}" for cell in cells))
    return "\n".join(lines)


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--only", choices=SYSTEMS, action="append")
    parser.add_argument("--child", choices=SYSTEMS)
    parser.add_argument("--url")
    parser.add_argument("--seconds", type=float, default=SECONDS_FULL)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(child(options.child, options.url, options.seconds)))
        return
    seconds = SECONDS_QUICK if options.quick else options.seconds
    found = rounds(options.only or list(SYSTEMS), ROUNDS_QUICK if options.quick else ROUNDS_FULL, seconds)
    if options.json:
        print(json.dumps(found))
    else:
        print(table(found))


if __name__ == "__main__":
    main()

"""What a request costs is read off the workload's own processes, and nothing is said where they do not run."""

from __future__ import annotations

from pathlib import Path

import pytest

from rung.load.recording import Second
from rung.load.run import Progress
from rung.load.server import ServerWatch


def process(proc: Path, number: int, parent: int, ticks: int, command: str, state: str = "") -> None:
    entry = proc / str(number)
    entry.mkdir(parents=True, exist_ok=True)
    (entry / "stat").write_text(f"{number} (a b) S {parent} " + "0 " * 9 + f"{ticks} 0 0")
    (entry / "cmdline").write_text(command.replace(" ", "\0"))
    (entry / "environ").write_text(f"A=1\0RUNG_STATE={state}\0" if state else "A=1\0")


def measuring(index: int, right: int) -> Progress:
    return Progress(phase="measuring", index=index, second=Second(succeeded=right))


def test_services_and_the_database_are_told_apart_and_others_left_out(tmp_path: Path) -> None:
    proc, folder = tmp_path / "proc", tmp_path / "shop"
    state = str(folder / ".rung")
    watch = ServerWatch(folder, proc)
    for ticks in (100, 350):
        process(proc, 10, 1, ticks, "python -m rung.local.gateway", state)
        process(proc, 11, 1, ticks, "python -m rung.runtime.worker", state)
        process(proc, 20, 1, 0, f"postgres -D {state}/postgres/data")
        process(proc, 21, 20, ticks // 2, "postgres: app idle")
        process(proc, 30, 1, ticks * 9, "python -m rung.local.gateway", "/elsewhere/.rung")
        watch.hear(measuring(0 if ticks == 100 else 1, 500))
    found = watch.result()
    assert found is not None
    assert (found.requests, found.service_cpu_seconds, found.database_cpu_seconds) == (500, 2.5, 1.25)
    assert found.utilisation > 0


def test_the_least_and_the_most_loaded_quarter_are_told_apart(tmp_path: Path) -> None:
    """Eight seconds of a ramp: 100 to 800 right answers, a tick for each 10 and five for each second."""
    proc, folder = tmp_path / "proc", tmp_path / "shop"
    watch, ticks = ServerWatch(folder, proc), 0
    for second in range(9):
        ticks += 5 + 10 * second if second else 0
        process(proc, 10, 1, ticks, "python -m rung.local.gateway", str(folder / ".rung"))
        watch.hear(measuring(second, 100 * second))
    found = watch.result()
    assert found is not None
    (few, alone), (many, among) = found.levels
    assert (few, many) == (150, 750)
    assert alone == pytest.approx(1_000 * (2 * 0.05 + 0.3) / 300, abs=1e-4)
    assert among == pytest.approx(1_000 * (2 * 0.05 + 1.5) / 1_500, abs=1e-4)


def test_nothing_is_said_of_what_runs_elsewhere(tmp_path: Path) -> None:
    watch = ServerWatch(tmp_path, tmp_path / "proc")
    for index in range(3):
        watch.hear(measuring(index, 10))
    assert watch.result() is None

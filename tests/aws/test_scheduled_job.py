"""A schedule's handler that takes a Tick gets one where a clock of AWS starts it, as under the scheduler."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from rung.runtime.job import run, ticked
from rung.runtime.schedule import Tick
from rung.testing import ManualClock

STARTED = datetime(2026, 5, 4, 4, 31, 7, tzinfo=UTC)


@pytest.mark.parametrize(
    ("written", "at"),
    [
        ("2026-05-04T04:30:00Z", datetime(2026, 5, 4, 4, 30, tzinfo=UTC)),
        ("2026-05-04T06:30:00+02:00", datetime(2026, 5, 4, 4, 30, tzinfo=UTC)),
        ("2026-05-04T04:30:00", datetime(2026, 5, 4, 4, 30, tzinfo=UTC)),
        ("<aws.scheduler.scheduled-time>", STARTED),
        ("", STARTED),
    ],
)
async def test_the_handler_gets_the_moment_that_the_clock_wrote(written: str, at: datetime) -> None:
    taken: list[Tick] = []

    async def expire(tick: Tick) -> None:
        taken.append(tick)

    handler = ticked(expire, "expire-carts", {"RUNG_TICK_AT": written}, ManualClock(STARTED))
    assert await run("expire-carts", handler, 5) == 0
    assert taken == [Tick(schedule="expire-carts", at=at)]


async def test_a_plain_function_takes_a_tick_too_and_one_without_an_argument_none() -> None:
    taken: list[Tick] = []

    def plain(tick: Tick) -> None:
        taken.append(tick)

    assert await run("plain", ticked(plain, "plain", {"RUNG_TICK_AT": "2026-05-04T04:30:00Z"}), 5) == 0
    assert [tick.schedule for tick in taken] == ["plain"]

    def nothing() -> None:
        taken.clear()

    assert ticked(nothing, "nothing", {}) is nothing


def test_the_command_of_the_task_gives_it(tmp_path: Path) -> None:
    code = "def expire(tick):\n    open('taken', 'w').write(f'{tick.schedule} {tick.at.isoformat()}')\n"
    (tmp_path / "carts.py").write_text(code)
    words = ["-m", "rung.runtime.job", "--name", "expire-carts", "--handler", "carts:expire", "--exclusive"]
    environment = {**os.environ, "RUNG_TICK_AT": "2026-05-04T04:30:00Z"}
    subprocess.run([sys.executable, *words], cwd=tmp_path, env=environment, check=True, capture_output=True)
    assert (tmp_path / "taken").read_text() == "expire-carts 2026-05-04T04:30:00+00:00"

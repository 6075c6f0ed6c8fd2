"""F33: a worker is paused (SIGSTOP) past its lease, another takes over: the sleeper's late commit is refused."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import pytest
from tests.faults.brokers import Place
from tests.queue.workers import WorkerProcess, wait_until
from tests.queue.workers_supervised import PREAMBLE, Effects, is_worked_off

from rung.runtime.queue import open_queue

pytestmark = pytest.mark.fault

HANDLER = (
    PREAMBLE
    + """
from rung.runtime.log import logger
log = logger("handler")

async def handle(message):
    async with database.transaction() as transaction:
        await transaction.execute("insert into effect (id) values ($1)", message.id)
        log.info("written")
        while not pathlib.Path("go").exists():
            await asyncio.sleep(0.01)
        if not await orders.finished_in(message, transaction):
            raise RuntimeError("fenced")
    log.info("committed")
"""
)


@pytest.mark.parametrize("heartbeat_first", [True, False])
async def test_a_sleepers_late_commit_is_refused(place: Place, tmp_path: Path, heartbeat_first: bool) -> None:
    binding = place.binding(visibility_timeout_seconds=1.0)
    effects, orders = Effects(place.url), open_queue("orders", binding)
    await effects.create()
    identity = await orders.send(b'"x"')
    sleeper = WorkerProcess(tmp_path, HANDLER, binding, EFFECTS_URL=place.url)
    other: WorkerProcess | None = None
    try:
        await asyncio.to_thread(sleeper.wait_event, "written")
        sleeper.signal(signal.SIGSTOP)
        other = WorkerProcess(tmp_path, HANDLER, binding, EFFECTS_URL=place.url)
        await asyncio.to_thread(other.wait_event, "written")
        if not heartbeat_first:
            (tmp_path / "go").touch()
            await asyncio.to_thread(other.wait_event, "committed")
        sleeper.signal(signal.SIGCONT)
        await asyncio.to_thread(wait_until, lambda: _ended_badly(sleeper))
        (tmp_path / "go").touch()
        await asyncio.to_thread(other.wait_event, "committed")
        async with asyncio.timeout(10):
            while not await is_worked_off(orders):  # noqa: ASYNC110 - another process acts
                await asyncio.sleep(0.05)
        assert await effects.by_id() == {identity: 1}
        assert all(line["event"] != "committed" for line in sleeper.events())
        assert (await orders.statistics()).dead == 0
        assert sleeper.stop() == 0
        assert other.stop() == 0
    finally:
        for worker in (sleeper, other):
            if worker is not None:
                worker.signal(signal.SIGCONT) if worker.process.poll() is None else None
                worker.kill()
    await orders.close()


def _ended_badly(worker: WorkerProcess) -> bool:
    """The sleeper noticed: its heartbeat lost the lease, or its own commit was fenced."""
    events = {line["event"] for line in worker.events()}
    return bool(events & {"lease lost: the handler was interrupted", "message will be retried"})

"""Workers follow their backlog: real processes, a queue whose backlog the test sets, a clock it moves."""

from __future__ import annotations

import asyncio

from tests.local.programs import WAIT, Bench, bench, program

from rung.local.autoscale import Autoscaler
from rung.local.plan import WorkerScaling
from rung.model.scaling import BacklogScaling, Observation
from rung.testing.clock import ManualClock

POLICY = BacklogScaling(
    min_tasks=1, max_tasks=3, acceptable_latency_seconds=10, processing_time_seconds=1, concurrency=1,
    scale_out_cooldown_seconds=3, scale_in_cooldown_seconds=15,
)  # fmt: skip
FULFIL = WorkerScaling(worker="fulfil", queue="orders", lanes=(), policy=POLICY)


class Scene:
    """An autoscaler over a worker, with a backlog to set and a clock to move."""

    def __init__(self, here: Bench) -> None:
        self.here = here
        self.clock = ManualClock()
        self.backlog: int | None = 0
        self.scaler = Autoscaler(here.supervisor, self._observe, emit=here.lines.append, clock=self.clock)

    async def _observe(self, queue: str, lanes: tuple[str, ...]) -> Observation:
        if self.backlog is None:
            raise ConnectionError("the database is away")
        return Observation(backlog=self.backlog)

    async def after(self, seconds: float, backlog: int | None) -> int:
        """The number of processes after one look, `seconds` later."""
        self.backlog = backlog
        await self.clock.advance(seconds)
        await self.scaler.step(FULFIL)
        return self.here.supervisor.count("fulfil")


async def test_out_at_once_and_in_slowly() -> None:
    async with bench() as here:
        await here.supervisor.start([program("fulfil", WAIT, max_instances=3)])
        scene = Scene(here)
        assert await scene.after(0, backlog=5) == 1
        assert await scene.after(1, backlog=25) == 3
        assert await scene.after(1, backlog=0) == 3
        assert await scene.after(13, backlog=0) == 3
        assert await scene.after(1, backlog=0) == 2
        assert await scene.after(14, backlog=0) == 2
        assert await scene.after(1, backlog=0) == 1
        assert await scene.after(100, backlog=0) == 1
        said = [event for event in here.events("fulfil") if event.startswith("scaling")]
        assert said == ["scaling out from 1 to 3", "scaling in from 3 to 2", "scaling in from 2 to 1"]


async def test_an_unknown_backlog_changes_nothing() -> None:
    async with bench() as here:
        await here.supervisor.start([program("fulfil", WAIT, max_instances=3)])
        scene = Scene(here)
        assert await scene.after(1, backlog=25) == 3
        assert await scene.after(100, backlog=None) == 3
        assert "backlog unknown" in here.events("fulfil")


async def test_a_worker_that_is_being_replaced_is_left_alone() -> None:
    async with bench() as here:
        assert await Scene(here).after(1, backlog=1_000) == 0


async def test_it_looks_again_every_second_until_cancelled() -> None:
    async with bench() as here:
        await here.supervisor.start([program("fulfil", WAIT, max_instances=3)])
        scene = Scene(here)
        task = asyncio.create_task(scene.scaler.run(lambda: [FULFIL]))
        await scene.clock.advance(2)
        scene.backlog = 25
        await scene.clock.advance(1)
        await here.until(lambda: here.supervisor.count("fulfil") == 3)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

"""Keeps each worker at the number of processes its scaling policy asks for, from what its queue looks like."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from rung.local.logs import Emit, own_line
from rung.local.plan import WorkerScaling
from rung.local.supervisor import StartFailedError, Supervisor
from rung.model.scaling import Observation, ScalingState, desired
from rung.runtime.clock import SYSTEM_CLOCK, Clock

OBSERVE_EVERY_SECONDS = 1.0

#: What a queue looks like now: its name and the lanes that matter, all of them when empty.
Observe = Callable[[str, tuple[str, ...]], Awaitable[Observation]]


class Autoscaler:
    """Applies the policies. One for all workers; an observation that fails changes nothing."""

    def __init__(
        self, supervisor: Supervisor, observe: Observe, *, emit: Emit, clock: Clock = SYSTEM_CLOCK
    ) -> None:
        self._supervisor = supervisor
        self._observe = observe
        self._emit = emit
        self._clock = clock
        self._states: dict[str, ScalingState] = {}

    async def run(self, workers: Callable[[], Sequence[WorkerScaling]]) -> None:
        """Observe and scale every `OBSERVE_EVERY_SECONDS`, until cancelled. `workers` is asked each time."""
        while True:
            for worker in workers():
                await self.step(worker)
            await self._clock.sleep(OBSERVE_EVERY_SECONDS)

    async def step(self, worker: WorkerScaling) -> None:
        """One observation of one worker's queue and what follows from it."""
        running = self._supervisor.count(worker.worker)
        if running == 0 and worker.policy.min_tasks > 0:
            return  # it is being replaced
        try:
            observation = await self._observe(worker.queue, worker.lanes)
        except Exception as error:  # noqa: BLE001 - the queue's server may be away: keep what there is
            self._emit(own_line("backlog unknown", level="debug", node=worker.worker, reason=str(error)))
            return
        state = self._states.get(worker.worker, ScalingState(tasks=running))
        now = self._clock.monotonic()
        count, self._states[worker.worker] = desired(worker.policy, observation, _at(state, running), now)
        if count != running:
            await self._scale(worker, running, count, observation)

    async def _scale(self, worker: WorkerScaling, running: int, count: int, observation: Observation) -> None:
        direction = "out" if count > running else "in"
        self._emit(
            own_line(
                f"scaling {direction} from {running} to {count}",
                node=worker.worker,
                backlog=observation.backlog,
                oldest_age_seconds=round(observation.oldest_age_seconds, 1),
                target_backlog_per_task=round(worker.policy.backlog_per_task),
            )
        )
        try:
            await self._supervisor.scale(worker.worker, count)
        except StartFailedError as error:
            self._emit(own_line("scaling failed", level="error", node=worker.worker, reason=str(error)))


def _at(state: ScalingState, running: int) -> ScalingState:
    """The remembered state with the number of processes there really are."""
    return ScalingState(tasks=running, scaled_out_at=state.scaled_out_at, busy_at=state.busy_at)

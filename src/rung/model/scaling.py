"""When a worker gets more tasks, and when it gives them back: one policy for every rung.

`rung dev` applies it itself; on AWS it becomes a target-tracking policy on the same figure, the *backlog per
task*. Source of the figure: AWS, "Scaling policy based on Amazon SQS" (acceptable backlog per task = the latency
that is acceptable / the time one message takes). Out at once and as far as needed, in slowly and one by one:
a task too many costs cents, a task too few costs the latency that somebody promised.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True, kw_only=True)
class BacklogScaling:
    """How many tasks a worker has between `min_tasks` and `max_tasks`.

    A task works on `concurrency` messages at a time, each `processing_time_seconds` long: it clears a backlog of
    `backlog_per_task` within `acceptable_latency_seconds`. Cooldowns are counted from the last change.
    """

    min_tasks: int = 1
    max_tasks: int = 4
    acceptable_latency_seconds: float = 30.0
    processing_time_seconds: float = 0.1
    concurrency: int = 10
    scale_out_cooldown_seconds: float = 60.0
    scale_in_cooldown_seconds: float = 300.0

    def __post_init__(self) -> None:
        if not 0 <= self.min_tasks <= self.max_tasks or self.max_tasks < 1:
            raise ValueError(f"min_tasks {self.min_tasks} and max_tasks {self.max_tasks} are no range of tasks")
        if self.acceptable_latency_seconds <= 0 or self.processing_time_seconds <= 0 or self.concurrency < 1:
            raise ValueError("latency, processing time and concurrency must be more than 0")
        if self.scale_out_cooldown_seconds < 0 or self.scale_in_cooldown_seconds < 0:
            raise ValueError("a cooldown must not be negative")

    @property
    def backlog_per_task(self) -> float:
        """The target value: messages that one task clears within the acceptable latency; at least 1."""
        return max(1.0, self.acceptable_latency_seconds / self.processing_time_seconds * self.concurrency)


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What the queue looked like at one moment: ready messages, and the age of the oldest of them."""

    backlog: int
    oldest_age_seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ScalingState:
    """What must be remembered between two observations. Moments are of a monotonic clock, in seconds."""

    tasks: int
    scaled_out_at: float | None = None
    #: The last moment at which fewer tasks would not have been enough, or at which one was taken away.
    busy_at: float | None = None


def needed(policy: BacklogScaling, observation: Observation, tasks: int) -> int:
    """The tasks that this backlog asks for, before cooldowns. Never decreasing in backlog and age.

    A backlog that is older than acceptable although it is small says that messages take longer than was
    declared: then one task more than there are.
    """
    by_depth = math.ceil(observation.backlog / policy.backlog_per_task)
    late = observation.backlog > 0 and observation.oldest_age_seconds > policy.acceptable_latency_seconds
    by_age = tasks + 1 if late else 0
    return max(policy.min_tasks, min(policy.max_tasks, max(by_depth, by_age)))


def desired(
    policy: BacklogScaling, observation: Observation, state: ScalingState, now: float
) -> tuple[int, ScalingState]:
    """The number of tasks there should be at `now`, and the state for the next call. Pure.

    Scale out: at once to what is needed, unless the last step is younger than its cooldown. Scale in: one
    task, after fewer were enough for the whole cooldown without interruption.
    """
    tasks = max(policy.min_tasks, min(policy.max_tasks, state.tasks))
    want = needed(policy, observation, tasks)
    if want > tasks:
        return _scale_out(policy, state, tasks, want, now)
    if want == tasks or state.busy_at is None:
        return tasks, replace(state, tasks=tasks, busy_at=now)
    if now - state.busy_at < policy.scale_in_cooldown_seconds:
        return tasks, replace(state, tasks=tasks)
    return tasks - 1, replace(state, tasks=tasks - 1, busy_at=now)


def _scale_out(
    policy: BacklogScaling, state: ScalingState, tasks: int, want: int, now: float
) -> tuple[int, ScalingState]:
    cooling = state.scaled_out_at is not None and now - state.scaled_out_at < policy.scale_out_cooldown_seconds
    if cooling:
        return tasks, replace(state, tasks=tasks, busy_at=now)
    return want, replace(state, tasks=want, scaled_out_at=now, busy_at=now)

"""The autoscalers, each a pure function of what it sees and remembers: the rules as their owners document them.

Sources: AWS, "How target tracking works" and "Step scaling" of the Application Auto Scaling user guide;
Kubernetes, "Horizontal Pod Autoscaling"; KEDA, "Scaling Deployments". Times in seconds.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import assert_never

MINUTE = 60.0
#: Target tracking makes two alarms: above the target for three minutes, below nine tenths of it for fifteen.
PERIODS_OUT, PERIODS_IN = 3, 15
SHARE_IN = 0.9


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Tasks there may be."""

    least: int
    most: int

    def clamp(self, tasks: int) -> int:
        """`tasks` within the limits."""
        return max(self.least, min(self.most, tasks))


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetTracking:
    """Keep an average near `target`: out in proportion after three minutes, in after fifteen."""

    target: float
    out_cooldown: float = 60.0
    in_cooldown: float = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Beyond `above` (of the metric), add `change` tasks; below, take some away (a negative change)."""

    above: float
    change: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StepScaling:
    """An alarm at `threshold` for `periods` minutes; which step applies is decided by how far beyond it is.

    Steps are bounds relative to the threshold, ascending; the last that is reached applies.
    """

    threshold: float
    steps: tuple[Step, ...]
    periods: int = 1
    cooldown: float = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PodAutoscaler:
    """Kubernetes: every 15 s `ceil(pods x metric / target)`, nothing within a tenth of it.

    Out: at most `out_pods` or `out_share` (the larger) in each `out_period`, after the highest wish of
    `out_window` seconds did not rise; in: to the highest wish of the last `in_window` seconds, `in_pods` a period.
    """

    target: float
    tolerance: float = 0.1
    out_pods: int = 4
    out_share: float = 1.0
    out_period: float = 15.0
    out_window: float = 0.0
    in_pods: int | None = None
    in_period: float = 15.0
    in_window: float = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduledLimits:
    """From `hour` of the day on, other limits."""

    hour: float
    limits: Limits


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueLength:
    """KEDA on the length of a queue: `queue_length` messages for each pod, those under way included.

    KEDA itself moves between none and one: it looks every `polling`, and goes back to none `cooldown` after the
    last message. From one on the pod autoscaler rules, by the average for each pod.
    Source: KEDA, "Scaling Deployments, StatefulSets & Custom Resources" and "AWS SQS Queue".
    """

    queue_length: float = 5.0
    polling: float = 30.0
    cooldown: float = 300.0
    pods: PodAutoscaler = PodAutoscaler(target=1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Predictive:
    """Capacity that is there before the load of the hour: it only adds to what the other policy asks for.

    The forecast of an hour takes effect `buffer` before it. Source: AWS, "Predictive scaling for Amazon EC2 Auto
    Scaling", which also serves ECS: hourly forecasts, SchedulingBufferTime of five minutes by default.
    """

    target: float
    buffer: float = 300.0


Policy = TargetTracking | StepScaling | PodAutoscaler | QueueLength


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What an autoscaler remembers: the metric's points, its last changes, and its wishes with their times."""

    points: tuple[float, ...] = ()
    out_at: float = -math.inf
    #: Capacity before the scale-out whose cooldown runs: what it added counts toward the next wish.
    base: int = 0
    in_at: float = -math.inf
    wishes: tuple[tuple[float, int], ...] = ()
    changes: tuple[tuple[float, int], ...] = field(default=())


def decide(
    policy: Policy, memory: Memory, *, now: float, metric: float | None, tasks: int, limits: Limits
) -> tuple[int, Memory]:
    """The desired number of tasks at `now`, given the newest point of the metric (None: no data). Pure."""
    match policy:
        case TargetTracking():
            return _target_tracking(policy, memory, now, metric, tasks, limits)
        case StepScaling():
            return _step(policy, memory, now, metric, tasks, limits)
        case PodAutoscaler():
            return _pods(policy, memory, now, metric, tasks, limits)
        case QueueLength():
            return _queue_length(policy, memory, now, metric, tasks, limits)
        case _:
            assert_never(policy)


def limits_at(hour: float, limits: Limits, scheduled: Sequence[ScheduledLimits]) -> Limits:
    """The limits in force at an hour of the day: of the latest action before it, or of yesterday's last."""
    if not scheduled:
        return limits
    ordered = sorted(scheduled, key=lambda each: each.hour)
    before = [each for each in ordered if each.hour <= hour]
    return (before or ordered)[-1].limits


def predicted(policy: Predictive, work: Sequence[float], second: float, capacity: float) -> int:
    """The fewest tasks that predictive scaling keeps at a second of the day.

    Args:
        work: what the hours need, by hour, in the unit of `capacity`, which one task has.
    """
    hours = {int(second // 3_600) % len(work), int((second + policy.buffer) // 3_600) % len(work)}
    return math.ceil(max(work[hour] for hour in hours) / (capacity * policy.target) - 1e-9)


def pod_metric(
    used: Sequence[float], *, target: float, missing: int = 0, unready: int = 0, tolerance: float = 0.1
) -> float | None:
    """The average that the pod autoscaler compares with its target; None: it changes nothing.

    `used` are the pods that are ready and known. Of those without a metric it takes the cautious view: 100 % of
    the target when it would scale in, nothing when it would scale out, and pods that are not ready count as
    nothing when it would scale out. If that turns its wish around, it does nothing.
    Source: Kubernetes, "Horizontal Pod Autoscaling", algorithm details.
    """
    if not used:
        return None
    first = sum(used) / len(used)
    if abs(first / target - 1) <= tolerance:
        return None
    if first > target:
        cautious = sum(used) / (len(used) + missing + unready)
        return cautious if cautious > target * (1 + tolerance) else None
    cautious = (sum(used) + missing * target) / (len(used) + missing)
    return cautious if cautious < target * (1 - tolerance) else None


def _target_tracking(
    policy: TargetTracking, memory: Memory, now: float, metric: float | None, tasks: int, limits: Limits
) -> tuple[int, Memory]:
    if metric is None:
        # Missing data never scales in, and breaks a row of points.
        return limits.clamp(tasks), replace(memory, points=())
    memory = replace(memory, points=(*memory.points, metric)[-PERIODS_IN:])
    if _all(memory.points, PERIODS_OUT, lambda point: point > policy.target):
        return _track_out(policy, memory, now, metric, tasks, limits)
    if _all(memory.points, PERIODS_IN, lambda point: point < policy.target * SHARE_IN):
        return _track_in(policy, memory, now, metric, tasks, limits)
    return limits.clamp(tasks), memory


def _track_out(
    policy: TargetTracking, memory: Memory, now: float, metric: float, tasks: int, limits: Limits
) -> tuple[int, Memory]:
    """In a cooldown only what exceeds the step that is under way is added; a scale-in's cooldown does not hold."""
    cooling = now - memory.out_at < policy.out_cooldown
    base = memory.base if cooling and memory.base else tasks
    wanted = limits.clamp(max(tasks, math.ceil(base * metric / policy.target - 1e-9)))
    if wanted <= tasks:
        return limits.clamp(tasks), memory
    return wanted, replace(memory, out_at=now, base=base, in_at=-math.inf)


def _track_in(
    policy: TargetTracking, memory: Memory, now: float, metric: float, tasks: int, limits: Limits
) -> tuple[int, Memory]:
    if now - memory.in_at < policy.in_cooldown or now - memory.out_at < policy.out_cooldown:
        return limits.clamp(tasks), memory
    wanted = limits.clamp(min(tasks, math.ceil(tasks * metric / policy.target - 1e-9)))
    if wanted >= tasks:
        return limits.clamp(tasks), memory
    return wanted, replace(memory, in_at=now, points=())


def _step(
    policy: StepScaling, memory: Memory, now: float, metric: float | None, tasks: int, limits: Limits
) -> tuple[int, Memory]:
    if metric is None:
        return limits.clamp(tasks), replace(memory, points=())
    memory = replace(memory, points=(*memory.points, metric)[-policy.periods :])
    if not _all(memory.points, policy.periods, lambda point: point >= policy.threshold):
        return limits.clamp(tasks), memory
    reached = [step for step in policy.steps if metric - policy.threshold >= step.above]
    if not reached:
        return limits.clamp(tasks), memory
    change = reached[-1].change
    cooling = now - memory.out_at < policy.cooldown
    # What the last step added counts as part of a larger one: +3 after +2 adds one.
    base = memory.base if cooling and memory.base else tasks
    wanted = limits.clamp(base + change)
    if (change > 0 and wanted <= tasks) or (change < 0 and cooling):
        return limits.clamp(tasks), memory
    return wanted, replace(memory, out_at=now, base=base)


def _pods(
    policy: PodAutoscaler, memory: Memory, now: float, metric: float | None, tasks: int, limits: Limits
) -> tuple[int, Memory]:
    wish = tasks
    if metric is not None and abs(metric / policy.target - 1) > policy.tolerance:
        wish = math.ceil(tasks * metric / policy.target - 1e-9)
    window = max(policy.in_window, policy.out_window)
    # What there is when it begins is its first recommendation, made a moment before this one.
    before = memory.wishes or ((now - 1e-6, tasks),)
    wishes = tuple(each for each in (*before, (now, wish)) if now - each[0] <= window)
    changes = tuple(each for each in memory.changes if now - each[0] < max(policy.out_period, policy.in_period))
    held = _stabilised(policy, wishes, now, tasks)
    wanted = limits.clamp(_limited(policy, changes, now, tasks, held))
    if wanted != tasks:
        changes = (*changes, (now, wanted - tasks))
    return wanted, replace(memory, wishes=wishes, changes=changes)


def _queue_length(
    policy: QueueLength, memory: Memory, now: float, metric: float | None, tasks: int, limits: Limits
) -> tuple[int, Memory]:
    """`metric` is all messages. `Memory.in_at` holds when there was one last, `out_at` when it looked last."""
    waiting = metric or 0.0
    if waiting > 0:
        memory = replace(memory, in_at=now)
    if tasks == 0:
        if now - memory.out_at < policy.polling:
            return 0, memory
        return (limits.clamp(1) if waiting > 0 else limits.clamp(0)), replace(memory, out_at=now)
    if limits.least == 0 and waiting == 0 and now - memory.in_at >= policy.cooldown:
        return 0, memory
    above_none = Limits(least=max(1, limits.least), most=limits.most)
    average = waiting / tasks / policy.queue_length
    return _pods(policy.pods, memory, now, average, tasks, above_none)


def _stabilised(policy: PodAutoscaler, wishes: tuple[tuple[float, int], ...], now: float, tasks: int) -> int:
    """Out to the lowest wish of its window, in to the highest of its own."""
    lowest = min(wish for at, wish in wishes if now - at <= policy.out_window)
    highest = max(wish for at, wish in wishes if now - at <= policy.in_window)
    return max(lowest, min(tasks, highest)) if lowest > tasks else min(tasks, highest)


def _limited(
    policy: PodAutoscaler, changes: tuple[tuple[float, int], ...], now: float, tasks: int, wanted: int
) -> int:
    """No more than the policy allows in a period, counted from how many there were when it began."""
    if wanted > tasks:
        added = sum(change for at, change in changes if change > 0 and now - at < policy.out_period)
        start = tasks - added
        return min(wanted, max(start + policy.out_pods, math.ceil(start * (1 + policy.out_share))))
    if wanted < tasks and policy.in_pods is not None:
        removed = sum(-change for at, change in changes if change < 0 and now - at < policy.in_period)
        return max(wanted, tasks + removed - policy.in_pods)
    return wanted


def _all(points: Sequence[float], count: int, holds: Callable[[float], bool]) -> bool:
    return len(points) >= count and all(holds(point) for point in points[-count:])

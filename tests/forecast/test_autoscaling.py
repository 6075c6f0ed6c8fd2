"""Every autoscaler rule, as a table: what it sees minute by minute, and what it must do.

Sources: AWS, Application Auto Scaling user guide ("Target tracking scaling policies", "Step scaling policies",
"Scheduled scaling", "Predictive scaling"); Kubernetes, "Horizontal Pod Autoscaling"; KEDA, "Scaling Deployments".
"""

from __future__ import annotations

import pytest

from rung.forecast.autoscaling import (
    Limits,
    Memory,
    PodAutoscaler,
    Policy,
    Predictive,
    QueueLength,
    ScheduledLimits,
    Step,
    StepScaling,
    TargetTracking,
    decide,
    limits_at,
    pod_metric,
    predicted,
)

CPU = TargetTracking(target=0.6)
LIMITS = Limits(least=1, most=20)


def run(
    policy: Policy, metrics: list[float | None], *, tasks: int = 2, every: float = 60.0, limits: Limits = LIMITS
) -> list[int]:
    """The number of tasks after each point; each change takes effect at once."""
    memory, found = Memory(), []
    for number, metric in enumerate(metrics):
        tasks, memory = decide(policy, memory, now=number * every, metric=metric, tasks=tasks, limits=limits)
        found.append(tasks)
    return found


def test_out_after_three_minutes_above_the_target_and_not_before() -> None:
    assert run(CPU, [0.9, 0.9]) == [2, 2]
    assert run(CPU, [0.9, 0.9, 0.9]) == [2, 2, 3]


def test_one_quiet_minute_begins_the_count_again() -> None:
    assert run(CPU, [0.9, 0.9, 0.5, 0.9, 0.9, 0.9]) == [2, 2, 2, 2, 2, 3]


def test_out_in_proportion_and_no_further_than_cpu_can_show() -> None:
    """CPU saturates at 100 %: a step is at most 1/0.6, however large the spike."""
    assert run(CPU, [1.0] * 3, tasks=6)[-1] == 10


def test_in_after_fifteen_minutes_below_nine_tenths() -> None:
    assert run(CPU, [0.3] * 14, tasks=10)[-1] == 10
    assert run(CPU, [0.3] * 15, tasks=10)[-1] == 5


def test_just_below_the_target_is_no_reason_to_scale_in() -> None:
    assert set(run(CPU, [0.55] * 40, tasks=10)) == {10}


def test_scaling_in_waits_for_its_cooldown() -> None:
    """Fifteen points, then fifteen fresh ones: the cooldown of five minutes is inside of them."""
    slow = TargetTracking(target=0.6, in_cooldown=1_800)
    assert run(slow, [0.3] * 15 + [0.3] * 15, tasks=16)[-1] == 8
    assert run(slow, [0.3] * 15 + [0.3] * 30, tasks=16)[-1] == 4


def test_capacity_that_was_just_added_counts() -> None:
    """Within the cooldown of two minutes, the next wish is counted from the capacity before the first step."""
    slow = TargetTracking(target=0.6, out_cooldown=120)
    assert run(slow, [0.9] * 4, tasks=4) == [4, 4, 6, 6]
    assert run(slow, [0.9, 0.9, 0.9, 1.0], tasks=4) == [4, 4, 6, 7]


def test_a_scale_out_happens_at_once_during_a_cooldown_for_scaling_in() -> None:
    slow = TargetTracking(target=0.6, in_cooldown=3_600)
    assert run(slow, [0.3] * 15 + [0.9] * 3, tasks=10)[-1] == 8


def test_missing_data_never_scales_in_and_breaks_the_row() -> None:
    assert run(CPU, [0.3] * 14 + [None] + [0.3] * 14, tasks=10)[-1] == 10
    assert run(CPU, [0.9, 0.9, None, 0.9, 0.9])[-1] == 2


def test_limits_hold_from_both_sides() -> None:
    assert run(CPU, [1.0] * 30, limits=Limits(least=1, most=4))[-1] == 4
    assert run(CPU, [0.0] * 60, tasks=8, limits=Limits(least=3, most=8))[-1] == 3


STEPS = StepScaling(threshold=100, steps=(Step(above=0, change=1), Step(above=100, change=3)), cooldown=300)


def test_a_step_depends_on_how_far_beyond_the_threshold_it_is() -> None:
    assert run(STEPS, [99.0, 100.0]) == [2, 3]
    assert run(STEPS, [200.0]) == [5]


def test_three_after_one_adds_two_within_the_cooldown() -> None:
    assert run(STEPS, [150.0, 250.0]) == [3, 5]
    assert run(STEPS, [150.0, 150.0]) == [3, 3]


def test_steps_may_take_away() -> None:
    down = StepScaling(threshold=-1, steps=(Step(above=0, change=-1),), cooldown=120)
    assert run(down, [0.0, 0.0, 0.0], tasks=5) == [4, 4, 3]


PODS = PodAutoscaler(target=0.7)


@pytest.mark.parametrize(("metric", "pods"), [(0.70, 10), (0.76, 10), (0.64, 10), (0.78, 12), (1.4, 20)])
def test_pods_follow_the_ratio_and_nothing_within_a_tenth(metric: float, pods: int) -> None:
    assert run(PODS, [metric], tasks=10, every=15)[-1] == pods


def test_pods_double_or_add_four_in_a_period() -> None:
    assert run(PODS, [7.0], tasks=2, every=15) == [6]
    assert run(PODS, [7.0, 7.0], tasks=6, every=15, limits=Limits(least=1, most=100)) == [12, 24]


def test_pods_go_to_the_highest_wish_of_five_minutes() -> None:
    quiet = [0.1] * 20
    assert run(PODS, [0.7, *quiet], tasks=10, every=15)[19] == 10
    assert run(PODS, [0.7, *quiet, 0.1], tasks=10, every=15)[-1] == 2


def test_the_sources_own_pods_add_two_a_minute_after_half_a_minute() -> None:
    """+2 in 60 s after 30 s, -1 in 60 s behind 5 minutes."""
    theirs = PodAutoscaler(
        target=0.7, out_pods=2, out_share=0.0, out_period=60, out_window=30, in_pods=1, in_period=60
    )
    grown = run(theirs, [0.7, 0.7, 0.7, *[1.4] * 8], tasks=4, every=15)
    assert grown[:5] == [4] * 5
    assert grown[5] == 6
    assert max(grown[5:9]) == 6
    assert run(theirs, [0.1] * 30, tasks=8, every=15)[-1] >= 5


def test_scheduled_limits_are_those_of_the_last_action() -> None:
    day, night = Limits(least=4, most=20), Limits(least=1, most=4)
    actions = (ScheduledLimits(hour=7, limits=day), ScheduledLimits(hour=22, limits=night))
    found = [limits_at(hour, LIMITS, actions) for hour in (6, 7, 21.9, 22)]
    assert found == [night, day, day, night]
    assert limits_at(12, LIMITS, ()) == LIMITS


KEDA = QueueLength(queue_length=5)
FROM_NONE = Limits(least=0, most=100)


def test_keda_wakes_from_none_when_it_looks_the_next_time() -> None:
    """Polling matters between none and one alone: it looks at 0 s and 30 s, whatever comes between."""
    assert run(KEDA, [0.0, 40.0, 40.0], tasks=0, every=15, limits=FROM_NONE) == [0, 0, 1]


def test_from_one_pod_on_the_length_of_the_queue_decides() -> None:
    """40 messages at 5 for each pod: eight, by +4 or twice in 15 seconds."""
    assert run(KEDA, [40.0] * 4, tasks=1, every=15, limits=FROM_NONE) == [5, 8, 8, 8]
    assert run(KEDA, [41.0], tasks=8, every=15, limits=FROM_NONE) == [8], "within a tenth"


def test_keda_goes_to_none_after_its_cooldown_and_the_pods_rule_before() -> None:
    found = run(KEDA, [20.0, *[0.0] * 25], tasks=4, every=15, limits=FROM_NONE)
    assert found[19] == 4, "the highest wish of five minutes"
    assert found[20] == 0
    assert found[-1] == 0
    short = QueueLength(queue_length=5, cooldown=60)
    assert run(short, [20.0, *[0.0] * 5], tasks=4, every=15, limits=FROM_NONE)[:5] == [4, 4, 4, 4, 0]


def test_with_one_pod_at_least_there_is_no_cooldown() -> None:
    found = run(KEDA, [5.0, *[0.0] * 25], tasks=1, every=15, limits=Limits(least=1, most=9))
    assert set(found) == {1}


@pytest.mark.parametrize(
    ("used", "others", "seen"),
    [
        ([0.9, 0.9], {}, 0.9),
        ([0.72, 0.7], {}, None),  # within a tenth of the target
        ([1.4, 1.4], {"unready": 2}, None),  # 0.7 with the two that start: wait for them
        ([1.4, 1.4], {"unready": 1}, 2.8 / 3),
        ([1.4, 1.4], {"missing": 2}, None),
        ([0.1, 0.1], {"missing": 2}, 0.4),  # as if those without a metric were at their target
        ([0.1, 0.1], {"unready": 2}, 0.1),
        ([], {"missing": 3}, None),
    ],
)
def test_pods_without_a_metric_count_against_every_change(
    used: list[float], others: dict[str, int], seen: float | None
) -> None:
    assert pod_metric(used, target=0.7, **others) == (None if seen is None else pytest.approx(seen))


def test_predictive_capacity_is_there_five_minutes_before_the_hour() -> None:
    """An hour that needs 6 vCPU, after one that needs 2: tasks of one vCPU at 60 %."""
    work = [2.0] * 10 + [6.0] + [2.0] * 13
    policy = Predictive(target=0.6)
    found = [predicted(policy, work, hour * 3_600 + minute * 60, 1.0) for hour, minute in
             ((9, 54), (9, 55), (10, 30), (10, 56), (11, 1))]  # fmt: skip
    assert found == [4, 10, 10, 10, 4]


def test_backlog_per_task_is_tracked_like_any_other_target() -> None:
    """60 messages for each task are acceptable: 150 for three minutes make 2.5 times the tasks."""
    backlog = TargetTracking(target=60)
    assert run(backlog, [150.0] * 3, tasks=2)[-1] == 5
    assert run(backlog, [0.0] * 15, tasks=8)[-1] == 1

"""The scaling policy: within bounds, out at once, in slowly, no flapping, more backlog never fewer tasks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rung.model.scaling import BacklogScaling, Observation, ScalingState, desired, needed


@st.composite
def policies(draw: st.DrawFn) -> BacklogScaling:
    least = draw(st.integers(0, 5))
    return BacklogScaling(
        min_tasks=least,
        max_tasks=max(1, least + draw(st.integers(0, 20))),
        acceptable_latency_seconds=draw(st.floats(0.1, 600)),
        processing_time_seconds=draw(st.floats(0.001, 60)),
        concurrency=draw(st.integers(1, 50)),
        scale_out_cooldown_seconds=draw(st.floats(0, 120)),
        scale_in_cooldown_seconds=draw(st.floats(0, 600)),
    )


observations = st.builds(Observation, backlog=st.integers(0, 10**7), oldest_age_seconds=st.floats(0, 10**5))
states = st.builds(
    ScalingState,
    tasks=st.integers(0, 40),
    scaled_out_at=st.none() | st.floats(0, 1_000),
    busy_at=st.none() | st.floats(0, 1_000),
)


@given(policies(), observations, states, st.floats(1_000, 10_000))
def test_the_result_is_within_bounds_and_is_what_the_state_remembers(
    policy: BacklogScaling, observation: Observation, state: ScalingState, now: float
) -> None:
    tasks, after = desired(policy, observation, state, now)
    assert policy.min_tasks <= tasks <= policy.max_tasks
    assert after.tasks == tasks


@given(policies(), observations, states, st.integers(0, 10**6), st.floats(0, 1_000), st.floats(1_000, 10_000))
def test_more_backlog_and_more_age_never_give_fewer_tasks(
    policy: BacklogScaling, less: Observation, state: ScalingState, more: int, older: float, now: float
) -> None:
    greater = Observation(backlog=less.backlog + more, oldest_age_seconds=less.oldest_age_seconds + older)
    assert needed(policy, greater, state.tasks) >= needed(policy, less, state.tasks)
    assert desired(policy, greater, state, now)[0] >= desired(policy, less, state, now)[0]


@given(policies(), st.lists(st.tuples(observations, st.floats(0.1, 100)), max_size=60))
def test_tasks_go_away_one_by_one_and_a_cooldown_apart(
    policy: BacklogScaling, history: list[tuple[Observation, float]]
) -> None:
    state, now, changed_at = ScalingState(tasks=policy.min_tasks), 0.0, 0.0
    for observation, pause in history:
        now += pause
        before = state.tasks
        tasks, state = desired(policy, observation, state, now)
        if tasks < before:
            assert tasks == before - 1
            assert now - changed_at >= policy.scale_in_cooldown_seconds
        if tasks != before:
            changed_at = now


@given(policies(), observations)
def test_a_steady_queue_settles_and_stays(policy: BacklogScaling, observation: Observation) -> None:
    """No flapping: with the same observation again and again, the count moves one way and then not at all."""
    observation = Observation(backlog=observation.backlog)
    state, counts = ScalingState(tasks=policy.max_tasks), []
    for step in range(200):
        tasks, state = desired(policy, observation, state, step * 700.0)
        counts.append(tasks)
    assert counts == sorted(counts, reverse=True)
    assert counts[-1] == needed(policy, observation, counts[-1])


def test_a_spike_is_answered_at_once_and_as_far_as_needed() -> None:
    policy = BacklogScaling(
        min_tasks=1, max_tasks=10, acceptable_latency_seconds=30, processing_time_seconds=1, concurrency=1
    )
    tasks, state = desired(policy, Observation(backlog=200), ScalingState(tasks=1), now=0)
    assert tasks == 7  # 200 messages at 30 for each task
    assert desired(policy, Observation(backlog=300), state, now=59)[0] == 7  # the cooldown of 60 s
    assert desired(policy, Observation(backlog=300), state, now=60)[0] == 10


def test_a_small_backlog_that_is_too_old_adds_a_task() -> None:
    policy = BacklogScaling(max_tasks=4, acceptable_latency_seconds=5, processing_time_seconds=0.1)
    late = Observation(backlog=3, oldest_age_seconds=9)
    assert desired(policy, late, ScalingState(tasks=2), now=0)[0] == 3


def test_from_no_task_the_first_message_starts_one() -> None:
    policy = BacklogScaling(min_tasks=0, max_tasks=2)
    assert desired(policy, Observation(backlog=1), ScalingState(tasks=0), now=0)[0] == 1


@pytest.mark.parametrize(
    "wrong", [{"min_tasks": 3, "max_tasks": 2}, {"concurrency": 0}, {"scale_in_cooldown_seconds": -1.0}]
)
def test_a_policy_that_makes_no_sense_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"must|range"):
        BacklogScaling(**wrong)  # type: ignore[arg-type]

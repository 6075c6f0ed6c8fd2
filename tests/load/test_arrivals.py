"""Arrivals follow the profile they are given, are Poisson, and repeat for the same seed."""

from __future__ import annotations

import math
import random
from itertools import islice, pairwise, takewhile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rung.load.arrivals import CONSTANT, Profile, Segment, daily, poisson, ramp, read_trace, replay, spikes
from rung.load.plan import Plan, Target, parse_spike, segments_of

FACTORS = st.floats(0, 20, allow_subnormal=False).map(lambda factor: round(factor, 3))


def arrivals(rate: float, profile: Profile, seconds: float, seed: int = 1) -> list[float]:
    return list(takewhile(lambda moment: moment < seconds, poisson(rate, profile, random.Random(seed))))


def test_gaps_of_a_constant_profile_are_exponential() -> None:
    moments = list(islice(poisson(100.0, CONSTANT, random.Random(1)), 50_000))
    gaps = sorted(after - before for before, after in pairwise([0.0, *moments]))
    # Kolmogorov-Smirnov distance to 1 - exp(-100 t); 1.63 / sqrt(n) is the 1 % critical value.
    distance = max(abs((index + 1) / len(gaps) - (1 - math.exp(-100 * gap))) for index, gap in enumerate(gaps))
    assert distance < 1.63 / math.sqrt(len(gaps))


def test_counts_per_second_have_the_variance_of_a_poisson_process() -> None:
    counts = [0] * 2_000
    for moment in arrivals(50.0, CONSTANT, 2_000.0):
        counts[int(moment)] += 1
    mean = sum(counts) / len(counts)
    variance = sum((count - mean) ** 2 for count in counts) / len(counts)
    assert mean == pytest.approx(50, rel=0.02)
    assert variance / mean == pytest.approx(1, abs=0.12)


def test_a_spike_brings_ten_times_the_arrivals_and_then_ends() -> None:
    moments = arrivals(100.0, spikes((10, 60, 60)), 180.0)
    before, during, after = (sum(1 for m in moments if low <= m < low + 60) for low in (0, 60, 120))
    assert before == pytest.approx(6_000, rel=0.05)
    assert during == pytest.approx(60_000, rel=0.02)
    assert after == pytest.approx(6_000, rel=0.05)


def test_a_ramp_brings_arrivals_in_proportion_to_time() -> None:
    moments = arrivals(1_000.0, ramp(0, 1, 100), 100.0)
    assert len(moments) == pytest.approx(50_000, rel=0.02)
    assert sum(1 for moment in moments if moment < 50) / len(moments) == pytest.approx(0.25, abs=0.01)


def test_overlapping_spikes_are_refused() -> None:
    with pytest.raises(ValueError, match="overlap at second 20"):
        spikes((2, 10, 30), (3, 20, 5))


def test_the_day_peaks_at_factor_one_and_sleeps_at_night() -> None:
    day = daily(240.0)
    assert day.peak == 1.0
    assert day.factor(200.0) == 1.0  # 20:00
    assert day.factor(40.0) < 0.2  # 04:00
    assert day.mean(0, 240) == pytest.approx(sum(day.factor(second) for second in range(240)) / 240, rel=0.01)


@given(
    st.lists(
        st.tuples(st.floats(0.1, 100), FACTORS, FACTORS).filter(lambda s: s[1] + s[2] > 0.01),
        min_size=1, max_size=5),
    st.floats(0.0, 1.0),
)  # fmt: skip
def test_a_segment_is_inverted_exactly(triples: list[tuple[float, float, float]], share: float) -> None:
    for seconds, start, end in triples:
        segment = Segment(seconds=seconds, start=start, end=end)
        area = share * segment.area
        assert Profile((segment,)).area(segment.inverse(area)) == pytest.approx(area, rel=1e-6, abs=1e-6)


@given(st.integers(0, 2**32), st.floats(1, 500))
def test_arrivals_ascend_and_repeat_for_the_same_seed(seed: int, rate: float) -> None:
    profile = spikes((5, 1, 1))
    first = arrivals(rate, profile, 3.0, seed)
    assert first == arrivals(rate, profile, 3.0, seed)
    assert first == sorted(first)


def plan(**changes: object) -> Plan:
    values = {"target": Target.of("http://127.0.0.1:1"), "journeys": "a:b", "folder": ".", "users": 10,
              "rate": 200.0, "duration_seconds": 10.0} | changes  # fmt: skip
    return Plan(**values)  # type: ignore[arg-type]


def test_processes_share_the_rate_and_draw_differently() -> None:
    parts = [list(plan(processes=2).arrivals(process)) for process in (0, 1)]
    measured = [moment for part in parts for moment in part if moment >= 0]
    assert len(measured) == pytest.approx(2_000, rel=0.1)
    assert parts[0] != parts[1]
    assert plan(processes=3).users_of(0).stop == plan(processes=3).users_of(1).start
    assert sum(len(plan(processes=3).users_of(process)) for process in range(3)) == 10


def test_the_warm_up_comes_before_zero_and_ramps_up() -> None:
    moments = [moment for moment in plan(rate=1_000.0).arrivals(0) if moment < 0]
    assert min(moments) > -10
    assert len([m for m in moments if m < -7.5]) < len([m for m in moments if m > -2.5]) * 0.5


def test_a_plan_says_how_many_requests_it_means_to_send() -> None:
    spiked = plan(segments=segments_of(spikes((10, 2, 3))))
    assert spiked.expected_requests == pytest.approx(200 * (7 + 30))
    assert len([m for m in spiked.arrivals(0) if m >= 0]) == pytest.approx(spiked.expected_requests, rel=0.05)


def test_a_recorded_trace_is_replayed_and_shared_out(tmp_path: Path) -> None:
    trace = tmp_path / "recorded.csv"
    trace.write_text("time,path\n2026-01-31T12:00:02,/a\n2026-01-31T12:00:00,/b\n2026-01-31T12:00:10,/c\n")
    offsets = read_trace(trace, speed=2.0)
    assert offsets == [0.0, 1.0, 5.0]
    assert list(replay(offsets, share=1, of=2)) == [1.0]
    replayed = plan(trace=tuple(offsets), duration_seconds=4.0, warmup_seconds=0.0)
    assert list(replayed.arrivals(0)) == [0.0, 1.0]
    assert replayed.expected_requests == 2


def test_a_trace_with_a_line_that_is_no_time_names_the_line(tmp_path: Path) -> None:
    trace = tmp_path / "recorded.csv"
    trace.write_text("1.5\nnoon\n")
    with pytest.raises(ValueError, match=r"recorded.csv:2: not a time: 'noon'"):
        read_trace(trace)


def test_spikes_are_read_as_written() -> None:
    assert parse_spike("10x@60s+1m") == (10.0, 60.0, 60.0)
    with pytest.raises(ValueError, match="10x@60s"):
        parse_spike("ten times")


@pytest.mark.parametrize(
    ("url", "loopback"),
    [("http://127.0.0.1:8000", True), ("localhost:80", True), ("http://[::1]:8000", True), ("127.8.9.1", True),
     ("http://10.0.0.1", False), ("https://example.com", False), ("http://127.0.0.1.example.com", False)],
)  # fmt: skip
def test_only_this_machine_counts_as_loopback(url: str, loopback: bool) -> None:
    assert Target.of(url).is_loopback is loopback

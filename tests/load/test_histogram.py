"""The histogram agrees with HdrHistogram, stays within 0.1 %, and merges without loss."""

from __future__ import annotations

import random

import pytest
from hdrh.histogram import HdrHistogram
from hypothesis import given
from hypothesis import strategies as st

from rung.load.histogram import Histogram, bucket, highest_of
from rung.load.recording import GroupRecord, Recording, merge


@given(st.integers(0, 3_600_000_000))
def test_a_bucket_is_never_off_by_more_than_a_thousandth(value: int) -> None:
    low = bucket(value)
    assert low <= value <= highest_of(low)
    assert highest_of(low) - low <= low / 1_000


def test_percentiles_agree_with_the_original() -> None:
    random_ = random.Random(3)
    ours, original = Histogram(), HdrHistogram(1, 3_600_000_000, 3)
    for _ in range(20_000):
        value = int(random_.lognormvariate(8, 1.5)) + 1
        ours.record(value)
        original.record_value(value)
    for percent in (1, 25, 50, 90, 99, 99.9, 100):
        assert ours.percentile_us(percent) == original.get_value_at_percentile(percent)
    assert ours.max_us >= original.get_max_value()
    assert ours.mean_us == pytest.approx(original.get_mean_value(), rel=0.002)


def test_the_export_is_read_by_hdrhistogram() -> None:
    ours = Histogram()
    for value in (100, 2_500, 1_000_000, 1_000_000):
        ours.record(value)
    decoded = HdrHistogram.decode(ours.encode())
    assert decoded.get_total_count() == 4
    assert decoded.get_value_at_percentile(50) == pytest.approx(2_500, rel=0.001)
    assert decoded.get_value_at_percentile(100) == pytest.approx(1_000_000, rel=0.001)


@given(st.lists(st.integers(0, 10_000_000), max_size=200), st.lists(st.integers(0, 10_000_000), max_size=200))
def test_merging_parts_is_recording_everything_in_one(left: list[int], right: list[int]) -> None:
    parts, whole = [Histogram(), Histogram()], Histogram()
    for part, values in zip(parts, (left, right), strict=True):
        for value in values:
            part.record(value)
            whole.record(value)
    assert Histogram.merged(parts).counts == whole.counts


def test_an_empty_histogram_answers_zero() -> None:
    assert (Histogram().percentile_us(99), Histogram().mean_us, Histogram().max_us) == (0, 0.0, 0)


def test_above_counts_what_missed_an_aim() -> None:
    histogram = Histogram({1_000: 5, 200_000: 3, 900_000: 1})
    assert histogram.above(150_000) == 4


def test_recordings_of_processes_add_up() -> None:
    def of(value: int, memory: int) -> Recording:
        group = GroupRecord(name="a", method="GET", route="/a", latency={0: {value: 2}},
                            service={value: 2}, statuses={200: 2}, errors={"reset": 1}, offered=3, completed=3,
                            succeeded=2)  # fmt: skip
        recording = Recording(groups=[group], lag={5: 1}, connections_opened=4, peak_memory_bytes=memory)
        recording.second(0).offered = 3
        recording.second(0).lag_us = value
        return recording

    whole = merge([of(10, 100), of(20, 200)])
    group = whole.groups[0]
    assert group.latency == {0: {10: 2, 20: 2}}
    assert (group.offered, group.succeeded, group.failed(), group.statuses) == (6, 4, 2, {200: 4})
    assert (whole.seconds[0].offered, whole.seconds[0].lag_us) == (6, 20)
    assert (whole.connections_opened, whole.peak_memory_bytes) == (8, 300)

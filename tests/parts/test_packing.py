"""Machines for pods: what a machine has left, and that packing loses nothing and wastes no whole machine."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rung.parts.packing import MACHINES, Need, nodes_for, reserved_cpu, room_of

PODS = st.lists(
    st.tuples(
        st.builds(Need, cpu=st.sampled_from([0.1, 0.25, 0.5, 1.0]), memory_mib=st.sampled_from([64, 512, 1_024])),
        st.integers(0, 40),
    ),
    max_size=6,
)


@pytest.mark.parametrize(("vcpus", "kept"), [(1, 0.06), (2, 0.07), (4, 0.08), (8, 0.09), (16, 0.11)])
def test_the_kubelet_keeps_what_the_ami_says(vcpus: int, kept: float) -> None:
    """awslabs/amazon-eks-ami: 6 %, 1 %, 0.5 %, 0.25 % of the cores."""
    assert reserved_cpu(vcpus) == pytest.approx(kept)


def test_a_machine_by_hand() -> None:
    """m7g.large: 8,192 MiB less 3 %, less 255 + 11 x 29 and 100; 2 vCPU less 0.07; two daemons."""
    room = room_of("m7g.large", [Need(cpu=0.1, memory_mib=100), Need(cpu=0.05, memory_mib=50)])
    assert room.cpu == pytest.approx(1.78)
    assert room.memory_mib == pytest.approx(8_192 * 0.97 - 255 - 319 - 100 - 150)
    assert room.pods == 27


def test_the_third_dimension_is_the_number_of_pods() -> None:
    room = room_of("m7g.large")
    assert nodes_for([(Need(cpu=0.001, memory_mib=1), room.pods * 2 + 1)], room) == 3


def test_small_pods_fill_what_large_ones_leave() -> None:
    room = Need(cpu=2.0, memory_mib=8_000, pods=20)
    assert nodes_for([(Need(cpu=1.5, memory_mib=100), 2), (Need(cpu=0.5, memory_mib=100), 2)], room) == 2


def test_nothing_needs_no_machine() -> None:
    assert nodes_for([], room_of("m7g.large")) == 0
    assert nodes_for([(Need(cpu=1.0, memory_mib=1), 0)], room_of("m7g.large")) == 0


@settings(max_examples=150, deadline=None)
@given(PODS, st.sampled_from(sorted(MACHINES)))
def test_packing_is_between_its_bounds(pods: list[tuple[Need, int]], machine: str) -> None:
    """No fewer machines than the sums ask for; and no two machines that are half empty (first fit)."""
    room = room_of(machine)
    count = nodes_for(pods, room)
    cpu = sum(need.cpu * number for need, number in pods)
    memory = sum(need.memory_mib * number for need, number in pods)
    number = sum(number for _, number in pods)
    assert count >= math.ceil(max(cpu / room.cpu, memory / room.memory_mib, number / room.pods) - 1e-9)
    assert count <= 2 * (cpu / room.cpu + memory / room.memory_mib + number / room.pods) + 1


@settings(max_examples=100, deadline=None)
@given(PODS, st.data())
def test_one_more_copy_never_frees_two_machines(pods: list[tuple[Need, int]], data: st.DataObject) -> None:
    """First fit is no exact packing: in one of ten thousand cases one more pod falls into a better order."""
    if not pods:
        return
    chosen = data.draw(st.integers(0, len(pods) - 1))
    more = [(need, number + (index == chosen)) for index, (need, number) in enumerate(pods)]
    room = room_of("m7g.xlarge")
    assert nodes_for(more, room) >= nodes_for(pods, room) - 1

"""How many nodes a set of pods needs: what a machine has left for them, and first-fit packing. Pure.

What the kubelet keeps back follows the AMI of EKS (awslabs/amazon-eks-ami, `files/bootstrap.sh`): 255 MiB and
11 MiB for each pod that it may hold, 6 % of the first core, 1 % of the second, 0.5 % of the next two and 0.25 % of
the rest; 100 MiB before it evicts.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

#: Machines for nodes: vCPU, MiB, and the pods that their network interfaces have addresses for. Source: AWS,
#: "Instance types" and awslabs/amazon-eks-ami, `eni-max-pods.txt`.
MACHINES: dict[str, tuple[int, int, int]] = {
    "t4g.medium": (2, 4_096, 17), "t4g.large": (2, 8_192, 35), "t4g.xlarge": (4, 16_384, 58),
    "c7g.large": (2, 4_096, 29), "c7g.xlarge": (4, 8_192, 58), "c7g.2xlarge": (8, 16_384, 58),
    "m7g.large": (2, 8_192, 29), "m7g.xlarge": (4, 16_384, 58), "m7g.2xlarge": (8, 32_768, 58),
    "r7g.large": (2, 16_384, 29), "r7g.xlarge": (4, 32_768, 58), "r7g.2xlarge": (8, 65_536, 58),
    "t3.medium": (2, 4_096, 17), "t3.large": (2, 8_192, 35), "t3.xlarge": (4, 16_384, 58),
    "m7i.large": (2, 8_192, 29), "m7i.xlarge": (4, 16_384, 58), "m7i.2xlarge": (8, 32_768, 58),
}  # fmt: skip
_RESERVED_CPU = ((1, 0.06), (1, 0.01), (2, 0.005))
_RESERVED_CPU_BEYOND = 0.0025
_RESERVED_MIB, _RESERVED_MIB_PER_POD, _EVICTION_MIB = 255, 11, 100
#: The kernel and the firmware of a machine keep about so much of its memory.
_SYSTEM_SHARE = 0.03


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """What a pod requests, or a node has: vCPU and MiB; `pods` that it counts as, or has room for."""

    cpu: float
    memory_mib: float
    pods: int = 1


def reserved_cpu(vcpus: int) -> float:
    """vCPU that the kubelet keeps back."""
    kept, left = 0.0, float(vcpus)
    for cores, share in _RESERVED_CPU:
        kept += min(left, cores) * share
        left = max(0.0, left - cores)
    return kept + left * _RESERVED_CPU_BEYOND


def room_of(instance_type: str, daemons: Iterable[Need] = ()) -> Need:
    """What one machine has for pods, after the kubelet and what runs on every node. Raises KeyError."""
    vcpus, memory, pods = MACHINES[instance_type]
    running = tuple(daemons)
    kept = _RESERVED_MIB + _RESERVED_MIB_PER_POD * pods + _EVICTION_MIB
    return Need(
        cpu=vcpus - reserved_cpu(vcpus) - sum(each.cpu for each in running),
        memory_mib=memory * (1 - _SYSTEM_SHARE) - kept - sum(each.memory_mib for each in running),
        pods=pods - len(running),
    )


def nodes_for(pods: Iterable[tuple[Need, int]], room: Need) -> int:
    """Nodes of `room` that hold so many of each pod: the largest first, each where it first fits.

    A pod that is larger than a node counts as one node of its own: the caller refuses it or takes larger machines.
    """
    return _nodes_for(tuple(pods), room)


@lru_cache(maxsize=2_048)
def _nodes_for(pods: tuple[tuple[Need, int], ...], room: Need) -> int:
    """Packed once: the hours of a day ask for the same pods again and again."""
    free: list[Need] = []
    wanted = sorted(pods, key=lambda each: (-max(_share(each[0], room)), -each[0].cpu, -each[0].memory_mib))
    for pod, count in wanted:
        left = _place(pod, count, free)
        each = max(1, _fitting(pod, room))
        while left > 0:
            placed = min(each, left)
            free.append(_less(room, pod, placed))
            left -= placed
    return len(free)


def _share(pod: Need, room: Need) -> tuple[float, float]:
    return pod.cpu / room.cpu, pod.memory_mib / room.memory_mib


def _place(pod: Need, count: int, free: list[Need]) -> int:
    """Fill what is free with copies of a pod; how many are left."""
    for index, room in enumerate(free):
        placed = min(count, _fitting(pod, room))
        if placed > 0:
            free[index] = _less(room, pod, placed)
            count -= placed
        if count <= 0:
            break
    return count


def _fitting(pod: Need, room: Need) -> int:
    limits = [room.pods // pod.pods]
    limits += [int(room.cpu / pod.cpu + 1e-9)] if pod.cpu > 0 else []
    limits += [int(room.memory_mib / pod.memory_mib + 1e-9)] if pod.memory_mib > 0 else []
    return max(0, min(limits))


def _less(room: Need, pod: Need, count: int) -> Need:
    return Need(
        cpu=room.cpu - pod.cpu * count, memory_mib=room.memory_mib - pod.memory_mib * count,
        pods=room.pods - pod.pods * count,
    )  # fmt: skip

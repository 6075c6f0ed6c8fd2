"""What the name of an instance type says: `t4g.small`, `db.r7g.large`, `cache.m7g.xlarge`."""

from __future__ import annotations

#: Of the families that rungs use (t, m, c, r of the generations 3 to 8). Source: AWS, "Instance types".
_VCPUS = {
    "nano": 2, "micro": 2, "small": 2, "medium": 2, "large": 2, "xlarge": 4, "2xlarge": 8, "4xlarge": 16,
    "8xlarge": 32, "12xlarge": 48, "16xlarge": 64,
}  # fmt: skip


def vcpus_of(instance_type: str) -> int:
    """vCPUs by size; `medium` has one outside of the burstable families. Raises KeyError for no size of AWS."""
    family, size = instance_type.split(".")[-2:]
    return 1 if size == "medium" and not family.startswith("t") else _VCPUS[size]

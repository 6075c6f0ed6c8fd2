"""CPU credits: what burstable machines cost when they work harder than their baseline. Pure.

T4g and T3 machines run in unlimited mode: over a day they earn their baseline, and what they use beyond is billed
by the vCPU-hour. Baselines by size: AWS, "Key concepts for burstable performance instances",
https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/burstable-credits-baseline-concepts.html
"""

from __future__ import annotations

from collections.abc import Iterator

from rung.parts.compute import Host, HostGroup
from rung.parts.data import PostgresInstance
from rung.parts.instances import vcpus_of
from rung.price.book import HOURS_PER_MONTH
from rung.price.charging import Charging, Line
from rung.price.usage import Usage

#: The share of each vCPU that is paid with the hour.
BASELINES = {
    "nano": 0.05, "micro": 0.10, "small": 0.20, "medium": 0.20, "large": 0.30, "xlarge": 0.40, "2xlarge": 0.40,
}  # fmt: skip
BURSTABLE = ("t3", "t4g")
#: A machine's system, proxy and agents, as a share of one vCPU.
SYSTEM_SHARE = 0.02


def machine_credits(part: Host | HostGroup, charging: Charging, hours: float) -> Iterator[Line]:
    """Credits of machines that run `hours` in a month. On a single machine the database works too."""
    usage = charging.usage
    each = usage.assumptions.cpu_ms
    if isinstance(part, Host):
        each += usage.assumptions.database_share * usage.assumptions.database_ms
    family, _, size = part.instance_type.partition(".")
    if family in BURSTABLE:
        beyond, because = _beyond(size, part.instance_type, usage, each, hours)
        key = ("ec2", "cpu-credit", family)
        yield charging.line(part.name, part.node, "CPU credits", key, beyond, because, depends="use")


def database_credits(part: PostgresInstance, charging: Charging) -> Iterator[Line]:
    """Credits of a database instance. A standby does the writes again and is not billed for them."""
    usage = charging.usage
    family, _, size = part.instance_class.removeprefix("db.").partition(".")
    if family in BURSTABLE:
        each = usage.assumptions.database_share * usage.assumptions.database_ms
        beyond, because = _beyond(size, part.instance_class, usage, each, HOURS_PER_MONTH)
        key = ("rds", "cpu-credit", family)
        yield charging.line(part.name, part.node, "CPU credits", key, beyond, because, depends="use")


def _beyond(size: str, instance: str, usage: Usage, each_ms: float, hours: float) -> tuple[float, str]:
    """vCPU-hours beyond the baseline: credits are saved up at night and used in the evening."""
    machine_hours = hours * vcpus_of(instance)
    busy = usage.requests.value * each_ms / 1_000 / 3_600 + hours * SYSTEM_SHARE
    beyond = max(0.0, min(busy, machine_hours) - BASELINES[size] * machine_hours)
    because = (
        f"{busy:,.0f} vCPU-hours of work, {each_ms:g} ms a request; {BASELINES[size]:.0%} of {machine_hours:,.0f} "
        f"are paid with the hour"
    )
    return beyond, because

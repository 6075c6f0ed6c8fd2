"""How much of the time a database that may pause is awake. Pure.

Aurora pauses after some minutes without a connection. Functions keep theirs until their environment is taken away,
so that it sleeps when nothing came for both spans together (T). Of requests that come by chance, r a second, a
span of T holds none with the probability exp(-r T); what runs by the clock more often than T lets it never sleep.
"""

from __future__ import annotations

import math

from rung.parts.compute import EcsJob, ScheduledTask
from rung.parts.data import AuroraCluster
from rung.parts.functions import LambdaFunction
from rung.price.charging import Charging
from rung.price.usage import SECONDS_PER_MONTH, Quantity


def awake(part: AuroraCluster, hours: Quantity, charging: Charging) -> Quantity:
    """The capacity of a month, less what a cluster sleeps through."""
    if part.pause_seconds is None or part.min_acu > 0:
        return hours
    share = awake_share(part, charging)
    because = f"{hours.because}; awake {share:.0%} of the time"
    return Quantity(value=hours.value * share, unit=hours.unit, because=because)


def awake_share(part: AuroraCluster, charging: Charging) -> float:
    """The share of a month, weighed by the hours of the day alike."""
    usage, given = charging.usage, charging.usage.assumptions
    span = (part.pause_seconds or 0) + given.function_idle_minutes * 60
    clocks = min(1.0, sum(span / each for each in _intervals(part, charging)))
    messages = sum(usage.messages_per_month(name) for name, _ in usage.messages) / SECONDS_PER_MONTH
    by_chance = [usage.rate_at(hour) * given.database_share + messages for hour in range(24)]
    asleep = sum(math.exp(-rate * span) for rate in by_chance) / len(by_chance)
    return 1 - asleep * (1 - clocks)


def _intervals(part: AuroraCluster, charging: Charging) -> list[float]:
    """Seconds between two runs of each schedule that connects to the cluster."""
    connected = {each.source for each in charging.design.connections if each.target == part.name}
    running = {each.name for kind in (LambdaFunction, EcsJob) for each in charging.design.of(kind)}
    clocks = charging.design.of(ScheduledTask)
    return [float(each.every_seconds) for each in clocks if each.job in connected & running]

"""Faults on the timeline of a forecast. Seconds are of the simulated day."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class LostTasks:
    """At `at`, this share of the tasks dies; their replacements take as long as any start."""

    at: float
    share: float = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Failover:
    """From `at` on, the database answers nobody for `seconds`: its failover, and pools that must notice it."""

    at: float
    seconds: float = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LostNode:
    """At `at`, `nodes` machines of the cluster die with their pods; a new machine and new pods replace them."""

    at: float
    nodes: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class LostZone:
    """At `at`, one availability zone of `zones` is gone: its share of the tasks, and the database fails over."""

    at: float
    zones: int = 3
    failover_seconds: float = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ColdCache:
    """At `at`, the cache is empty: every request reaches the database until it has filled itself again."""

    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SlowDependency:
    """From `at` on, for `seconds`, hosts elsewhere take `factor` times as long to answer."""

    at: float
    seconds: float = 600.0
    factor: float = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SlowDatabase:
    """From `at` on, for `seconds`, every query takes `factor` times as long: a missing index, a vacuum."""

    at: float
    seconds: float = 600.0
    factor: float = 5.0


Fault = LostTasks | LostNode | LostZone | Failover | ColdCache | SlowDatabase | SlowDependency

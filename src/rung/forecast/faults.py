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
class ColdCache:
    """From `at` on, for `seconds`, the cache holds nothing: every request reaches the database."""

    at: float
    seconds: float = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SlowDatabase:
    """From `at` on, for `seconds`, every query takes `factor` times as long: a missing index, a vacuum."""

    at: float
    seconds: float = 600.0
    factor: float = 5.0


Fault = LostTasks | Failover | ColdCache | SlowDatabase

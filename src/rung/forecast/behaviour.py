"""What a request costs where it passes, as far as a workload file cannot know it: assumed visibly, or measured.

`rung load` measures most of these; `rung forecast --assume NAME=VALUE` puts a measured value in place.
"""

from __future__ import annotations

from dataclasses import dataclass

from rung.model.assumed import assumption
from rung.model.day import EVENING_DAY


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """Each field's metadata holds its unit and why its default. `cv` is the coefficient of variation."""

    day: tuple[float, ...] = assumption(
        EVENING_DAY, unit="share of the busy hour", why="24 hours, busiest in the evening"
    )
    cpu_ms: float = assumption(4.0, unit="ms", why="CPU of one request in the service")
    cpu_cv: float = assumption(1.0, unit="", why="some requests are much dearer than most")
    database_share: float = assumption(0.3, unit="share of requests", why="what the cache does not answer")
    database_ms: float = assumption(1.0, unit="ms", why="CPU of the queries of one request")
    database_cv: float = assumption(1.5, unit="", why="a report among lookups by key")
    network_ms: float = assumption(2.0, unit="ms", why="load balancer and zones, there and back")
    timeout_seconds: float = assumption(10.0, unit="s", why="visitors leave; the runtime's deadline is longer")
    shed_seconds: float = assumption(1.0, unit="s", why="the runtime refuses what would wait longer")
    task_start_seconds: float = assumption(
        45.0, unit="s", why="Fargate: place, pull the image, start, pass health checks"
    )
    vcpu_per_acu: float = assumption(
        0.25, unit="vCPU", why="an Aurora capacity unit: about 2 GiB and its share of CPU"
    )
    message_ms: float = assumption(50.0, unit="ms", why="one message, where the worker does not say")

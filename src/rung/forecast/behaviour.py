"""What a forecast needs to know beside what one request costs: assumed visibly, or measured.

`rung load` measures most of it; `rung forecast --assume NAME=VALUE` puts any value in place.
"""

from __future__ import annotations

from dataclasses import dataclass

from rung.model import measured
from rung.model.assumed import assumption


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour(measured.Behaviour):
    """Each field's metadata holds its unit and why its default. `cv` is the coefficient of variation."""

    cpu_cv: float = assumption(1.0, unit="", why="some requests are much dearer than most")
    database_cv: float = assumption(1.5, unit="", why="a report among lookups by key")
    network_ms: float = assumption(2.0, unit="ms", why="load balancer and zones, there and back")
    timeout_seconds: float = assumption(10.0, unit="s", why="visitors leave; the runtime's deadline is longer")
    shed_seconds: float = assumption(1.0, unit="s", why="the runtime refuses what would wait longer")
    task_start_seconds: float = assumption(
        45.0, unit="s", why="Fargate: place, pull the image, start, pass health checks"
    )
    message_ms: float = assumption(50.0, unit="ms", why="one message, where the worker does not say")

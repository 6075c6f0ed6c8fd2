"""What a request costs where it passes, as far as a workload file cannot know it: assumed visibly, or measured.

`rung load` measures most of these; `rung forecast --assume NAME=VALUE` puts a measured value in place.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields

from rung.model.day import EVENING_DAY


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """Each field's metadata holds its unit and why its default. `cv` is the coefficient of variation."""

    day: tuple[float, ...] = field(
        default=EVENING_DAY, metadata={"unit": "share of the busy hour", "why": "24 hours, busiest in the evening"}
    )
    cpu_ms: float = field(default=4.0, metadata={"unit": "ms", "why": "CPU of one request in the service"})
    cpu_cv: float = field(default=1.0, metadata={"unit": "", "why": "some requests are much dearer than most"})
    database_share: float = field(
        default=0.3, metadata={"unit": "share of requests", "why": "what the cache does not answer"}
    )
    database_ms: float = field(default=1.0, metadata={"unit": "ms", "why": "CPU of the queries of one request"})
    database_cv: float = field(default=1.5, metadata={"unit": "", "why": "a report among lookups by key"})
    network_ms: float = field(
        default=2.0, metadata={"unit": "ms", "why": "load balancer and zones, there and back"}
    )
    timeout_seconds: float = field(
        default=10.0, metadata={"unit": "s", "why": "visitors leave; the runtime's deadline is longer"}
    )
    shed_seconds: float = field(
        default=1.0, metadata={"unit": "s", "why": "the runtime refuses what would wait longer"}
    )
    task_start_seconds: float = field(
        default=45.0, metadata={"unit": "s", "why": "Fargate: place, pull the image, start, pass health checks"}
    )
    vcpu_per_acu: float = field(
        default=0.25, metadata={"unit": "vCPU", "why": "an Aurora capacity unit: about 2 GiB and its share of CPU"}
    )
    message_ms: float = field(
        default=50.0, metadata={"unit": "ms", "why": "one message, where the worker does not say"}
    )


def unit_of(name: str) -> str:
    """The unit of a field."""
    return next(str(each.metadata["unit"]) for each in fields(Behaviour) if each.name == name)


def reason_of(name: str) -> str:
    """Why its default is what it is."""
    return next(str(each.metadata["why"]) for each in fields(Behaviour) if each.name == name)

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

    turn_ms: float = assumption(
        0.0, unit="ms", why="of cpu_ms: what a turn of an event loop costs, for all that wait together; measure it"
    )
    cpu_cv: float = assumption(1.0, unit="", why="some requests are much dearer than most")
    database_cv: float = assumption(1.5, unit="", why="a report among lookups by key")
    network_ms: float = assumption(2.0, unit="ms", why="load balancer and zones, there and back")
    timeout_seconds: float = assumption(10.0, unit="s", why="visitors leave; the runtime's deadline is longer")
    shed_seconds: float = assumption(1.0, unit="s", why="the runtime refuses what would wait longer")
    task_start_seconds: float = assumption(
        45.0, unit="s", why="Fargate: place, pull the image, start, pass health checks"
    )
    pod_start_seconds: float = assumption(10.0, unit="s", why="Kubernetes: the image is on the node, start, ready")
    node_start_seconds: float = assumption(60.0, unit="s", why="Karpenter: a machine, its kubelet, the image")
    retries: float = assumption(1.0, unit="attempts", why="who gets an error tries once more")
    retry_share: float = assumption(0.1, unit="share of requests", why="the retry budget of all clients together")
    backoff_ms: float = assumption(500.0, unit="ms", why="pause before the first retry at most; doubles")
    pool_wait_seconds: float = assumption(1.0, unit="s", why="the runtime refuses who waits longer")
    connect_ms: float = assumption(20.0, unit="ms", why="a new connection: TLS, a process, a login")
    cache_keys: float = assumption(5_000.0, unit="keys", why="what the cache holds when it is full")
    cache_skew: float = assumption(0.9, unit="", why="Zipf: how much the popular keys are preferred")
    call_share: float = assumption(
        0.02, unit="share of requests", why="that call a host outside, where there is one"
    )
    call_ms: float = assumption(200.0, unit="ms", why="its answer, where the workload names no p99")
    call_cv: float = assumption(1.0, unit="", why="a few calls take several times as long")

    @property
    def own_ms(self) -> float:
        """CPU of one request beside its share of the turn."""
        return max(0.0, self.cpu_ms - self.turn_ms)

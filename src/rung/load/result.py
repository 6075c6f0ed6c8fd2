"""What a load run found, as data: the JSON document of `rung load --format json` (schema rung.load/1).

Times are milliseconds from the *intended* send time unless a name says otherwise.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from rung.load.caching import CacheResult
from rung.load.server import ServerResult

SCHEMA = "rung.load/1"

Culprit = Literal["generator", "server", "both"]


class Latency(msgspec.Struct, frozen=True, kw_only=True):
    """A distribution in milliseconds; all zero when nothing was measured."""

    count: int
    mean_ms: float
    p50_ms: float
    p90_ms: float
    p95_ms: float
    p99_ms: float
    p99_9_ms: float
    max_ms: float


class GroupResult(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the table: a step name, or all together."""

    name: str
    method: str
    route: str
    offered: int
    succeeded: int
    failed: int
    errors: dict[str, int]
    statuses: dict[str, int]
    received_bytes: int
    latency: Latency
    # From handing the request to the kernel: without the wait for the user's earlier request.
    service: Latency
    objective_ms: float | None = None
    met: bool | None = None


class SecondResult(msgspec.Struct, frozen=True, kw_only=True):
    """One second. The percentiles are of the requests that were *due* in it."""

    second: int
    offered: int
    sent: int
    completed: int
    succeeded: int
    failed: int
    in_flight: int
    waiting: int
    generator_lag_ms: float
    p50_ms: float
    p99_ms: float


class ObjectiveResult(msgspec.Struct, frozen=True, kw_only=True):
    """One promise: `met` is None when nothing was measured that it speaks of."""

    kind: Literal["p99", "availability"]
    scope: str
    aim: float  # milliseconds, or a share of 1
    found: float | None
    met: bool | None


class Saturation(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the load could not be carried, and by whom."""

    by: Culprit | None
    reasons: list[str]


class GeneratorResult(msgspec.Struct, frozen=True, kw_only=True):
    """What the generator itself cost, and how punctual it was."""

    processes: int
    lag: Latency
    cpu_seconds: float
    cpu_share: float  # of one core, per process
    cpu_us_per_request: float
    peak_memory_bytes: int


class ConnectionsResult(msgspec.Struct, frozen=True, kw_only=True):
    """The users' connections."""

    users: int
    opened: int
    failed: int
    closed_idle: int
    reconnected: int


class PlanResult(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked for: enough to run the same load again."""

    target: str
    users: int
    rate: float
    duration_seconds: float
    warmup_seconds: float
    segments: list[tuple[float, float, float]]
    seed: int
    processes: int
    journeys: str
    timeout_seconds: float


class MachineResult(msgspec.Struct, frozen=True, kw_only=True):
    """Where it ran."""

    cores: int
    system: str
    python: str


class LoadResult(msgspec.Struct, frozen=True, kw_only=True):
    """A whole run."""

    schema: str = SCHEMA
    name: str
    started_at: str
    machine: MachineResult
    plan: PlanResult
    offered_per_second: float
    achieved_per_second: float  # right answers within the measured time
    total: GroupResult
    groups: list[GroupResult]
    seconds: list[SecondResult]
    curve: list[tuple[float, float]]  # (percent, milliseconds)
    objectives: list[ObjectiveResult]
    met: bool
    saturation: Saturation
    generator: GeneratorResult
    connections: ConnectionsResult
    problems: list[str]
    # Where `rung dev` runs the workload on this machine: what a request costs there.
    server: ServerResult | None = None
    # Where the workload's caches are seen: how much they answered.
    cache: CacheResult | None = None
    hdr_histogram: str  # HdrHistogram V2, compressed, base64, microseconds


def encode(result: LoadResult) -> str:
    """The JSON document, indented."""
    return msgspec.json.format(msgspec.json.encode(result), indent=2).decode()


def decode(document: str | bytes) -> LoadResult:
    """A JSON document of this schema. Raises msgspec.ValidationError."""
    return msgspec.json.decode(document, type=LoadResult)

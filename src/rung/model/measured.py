"""What one request costs, in one place: bills and forecasts read the same values, assumed until they are measured.

`rung load --format json` measures; `from_load` puts what it measured in place of what was assumed.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

from rung.errors import UsageError
from rung.model.assumed import Assumptions, assumption
from rung.model.day import EVENING_DAY

#: The schema of a result that can be read.
LOAD_SCHEMA = "rung.load/1"
#: The spread of service times is read off the quantiles only while few requests waited for others.
_CALM = 0.3
#: What is planned for is filled to this share: beyond it, waiting grows without bound.
FULL = 0.85
#: The share of a box's processor that its databases leave for requests.
BOX_SERVING_SHARE = 0.5
_Z99 = 2.3263
#: Two parts of a run tell what requests share when one had so many times the load of the other.
_TIMES_THE_LOAD = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour(Assumptions):
    """Each field's metadata holds its unit and why its default."""

    day: tuple[float, ...] = assumption(
        EVENING_DAY, unit="share of the busy hour", why="24 hours, busiest in the evening"
    )
    cpu_ms: float = assumption(
        4.0,
        unit="ms",
        why="CPU of one request: an ASGI handler with one query; measure with rung load",
        positive=True,
    )
    cpu_target: float = assumption(
        0.6, unit="share", why="where target tracking holds the CPU of tasks", positive=True
    )
    database_share: float = assumption(0.3, unit="share of requests", why="what the cache does not answer")
    database_ms: float = assumption(1.0, unit="ms", why="CPU of the queries of one request that reaches it")
    database_target: float = assumption(
        0.8, unit="share", why="how full a database may be at the busy hour", positive=True
    )
    vcpu_per_acu: float = assumption(
        0.25, unit="vCPU", why="an Aurora capacity unit: about 2 GiB and its share of CPU", positive=True
    )
    response_kib: float = assumption(8.0, unit="KiB", why="a compressed page of JSON")
    request_kib: float = assumption(1.0, unit="KiB", why="headers and a small body")
    session_requests: float = assumption(
        12.0, unit="requests", why="of one visit, after one load of the site", positive=True
    )
    message_ms: float = assumption(50.0, unit="ms", why="one message, where the worker does not say")
    cold_start_ms: float = assumption(1_000.0, unit="ms", why="Lambda: a Python image with its imports")
    function_request_ms: float = assumption(
        50.0, unit="ms", why="a request keeps its Lambda environment: its CPU on half of a core, queries, answers"
    )
    function_idle_minutes: float = assumption(
        10.0, unit="min", why="Lambda promises nothing: 5 to 60 minutes have been measured", positive=True
    )

    @property
    def requests_per_vcpu(self) -> float:
        """Requests per second that keep one vCPU of a service busy."""
        return 1_000 / self.cpu_ms if self.cpu_ms > 0 else math.inf

    @property
    def requests_per_database_vcpu(self) -> float:
        """Requests per second that one vCPU of a database answers, filled to its target."""
        return 1_000 / self.database_ms * self.database_target if self.database_ms > 0 else math.inf

    @property
    def requests_per_acu(self) -> float:
        """Requests per second that one Aurora capacity unit answers, filled to its target."""
        return self.vcpu_per_acu * self.requests_per_database_vcpu


Known = TypeVar("Known", bound=Behaviour)


def from_load(defaults: Known, document: Mapping[str, Any]) -> Known:
    """What a result of `rung load` measured, over the defaults; values that it does not hold stay assumed.

    Raises UsageError: another schema, or nothing was answered.
    """
    if document.get("schema") != LOAD_SCHEMA:
        raise UsageError(f"not a result of rung load --format json: its schema is {document.get('schema')!r}")
    requests = int(document["total"]["succeeded"])
    if requests == 0:
        raise UsageError("nothing can be learnt from this result of rung load: no request was answered")
    how = f"measured by rung load, {str(document['started_at'])[:10]}, {requests:,} requests"
    known = {each.name for each in fields(defaults)}
    values = {name: value for name, value in _measured(defaults, document, requests).items() if name in known}
    return defaults.with_values(values, "measured", how)


def read_load(defaults: Known, file: Path | None) -> Known:
    """`from_load` of a file; without one the defaults. Raises UsageError for a file that cannot be read."""
    if file is None:
        return defaults
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as problem:
        raise UsageError(f"--measured {file}: {problem}") from problem
    if not isinstance(document, dict):
        raise UsageError(f"--measured {file}: not a result of rung load --format json")
    try:
        return from_load(defaults, document)
    except (KeyError, TypeError, ValueError) as problem:
        raise UsageError(f"--measured {file}: not a whole result of rung load: {problem}") from problem


def _measured(defaults: Behaviour, document: Mapping[str, Any], requests: int) -> dict[str, float]:
    values = {"response_kib": int(document["total"]["received_bytes"]) / requests / 1_024}
    cache, server = document.get("cache"), document.get("server")
    if cache:
        values["database_share"] = float(cache["database_share"])
    if server:
        values |= _processor(values.get("database_share", defaults.database_share), document, server)
    return values


def _processor(share: float, document: Mapping[str, Any], server: Mapping[str, Any]) -> dict[str, float]:
    """CPU of one request in its service and in its database, from the processor seconds of their processes."""
    requests = float(server["requests"])
    if requests <= 0:
        return {}
    values = {"cpu_ms": float(server["service_cpu_seconds"]) * 1_000 / requests, **_turns(server)}
    if server.get("database_cpu_seconds") and share > 0:
        values["database_ms"] = float(server["database_cpu_seconds"]) * 1_000 / requests / share
    return values | _spread(document, server)


def _turns(server: Mapping[str, Any]) -> dict[str, float]:
    """What requests share, as the difference between few and many at once shows it.

    Alone a request costs its turn and its own work, among many next to nothing but its own. What the busiest part
    of the run still shared is counted as its own, so that no forecast is better than what was seen.
    """
    levels: Sequence[Sequence[float]] = server.get("levels") or ()
    if len(levels) != 2:
        return {}
    (few, alone), (many, among) = levels
    if many < _TIMES_THE_LOAD * few or not 0 < among < alone:
        return {}
    return {"cpu_ms": float(alone), "turn_ms": float(alone) - float(among)}


def _spread(document: Mapping[str, Any], server: Mapping[str, Any]) -> dict[str, float]:
    """The variation of the work, as the lognormal through the median and p99 of the service times shows it."""
    median, tail = (float(document["total"]["service"][name]) for name in ("p50_ms", "p99_ms"))
    if float(server["utilisation"]) > _CALM or not 0 < median <= tail:
        return {}
    sigma = math.log(tail / median) / _Z99
    return {"cpu_cv": math.sqrt(math.exp(sigma * sigma) - 1)}

"""The limits of one HTTP service. Every number has a default that a public service can live with."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from rung.errors import UsageError

CRITICAL, NORMAL, BACKGROUND = 0, 1, 2

Value = TypeVar("Value")

#: Added to every response that does not set them itself. Source: OWASP Secure Headers Project.
SECURITY_HEADERS: tuple[tuple[bytes, bytes], ...] = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"strict-origin-when-cross-origin"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpSettings:
    """What `protect` enforces. Pairs are `(path prefix, value)`; the longest prefix that matches wins."""

    service: str = "http"
    #: From the first byte of a request to the last of its response; `x-deadline-ms` may only shorten it.
    deadline_seconds: float = 30.0
    deadlines: tuple[tuple[str, float], ...] = ()
    #: Of a request body, as sent and as decompressed.
    body_limit_bytes: int = 1_000_000
    body_limits: tuple[tuple[str, int], ...] = ()
    #: A body must arrive within this time plus what it has sent at `body_rate_bytes` per second.
    body_seconds: float = 8.0
    body_rate_bytes: int = 50_000
    #: gzip and deflate bodies are decoded; otherwise they are refused with 415.
    decompress: bool = False
    decompress_ratio_max: int = 20
    #: Requests being served at once: where the limit begins and between what it adapts.
    concurrency: int = 40
    concurrency_min: int = 16
    concurrency_max: int = 1_000
    #: Requests that wait for a slot, and for how long at most, before they are refused.
    queue_max: int = 200
    queue_seconds: float = 0.1
    #: An event loop in which callbacks keep waiting longer than this sheds: the processor is the bottleneck.
    lag_seconds: float = 0.005
    #: CRITICAL is shed last, BACKGROUND first; everything else is NORMAL.
    priorities: tuple[tuple[str, int], ...] = ()
    #: WebSockets open at once; they take no slot.
    websockets_max: int = 10_000
    #: The health path of the graph. The application answers it when it routes it; otherwise liveness does.
    health_path: str = "/health"
    ready_path: str = "/ready"
    ready_seconds: float = 1.0
    #: After SIGTERM: how long readiness says no before connections are turned away, and when all must be done.
    drain_notice_seconds: float = 0.5
    drain_seconds: float = 25.0
    security_headers: tuple[tuple[bytes, bytes], ...] = SECURITY_HEADERS
    #: Path prefixes that have metrics of their own; everything else is `*`.
    routes: tuple[str, ...] = ()
    #: Requests slower than this are logged, always; of the others at most `log_lines_max` each second.
    slow_seconds: float = 1.0
    log_lines_max: int = 10


def settings_from_environment(
    environment: Mapping[str, str] | None = None, *, service: str | None = None, health_path: str | None = None
) -> HttpSettings:
    """The settings that `RUNG_HTTP_*` ask for (docs/reference/http.md), the defaults for the rest.

    Raises UsageError when a variable is not a number, or a list is not `prefix=value,prefix=value`.
    """
    variables = os.environ if environment is None else environment
    plain = HttpSettings()
    return HttpSettings(
        service=service or variables.get("RUNG_NODE") or plain.service,
        health_path=health_path or variables.get("RUNG_HTTP_HEALTH") or plain.health_path,
        deadline_seconds=_number(variables, "RUNG_HTTP_DEADLINE_SECONDS", plain.deadline_seconds),
        deadlines=_pairs(variables, "RUNG_HTTP_DEADLINES", float),
        body_limit_bytes=int(_number(variables, "RUNG_HTTP_BODY_LIMIT_BYTES", plain.body_limit_bytes)),
        body_limits=_pairs(variables, "RUNG_HTTP_BODY_LIMITS", int),
        body_seconds=_number(variables, "RUNG_HTTP_BODY_SECONDS", plain.body_seconds),
        decompress=variables.get("RUNG_HTTP_DECOMPRESS", "") == "1",
        concurrency=int(_number(variables, "RUNG_HTTP_CONCURRENCY", plain.concurrency)),
        concurrency_max=int(_number(variables, "RUNG_HTTP_CONCURRENCY_MAX", plain.concurrency_max)),
        queue_max=int(_number(variables, "RUNG_HTTP_QUEUE_MAX", plain.queue_max)),
        queue_seconds=_number(variables, "RUNG_HTTP_QUEUE_SECONDS", plain.queue_seconds),
        priorities=tuple(
            (prefix, _CLASSES[name]) for prefix, name in _pairs(variables, "RUNG_HTTP_PRIORITIES", _class_name)
        ),
        routes=tuple(
            sorted(filter(None, variables.get("RUNG_HTTP_ROUTES", "").split(",")), key=len, reverse=True)
        ),
        drain_notice_seconds=_number(variables, "RUNG_HTTP_DRAIN_NOTICE_SECONDS", plain.drain_notice_seconds),
        drain_seconds=_number(variables, "RUNG_HTTP_DRAIN_SECONDS", plain.drain_seconds),
        slow_seconds=_number(variables, "RUNG_HTTP_SLOW_SECONDS", plain.slow_seconds),
        log_lines_max=int(_number(variables, "RUNG_HTTP_LOG_LINES_MAX", plain.log_lines_max)),
    )


_CLASSES = {"critical": CRITICAL, "normal": NORMAL, "background": BACKGROUND}


def _class_name(text: str) -> str:
    if text not in _CLASSES:
        raise ValueError(text)
    return text


def _number(variables: Mapping[str, str], name: str, default: float) -> float:
    text = variables.get(name)
    if not text:
        return default
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise UsageError(f"{name}={text!r} is not a number of at least 0")
    return value


def _pairs(variables: Mapping[str, str], name: str, read: Callable[[str], Value]) -> tuple[tuple[str, Value], ...]:
    """`/api/checkout=critical,/api/report=background`, longest prefix first."""
    pairs = []
    for item in filter(None, variables.get(name, "").split(",")):
        prefix, _, text = item.strip().partition("=")
        try:
            pairs.append((prefix, read(text)))
        except ValueError:
            raise UsageError(f"{name}: {item.strip()!r} is not <path prefix>=<value>") from None
    return tuple(sorted(pairs, key=lambda pair: -len(pair[0])))

"""What it costs to log an event, to trace a request that is or is not chosen, and to count.

    python benchmarks/observability.py [--rounds 7] [--json]

Each round measures every variant once; a row is the median over the rounds, with the smallest and the largest,
in microseconds per operation. Log lines go to a file that is flushed per line, as a pipe would be.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

import structlog
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF

from rung.runtime import metrics, trace
from rung.runtime.context import Context, Tenant, serving
from rung.runtime.log import logger
from rung.runtime.trace_sampling import RateLimitedSampler

FIELDS = {"order_id": "01J8ZQ4K7Y9V", "duration_ms": 12.5, "items": 3, "path": "/api/products/42"}
COUNT = 5_000


def structlog_logger(stream: TextIO) -> Any:
    """structlog as its documentation sets it up for JSON."""
    return structlog.wrap_logger(
        structlog.WriteLogger(stream),
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.format_exc_info,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
    ).bind(correlation_id="a" * 32, tenant="acme", user="u-1")


def standard_logger(stream: TextIO) -> logging.Logger:
    """The standard library with a JSON formatter of four lines."""

    class Formatter(logging.Formatter):
        def format(self, record: logging.LogRecord) -> str:
            line = {"time": self.formatTime(record), "level": record.levelname, "event": record.getMessage()}
            return json.dumps(line | record.__dict__["fields"])

    handler = logging.StreamHandler(stream)
    handler.setFormatter(Formatter())
    standard = logging.getLogger("benchmark")
    standard.propagate = False
    standard.setLevel(logging.INFO)
    standard.handlers[:] = [handler]
    return standard


def use_rate(rate: float) -> None:
    """Record at most `rate` traces per second into nothing."""
    sampler = RateLimitedSampler(rate)
    trace._state.sampler = sampler  # noqa: SLF001 - a benchmark of exactly this part
    trace.tracer = TracerProvider(sampler=sampler, shutdown_on_exit=False).get_tracer("benchmark")


def variants(stream: TextIO) -> list[tuple[str, str, Callable[[], object]]]:
    """What is measured: group, name, operation."""
    ours, theirs, standard = logger("benchmark"), structlog_logger(stream), standard_logger(stream)
    common = {"correlation_id": "a" * 32, "tenant": "acme", "user": "u-1"}
    off = TracerProvider(sampler=ALWAYS_OFF, shutdown_on_exit=False).get_tracer("off")

    def request() -> None:
        with trace.span("GET", kind="server", headers={}), trace.span("cache fill"), trace.span("load"):
            pass

    def request_always() -> None:
        use_rate(float("inf"))
        for _ in range(100):
            request()
        use_rate(10.0)

    def request_opentelemetry() -> None:
        with (
            off.start_as_current_span("GET"),
            off.start_as_current_span("fill"),
            off.start_as_current_span("load"),
        ):
            pass

    counter = metrics.cache_reads.labels("benchmark", "memory")
    histogram = metrics.http_request_seconds.labels("benchmark", "/")
    return [
        (
            "log event", "logging + json, nothing masked",
            lambda: standard.info("placed", extra={"fields": {**common, **FIELDS}}),
        ),
        ("log event", "structlog's JSON set-up, nothing masked", lambda: theirs.info("placed", **FIELDS)),
        ("log event", "rung, secrets masked", lambda: ours.info("placed", **FIELDS)),
        ("log event", "rung, below the level", lambda: ours.debug("placed", **FIELDS)),
        ("request of 3 spans", "OpenTelemetry, always off", request_opentelemetry),
        ("request of 3 spans", "rung, 10 traces a second", request),
        ("request of 3 spans", "rung, recorded (x 100)", request_always),
        ("metric", "counter", counter.inc),
        ("metric", "histogram", lambda: histogram.observe(0.012)),
    ]  # fmt: skip


def measure(rounds: int) -> list[dict[str, Any]]:
    """Rows of the table."""
    with tempfile.TemporaryDirectory() as directory, (Path(directory) / "log").open("w", buffering=1) as stream:
        previous, sys.stdout = sys.stdout, stream
        try:
            use_rate(10.0)
            with serving(Context(correlation_id="a" * 32, tenant=Tenant("acme"), user="u-1")):
                every = variants(stream)
                runs: dict[tuple[str, str], list[float]] = {(group, name): [] for group, name, _ in every}
                for _ in range(rounds):
                    for group, name, operation in every:
                        runs[group, name].append(_microseconds(operation, 50 if "100" in name else COUNT))
        finally:
            sys.stdout = previous
    return [
        {
            "group": group,
            "variant": name,
            "median": statistics.median(times),
            "low": min(times),
            "high": max(times),
        }
        for (group, name), times in runs.items()
    ]


def _microseconds(operation: Callable[[], object], count: int) -> float:
    started = time.perf_counter()
    for _ in range(count):
        operation()
    return (time.perf_counter() - started) / count * 1e6


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    rows = measure(options.rounds)
    for row in rows:
        if "(x 100)" in row["variant"]:
            row["variant"] = row["variant"].replace(" (x 100)", "")
            row.update({name: row[name] / 100 for name in ("median", "low", "high")})
    machine = f"{platform.platform()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    machine += f", {options.rounds} rounds"
    if options.json:
        json.dump({"machine": machine, "rows": rows}, sys.stdout, indent=2)
        return
    print(machine)
    print(f"{'':22}{'':42}{'us/op':>9}   (low - high)")
    for row in rows:
        spread = f"({row['low']:.2f} - {row['high']:.2f})"
        print(f"{row['group']:22}{row['variant']:42}{row['median']:9.2f}   {spread}")


if __name__ == "__main__":
    main()

"""The metrics, all in one place: names by Prometheus' conventions, base units (seconds, bytes), `_total` counters.

Every process exposes its own registry on its own port (`RUNG_METRICS_PORT`; 0 picks a free one and logs it)
instead of sharing files between workers: a scrape then shows *which* process is slow, a crashed process leaves
no stale file behind, and an increment costs well under a microsecond. Sums over processes are the query's work.
Labels are few and closed (never a user, a path with ids, or a key): each combination is a series for ever.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from itertools import accumulate
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
    start_http_server,
)
from prometheus_client.metrics_core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from rung.runtime.log import logger

if TYPE_CHECKING:
    from wsgiref.simple_server import WSGIServer

log = logger(__name__)

#: Upper bounds in seconds, around the objectives of a web service: 25 ms, 100 ms, 200 ms, 500 ms.
LATENCY_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Answered(Collector):
    """`rung_http_requests_total` and `rung_http_request_duration_seconds`: what every request is counted in.

    The counters of prometheus_client take a lock each; here only the event loop's thread counts, in plain lists,
    and a scrape reads them.
    """

    def __init__(self) -> None:
        self._counts: dict[tuple[str, str, str, str], list[int]] = {}
        self._durations: dict[tuple[str, str], list[float]] = {}

    def count(self, service: str, method: str, route: str, status: str) -> list[int]:
        """A list of one number to add to."""
        return self._counts.setdefault((service, method, route, status), [0])

    def durations(self, service: str, route: str) -> list[float]:
        """How many ended in each of LATENCY_BUCKETS (up to its bound), how many later, and the sum of seconds."""
        return self._durations.setdefault((service, route), [0.0] * (len(LATENCY_BUCKETS) + 2))

    def collect(self) -> Iterable[Metric]:
        """All series as they are now."""
        requests = CounterMetricFamily(
            "rung_http_requests", "Requests answered.", labels=("service", "method", "route", "status")
        )
        for labels, (number,) in list(self._counts.items()):
            requests.add_metric(labels, number)
        yield requests
        seconds = HistogramMetricFamily(
            "rung_http_request_duration_seconds", "Time to answer.", labels=("service", "route")
        )
        for names, (*numbers, total) in list(self._durations.items()):
            bounds = [*map(floatToGoString, LATENCY_BUCKETS), "+Inf"]
            seconds.add_metric(names, list(zip(bounds, accumulate(numbers), strict=True)), total)
        yield seconds


http_answered = Answered()
REGISTRY.register(http_answered)
http_requests_in_flight = Gauge("rung_http_requests_in_flight", "Requests being served.", ("service",))
http_requests_shed = Counter(
    "rung_http_requests_shed_total", "Requests refused before any work, to stay alive.", ("service", "reason")
)

worker_messages = Counter(
    "rung_worker_messages_total", "Messages handled, by how it ended.", ("worker", "queue", "lane", "outcome")
)
worker_message_seconds = Histogram(
    "rung_worker_message_duration_seconds", "Time in the handler.", ("worker", "queue"), buckets=LATENCY_BUCKETS
)
worker_messages_in_flight = Gauge("rung_worker_messages_in_flight", "Messages being handled.", ("worker", "queue"))
queue_messages = Gauge("rung_queue_messages", "Messages in the queue.", ("queue", "lane", "state"))
queue_oldest_age_seconds = Gauge(
    "rung_queue_oldest_message_age_seconds", "Age of the oldest message that is ready.", ("queue", "lane")
)

bus_events = Counter("rung_bus_events_total", "Events that the bus took from its producers.", ("bus",))
bus_deliveries = Counter(
    "rung_bus_deliveries_total", "Deliveries by rules, by how they ended.", ("bus", "rule", "outcome")
)
bus_delivery_seconds = Histogram(
    "rung_bus_delivery_duration_seconds", "Time that a target took.", ("bus", "rule"), buckets=LATENCY_BUCKETS
)
bus_routed_age_seconds = Gauge("rung_bus_routed_age_seconds", "Since the router last looked for events.", ("bus",))

pool_connections = Gauge("rung_pool_connections", "Connections to the database.", ("database", "state"))
pool_waiting = Gauge("rung_pool_waiting", "Callers that wait for a connection.", ("database",))
pool_refused = Counter("rung_pool_refused_total", "Callers refused because the pool was full.", ("database",))

cache_reads = Counter(
    "rung_cache_reads_total", "Reads, by what answered: memory, redis, stale, load.", ("cache", "source")
)
cache_loads = Counter("rung_cache_loads_total", "Calls of the source behind the cache.", ("cache", "outcome"))
cache_load_seconds = Histogram(
    "rung_cache_load_duration_seconds", "Time of the source.", ("cache",), buckets=LATENCY_BUCKETS
)
cache_errors = Counter("rung_cache_errors_total", "Commands that Redis did not answer.", ("cache", "kind"))
cache_available = Gauge("rung_cache_available", "1 while Redis answers, 0 while it is left alone.", ("cache",))

schedule_runs = Counter("rung_schedule_runs_total", "Runs, by how they ended.", ("schedule", "outcome"))
schedule_lateness_seconds = Histogram(
    "rung_schedule_lateness_seconds",
    "From the tick to the start of its run.",
    ("schedule",),
    buckets=LATENCY_BUCKETS,
)
schedule_run_seconds = Histogram(
    "rung_schedule_run_duration_seconds", "Time of the run.", ("schedule",), buckets=LATENCY_BUCKETS
)


def exposition() -> tuple[bytes, str]:
    """All metrics of this process in Prometheus' text format, and its content type."""
    return generate_latest(), CONTENT_TYPE_LATEST


def serve_metrics(port: int | None = None, *, host: str = "127.0.0.1") -> MetricsServer | None:
    """Expose `/metrics` on `port` (default: RUNG_METRICS_PORT; None when that is not set either).

    0 picks a free port and logs it, and so does a port that is taken: several worker processes share one
    environment. The answer comes from a thread, so that a busy event loop is still observable.
    """
    text = os.environ.get("RUNG_METRICS_PORT", "")
    if port is None and not text.isdecimal():
        return None
    wanted = int(text) if port is None else port
    try:
        server, thread = start_http_server(wanted, addr=host)
    except OSError:
        server, thread = start_http_server(0, addr=host)
    log.info("metrics", metrics_port=server.server_port)
    return MetricsServer(server, thread)


class MetricsServer:
    """A running exposition endpoint; `close()` ends its thread and socket."""

    def __init__(self, server: WSGIServer, thread: Thread) -> None:
        self._server = server
        self._thread = thread
        self._said_in: Path | None = None
        self.port = server.server_port

    def announce(self) -> None:
        """Say below `$RUNG_STATE/metrics` on which port this process shows its metrics, for `rung load`."""
        state = os.environ.get("RUNG_STATE")
        if state:
            self._said_in = Path(state) / "metrics" / str(os.getpid())
            self._said_in.parent.mkdir(parents=True, exist_ok=True)
            self._said_in.write_text(str(self.port))

    def close(self) -> None:
        """Stop answering."""
        if self._said_in is not None:
            self._said_in.unlink(missing_ok=True)
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

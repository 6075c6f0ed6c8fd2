"""The metrics, all in one place: names by Prometheus' conventions, base units (seconds, bytes), `_total` counters.

Every process exposes its own registry on its own port (`RUNG_METRICS_PORT`; 0 picks a free one and logs it)
instead of sharing files between workers: a scrape then shows *which* process is slow, a crashed process leaves
no stale file behind, and an increment costs well under a microsecond. Sums over processes are the query's work.
Labels are few and closed (never a user, a path with ids, or a key): each combination is a series for ever.
"""

from __future__ import annotations

import os
from threading import Thread
from typing import TYPE_CHECKING

from prometheus_client import CONTENT_TYPE_LATEST, Counter, Gauge, Histogram, generate_latest, start_http_server

from rung.runtime.log import logger

if TYPE_CHECKING:
    from wsgiref.simple_server import WSGIServer

log = logger(__name__)

#: Upper bounds in seconds, around the objectives of a web service: 25 ms, 100 ms, 200 ms, 500 ms.
LATENCY_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)

http_requests = Counter("rung_http_requests_total", "Requests answered.", ("service", "method", "route", "status"))
http_request_seconds = Histogram(
    "rung_http_request_duration_seconds", "Time to answer.", ("service", "route"), buckets=LATENCY_BUCKETS
)
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
        self.port = server.server_port

    def close(self) -> None:
        """Stop answering."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

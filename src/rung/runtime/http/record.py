"""What is remembered of each request: counts and durations for the metrics, some lines for the log.

Errors and slow requests are always logged, up to a number of lines a second that a person can read and a disk
can write; the rest is a sample. Requests that were shed are counted and never logged one by one: a log line per
refusal would cost more than the refusal.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric

if TYPE_CHECKING:
    from rung.runtime.http.request import Request

BUCKETS_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_ERROR_LINES_FACTOR = 10
Emit = Callable[[str, str, dict[str, object]], None]


class Recorder:
    """The counters of one service in one process, and its access log. A Prometheus collector."""

    def __init__(self, service: str, *, slow_seconds: float, lines_max: int, emit: Emit) -> None:
        self._service = service
        self._slow_seconds = slow_seconds
        self._lines_max = lines_max
        self._emit = emit
        self._series: dict[tuple[str, int], list[float]] = {}
        self._second = 0
        self._lines = 0
        self._error_lines = 0
        self.shed = 0

    def finished(self, request: Request, seconds: float, now: float) -> None:
        """Count the request; log it when it failed, was slow, or is in the sample."""
        key = (request.method, request.status)
        series = self._series.get(key)
        if series is None:
            series = self._series[key] = [0.0] * (len(BUCKETS_SECONDS) + 2)
        series[bisect_left(BUCKETS_SECONDS, seconds)] += 1
        series[-1] += seconds
        if request.status >= 500 or seconds >= self._slow_seconds:
            self._log(request, seconds, now, notable=True)
        elif self._lines < self._lines_max or int(now) != self._second:
            self._log(request, seconds, now, notable=False)

    def collect(self) -> Iterator[Metric]:
        """The metrics in Prometheus' form."""
        histogram = HistogramMetricFamily(
            "rung_http_request_seconds", "Time to serve a request", labels=["service", "method", "status"]
        )
        for (method, status), series in self._series.items():
            total, buckets = 0.0, []
            for bound, count in zip((*map(str, BUCKETS_SECONDS), "+Inf"), series[:-1], strict=True):
                total += count
                buckets.append((bound, total))
            histogram.add_metric([self._service, method, str(status)], buckets, series[-1])
        yield histogram
        shed = CounterMetricFamily(
            "rung_http_shed", "Requests refused to keep the service alive", labels=["service"]
        )
        shed.add_metric([self._service], self.shed)
        yield shed

    def _log(self, request: Request, seconds: float, now: float, *, notable: bool) -> None:
        if int(now) != self._second:
            self._second, self._lines, self._error_lines = int(now), 0, 0
        if notable:
            self._error_lines += 1
            if self._error_lines > self._lines_max * _ERROR_LINES_FACTOR:
                return
        else:
            self._lines += 1
        level = "error" if request.status >= 500 else "warning" if notable else "info"
        self._emit(level, "request", request.described(seconds))

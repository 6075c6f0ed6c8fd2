"""What is remembered of each request: counts and durations for the metrics, some lines for the log.

Errors and slow requests are always logged, up to a number of lines a second that a person can read and a disk
can write; the rest is a sample. Requests that were shed are counted and never logged one by one: a log line per
refusal would cost more than the refusal.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from typing import TYPE_CHECKING

from rung.runtime import metrics
from rung.runtime.log import logger

if TYPE_CHECKING:
    from rung.runtime.http.request import Request

log = logger(__name__)

_ERROR_LINES_FACTOR = 10
#: Methods outside of this set are counted as OTHER: a label must never be the client's to choose.
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Recorder:
    """The metrics and the access log of one service in one process."""

    def __init__(self, service: str, *, slow_seconds: float, lines_max: int) -> None:
        self._service = service
        self._slow_seconds = slow_seconds
        self._lines_max = lines_max
        #: By method, route and status: the count, and the durations of the route.
        self._series: dict[tuple[str, str, int], tuple[list[int], list[float]]] = {}
        self._shed: dict[str, Callable[[], None]] = {}
        self._second = 0
        self._lines = 0
        self._error_lines = 0

    def finished(self, request: Request, seconds: float, now: float) -> None:
        """Count the request; log it when it failed, was slow, or is in the sample."""
        key = (request.method, request.route, request.status)
        series = self._series.get(key)
        if series is None:
            series = self._open(*key)
        counted, durations = series
        counted[0] += 1
        durations[bisect_left(metrics.LATENCY_BUCKETS, seconds)] += 1.0
        durations[-1] += seconds
        if (request.status >= 500 and not request.shed) or seconds >= self._slow_seconds:
            self._log(request, seconds, now, notable=True)
        elif self._lines < self._lines_max or int(now) != self._second:
            self._log(request, seconds, now, notable=False)

    def answered_at_once(self, route: str, status: int) -> None:
        """Count a GET that took no time worth measuring."""
        series = self._series.get(("GET", route, status)) or self._open("GET", route, status)
        counted, durations = series
        counted[0] += 1
        durations[0] += 1.0

    def shed(self, reason: str) -> None:
        """Count a request that was refused before any work."""
        count = self._shed.get(reason)
        if count is None:
            count = self._shed[reason] = metrics.http_requests_shed.labels(self._service, reason).inc
        count()

    def _open(self, method: str, route: str, status: int) -> tuple[list[int], list[float]]:
        """The two series of a kind of request, looked up once."""
        name = method if method in _METHODS else "OTHER"
        answered = metrics.http_answered
        series = (
            answered.count(self._service, name, route, str(status)),
            answered.durations(self._service, route),
        )
        if method in _METHODS:
            self._series[method, route, status] = series
        return series

    def _log(self, request: Request, seconds: float, now: float, *, notable: bool) -> None:
        if int(now) != self._second:
            self._second, self._lines, self._error_lines = int(now), 0, 0
        if notable:
            self._error_lines += 1
            if self._error_lines > self._lines_max * _ERROR_LINES_FACTOR:
                return
        else:
            self._lines += 1
        fields = request.described(seconds)
        if request.status >= 500:
            log.error("request", **fields)
        elif notable:
            log.warning("slow request", **fields)
        else:
            log.info("request", **fields)

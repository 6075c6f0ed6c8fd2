"""What a worker says about itself: log lines, metrics, and whether it is alive."""

from __future__ import annotations

import time
from collections.abc import Sequence

from prometheus_client import Counter, Gauge

from rung.runtime import metrics
from rung.runtime.context import from_headers, serving
from rung.runtime.errors import TenantError
from rung.runtime.log import logger
from rung.runtime.queue.message import Message

#: Successes are logged at most this often; failures always.
SUCCESS_LOG_SECONDS = 1.0

log = logger(__name__)


class Observer:
    """Counts and tells. Metric children are looked up once: a lookup costs more than an increment."""

    def __init__(self, worker: str, queue: str) -> None:
        self._worker = worker
        self._queue = queue
        self._seconds = metrics.worker_message_seconds.labels(worker, queue)
        self._in_flight = metrics.worker_messages_in_flight.labels(worker, queue)
        self._counters: dict[tuple[str, str], Counter] = {}
        self._polled_at = time.monotonic()
        self._logged_at = 0.0
        self._unlogged = 0
        _poll_age(worker, queue).set_function(lambda: time.monotonic() - self._polled_at)

    def polled(self) -> None:
        """The broker answered: the sign of life that a check looks at."""
        self._polled_at = time.monotonic()

    def holding(self, count: int) -> None:
        """How many leases the process holds."""
        self._in_flight.set(count)

    def handled(self, message: Message, seconds: float) -> None:
        """A message was handled. One log line a second stands for the others."""
        self._count(message.lane, "handled")
        self._seconds.observe(seconds)
        now = time.monotonic()
        self._unlogged += 1
        if now - self._logged_at >= SUCCESS_LOG_SECONDS:
            self._say("message handled", message, seconds, messages=self._unlogged)
            self._logged_at, self._unlogged = now, 0

    def failed(self, message: Message, reason: str, error: BaseException, seconds: float, *, last: bool) -> None:
        """An attempt failed; `last` when the message is a dead letter now."""
        self._count(message.lane, "dead" if last else "retried")
        self._seconds.observe(seconds)
        event = "message is a dead letter" if last else "message will be retried"
        self._say(event, message, seconds, level="error" if last else "warning", reason=reason, exc_info=error)

    def lost(self, message: Message, seconds: float) -> None:
        """The lease was lost while the handler ran."""
        self._count(message.lane, "lost")
        self._say("lease lost: the handler was interrupted", message, seconds, level="warning")

    def acknowledged_late(self, message: Message) -> None:
        """The handler finished, and somebody else had the message by then: it runs, or ran, twice."""
        self._count(message.lane, "late")
        self._say("acknowledged too late: the message is handled again", message, 0.0, level="warning")

    def released(self, messages: Sequence[Message]) -> None:
        """Handed back unharmed."""
        for message in messages:
            self._count(message.lane, "released")
        log.info("messages handed back", queue=self._queue, messages=len(messages))

    def _count(self, lane: str, outcome: str) -> None:
        counter = self._counters.get((lane, outcome))
        if counter is None:
            counter = metrics.worker_messages.labels(self._worker, self._queue, lane, outcome)
            self._counters[lane, outcome] = counter
        counter.inc()

    def _say(self, event: str, message: Message, seconds: float, *, level: str = "info", **more: object) -> None:
        try:
            context = from_headers(message.headers, trusted=True)
        except TenantError:
            context = from_headers({}, trusted=True)
        with serving(context):
            getattr(log, level)(
                event,
                queue=message.queue,
                lane=message.lane,
                message_id=message.id,
                receive_count=message.receive_count,
                duration_ms=round(seconds * 1000, 3),
                **more,
            )


_ages: dict[tuple[str, str], Gauge] = {}
_AGE = Gauge(
    "rung_worker_last_poll_age_seconds", "Time since the broker last answered a claim.", ("worker", "queue")
)


def _poll_age(worker: str, queue: str) -> Gauge:
    return _ages.setdefault((worker, queue), _AGE.labels(worker, queue))

"""What an executor says about itself: log lines and metrics."""

from __future__ import annotations

import time

from prometheus_client import Counter, Gauge, Histogram

from rung.runtime import embedded
from rung.runtime.log import logger
from rung.runtime.metrics import LATENCY_BUCKETS
from rung.runtime.workflow.driver import Ended
from rung.runtime.workflow.records import Run

#: Where CloudWatch keeps what an executor tells: runs that failed or were parked, and how long one is due already.
NAMESPACE, FAILED, WAITING = "rung/workflow", "RunsFailed", "OldestDueSeconds"
#: Successes are logged at most this often; failures always.
SUCCESS_LOG_SECONDS = 1.0

_RUNS = Counter("rung_workflow_runs", "Runs that ended, or that this process gave up.", ("workflow", "outcome"))
_SECONDS = Histogram(
    "rung_workflow_run_seconds", "From the start of a run to its end.", ("workflow",),
    buckets=(*LATENCY_BUCKETS, 60.0, 600.0, 3_600.0, 86_400.0),
)  # fmt: skip
_AGE = Gauge("rung_workflow_last_claim_age_seconds", "Time since the database last answered a claim.", ("node",))

_DUE = Gauge("rung_workflow_oldest_due_seconds", "How long a run is due that nobody has taken.", ("node",))

log = logger(__name__)


class Observer:
    """Counts and tells."""

    def __init__(self, node: str) -> None:
        self._node = node
        self._failed = 0
        self._polled_at = time.monotonic()
        self._logged_at = 0.0
        self._unlogged = 0
        _AGE.labels(node).set_function(lambda: time.monotonic() - self._polled_at)

    def polled(self) -> None:
        """The database answered: the sign of life that a check looks at."""
        self._polled_at = time.monotonic()

    def tell(self, oldest_due_seconds: float) -> None:
        """Every minute, for alarms: what failed since, and how long the run is due that has waited longest."""
        failed, self._failed = self._failed, 0
        _DUE.labels(self._node).set(oldest_due_seconds)
        figures = {FAILED: float(failed), WAITING: round(oldest_due_seconds, 3)}
        embedded.tell(NAMESPACE, figures, node=self._node)

    def ended(self, run: Run, ended: Ended) -> None:
        """A run is over, or parked."""
        _RUNS.labels(run.workflow, ended.state).inc()
        _SECONDS.labels(run.workflow).observe(max(0.0, time.time() - run.created_at.timestamp()))
        if ended.state == "done":
            self._done(run)
            return
        self._failed += ended.state in ("failed", "parked")
        level = "error" if ended.state == "parked" else "warning"
        getattr(log, level)(f"run is {ended.state}", workflow=run.workflow, run=run.id, reason=str(ended.failure))

    def _done(self, run: Run) -> None:
        now = time.monotonic()
        self._unlogged += 1
        if now - self._logged_at >= SUCCESS_LOG_SECONDS:
            log.info("run done", workflow=run.workflow, run=run.id, runs=self._unlogged)
            self._logged_at, self._unlogged = now, 0

    def lost(self, run: Run) -> None:
        """Somebody else has it."""
        _RUNS.labels(run.workflow, "lost").inc()
        log.warning("run lost: another process has it", workflow=run.workflow, run=run.id)

    def given_up(self, run: Run, error: BaseException) -> None:
        """It goes on later, here or elsewhere."""
        _RUNS.labels(run.workflow, "given_up").inc()
        log.info("run handed back", workflow=run.workflow, run=run.id, reason=f"{type(error).__name__}: {error}")

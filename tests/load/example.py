"""A made-up recording for the tests of what is shown of one."""

from __future__ import annotations

import random
from datetime import UTC, datetime

from rung.load.histogram import Histogram
from rung.load.judge import Aims, judge
from rung.load.plan import Plan, Target
from rung.load.recording import GroupRecord, Recording
from rung.load.result import LoadResult

AIMS = Aims(p99_seconds=0.1, availability=0.999, routes=(("/api/checkout", 0.2), ("/api/never", 0.05)))


def example_plan(**changes: object) -> Plan:
    values: dict[str, object] = {
        "target": Target.of("http://127.0.0.1:8000"), "journeys": "shop.journeys:journeys", "folder": ".",
        "users": 1_000, "rate": 100.0, "duration_seconds": 20.0, "warmup_seconds": 5.0,
        "segments": ((8.0, 1.0, 1.0), (6.0, 5.0, 5.0), (1e-9, 1.0, 1.0)),
    }  # fmt: skip
    return Plan(**(values | changes))  # type: ignore[arg-type]


def example_recording(*, slow: bool = False, errors: bool = False) -> Recording:
    """Twenty seconds of two routes; `slow` makes the checkout miss its aim, `errors` makes 2 % of it fail."""
    source = random.Random(5)
    groups = [GroupRecord(name="GET /api/products", method="GET", route="/api/products"),
              GroupRecord(name="POST /api/checkout", method="POST", route="/api/checkout")]  # fmt: skip
    recording = Recording(groups=groups, connections_opened=1_000, cpu_seconds=1.5, wall_seconds=20.0)
    for index in range(20):
        second = recording.second(index)
        for group, count in zip(groups, (90, 10), strict=True):
            count *= 5 if 8 <= index < 14 else 1
            histogram = Histogram(group.latency.setdefault(index, {}))
            failed = count // 50 if errors and group is groups[1] else 0
            for _ in range(count - failed):
                value = int(source.lognormvariate(9 if group is groups[0] else 10, 0.5))
                histogram.record(value * 10 if slow else value)
                recording.lag[200] = recording.lag.get(200, 0) + 1
            group.offered += count
            group.succeeded += count - failed
            group.completed += count
            if failed:
                group.errors["status 5xx"] = group.errors.get("status 5xx", 0) + failed
            second.offered += count
            second.sent += count
            second.completed += count
            second.succeeded += count - failed
            second.failed += failed
    return recording


def example_result(*, slow: bool = False, errors: bool = False) -> LoadResult:
    """The example's verdict."""
    moment = datetime(2026, 11, 21, 6, 0, tzinfo=UTC)
    recording = example_recording(slow=slow, errors=errors)
    if errors:
        recording.first_problems.append("POST /api/checkout: <script>alert(1)</script>")
    return judge(recording, example_plan(), AIMS, name="shop", started_at=moment)

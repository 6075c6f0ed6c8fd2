"""From counts to a verdict: percentiles, objectives met or not, and who could not keep up."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from datetime import datetime
from fnmatch import fnmatchcase

import msgspec

from rung.load.histogram import Histogram
from rung.load.plan import Plan
from rung.load.recording import GroupRecord, Recording, Second, add_counts
from rung.load.result import (
    ConnectionsResult,
    Culprit,
    GeneratorResult,
    GroupResult,
    Latency,
    LoadResult,
    MachineResult,
    ObjectiveResult,
    PlanResult,
    Saturation,
    SecondResult,
)

AVAILABILITY_DEFAULT = 0.999  # asked of a run whose workload promises nothing
_LAG_P99_MS_MAX = 10.0
_CPU_SHARE_MAX = 0.9
_ACHIEVED_SHARE_MIN = 0.95
_QUEUE_SECONDS_MAX = 1.0  # outstanding requests, as seconds of offered load (Little's law)
_CURVE = (0, 10, 20, 30, 40, 50, 60, 70, 75, 80, 85, 90, 92.5, 95, 96, 97, 98, 98.5, 99, 99.25, 99.5, 99.75, 99.9,
          99.95, 99.99, 99.995, 99.999, 100)  # fmt: skip


class Aims(msgspec.Struct, frozen=True, kw_only=True):
    """What the workload promises."""

    p99_seconds: float | None = None
    availability: float | None = None
    routes: tuple[tuple[str, float], ...] = ()  # (path or pattern, p99 in seconds)

    def of(self, route: str) -> float | None:
        """The p99 in seconds promised for a route: an exact path first, then the longest pattern."""
        exact = [seconds for path, seconds in self.routes if path == route]
        fitting = [(len(path), seconds) for path, seconds in self.routes if fnmatchcase(route, path)]
        return exact[0] if exact else max(fitting)[1] if fitting else None


def judge(recording: Recording, plan: Plan, aims: Aims, *, name: str, started_at: datetime) -> LoadResult:
    """Everything a run says, from its merged recording."""
    whole = _whole(recording)
    histogram = whole.histogram()
    groups = [_group(record, aims.of(record.route)) for record in recording.groups]
    total = _group(whole, aims.p99_seconds)
    seconds = _seconds(recording, plan)
    objectives = _objectives(total, groups, aims)
    measured = seconds[: max(1, round(plan.duration_seconds))]
    generator = _generator(recording, plan)
    return LoadResult(
        name=name,
        started_at=started_at.isoformat(timespec="seconds"),
        machine=MachineResult(
            cores=os.cpu_count() or 1, system=platform.platform(terse=True), python=platform.python_version()
        ),
        plan=_plan(plan),
        offered_per_second=total.offered / plan.duration_seconds,
        achieved_per_second=sum(second.succeeded for second in measured) / plan.duration_seconds,
        total=total,
        groups=groups,
        seconds=seconds,
        curve=list(zip(_CURVE, [value / 1000 for value in histogram.percentiles_us(_CURVE)], strict=True)),
        objectives=objectives,
        met=all(objective.met is not False for objective in objectives),
        saturation=saturation(measured, total, generator, recording),
        generator=generator,
        connections=ConnectionsResult(
            users=plan.users, opened=recording.connections_opened, failed=recording.connections_failed,
            closed_idle=recording.connections_closed_idle, reconnected=recording.reconnections,
        ),
        problems=recording.first_problems,
        hdr_histogram=histogram.encode(),
    )  # fmt: skip


def latency_of(histogram: Histogram) -> Latency:
    """The usual percentiles."""
    values = histogram.percentiles_us((50, 90, 95, 99, 99.9, 100))
    p50, p90, p95, p99, p99_9, highest = (round(value / 1000, 3) for value in values)
    return Latency(count=histogram.count, mean_ms=round(histogram.mean_us / 1000, 3), p50_ms=p50, p90_ms=p90,
                   p95_ms=p95, p99_ms=p99, p99_9_ms=p99_9, max_ms=highest)  # fmt: skip


def saturation(
    seconds: Sequence[SecondResult], total: GroupResult, generator: GeneratorResult, recording: Recording
) -> Saturation:
    """Who could not keep up. The generator's lag counts only requests that it could have sent at once,

    so a slow server does not make the generator look late, nor the other way round.
    """
    ours = _generator_reasons(generator)
    theirs = _server_reasons(seconds, total, recording)
    by: Culprit | None = "both" if ours and theirs else "generator" if ours else "server" if theirs else None
    return Saturation(by=by, reasons=[*ours, *theirs])


def _generator_reasons(generator: GeneratorResult) -> list[str]:
    reasons = []
    if generator.lag.p99_ms > _LAG_P99_MS_MAX:
        reasons.append(
            f"the generator was late: 1 % of the requests left {generator.lag.p99_ms:.0f} ms or more after they "
            "were due although their connection was free; the latencies include that"
        )
    if generator.cpu_share > _CPU_SHARE_MAX:
        reasons.append(f"the generator used {generator.cpu_share:.0%} of a core per process: add --processes")
    return reasons


def _server_reasons(seconds: Sequence[SecondResult], total: GroupResult, recording: Recording) -> list[str]:
    reasons = []
    if recording.errors.get("dropped"):
        reasons.append(f"{recording.errors['dropped']:,} due requests were dropped as too many waited already")
    answered = sum(second.completed for second in seconds)
    if total.offered and answered < _ACHIEVED_SHARE_MIN * total.offered:
        reasons.append(f"the server answered {answered / total.offered:.1%} of the requests in the measured time")
    queued = [
        each for each in seconds if each.in_flight + each.waiting > max(20, each.offered * _QUEUE_SECONDS_MAX)
    ]
    if queued:
        worst = max(queued, key=lambda each: each.in_flight + each.waiting)
        reasons.append(
            f"more than {_QUEUE_SECONDS_MAX:.0f} s of load was unanswered in {len(queued)} seconds, at most "
            f"{worst.in_flight + worst.waiting:,} requests at second {worst.second}"
        )
    return reasons


def _whole(recording: Recording) -> GroupRecord:
    whole = GroupRecord(name="all", method="", route="")
    for group in recording.groups:
        for index, counts in group.latency.items():
            add_counts(whole.latency.setdefault(index, {}), counts)
        add_counts(whole.service, group.service)
        add_counts(whole.statuses, group.statuses)
        add_counts(whole.errors, group.errors)
        whole.succeeded += group.succeeded
        whole.completed += group.completed
        whole.received_bytes += group.received_bytes
    add_counts(whole.errors, recording.errors)
    whole.offered = sum(second.offered for second in recording.seconds.values())
    return whole


def _group(record: GroupRecord, p99_seconds: float | None) -> GroupResult:
    latency = latency_of(record.histogram())
    aim = None if p99_seconds is None else p99_seconds * 1000
    return GroupResult(
        name=record.name, method=record.method, route=record.route, offered=record.offered,
        succeeded=record.succeeded, failed=record.failed(), errors=dict(sorted(record.errors.items())),
        statuses={str(status): count for status, count in sorted(record.statuses.items())},
        received_bytes=record.received_bytes, latency=latency, service=latency_of(Histogram(record.service)),
        objective_ms=aim, met=None if aim is None or not latency.count else latency.p99_ms <= aim,
    )  # fmt: skip


def _objectives(total: GroupResult, groups: Sequence[GroupResult], aims: Aims) -> list[ObjectiveResult]:
    aim = AVAILABILITY_DEFAULT if aims.availability is None else aims.availability
    share = total.succeeded / total.offered if total.offered else None
    found = [ObjectiveResult(kind="availability", scope="all", aim=aim, found=share,
                             met=share is not None and share >= aim)]  # fmt: skip
    for group in (total, *groups):
        if group.objective_ms is not None:
            measured = group.latency.p99_ms if group.latency.count else None
            found.append(ObjectiveResult(kind="p99", scope=group.name, aim=group.objective_ms, found=measured,
                                         met=group.met))  # fmt: skip
    for path, seconds in aims.routes:
        if not any(fnmatchcase(group.route, path) for group in groups):
            found.append(ObjectiveResult(kind="p99", scope=path, aim=seconds * 1000, found=None, met=None))
    return found


def _seconds(recording: Recording, plan: Plan) -> list[SecondResult]:
    latency: dict[int, Histogram] = {}
    for group in recording.groups:
        for index, counts in group.latency.items():
            latency.setdefault(index, Histogram()).add(Histogram(counts))
    last = max([*recording.seconds, *latency, round(plan.duration_seconds) - 1])
    return [_second(index, recording.seconds.get(index, Second()), latency.get(index, Histogram()))
            for index in range(last + 1)]  # fmt: skip


def _second(index: int, second: Second, histogram: Histogram) -> SecondResult:
    p50, p99 = histogram.percentiles_us((50, 99))
    return SecondResult(
        second=index, offered=second.offered, sent=second.sent, completed=second.completed,
        succeeded=second.succeeded, failed=second.failed, in_flight=second.in_flight, waiting=second.waiting,
        generator_lag_ms=second.lag_us / 1000, p50_ms=p50 / 1000, p99_ms=p99 / 1000,
    )  # fmt: skip


def _generator(recording: Recording, plan: Plan) -> GeneratorResult:
    requests = max(1, sum(group.completed for group in recording.groups))
    return GeneratorResult(
        processes=plan.processes,
        lag=latency_of(Histogram(recording.lag)),
        cpu_seconds=round(recording.cpu_seconds, 3),
        cpu_share=round(recording.cpu_seconds / max(0.001, recording.wall_seconds) / plan.processes, 4),
        cpu_us_per_request=round(recording.cpu_seconds / requests * 1e6, 2),
        peak_memory_bytes=recording.peak_memory_bytes,
    )


def _plan(plan: Plan) -> PlanResult:
    return PlanResult(
        target=str(plan.target), users=plan.users, rate=plan.rate, duration_seconds=plan.duration_seconds,
        warmup_seconds=plan.warmup_seconds, segments=list(plan.segments), seed=plan.seed, processes=plan.processes,
        journeys=plan.journeys or "routes of the workload's traffic", timeout_seconds=plan.timeout_seconds,
    )  # fmt: skip

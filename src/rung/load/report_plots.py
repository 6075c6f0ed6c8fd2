"""The plots of the report: what each shows and says."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from rung.charts import Band, Line, Plot
from rung.load.result import LoadResult, SecondResult
from rung.load.table import milliseconds

_POINTS_MAX = 240


def thin(seconds: Sequence[SecondResult], at_most: int = _POINTS_MAX) -> list[SecondResult]:
    """At most `at_most` points: counts become means per second, percentiles the worst of their stretch."""
    width = max(1, math.ceil(len(seconds) / at_most))
    return [_stretch(seconds[start : start + width]) for start in range(0, len(seconds), width)]


def _stretch(part: Sequence[SecondResult]) -> SecondResult:
    if len(part) == 1:
        return part[0]

    def mean(values: Iterable[int]) -> int:
        return round(sum(values) / len(part))

    return SecondResult(
        second=part[0].second, offered=mean(s.offered for s in part), sent=mean(s.sent for s in part),
        completed=mean(s.completed for s in part), succeeded=mean(s.succeeded for s in part),
        failed=mean(s.failed for s in part), in_flight=max(s.in_flight for s in part),
        waiting=max(s.waiting for s in part), generator_lag_ms=max(s.generator_lag_ms for s in part),
        p50_ms=sorted(s.p50_ms for s in part)[len(part) // 2], p99_ms=max(s.p99_ms for s in part),
    )  # fmt: skip


def _time_axis(seconds: Sequence[SecondResult]) -> list[tuple[float, str]]:
    last = seconds[-1].second if seconds else 0
    step = next((size for size in (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600) if last / size <= 10), 7200)
    return [(float(at), f"{at} s" if step < 60 else f"{at // 60} min") for at in range(0, last + 1, step)]


def _time_plot(result: LoadResult, seconds: Sequence[SecondResult], identity: str, title: str, description: str,
               lines: Sequence[Line], tips: Sequence[str], *, as_time: bool = False,
               aim: tuple[float, str] | None = None) -> Plot:  # fmt: skip
    values = [value for line in lines for value in line.values if value]
    return Plot(
        identity=identity, title=title, description=description, x=[float(s.second) for s in seconds],
        x_ticks=_time_axis(seconds), x_label="", lines=lines, tips=tips, aim=aim, bands=_bands(result),
        y_label=milliseconds_short if as_time else lambda value: f"{value:,.0f}",
        logarithmic=as_time and bool(values) and max(values) > 20 * min(values),
    )  # fmt: skip


def milliseconds_short(value: float) -> str:
    """An axis label."""
    return f"{value / 1000:g} s" if value >= 1000 else f"{value:g} ms"


def _bands(result: LoadResult) -> list[Band]:
    bands, now = [], 0.0
    for length, start, end in result.plan.segments:
        if start == end and start > 1 and length >= 1:
            bands.append(Band(start=now, end=now + length, label=f"{start:g}x"))
        now += length
    return bands


def latency_plot(result: LoadResult, seconds: Sequence[SecondResult]) -> Plot:
    """The median and the 99th percentile, second by second."""
    answered = [second.p99_ms > 0 for second in seconds]
    lines = [
        Line(
            name="p50",
            style="one",
            values=[s.p50_ms if ok else None for s, ok in zip(seconds, answered, strict=True)],
        ),
        Line(
            name="p99",
            style="two",
            values=[s.p99_ms if ok else None for s, ok in zip(seconds, answered, strict=True)],
        ),
    ]
    aim = result.total.objective_ms
    return _time_plot(
        result, seconds, "latency", "Latency over time",
        f"The median is {milliseconds(result.total.latency.p50_ms)} over the whole run, the 99th percentile "
        f"{milliseconds(result.total.latency.p99_ms)}; the worst second has a 99th percentile of "
        f"{milliseconds(max((s.p99_ms for s in seconds), default=0))}.",
        lines, [f"second {s.second}: p50 {milliseconds(s.p50_ms)}, p99 {milliseconds(s.p99_ms)}" for s in seconds],
        as_time=True, aim=None if aim is None else (aim, f"p99 objective, {milliseconds_short(aim)}"),
    )  # fmt: skip


def rate_plot(result: LoadResult, seconds: Sequence[SecondResult]) -> Plot:
    """Offered and achieved, second by second."""
    lines = [
        Line(name="achieved", style="one", values=[s.succeeded for s in seconds], filled=True),
        Line(name="offered", style="three", values=[s.offered for s in seconds]),
    ]
    return _time_plot(
        result, seconds, "rate", "Requests per second, offered and achieved",
        f"{result.offered_per_second:,.0f} requests per second were offered on average and "
        f"{result.achieved_per_second:,.0f} answered rightly within the measured time.",
        lines, [f"second {s.second}: offered {s.offered:,}, achieved {s.succeeded:,}" for s in seconds],
    )  # fmt: skip


def error_plot(result: LoadResult, seconds: Sequence[SecondResult]) -> Plot:
    """Errors, second by second."""
    failed = [s.failed for s in seconds]
    text = "There were no errors." if not any(failed) else f"At most {max(failed):,} errors in one second."
    return _time_plot(result, seconds, "errors", "Errors per second", text,
                      [Line(name="errors", style="bad", values=failed, filled=True)],
                      [f"second {s.second}: {s.failed:,} errors" for s in seconds])  # fmt: skip


def curve_plot(result: LoadResult) -> Plot:
    """The percentile curve; its x axis counts nines."""
    points = [(percent, value) for percent, value in result.curve if percent < 100]
    x = [math.log10(100 / (100 - percent)) for percent, _ in points]
    values = [value for _, value in points]
    ticks = [(math.log10(100 / (100 - p)), f"{p:g} %") for p in (0, 50, 90, 99, 99.9, 99.99, 99.999)]
    present = [value for value in values if value > 0]
    return Plot(
        identity="curve", title="Latency by percentile",
        description=f"Half of the requests took at most {milliseconds(result.total.latency.p50_ms)}, 99 of 100 at "
        f"most {milliseconds(result.total.latency.p99_ms)}, 999 of 1,000 at most "
        f"{milliseconds(result.total.latency.p99_9_ms)}.",
        x=x, x_ticks=ticks, x_label="of requests are faster",
        lines=[Line(name="latency", style="one", values=values)],
        y_label=milliseconds_short, logarithmic=bool(present) and max(present) > 20 * min(present),
        tips=[f"{percent:g} %: {milliseconds(value)}" for percent, value in points],
    )  # fmt: skip

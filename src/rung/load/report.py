"""The HTML report of a run: one file, no script, no request, every plot also a table."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from rung.load.report_plots import curve_plot, error_plot, latency_plot, milliseconds_short, rate_plot, thin
from rung.load.report_tables import curve_table, seconds_table
from rung.load.result import GroupResult, LoadResult, ObjectiveResult, SecondResult
from rung.load.table import cached, milliseconds, share
from rung.page import as_tiles, badge, figure, heading, page, row, table


def render_report(result: LoadResult) -> str:
    """The whole page."""
    title = f"Load of {result.name}, {result.started_at[:10]}"
    seconds = thin(result.seconds)
    body = "".join(
        (_header(result), "<main id='main'>", _tiles(result), _saturation(result), _objectives(result),
         _plots(result, seconds), _requests(result), _errors(result), _facts(result), "</main>", _footer(result))
    )  # fmt: skip
    return page(title, body, "the results")


def _header(result: LoadResult) -> str:
    verdict = badge("Objectives met", "good") if result.met else badge("Objectives not met", "bad")
    if result.saturation.by is not None:
        verdict += f" {badge('Saturated', 'warn')}"
    plan = result.plan
    return (
        f"<header><h1>Load of {escape(result.name)}</h1><p>{verdict}</p>"
        f"<p class='quiet'>{escape(plan.target)}, {plan.users:,} connected users, {plan.duration_seconds:g} s, "
        f"{escape(result.started_at.replace('T', ' '))}</p></header>"
    )


def _tiles(result: LoadResult) -> str:
    total = result.total
    right = share(total.succeeded / total.offered) if total.offered else "-"
    tiles = (
        ("Offered", f"{result.offered_per_second:,.0f}/s", f"{total.offered:,} requests"),
        ("Achieved", f"{result.achieved_per_second:,.0f}/s", "right answers in time"),
        ("Right", right, f"{total.failed:,} wrong"),
        ("p50", milliseconds(total.latency.p50_ms), "half are faster"),
        ("p99", milliseconds(total.latency.p99_ms), "one in a hundred is slower"),
        ("p99.9", milliseconds(total.latency.p99_9_ms), f"max {milliseconds(total.latency.max_ms)}"),
    )
    return as_tiles(tiles)


def _saturation(result: LoadResult) -> str:
    if result.saturation.by is None:
        return ""
    who = {"server": "The server", "generator": "The load generator", "both": "Server and load generator"}
    reasons = "".join(f"<li>{escape(reason)}</li>" for reason in result.saturation.reasons)
    said = f"<strong>{who[result.saturation.by]} could not keep up.</strong>"
    return f"<div class='note'>{said}<ul>{reasons}</ul></div>"


def _objectives(result: LoadResult) -> str:
    rows = [_objective(objective) for objective in result.objectives]
    return f"<section><h2>Objectives</h2>{table('Objectives', heading(_OBJECTIVE_COLUMNS), rows)}</section>"


_OBJECTIVE_COLUMNS = ("Objective", "Aim", "Found", "Verdict")


def _objective(objective: ObjectiveResult) -> str:
    show = share if objective.kind == "availability" else milliseconds
    sign = "at least" if objective.kind == "availability" else "at most"
    scope = "all requests" if objective.scope == "all" else objective.scope
    found = "not measured" if objective.found is None else show(objective.found)
    return row(f"{objective.kind} of {scope}", [f"{sign} {show(objective.aim)}", found, _verdict(objective.met)])


def _verdict(met: bool | None) -> str:
    return "" if met is None else badge("met", "good") if met else badge("not met", "bad")


def _plots(result: LoadResult, seconds: Sequence[SecondResult]) -> str:
    times = seconds_table(
        "Latency by second", seconds, ("p50", "p99"), lambda s: (milliseconds(s.p50_ms), milliseconds(s.p99_ms))
    )
    rates = seconds_table(
        "Requests by second", seconds, ("Offered", "Achieved", "In flight", "Waiting"),
        lambda s: [f"{count:,}" for count in (s.offered, s.succeeded, s.in_flight, s.waiting)],
    )  # fmt: skip
    return (
        figure(latency_plot(result, seconds), "Latency over time", times,
                "From the moment a request was due, so waiting behind a slow server counts.")
        + figure(rate_plot(result, seconds), "Requests per second", rates,
                  "Offered follows the plan whatever the server does; achieved counts right answers.")
        + figure(curve_plot(result), "Latency by percentile", curve_table("Percentiles", result),
                  "Each step to the right is ten times rarer.")
        + _errors_figure(result, seconds)
    )  # fmt: skip


def _errors_figure(result: LoadResult, seconds: Sequence[SecondResult]) -> str:
    if not result.total.failed:
        return "<section><h2>Errors</h2><p>None: every request was answered rightly.</p></section>"
    numbers = seconds_table("Errors by second", seconds, ("Errors",), lambda s: (f"{s.failed:,}",))
    plot = error_plot(result, seconds)
    return figure(plot, "Errors per second", numbers, "Wrong, refused, timed out or never sent.")


def _requests(result: LoadResult) -> str:
    rows = [_request(group, total=group is result.total) for group in (*result.groups, result.total)]
    numbers = table("Latency from the intended send time", heading(_REQUEST_COLUMNS), rows)
    return f"<section><h2>Requests</h2>{numbers}</section>"


_REQUEST_COLUMNS = (
    "Request",
    "Offered",
    "Right",
    "Wrong",
    "p50",
    "p95",
    "p99",
    "p99.9",
    "Max",
    "p99 aim",
    "Verdict",
)


def _request(group: GroupResult, *, total: bool) -> str:
    counts = [f"{count:,}" for count in (group.offered, group.succeeded, group.failed)]
    latency = group.latency
    values = (latency.p50_ms, latency.p95_ms, latency.p99_ms, latency.p99_9_ms, latency.max_ms)
    aim = "" if group.objective_ms is None else milliseconds_short(group.objective_ms)
    cells = [*counts, *(milliseconds(value) for value in values), aim, _verdict(group.met)]
    return row(group.name, cells, total=total)


def _errors(result: LoadResult) -> str:
    kinds = list(result.total.errors)
    if not kinds:
        return ""
    rows = [
        row(group.name, [f"{group.errors.get(kind, 0):,}" for kind in kinds], total=group is result.total)
        for group in (*result.groups, result.total)
    ]
    problems = "".join(f"<li>{escape(problem)}</li>" for problem in result.problems)
    said = f"<p>The first of them in words:</p><ul>{problems}</ul>" if problems else ""
    numbers = table("Errors by kind", heading(("Request", *kinds)), rows)
    return f"<section><h2>Errors by kind</h2>{numbers}{said}</section>"


def _facts(result: LoadResult) -> str:
    plan, ours, connections = result.plan, result.generator, result.connections
    opened = (
        f"{connections.opened:,} opened, {connections.failed:,} failed, {connections.closed_idle:,} closed by the "
        f"server while idle, {connections.reconnected:,} opened again"
    )
    cost = (
        f"{ours.processes} process(es), lag p50 {milliseconds(ours.lag.p50_ms)}, "
        f"p99 {milliseconds(ours.lag.p99_ms)}, {ours.cpu_share:.0%} of a core, "
        f"{ours.cpu_us_per_request:.0f} µs per request, {ours.peak_memory_bytes / 1e6:.0f} MB"
    )
    facts = (
        ("Base rate", f"{plan.rate:,.1f}/s from {plan.users:,} users"),
        ("Journeys", plan.journeys),
        ("Warm-up", f"{plan.warmup_seconds:g} s, not measured"),
        ("Seed", str(plan.seed)),
        ("Connections", opened),
        ("Generator", cost),
        ("Cache", cached(result.cache) if result.cache else "not seen"),
        ("Machine", f"{result.machine.cores} cores, {result.machine.system}, Python {result.machine.python}"),
    )  # fmt: skip
    rows = "".join(f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>" for name, text in facts)
    return f"<section><h2>The run</h2><dl class='facts'>{rows}</dl></section>"


def _footer(result: LoadResult) -> str:
    return f"<footer><p>Written by rung load, document {escape(result.schema)}.</p></footer>"

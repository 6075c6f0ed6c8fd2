"""The HTML report of a forecast: a day in five plots, each also a table."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from html import escape

from rung.charts import Band, Line, Plot
from rung.forecast.outcome import KINDS, Outcome, interval_text
from rung.forecast.simulate import Minute
from rung.forecast.system import System
from rung.page import as_tiles, badge, figure, heading, page, row, table

#: A plot has room for about this many points; of more minutes, the worst of each stretch is drawn.
_POINTS = 360
HOUR = 3_600.0


def render_report(
    system: System, outcome: Outcome, minutes: Sequence[Minute], *, spikes: Sequence[float], facts: dict[str, str]
) -> str:
    """The whole page. `facts` are the assumptions, as names and texts."""
    title = f"Forecast of {system.workload} {system.environment} on {system.rung}"
    shown = _thinned(minutes)
    bands = [Band(start=at, end=at + system.peak_seconds, label=f"{system.peak:g}x") for at in spikes]
    body = (
        f"{_header(title, outcome)}<main id='main'>{_tiles(outcome)}{_binding(outcome)}"
        f"{''.join(_figures(system, shown, bands))}{_failures(outcome)}{_actions(outcome)}{_facts(facts)}</main>"
        "<footer><p>Written by rung forecast.</p></footer>"
    )
    return page(title, body, "the forecast")


def _header(title: str, outcome: Outcome) -> str:
    verdict = badge("Objectives met", "good") if outcome.met else badge("Objectives not met", "bad")
    return f"<header><h1>{escape(title)}</h1><p>{verdict}</p></header>"


def _tiles(outcome: Outcome) -> str:
    budget = "no promise" if outcome.budget_used is None else f"{outcome.budget_used:.1%} of a month's budget"
    tasks = f"{outcome.least_tasks} to {outcome.most_tasks}"
    at = f"at {outcome.utilisation:.0%} CPU on average"
    tiles: tuple[tuple[str, str, str], ...] = (
        ("Answered", f"{outcome.availability:.3%}", f"of {outcome.offered:,} requests"),
        ("p50", _milliseconds(outcome.p50), "half are faster"),
        ("p99", _milliseconds(outcome.p99), ", ".join(filter(None, (interval_text(outcome.p99_interval), at)))),
        ("Failed", f"{outcome.refused + outcome.timed_out:,}", budget),
        ("Tasks", tasks, f"{outcome.scaling_actions} changes"),
        ("Connections", f"{outcome.connections:,}", "at most, to the database"),
    )
    if outcome.dollars is not None:
        tiles = (*tiles, ("Cost", f"${outcome.dollars:,.2f}", "of the time that was simulated"))
    return as_tiles(tiles)


def _binding(outcome: Outcome) -> str:
    if not outcome.binds:
        return ""
    at = _clock(outcome.worst.start)
    return f"<div class='note'><strong>Full at {at}:</strong> {escape(outcome.binds)}</div>"


def _figures(system: System, minutes: Sequence[Minute], bands: Sequence[Band]) -> list[str]:
    objective = system.objective_seconds
    aim = None if objective is None else (objective * 1_000, f"promised p99, {objective * 1_000:g} ms")
    found = [
        _figure(
            minutes, bands, "Requests per second", "Offered is what visitors ask for; failed was refused or late.",
            {"offered": ("one", lambda m: m.offered / 60), "answered": ("two", lambda m: m.answered / 60),
             "failed": ("bad", lambda m: m.failed / 60)},
        ),
        _figure(
            minutes, bands, "Latency, ms", "From the load balancer on, of requests that were answered.",
            {"p50": ("one", lambda m: _ms(m.p50)), "p95": ("three", lambda m: _ms(m.p95)),
             "p99": ("two", lambda m: _ms(m.p99)), "CPU, %": ("", lambda m: m.utilisation * 100)}, aim=aim,
        ),
        _figure(
            minutes, bands, f"{system.kind.capitalize()}s", "Running, after they started.",
            {f"{system.kind}s": ("one", lambda m: float(m.tasks))},
        ),
        _figure(
            minutes, bands, "Utilisation, %", "Of the CPU of tasks, and of the database's at its size of then.",
            {"tasks": ("one", lambda m: m.utilisation * 100),
             "database": ("two", lambda m: m.store_utilisation * 100)},
        ),
    ]  # fmt: skip
    if system.store is not None:
        found.append(
            _figure(
                minutes, bands, "Connections", "To the database, open at the end of each minute.",
                {"connections": ("one", lambda m: float(m.connections))},
            )
        )  # fmt: skip
    if minutes[0].dollars is not None:
        found.append(
            _figure(
                minutes, bands, "Dollars per hour", "Of what runs and of what visitors cause.",
                {"dollars": ("one", lambda m: None if m.dollars is None else m.dollars * 60)},
            )
        )  # fmt: skip
    if system.backlogs:
        found.append(
            _figure(
                minutes, bands, "Messages waiting", "In all queues.", {"waiting": ("one", lambda m: m.backlog)}
            )
        )
    return found


def _figure(
    minutes: Sequence[Minute], bands: Sequence[Band], title: str, note: str,
    lines: dict[str, tuple[str, Callable[[Minute], float | None]]], *, aim: tuple[float, str] | None = None,
) -> str:  # fmt: skip
    columns = {name: [read(minute) for minute in minutes] for name, (_, read) in lines.items()}
    plot = Plot(
        identity="".join(letter for letter in title.lower() if letter.isalpha()), title=title, description=note,
        x=[minute.start for minute in minutes], x_ticks=_ticks(minutes), x_label="",
        lines=[Line(name=name, style=style, values=columns[name]) for name, (style, _) in lines.items() if style],
        y_label=lambda value: f"{value:,.6g}", aim=aim, bands=bands,
        logarithmic="Latency" in title and _wide(columns),
    )  # fmt: skip
    rows = [
        row(_clock(minute.start), [_number(columns[name][place]) for name in lines])
        for place, minute in enumerate(minutes)
    ]
    return figure(plot, title, table(title, heading(("Time", *lines)), rows), note)


def _wide(columns: dict[str, list[float | None]]) -> bool:
    values = [value for column in columns.values() for value in column if value]
    return bool(values) and max(values) > 20 * min(values)


def _ticks(minutes: Sequence[Minute]) -> list[tuple[float, str]]:
    first, last = minutes[0].start, minutes[-1].start
    step = next(
        (size for size in (300.0, 900.0, 1_800.0, HOUR, 2 * HOUR) if (last - first) / size <= 12), 3 * HOUR
    )
    begin = math.ceil(first / step)
    return [(at * step, _clock(at * step)) for at in range(begin, int(last // step) + 1)]


def _thinned(minutes: Sequence[Minute]) -> list[Minute]:
    """The worst minute of each stretch, so that a spike is not thinned away."""
    size = max(1, math.ceil(len(minutes) / _POINTS))
    stretches = [minutes[start : start + size] for start in range(0, len(minutes), size)]
    return [max(each, key=lambda minute: (minute.failed, minute.offered)) for each in stretches]


def _failures(outcome: Outcome) -> str:
    if not outcome.failures:
        return ""
    rows = [row(KINDS[name], [f"{count:,}"]) for name, count in outcome.failures]
    said = f"<p>{outcome.retries:,} attempts were second or later ones.</p>"
    return f"<section><h2>Failures</h2>{said}{table('Failures', heading(('Kind', 'Requests')), rows)}</section>"


def _actions(outcome: Outcome) -> str:
    if not outcome.actions:
        return ""
    rows = [row(_clock(at), [str(before), str(after)]) for at, before, after in outcome.actions]
    shown = table("Changes of capacity", heading(("Time", "From", "To")), rows)
    return (
        f"<section><h2>Changes of capacity</h2><details><summary>As a table</summary>{shown}</details></section>"
    )


def _facts(facts: dict[str, str]) -> str:
    rows = "".join(f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>" for name, text in facts.items())
    return f"<section><h2>Measured and assumed</h2><dl class='facts'>{rows}</dl></section>"


def _clock(seconds: float) -> str:
    return f"{int(seconds // HOUR) % 24:02d}:{int(seconds % HOUR // 60):02d}"


def _ms(seconds: float) -> float | None:
    return None if math.isnan(seconds) else seconds * 1_000


def _milliseconds(seconds: float) -> str:
    return "-" if math.isnan(seconds) else f"{seconds * 1_000:,.0f} ms" if seconds < 10 else f"{seconds:,.1f} s"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:,.4g}"

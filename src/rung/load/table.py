"""A result as a person reads it in a terminal."""

from __future__ import annotations

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from rung.load.caching import CacheResult
from rung.load.result import GroupResult, LoadResult, ObjectiveResult


def milliseconds(value: float) -> str:
    """Three digits that matter, with the unit: `0.84 ms`, `12.3 ms`, `1.24 s`."""
    if value >= 1000:
        return f"{value / 1000:.2f} s"
    return f"{value:.0f} ms" if value >= 100 else f"{value:.1f} ms" if value >= 10 else f"{value:.2f} ms"


def share(value: float) -> str:
    """A share of 1 as a percentage that never rounds a failure away: 0.99996 is 99.996 %."""
    text = f"{value * 100:.3f}".rstrip("0").rstrip(".")
    return f"{'99.999' if text == '100' and value < 1 else text} %"


def print_result(result: LoadResult, console: Console) -> None:
    """The whole result."""
    console.print(summary(result), requests(result, console.width), *verdicts(result), sep="\n")


def summary(result: LoadResult) -> RenderableType:
    """What was asked for and what came of it, in a few lines."""
    plan = result.plan
    errors = ", ".join(f"{count:,} {kind}" for kind, count in result.total.errors.items()) or "none"
    lines = Table.grid(padding=(0, 2))
    lines.add_row(
        "target", f"{plan.target}, {plan.users:,} connections, {plan.duration_seconds:g} s, seed {plan.seed}"
    )
    lines.add_row("offered", f"{result.offered_per_second:,.0f}/s ({result.total.offered:,} requests)")
    lines.add_row("achieved", f"{result.achieved_per_second:,.0f}/s right answers in the measured time")
    lines.add_row("errors", errors)
    lines.add_row("generator", _generator(result))
    if result.cache is not None:
        lines.add_row("cache", cached(result.cache))
    return Group("", Text(f"load of {result.name}", style="bold"), lines, "")


def cached(found: CacheResult) -> str:
    """How much the caches answered, and what was left for the database."""
    rest = f"{share(found.database_share)} of the requests reached the database"
    return f"{share(found.hit_ratio)} of {found.reads:,} reads answered; {rest}"


def _generator(result: LoadResult) -> str:
    ours = result.generator
    return (
        f"lag p99 {milliseconds(ours.lag.p99_ms)}, {ours.cpu_share:.0%} of a core, "
        f"{ours.cpu_us_per_request:.0f} µs per request, {ours.peak_memory_bytes / 1e6:.0f} MB"
    )


def requests(result: LoadResult, width: int = 120) -> Table:
    """One row per step name, and one for all; below 100 columns without the less telling ones."""
    table = Table(box=None, pad_edge=False, header_style="dim", caption_justify="left", caption_style="dim",
                  caption="latency from the intended send time; timeouts count with what was waited")  # fmt: skip
    table.add_column("request", overflow="fold", min_width=16)
    left_out = {"offered", "p95", "p99.9"} if width < 100 else set()
    shown = [heading for heading in _HEADINGS if heading not in left_out]
    for heading in shown:
        table.add_column(heading, justify="right" if heading else "left", no_wrap=True)
    for group in (*result.groups, result.total):
        cells = _cells(group)
        table.add_row(
            group.name, *(cells[heading] for heading in shown), style="bold" if group is result.total else ""
        )
    return table


_HEADINGS = ("offered", "right", "wrong", "p50", "p95", "p99", "p99.9", "max", "aim", "")


def _cells(group: GroupResult) -> dict[str, RenderableType]:
    latency = group.latency
    values = (latency.p50_ms, latency.p95_ms, latency.p99_ms, latency.p99_9_ms, latency.max_ms)
    times = [milliseconds(value) if latency.count else "-" for value in values]
    wrong = Text(f"{group.failed:,}", style="red" if group.failed else "")
    aim = "" if group.objective_ms is None else f"{group.objective_ms:g} ms"
    counts = (f"{group.offered:,}", f"{group.succeeded:,}", wrong)
    cells: tuple[RenderableType, ...] = (*counts, *times, aim, verdict(group.met))
    return dict(zip(_HEADINGS, cells, strict=True))


def verdict(met: bool | None) -> Text:
    """met, not met, or nothing when nothing was promised or measured."""
    return Text("") if met is None else Text("met", style="green") if met else Text("not met", style="bold red")


def verdicts(result: LoadResult) -> list[RenderableType]:
    """The objectives, the saturation flag with its reasons, and the first problems in words."""
    lines: list[RenderableType] = [""]
    lines += [_objective(objective) for objective in result.objectives]
    if result.saturation.by is not None:
        lines.append(
            Text(f"saturated: the {_CULPRITS[result.saturation.by]} could not keep up", style="bold yellow")
        )
        lines += [Text(f"  {reason}") for reason in result.saturation.reasons]
    if result.problems:
        lines.append(Text("first problems", style="bold"))
        lines += [Text(f"  {problem}") for problem in result.problems]
    return lines


_CULPRITS = {"server": "server", "generator": "load generator", "both": "server and the load generator"}


def _objective(objective: ObjectiveResult) -> Text:
    show = share if objective.kind == "availability" else milliseconds
    found = (
        "not measured: no such request in the measured time" if objective.found is None else show(objective.found)
    )
    scope = "all requests" if objective.scope == "all" else objective.scope
    sign = ">=" if objective.kind == "availability" else "<="
    return Text.assemble(f"{objective.kind} of {scope}: {found}, aim {sign} {show(objective.aim)}  ",
                         verdict(objective.met))  # fmt: skip

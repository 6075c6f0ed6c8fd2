"""`rung forecast`: a day of the workload's traffic through a design, before anything is built."""

from __future__ import annotations

import argparse
import json
import math
import re
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from rung.cli.arguments import at_least_zero
from rung.errors import UsageError

if TYPE_CHECKING:
    from rung.forecast.behaviour import Behaviour
    from rung.forecast.faults import Fault
    from rung.forecast.outcome import Outcome
    from rung.forecast.simulate import Day, Minute, Running
    from rung.forecast.system import System

FAULTS = ("lost-tasks", "lost-node", "lost-zone", "failover", "cold-cache", "slow-database", "slow-dependency")
_FAULT = re.compile(r"(?P<name>[a-z-]+)@(?P<hour>\d{1,2}):(?P<minute>\d{2})(?:=(?P<value>[0-9]+(?:\.[0-9]+)?))?\Z")


def configure(parser: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    command = parser.add_parser("forecast", help="simulate a day of traffic through a design")
    command.add_argument(
        "workload", nargs="?", type=Path, default=Path("workload.py"), metavar="FILE", help="the workload file"
    )
    command.add_argument(
        "--env", "--environment", dest="env", metavar="NAME", help="the environment, else the one in production"
    )
    command.add_argument("--rung", metavar="RUNG", help="another rung than the environment's own")
    command.add_argument(
        "--from", dest="start", default="00:00", metavar="HH:MM", help="when it begins (%(default)s)"
    )
    command.add_argument("--hours", type=float, default=24.0, metavar="N", help="how much of the day (24)")
    command.add_argument(
        "--spike", action="append", default=[], metavar="HH:MM", help="a spike of Traffic.peak; repeatable"
    )
    command.add_argument("--fault", action="append", default=[], metavar="NAME@HH:MM[=VALUE]",
                         help=f"one of {', '.join(FAULTS)}; repeatable")  # fmt: skip
    command.add_argument(
        "--assume", action="append", default=[], metavar="NAME=VALUE", help="a better value; repeatable"
    )
    command.add_argument(
        "--measured", type=Path, metavar="LOAD.json", help="values from a result of rung load --format json"
    )
    command.add_argument("--arrivals", choices=("open", "sessions", "closed"), default="open",
                         help="one by one, as visits, or users who stay")  # fmt: skip
    command.add_argument("--trace", type=Path, metavar="FILE.csv", help="replay recorded arrival times")
    command.add_argument(
        "--seed", type=at_least_zero, default=0, metavar="N", help="the same seed gives the same day (0)"
    )
    command.add_argument("--report", type=Path, metavar="FILE.html", help="write a report with plots")
    command.add_argument("--format", choices=("text", "json"), default="text", help="json is for programs")


def run(arguments: argparse.Namespace) -> int:
    """Simulate and say what came of it; 1 when a promise is not kept. Raises UserError with findings."""
    spikes = [_seconds(text, "--spike") for text in arguments.spike]
    start = _seconds(arguments.start, "--from")
    if not 0 < arguments.hours <= 24 * 7:
        raise UsageError("--hours is more than 0 and at most 168")
    _needs_numpy()
    from rung.forecast.behaviour import Behaviour
    from rung.forecast.outcome import outcome_of
    from rung.forecast.simulate import simulate
    from rung.model.assumed import assumed
    from rung.model.measured import read_load

    behaviour = assumed(read_load(Behaviour(), arguments.measured), arguments.assume)
    system, cost = _system(arguments, behaviour)
    faults = [_fault(text) for text in arguments.fault]
    with _Progress(arguments.format == "text") as progress:
        day = simulate(
            system, behaviour, minutes=max(1, round(arguments.hours * 60)), start_minute=int(start // 60),
            seed=arguments.seed, spikes=spikes, faults=faults, progress=progress, arrivals=arguments.arrivals,
            trace=_trace(arguments.trace), dollars_per_hour=cost,
        )  # fmt: skip
    outcome = outcome_of(system, day)
    if arguments.report is not None:
        _write_report(arguments.report, system, outcome, day, spikes, behaviour)
    if arguments.format == "json":
        print(json.dumps(_as_json(system, outcome, day, behaviour, arguments.seed), indent=2))
    else:
        _print(system, outcome, day, behaviour, arguments.report)
    return 0 if outcome.met else 1


def _needs_numpy() -> None:
    from importlib.util import find_spec

    if find_spec("numpy") is None:
        raise UsageError("rung forecast needs numpy: pip install 'rung[forecast]'")


def _trace(file: Path | None) -> list[float] | None:
    if file is None:
        return None
    from rung.load.arrivals import read_trace

    try:
        return read_trace(file)
    except (OSError, ValueError) as problem:
        raise UsageError(f"--trace {file}: {problem}") from problem


def _system(
    arguments: argparse.Namespace, behaviour: Behaviour
) -> tuple[System, Callable[[Running], float] | None]:
    """What is simulated, and what it costs."""
    from rung.cli.forecast_cost import dollars_per_hour
    from rung.cli.production import environment_or_production
    from rung.forecast.system import system_of
    from rung.model.read import load_workload
    from rung.rungs import place

    graph = load_workload(arguments.workload)
    environment = environment_or_production(graph, arguments.env)
    design = place(graph, environment, rung=arguments.rung)
    cost = dollars_per_hour(graph, design, vcpu_per_acu=behaviour.vcpu_per_acu)
    return system_of(graph, design, behaviour), cost


def _fault(text: str) -> Fault:
    from rung.forecast.faults import (
        ColdCache,
        Failover,
        LostNode,
        LostTasks,
        LostZone,
        SlowDatabase,
        SlowDependency,
    )
    from rung.near import suggestion

    found = _FAULT.match(text)
    if found is None or found["name"] not in FAULTS:
        near = suggestion(text.partition("@")[0], FAULTS)
        raise UsageError(f"--fault {text!r}{near}: write NAME@HH:MM[=VALUE], one of {', '.join(FAULTS)}")
    at = _seconds(f"{found['hour']}:{found['minute']}", "--fault")
    value = None if found["value"] is None else float(found["value"])
    match found["name"]:
        case "lost-tasks":
            return LostTasks(at=at) if value is None else LostTasks(at=at, share=min(1.0, value))
        case "lost-node":
            return LostNode(at=at) if value is None else LostNode(at=at, nodes=max(1, int(value)))
        case "lost-zone":
            return LostZone(at=at) if value is None else LostZone(at=at, failover_seconds=value)
        case "failover":
            return Failover(at=at) if value is None else Failover(at=at, seconds=value)
        case "cold-cache":
            return ColdCache(at=at)
        case "slow-dependency":
            return SlowDependency(at=at) if value is None else SlowDependency(at=at, factor=value)
        case _:
            return SlowDatabase(at=at) if value is None else SlowDatabase(at=at, factor=value)


def _seconds(text: str, option: str) -> float:
    hour, colon, minute = text.partition(":")
    if not (colon and hour.isdigit() and minute.isdigit() and int(hour) < 24 and int(minute) < 60):
        raise UsageError(f"{option} {text!r}: write a time of the day, such as 20:00")
    return int(hour) * 3_600.0 + int(minute) * 60.0


class _Progress:
    """A bar on standard error, where somebody looks."""

    def __init__(self, wanted: bool) -> None:
        self._bar: Any = None
        self._task: Any = None
        self._wanted = wanted and sys.stderr.isatty()

    def __enter__(self) -> Self:
        if self._wanted:
            from rich.console import Console
            from rich.progress import Progress

            self._bar = Progress(console=Console(stderr=True), transient=True)
            self._bar.start()
            self._task = self._bar.add_task("simulating", total=None)
        return self

    def __call__(self, done: int, total: int) -> None:
        if self._bar is not None:
            self._bar.update(self._task, completed=done, total=total)

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()


def _print(system: System, outcome: Outcome, day: Day, behaviour: Behaviour, report: Path | None) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)
    table = Table("time", box=None, pad_edge=False)
    for name in ("offered/s", "failed", "p50", "p99", f"{system.kind}s", "CPU", "database", "waiting"):
        table.add_column(name, justify="right")
    for minute in _hours(day.minutes):
        failed = minute.failed
        table.add_row(
            _clock(minute.start), f"{minute.offered / 60:,.0f}", f"{failed:,}" if failed else "",
            _milliseconds(minute.p50), _milliseconds(minute.p99), str(minute.tasks), f"{minute.utilisation:.0%}",
            f"{minute.store_utilisation:.0%}", f"{minute.backlog:,.0f}" if minute.backlog else "",
        )  # fmt: skip
    console.print("the worst minute of each hour")
    console.print(table)
    console.print()
    for text in [*_summary(system, outcome), _basis(behaviour)]:
        console.print(text)
    if report is not None:
        console.print(f"report: {report}")


def _summary(system: System, outcome: Outcome) -> list[str]:
    from rung.forecast.outcome import interval_text

    promise = "" if system.availability is None else f" (promised {system.availability:.3%})"
    kind = system.kind
    chance = interval_text(outcome.p99_interval)
    tail = f"p50 {_milliseconds(outcome.p50)}, p95 {_milliseconds(outcome.p95)}, p99 {_milliseconds(outcome.p99)}"
    tail += chance and f" ({chance})"
    scaled = f"{outcome.least_tasks} to {outcome.most_tasks} {kind}s, {outcome.scaling_actions} changes"
    texts = [
        f"{outcome.availability:.4%} of {outcome.offered:,} requests answered{promise}",
        f"{tail} at {outcome.utilisation:.0%} CPU on average; {outcome.late_share:.2%} later than promised",
        f"{scaled}, {outcome.task_hours:,.0f} {kind}-hours; at most {outcome.connections} connections",
    ]
    if outcome.failures:
        from rung.forecast.outcome import KINDS

        kinds = ", ".join(f"{count:,} {KINDS[name]}" for name, count in outcome.failures)
        texts.append(f"failed: {kinds}; {outcome.retries:,} retries")
    if outcome.dollars is not None:
        texts.append(f"${outcome.dollars:,.2f} for this time")
    if outcome.budget_used:
        texts.append(f"{outcome.budget_used:.1%} of a month's error budget is used")
    if outcome.binds:
        texts.append(f"[bold]full at {_clock(outcome.worst.start)}:[/] {outcome.binds}")
    texts.append("[bold green]objectives met[/]" if outcome.met else "[bold red]objectives not met[/]")
    return texts


def _basis(behaviour: Behaviour) -> str:
    """Which values are measured or given; the others are assumed."""
    known = {kind: [each.name for each in behaviour.basis if each.kind == kind] for kind in ("measured", "given")}
    said = "; ".join(f"{kind}: {', '.join(names)}" for kind, names in known.items() if names)
    return f"{said}; all else is assumed" if said else "all values are assumed: --measured load.json replaces them"


def _hours(minutes: tuple[Minute, ...]) -> list[Minute]:
    found: dict[int, Minute] = {}
    for minute in minutes:
        hour = int(minute.start // 3_600)
        kept = found.get(hour)
        if kept is None or _badness(minute) > _badness(kept):
            found[hour] = minute
    return list(found.values())


def _badness(minute: Minute) -> tuple[int, float]:
    return (minute.failed, 0.0 if math.isnan(minute.p99) else minute.p99)


def _write_report(
    file: Path, system: System, outcome: Outcome, day: Day, spikes: list[float], behaviour: Behaviour
) -> None:
    from rung.forecast.report import render_report
    from rung.model.assumed import described

    facts = {
        f"{name} ({behaviour.basis_of(name)})": f"{value:g} {unit}: {why}"
        for name, value, unit, why in described(behaviour)
    }
    file.write_text(render_report(system, outcome, day.minutes, spikes=spikes, facts=facts), encoding="utf-8")


def _as_json(system: System, outcome: Outcome, day: Day, behaviour: Behaviour, seed: int) -> dict[str, Any]:
    return {
        "schema": "rung.forecast/2", "seed": seed, "system": asdict(system), "assumptions": asdict(behaviour),
        "outcome": _without_nan(asdict(outcome)), "minutes": [_without_nan(asdict(each)) for each in day.minutes],
    }  # fmt: skip


def _without_nan(values: dict[str, Any]) -> dict[str, Any]:
    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return _without_nan(value)
        if isinstance(value, tuple | list):
            return [plain(each) for each in value]
        return None if isinstance(value, float) and not math.isfinite(value) else value

    return {name: plain(value) for name, value in values.items()}


def _clock(seconds: float) -> str:
    return f"{int(seconds // 3_600) % 24:02d}:{int(seconds % 3_600 // 60):02d}"


def _milliseconds(seconds: float) -> str:
    return "-" if math.isnan(seconds) else f"{seconds * 1_000:,.0f} ms" if seconds < 10 else f"{seconds:,.1f} s"

"""`rung load`: open-loop load from a workload's own traffic model."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from rung.cli.arguments import at_least_zero

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rung.load.options import Options
    from rung.load.plan import Plan
    from rung.load.recording import Recording
    from rung.load.result import LoadResult
    from rung.load.run import OnEvent, Progress


def configure(parser: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command's arguments."""
    command = parser.add_parser("load", help="send the workload's own traffic at it and measure")
    command.add_argument("file", nargs="?", default="workload.py", metavar="FILE", help="the workload file")
    command.add_argument("--url", default="http://127.0.0.1:8000", help="where it runs (%(default)s)")
    command.add_argument(
        "--users", type=int, metavar="N", help="connected users, each with a connection of its own"
    )
    command.add_argument(
        "--think", metavar="TIME", help="mean pause between two requests of one user, such as 10s"
    )
    command.add_argument(
        "--rate", type=float, metavar="N", help="requests per second, instead of users / think time"
    )
    command.add_argument("--duration", default="60s", metavar="TIME", help="measured time (%(default)s)")
    command.add_argument("--warmup", default="10s", metavar="TIME", help="before it, not measured (%(default)s)")
    shape = command.add_mutually_exclusive_group()
    shape.add_argument("--spike", action="append", default=[], metavar="10x@60s+60s",
                       help="factor @ start + length, repeatable; or `traffic`: the workload's peak")  # fmt: skip
    shape.add_argument("--ramp", metavar="0.1x-1x", help="from one factor to another over the duration")
    shape.add_argument("--daily", action="store_true", help="a day's curve squeezed into the duration")
    shape.add_argument("--trace", type=Path, metavar="FILE.csv", help="replay recorded arrival times")
    command.add_argument("--trace-speed", type=float, default=1.0, metavar="N", help="replay N times as fast")
    command.add_argument("--journey", metavar="MODULE:OBJECT", help="journeys instead of the workload's own")
    command.add_argument(
        "--seed",
        type=at_least_zero,
        default=0,
        metavar="N",
        help="the same seed sends the same load (%(default)s)",
    )
    command.add_argument("--timeout", default="10s", metavar="TIME", help="of one request (%(default)s)")
    command.add_argument("--processes", type=int, default=1, metavar="N", help="generator processes (%(default)s)")
    command.add_argument(
        "--metrics", action="append", default=[], metavar="URL",
        help="where a process of the target shows its metrics, repeatable; those of rung dev are found",
    )  # fmt: skip
    command.add_argument("--report", type=Path, metavar="FILE.html", help="write a report with plots")
    command.add_argument("--format", choices=("text", "json"), default="text", help="json is for programs")
    command.add_argument(
        "--i-own-this-target", action="store_true", help="allow a target that is not this machine"
    )
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Send the load. 0 when every objective is met, else 1. Raises UsageError, UserError."""
    from datetime import UTC, datetime

    from msgspec import structs

    from rung.load.caching import CacheWatch
    from rung.load.judge import judge
    from rung.load.options import aims_of, plan_of
    from rung.load.server import ServerWatch
    from rung.model.read import load_workload

    file = Path(arguments.file)
    graph = load_workload(file)
    plan = plan_of(_options(arguments), graph, file)
    started_at = datetime.now(UTC)
    watch, caches = ServerWatch(file.parent), CacheWatch(file.parent, arguments.metrics)
    recording = _send(plan, (watch.hear, caches.hear), quiet=arguments.format == "json")
    result = judge(recording, plan, aims_of(graph), name=graph.name, started_at=started_at)
    result = structs.replace(result, server=watch.result(), cache=caches.result())
    _show(result, arguments)
    return 0 if result.met else 1


def _options(arguments: argparse.Namespace) -> Options:
    from rung.load.options import Options

    return Options(
        url=arguments.url, users=arguments.users, think=arguments.think, rate=arguments.rate,
        duration=arguments.duration, warmup=arguments.warmup, spike=tuple(arguments.spike), ramp=arguments.ramp,
        daily=arguments.daily, trace=arguments.trace, trace_speed=arguments.trace_speed, journey=arguments.journey,
        seed=arguments.seed, timeout=arguments.timeout, processes=arguments.processes,
        own_target=arguments.i_own_this_target,
    )  # fmt: skip


def _send(plan: Plan, listeners: Sequence[OnEvent], *, quiet: bool) -> Recording:
    import asyncio

    from rich.console import Console

    from rung.load.live import LiveView
    from rung.load.run import Run

    with LiveView(plan, Console(stderr=True, quiet=quiet)) as view:

        def hear(progress: Progress) -> None:
            view.show(progress)
            for listen in listeners:
                listen(progress)

        return asyncio.run(Run(plan, hear).run())


def _show(result: LoadResult, arguments: argparse.Namespace) -> None:
    from rich.console import Console

    from rung.load.result import encode
    from rung.load.table import print_result

    if arguments.format == "json":
        print(encode(result))
    else:
        print_result(result, Console())
    if arguments.report is not None:
        from rung.load.report import render_report

        arguments.report.write_text(render_report(result), encoding="utf-8")
        print(f"report: {arguments.report}", file=sys.stderr)

"""`rung dev`: a whole workload on this machine, one port, one log."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rung.cli.arguments import at_least_one, duration_seconds, port_number
from rung.errors import Finding, ModelError, UsageError

if TYPE_CHECKING:
    from rung.local.develop import Running
    from rung.local.logs import LogPrinter

_DEFAULT_FILE = "workload.py"
_WIDTH_OF_A_FILE = 115


def configure(parser: argparse._SubParsersAction[Any]) -> None:
    """Add the command and its options."""
    command = parser.add_parser(
        "dev",
        help="run a workload on this machine",
        description="Starts Postgres, Redis, services, workers and schedules; Ctrl-C drains and stops.",
    )
    command.add_argument(
        "file", nargs="?", type=Path, default=Path(_DEFAULT_FILE), metavar="FILE", help="the workload file"
    )
    command.add_argument(
        "--host", default="127.0.0.1", metavar="ADDRESS", help="the address to listen on (%(default)s)"
    )
    command.add_argument(
        "--port", type=port_number, default=None, metavar="N", help="the one port (8000, or the next free one)"
    )
    command.add_argument("--format", choices=("text", "json"), default="text", help="json is for programs")
    command.add_argument(
        "--workers", type=at_least_one, default=1, metavar="N", help="gateway processes (%(default)s)"
    )
    command.add_argument("--no-reload", action="store_true", help="do not restart what a changed file concerns")
    command.add_argument(
        "--seconds", type=duration_seconds, default=None, metavar="N", help="stop N seconds after it is ready"
    )


def run(arguments: argparse.Namespace) -> int:
    """Check the file, run it until Ctrl-C; the exit status. Raises UserError with what stops it."""
    started = time.monotonic()
    _refuse_foreign(arguments.host)
    from rung.model.checks import check
    from rung.model.read import load_workload

    graph = load_workload(arguments.file)
    findings = check(graph)
    errors = [finding for finding in findings if finding.severity == "error"]
    if errors:
        raise ModelError(*errors)
    from rung.local.develop import Options, Session
    from rung.local.logs import LogPrinter, wants_colour

    stream = sys.stdout.buffer
    printer = LogPrinter(format=arguments.format, stream=stream, colour=wants_colour(stream))
    options = Options(
        workload=arguments.file,
        host=arguments.host,
        port=arguments.port,
        gateway_workers=arguments.workers,
        reload=not arguments.no_reload,
        seconds=arguments.seconds,
    )

    def announce(running: Running) -> None:
        _announce(running, (*findings, *running.plan.findings), printer)

    session = Session(options=options, graph=graph, emit=printer, announce=announce, started=started)
    return asyncio.run(session.run())


def _refuse_foreign(host: str) -> None:
    """Raises UsageError for an address at which nothing on this machine can listen."""
    from rung.local.process import is_free

    if not is_free(0, host):
        raise UsageError(
            f"--host {host!r} is no address of this machine: write 127.0.0.1, or 0.0.0.0 for all of them"
        )


def _announce(running: Running, findings: Sequence[Finding], printer: LogPrinter) -> None:
    if printer.format == "json":
        printer(_ready_line(running, findings))
        return
    for line in _briefly(findings):
        print(line)
    _print_table(running)
    sys.stdout.flush()


def _ready_line(running: Running, findings: Sequence[Finding]) -> Any:
    from rung.local.logs import own_line

    return own_line(
        "ready",
        url=running.machine.url,
        seconds=round(running.seconds, 3),
        pid=os.getpid(),
        state=str(running.machine.state),
        processes=[spec.name for spec in running.plan.processes],
        databases={name: database.name for name, database in running.prepared.databases.items()},
        warnings=[finding.code for finding in findings],
    )


def _briefly(findings: Sequence[Finding]) -> list[str]:
    """One line for each warning: the whole of it is `rung check`'s to tell."""
    lines = []
    for finding in findings:
        place = f"{finding.location.file}:{finding.location.line}  " if finding.location else ""
        lines.append(f"{finding.severity}[{finding.code}] {place}{finding.message}")
    return lines


def _print_table(running: Running) -> None:
    from rich.console import Console
    from rich.table import Table

    from rung.local.overview import rows

    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", pad_edge=False)
    for heading in ("what", "kind", "where", "uses"):
        table.add_column(heading, no_wrap=heading != "uses")
    for row in rows(running):
        table.add_row(*row)
    console = Console(highlight=False, width=None if sys.stdout.isatty() else _WIDTH_OF_A_FILE)
    console.print()
    console.print(table)
    name, url = running.graph.name, running.machine.url
    console.print(f"\n[bold]{name}[/] is ready in {running.seconds:.1f} s: [bold]{url}[/]")
    console.print("[dim]Ctrl-C finishes what runs and stops; state is kept in .rung/[/]\n")

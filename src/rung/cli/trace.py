"""`rung trace`: where the time of one user action went, across processes."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rung.cli.arguments import at_least_one
from rung.errors import Finding, MachineError, UsageError

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text
    from rich.tree import Tree

    from rung.runtime.trace_reading import Branch, Trace

_FOLDER = ".rung"
_BAR_WIDTH = 24
_SHORTEST_IDENTITY = 4
_LONGEST_VALUE = 48


def configure(parser: argparse._SubParsersAction[Any]) -> None:
    """Add the command and its options."""
    command = parser.add_parser(
        "trace",
        help="show where the time of one user action went",
        description="With an id: the tree of that action over all processes. Without: the newest traces.",
    )
    command.add_argument("id", nargs="?", metavar="ID", help="a correlation id or trace id, or how it begins")
    command.add_argument("--slowest", action="store_true", help="list the slowest instead of the newest")
    command.add_argument(
        "--limit", type=at_least_one, default=20, metavar="N", help="how many to list (%(default)s)"
    )
    command.add_argument("--file", type=Path, metavar="FILE", help="the workload file beside which to look")
    command.add_argument("--state", type=Path, metavar="DIR", help="the .rung folder (the nearest one)")
    command.add_argument("--format", choices=("text", "json"), default="text", help="json is for programs")


def run(arguments: argparse.Namespace) -> int:
    """Print the tree or the list. Raises UserError: R0560 no traces here, R0561 no such id."""
    from rung.runtime.trace_reading import assemble, find, read_spans

    beside = arguments.file and arguments.file.parent / _FOLDER
    spans = read_spans(_folder(arguments.state or beside))
    if arguments.id is None:
        traces = assemble(spans)
        if arguments.slowest:
            traces.sort(key=lambda trace: trace.duration_ms, reverse=True)
        _print_list(traces[: arguments.limit], as_json=arguments.format == "json")
        return 0
    if len(arguments.id) < _SHORTEST_IDENTITY:
        raise UsageError(f"an id needs at least {_SHORTEST_IDENTITY} characters")
    traces = find(spans, arguments.id)
    if not traces:
        raise MachineError(_unknown(arguments.id))
    if arguments.format == "json":
        print(json.dumps([_tree_as_json(trace) for trace in traces], indent=2))
    else:
        _print_trees(traces)
    return 0


def _folder(given: Path | None) -> Path:
    state = given or (Path(os.environ["RUNG_STATE"]) if os.environ.get("RUNG_STATE") else _nearest())
    if state is None or not (state / "traces").is_dir():
        raise MachineError(
            Finding(
                code="R0560",
                severity="error",
                message="there are no traces here",
                found=f"no folder {state / 'traces'}" if state else f"no {_FOLDER} folder here or above",
                effect="nothing can be shown",
                help="run it beside the workload file, or name that: --file workloads/shop/workload.py",
            )
        )
    return state / "traces"


def _nearest() -> Path | None:
    here = Path.cwd()
    return next((each / _FOLDER for each in (here, *here.parents) if (each / _FOLDER).is_dir()), None)


def _unknown(identity: str) -> Finding:
    return Finding(
        code="R0561",
        severity="error",
        message=f"no trace has an id that begins with {identity!r}",
        found="the action was not chosen, or its file was rotated away",
        effect="only its log lines are left: they carry the same correlation id",
        help="RUNG_TRACE=always records every action; without an id this command lists those that are there",
    )


def _print_list(traces: Sequence[Trace], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps([_summary(trace) for trace in traces], indent=2))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    table.add_column("time")
    table.add_column("ms", justify="right")
    for column in ("spans", "node", "action", "correlation id"):
        table.add_column(column, justify="right" if column == "spans" else "left")
    for trace in traces:
        first = trace.roots[0].span
        table.add_row(
            f"{_time(trace):%H:%M:%S}", f"{trace.duration_ms:.1f}", str(len(trace.spans)), Text(first.node),
            Text(first.name, style="red" if trace.failed else ""), Text(trace.correlation_id),
        )  # fmt: skip
    Console().print(table if traces else "no traces yet: send a request, and look again after a second")


def _print_trees(traces: Sequence[Trace]) -> None:
    from rich.console import Console
    from rich.tree import Tree

    console: Console = Console(width=None if sys.stdout.isatty() else 140)
    for trace in traces:
        head = f"{trace.correlation_id or trace.trace_id}  {_time(trace):%Y-%m-%d %H:%M:%S} UTC"
        tree = Tree(f"[bold]{head}[/bold]  {trace.duration_ms:.1f} ms in {len(trace.spans)} spans")
        for root in trace.roots:
            _grow(tree, root, trace)
        console.print(tree)


def _grow(tree: Tree, branch: Branch, trace: Trace) -> None:
    grown = tree.add(_label(branch, trace))
    for child in branch.children:
        _grow(grown, child, trace)


def _label(branch: Branch, trace: Trace) -> Text:
    from rich.text import Text

    span = branch.span
    after_ms = (span.start_ns - trace.start_ns) / 1e6
    text = Text.assemble(
        (span.name, "bold red" if span.status == "error" else "bold"),
        (f"  {span.node}", "cyan"),
        f"  {span.duration_ms:.1f} ms",
        (f"  +{after_ms:.1f}  ", "dim"),
        (_bar(after_ms, span.duration_ms, trace.duration_ms), "green"),
    )
    if span.error:
        text.append(f"  {span.error}", "red")
    shown = {name: value for name, value in span.attributes.items() if name != "rung.tenant"}
    if shown:
        text.append("  " + " ".join(f"{name}={_short(value)}" for name, value in shown.items()), "dim")
    return text


def _short(value: object) -> str:
    """A statement of twenty lines would hide the tree; `--format json` has all of it."""
    text = " ".join(str(value).split())
    return text if len(text) <= _LONGEST_VALUE else f"{text[: _LONGEST_VALUE - 1]}…"


def _bar(after_ms: float, duration_ms: float, total_ms: float) -> str:
    if total_ms <= 0:
        return ""
    start = min(_BAR_WIDTH - 1, int(after_ms / total_ms * _BAR_WIDTH))
    width = max(1, min(_BAR_WIDTH - start, round(duration_ms / total_ms * _BAR_WIDTH)))
    return "·" * start + "━" * width + "·" * (_BAR_WIDTH - start - width)


def _summary(trace: Trace) -> dict[str, Any]:
    first = trace.roots[0].span
    return {
        "trace_id": trace.trace_id,
        "correlation_id": trace.correlation_id,
        "time": _time(trace).isoformat(),
        "duration_ms": trace.duration_ms,
        "spans": len(trace.spans),
        "node": first.node,
        "name": first.name,
        "failed": trace.failed,
    }


def _tree_as_json(trace: Trace) -> dict[str, Any]:
    return {**_summary(trace), "roots": [_branch_as_json(root, trace) for root in trace.roots]}


def _branch_as_json(branch: Branch, trace: Trace) -> dict[str, Any]:
    span = branch.span
    return {
        "span_id": span.span_id,
        "name": span.name,
        "kind": span.kind,
        "node": span.node,
        "process_id": span.process_id,
        "after_ms": (span.start_ns - trace.start_ns) / 1e6,
        "duration_ms": span.duration_ms,
        "status": span.status,
        "error": span.error,
        "attributes": span.attributes,
        "children": [_branch_as_json(child, trace) for child in branch.children],
    }


def _time(trace: Trace) -> datetime:
    return datetime.fromtimestamp(trace.start_ns / 1e9, UTC)

"""`rung queue status [FILE]`: how full each queue and lane of a workload is, and how old its oldest message."""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rung.errors import Finding, MachineError, UsageError

if TYPE_CHECKING:
    from rung.model.graph import Graph
    from rung.model.nodes import Queue
    from rung.runtime.bindings import QueueBinding
    from rung.runtime.queue import LaneStatistics, QueueStatistics

SCHEMA = "rung.queues/1"
_DEFAULT_FILE = "workload.py"
_COUNTS = ("ready", "in_flight", "delayed", "dead", "oldest_age_seconds")
_HEADINGS = ("queue", "lane", "ready", "in flight", "delayed", "dead", "oldest")


def configure(parser: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    command = parser.add_parser(
        "queue",
        help="show how full a workload's queues are",
        description="Counts per queue and lane. Finds the queues of a running rung dev by itself.",
    )
    command.add_argument("action", choices=("status",), help="what to show")
    command.add_argument(
        "file", nargs="?", type=Path, default=Path(_DEFAULT_FILE), metavar="FILE", help="the workload file"
    )
    command.add_argument("--queue", metavar="NAME", help="this queue only")
    command.add_argument("--url", help="the server that carries the queues; else that of rung dev")
    command.add_argument("--format", choices=("text", "json"), default="text", help="json is for programs")


def run(arguments: argparse.Namespace) -> int:
    """Count and print. Raises UserError: what is wrong with the file, R0510 when no queue can be asked."""
    from rung.model.nodes import Queue
    from rung.model.read import load_workload

    graph = load_workload(arguments.file)
    queues = [node for node in graph.of(Queue) if arguments.queue in (None, node.name)]
    if arguments.queue is not None and not queues:
        raise UsageError(f"no queue {arguments.queue!r}; there are {_names(graph)}")
    bindings = {node.name: _binding(node, graph.name, arguments.file, arguments.url) for node in queues}
    asked = asyncio.run(_ask_all(bindings))
    counts = {name: found for name, (found, _) in asked.items()}
    concerns = {name: found for name, (_, found) in asked.items() if found}
    if arguments.format == "json":
        shown = {"schema": SCHEMA, "workload": graph.name, "queues": _as_json(counts), "concerns": concerns}
        print(json.dumps(shown))
    else:
        print(_as_table(counts) if counts else "the workload has no queue")
        print("".join(f"\n{name}: {concern}" for name, found in concerns.items() for concern in found), end="")
    return 0


def _names(graph: Graph) -> str:
    from rung.model.nodes import Queue

    return ", ".join(node.name for node in graph.of(Queue)) or "none"


def _binding(node: Queue, workload: str, file: Path, url: str | None) -> QueueBinding:
    """From `--url`, else from this process's environment (as in a container), else from the running `rung dev`."""
    from rung.cli.queue_places import found_place, named_place

    if url is not None:
        return named_place(url, node.lanes, workload)
    found = found_place(node.name, file.resolve().parent)
    if found is None:
        raise MachineError(
            _unreachable(node.name, "rung dev has not run this workload here, and no --url was given")
        )
    return found


async def _ask_all(bindings: Mapping[str, QueueBinding]) -> dict[str, tuple[QueueStatistics, list[str]]]:
    """Of each queue its counts, and what its server should not be kept with."""
    found = await asyncio.gather(*(_ask(name, binding) for name, binding in bindings.items()))
    return dict(zip(bindings, found, strict=True))


async def _ask(name: str, binding: QueueBinding) -> tuple[QueueStatistics, list[str]]:
    from rung.runtime.errors import UnavailableError
    from rung.runtime.queue.registry import open_queue

    queue = open_queue(name, binding)
    try:
        concerns = getattr(queue, "concerns", None)
        return await queue.statistics(), [] if concerns is None else await concerns()
    except UnavailableError as error:
        raise MachineError(_unreachable(name, str(error))) from error
    finally:
        await queue.close()


def _unreachable(name: str, found: str) -> Finding:
    return Finding(
        code="R0510",
        severity="error",
        message=f"the queue {name!r} cannot be asked",
        found=found,
        effect="nothing can be shown",
        help="start the workload with rung dev, or name the server that carries its queues: --url URL",
    )


def _as_json(counts: Mapping[str, QueueStatistics]) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            **_counts_of(found),
            "lanes": [{"name": lane, **_counts_of(each)} for lane, each in found.lanes.items()],
        }
        for name, found in counts.items()
    ]


def _counts_of(found: QueueStatistics | LaneStatistics) -> dict[str, Any]:
    return {name: getattr(found, name) for name in _COUNTS}


def _as_table(counts: Mapping[str, QueueStatistics]) -> str:
    """One line per lane, and one for all of them where there are several."""
    rows: list[tuple[str, ...]] = [_HEADINGS]
    for name, found in counts.items():
        lines: list[tuple[str, QueueStatistics | LaneStatistics]] = [*found.lanes.items()]
        if len(lines) > 1:
            lines.append(("all", found))
        for position, (lane, each) in enumerate(lines):
            rows.append((name if position == 0 else "", lane, *_cells(each)))
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADINGS))]
    return "\n".join(_line(row, widths) for row in rows)


def _cells(found: QueueStatistics | LaneStatistics) -> tuple[str, str, str, str, str]:
    ready, in_flight, delayed, dead = found.ready, found.in_flight, found.delayed, found.dead
    return f"{ready:,}", f"{in_flight:,}", f"{delayed:,}", f"{dead:,}", _age(found)


def _age(found: QueueStatistics | LaneStatistics) -> str:
    seconds = found.oldest_age_seconds
    if not found.ready:
        return "-"
    if seconds is None:
        return "unknown"
    if seconds < 120:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.0f} h"


def _line(row: tuple[str, ...], widths: list[int]) -> str:
    names = [cell.ljust(width) for cell, width in zip(row[:2], widths[:2], strict=True)]
    numbers = [cell.rjust(width) for cell, width in zip(row[2:], widths[2:], strict=True)]
    return "  ".join([*names, *numbers])

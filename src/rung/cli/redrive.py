"""`rung redrive QUEUE --url URL`: list a queue's dead letters, or send them back."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rung.cli.arguments import at_least_one
from rung.errors import UsageError

if TYPE_CHECKING:
    from rung.runtime.bindings import QueueBinding
    from rung.runtime.queue import DeadLetter, Queue


def configure(parser: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    command = parser.add_parser("redrive", help="list a queue's dead letters, or send them back to it")
    command.add_argument("queue", metavar="QUEUE", help="the queue's node name")
    command.add_argument("ids", nargs="*", metavar="ID", help="send these back; none: list them")
    command.add_argument("--all", action="store_true", help="send all of them back")
    command.add_argument(
        "--file", type=Path, default=Path("workload.py"), metavar="FILE", help="the workload file that has it"
    )
    command.add_argument("--url", help="the server that carries it; else that of rung dev, or DATABASE_URL")
    command.add_argument("--lanes", metavar="A,B", help="on RabbitMQ, instead of those in the file")
    command.add_argument("--workload", metavar="NAME", help="on Redis and RabbitMQ, instead of that in the file")
    command.add_argument(
        "--limit", type=at_least_one, default=20, metavar="N", help="how many to list, the newest first (20)"
    )
    command.add_argument("--format", choices=("text", "json"), default="text", help="json is for programs")


def run(arguments: argparse.Namespace) -> int:
    """Redrive and say how many, or list; 1 when an id was no dead letter.

    Raises UsageError without a place, or with both ids and --all.
    """
    if arguments.all and arguments.ids:
        raise UsageError("give ids or --all, not both")
    found = asyncio.run(_act(_place(arguments), arguments))
    print(json.dumps(found) if arguments.format == "json" else _as_text(found))
    return int(found.get("redriven", 0) < found.get("asked", 0))


def _place(arguments: argparse.Namespace) -> QueueBinding:
    from rung.cli.queue_declared import declared_place
    from rung.cli.queue_places import found_place, local_names, named_place
    from rung.near import suggestion

    if arguments.url:
        return declared_place(
            arguments.queue, arguments.url, arguments.file, lanes=arguments.lanes, workload=arguments.workload
        )
    folder = arguments.file.resolve().parent
    found = found_place(arguments.queue, folder)
    if found is not None:
        return found
    names = local_names(folder)
    if names:
        near = suggestion(arguments.queue, names)
        raise UsageError(f"no queue {arguments.queue!r}{near}; there are {', '.join(names)}")
    url = os.environ.get("DATABASE_URL")
    if not url:
        raise UsageError(
            "say which server: --url URL, or DATABASE_URL in the environment, or --file of a running rung dev"
        )
    return named_place(url)


async def _act(place: QueueBinding, arguments: argparse.Namespace) -> dict[str, Any]:
    from rung.cli.queue_declared import ensure_there
    from rung.runtime.queue.registry import open_queue

    if arguments.url:
        await ensure_there(arguments.queue, place)
    queue = open_queue(arguments.queue, place)
    try:
        return await _redrive_or_list(queue, arguments)
    finally:
        await queue.close()


async def _redrive_or_list(queue: Queue, arguments: argparse.Namespace) -> dict[str, Any]:
    if arguments.all or arguments.ids:
        asked = {"asked": len(set(arguments.ids))} if arguments.ids else {}
        return {"queue": queue.name, "redriven": await queue.redrive(arguments.ids or None), **asked}
    letters = await queue.dead_letters(limit=arguments.limit)
    counts = await queue.statistics()
    return {"queue": queue.name, "dead": counts.dead, "dead_letters": [_plain(letter) for letter in letters]}


def _plain(letter: DeadLetter) -> dict[str, Any]:
    return {
        "id": letter.id,
        "lane": letter.lane,
        "died_at": letter.died_at.isoformat(),
        "attempts": letter.attempts,
        "reason": letter.reason,
        "origin": letter.origin,
    }


def _as_text(found: dict[str, Any]) -> str:
    if "redriven" in found:
        queue, redriven, asked = found["queue"], found["redriven"], found.get("asked", 0)
        if redriven < asked:
            return f"{redriven} of {asked} sent back to {queue}: rung redrive {queue} lists its dead letters"
        return f"{redriven} sent back to {queue}"
    lines = [f"{found['dead']} dead in {found['queue']}"]
    for letter in found["dead_letters"]:
        when, attempts = letter["died_at"][:19], letter["attempts"]
        lines.append(f"{letter['id']:>8}  {when}  {letter['lane']}  {attempts} attempts  {letter['reason']}")
    return "\n".join(lines)
